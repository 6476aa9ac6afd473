#ifndef HTTP_H
#define HTTP_H

#include "buf.h"
#include "err.h"
#include "store.h"

#include <stddef.h>
#include <stdint.h>

/* Downloads over libcurl: many at once, resumed, retried, hashed while they are written. */

struct http;

/* What to fetch into the store, and what came of it. Strings are borrowed. */
struct http_job {
	const char *label;	/* for progress and errors, as "deb libc6 2.36-9" */
	const char *url;	/* http, https or file */
	const char *sha256;	/* expected, 64 hex; NULL where it is not known yet (lock): then from is what vouches */
	const char *sha512;	/* expected, standard base64; or NULL */
	uint64_t size;		/* expected bytes; 0: not known */
	const char *const *headers;	/* further request headers, NULL-terminated; or NULL */

	int failed;		/* result: see err */
	struct err err;
	char got_sha256[65];	/* result: its name in the store */
	uint64_t got_size;
};

/* jobs: how many downloads at once, from 1. quiet: no progress. */
int http_open(struct http **out, struct store *store, int jobs, int quiet, struct err *err);
void http_close(struct http *h);

/*
 * Fetches all of them into the store. A failure stops no other; each job has its own result. Returns the number of
 * jobs that failed.
 */
size_t http_fetch(struct http *h, struct http_job *jobs, size_t n);

/* Fetches a small text of at most max bytes into memory, with the same retries. */
int http_get(struct http *h, const char *url, const char *const *headers, size_t max, struct buf *out, struct err *err);

#endif
