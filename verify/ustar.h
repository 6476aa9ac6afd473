#ifndef USTAR_H
#define USTAR_H

#include "err.h"
#include "format.h"

#include <stdint.h>

/* The ustar header block: POSIX.1-2017, pax, "ustar Interchange Format". */

struct ustar_entry {
	const char *path;	/* folders end in '/' */
	const char *link;	/* target of a link, or NULL */
	char type;		/* '0' file, '1' hard link, '2' symbolic link, '5' folder, 'x' pax header */
	unsigned mode;		/* permission bits */
	uint64_t size;		/* bytes of content; at most FORMAT_SIZE_MAX */
};

/*
 * Encodes a header block: uid and gid 0, no user or group name, time FORMAT_MTIME. Fails with ERR_USAGE where the block
 * cannot hold it: a path that no '/' splits into a prefix of at most 155 and a name of at most 100 bytes, a link over
 * 100 bytes, a size over FORMAT_SIZE_MAX.
 */
int ustar_encode(unsigned char block[FORMAT_BLOCK], const struct ustar_entry *entry, struct err *err);

/* The header of a bundle's member: ustar_encode() of a file "ROOT/PATH" with format_mode(path). */
int ustar_member(unsigned char block[FORMAT_BLOCK], const char *root, const char *path, uint64_t size, struct err *err);

/*
 * Reads the size field as ustar_encode() writes it: eleven octal digits and a NUL, nothing else. Returns 0, or -1 where
 * the field is of another shape.
 */
int ustar_size(const unsigned char block[FORMAT_BLOCK], uint64_t *size);

/* Bytes of zero padding that follow size bytes of content: 0 to 511. */
static inline unsigned ustar_padding(uint64_t size)
{
	return (unsigned)(-size & (FORMAT_BLOCK - 1));
}

#endif
