#ifndef HTTP_PART_H
#define HTTP_PART_H

#include "err.h"
#include "hash.h"
#include "http.h"
#include "store.h"

#include <openssl/evp.h>
#include <stdint.h>

/*
 * An unfinished download, in the store's folder part/, hashed as it grows. It is named by the digest that is pinned, so
 * that only what belongs together is ever joined; where none is known, by its URL, and then it starts anew each time.
 * It is locked while it is open: two processes never write the same one.
 */

struct part {
	const struct store *store;
	char *name;		/* below the store's folder */
	int fd;			/* -1: not open */
	uint64_t len;		/* bytes that it has */
	uint64_t resumed;	/* of these, how many an earlier process may have left */
	struct hash *sha256;
	EVP_MD_CTX *sha512;	/* or NULL */
};

#define PART_INIT { NULL, NULL, -1, 0, 0, NULL, NULL }

/*
 * Opens the part of a job, hashing what is there. Returns 0; 1 where another process (or another job of this one) has
 * it; -1.
 */
int part_open(struct part *p, const struct store *store, const struct http_job *job, struct err *err);

/* Makes it empty again. */
int part_restart(struct part *p, struct err *err);

int part_write(struct part *p, const void *data, size_t len, struct err *err);

/*
 * Checks the finished part against what the job pins, and makes it a blob: got_sha256 and got_size are set. ERR_AUTH
 * with both digests where it is another; then the part is still there. It is closed in neither case.
 */
int part_finish(struct part *p, struct http_job *job, struct err *err);

/* Closes it and keeps it for later. */
void part_close(struct part *p);

/* Removes and closes it. */
void part_drop(struct part *p);

#endif
