#ifndef UNPACK_H
#define UNPACK_H

#include "err.h"
#include "hash.h"
#include "store.h"

#include <stdint.h>

/*
 * Takes one regular file out of an archive (tar or zip; plain, gzip, xz, zstd, bzip2) in the open file archive, into a
 * nameless work file, whose descriptor it returns. name: the archive's, for messages. -1: no such file there, or not an
 * archive.
 */
int unpack_member(const struct store *store, int archive, const char *name, const char *member, uint64_t *size,
	unsigned char digest[FORMAT_DIGEST], struct err *err);

#endif
