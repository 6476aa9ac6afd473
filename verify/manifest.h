#ifndef MANIFEST_H
#define MANIFEST_H

#include "buf.h"
#include "err.h"
#include "format.h"

#include <stddef.h>

/* The member SHA256SUMS: see format.h. A text that parses is exactly the text that its entries write. */

struct manifest_entry {
	const char *path;	/* borrowed from the manifest, NUL-terminated */
	unsigned char digest[FORMAT_DIGEST];
};

struct manifest {
	char *text;		/* owned: the text, cut into strings */
	struct manifest_entry *entries;
	size_t n;
};

/*
 * Reads a manifest of len bytes. text (from malloc) belongs to m from the call on, also when it fails. root_len is what
 * FORMAT_NAME_MAX must leave room for besides each path: the bytes of the root. Fails with ERR_AUTH and "line N: why"
 * where a byte is not as the format has it.
 */
int manifest_parse(struct manifest *m, char *text, size_t len, size_t root_len, struct err *err);

/* Adds the line that an entry is in a manifest. manifest_parse() reads just what this writes. */
void manifest_line(const struct manifest_entry *entry, struct buf *out);

void manifest_release(struct manifest *m);
#define cleanup_manifest __attribute__((cleanup(manifest_release)))

/* The entry of that path, or NULL. */
const struct manifest_entry *manifest_find(const struct manifest *m, const char *path);

#endif
