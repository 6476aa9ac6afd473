#ifndef ROOTTAR_H
#define ROOTTAR_H

#include "err.h"
#include "hash.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Writes a tar archive whose bytes depend on nothing but the calls: owner 0:0, one constant time, padding of zeros. Names
 * and links that a ustar header cannot hold go before it as entries of type 'L' and 'K' (GNU tar's, "Basic Tar Format"),
 * which busybox's tar reads too, as it does not pax headers.
 */

struct roottar;

/* fd stays the caller's. */
struct roottar *roottar_new(int fd);
void roottar_free(struct roottar *t);
static inline void roottar_freep(struct roottar **t) { roottar_free(*t); }
#define cleanup_roottar __attribute__((cleanup(roottar_freep)))

/*
 * Begins an entry. path: without a '/' at its ends. type: '0' file, '1' hard link, '2' symbolic link, '5' folder. link:
 * of '1' and '2', else NULL. size: bytes that roottar_data() will get, 0 for all but files.
 */
int roottar_entry(struct roottar *t, char type, const char *path, const char *link, unsigned mode, uint64_t size,
	struct err *err);

/* Content of the file that was begun. */
int roottar_data(struct roottar *t, const void *data, size_t len, struct err *err);

/* Pads the file that was begun. ERR_WORK where its content was not as long as said. */
int roottar_end(struct roottar *t, struct err *err);

/* Ends the archive, and gives its size and digest. */
int roottar_finish(struct roottar *t, uint64_t *size, unsigned char digest[FORMAT_DIGEST], struct err *err);

#endif
