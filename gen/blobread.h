#ifndef BLOBREAD_H
#define BLOBREAD_H

#include "err.h"
#include "hash.h"
#include "store.h"

#include <archive.h>

/* A blob of the store as an archive that libarchive reads, hashed on the way: one pass, and what was used was checked. */

#define BLOBREAD_CHUNK 65536

struct blobread {
	const struct store *store;
	const char *sha256;	/* 64 hex, borrowed */
	int fd;
	struct hash *hash;
	char chunk[BLOBREAD_CHUNK];
};

/* Opens the blob; a is new, and has its formats and filters set. r must live as long as a is read. */
int blobread_open(struct blobread *r, struct archive *a, const struct store *store, const char *sha256, struct err *err);

/*
 * Reads what libarchive left, and compares the digest. A blob that is damaged is taken out of the store: ERR_AUTH, which
 * goes before whatever the reading of the archive failed of.
 */
int blobread_finish(struct blobread *r, struct err *err);

void blobread_release(struct blobread *r);

#endif
