#ifndef HTTP_H
#define HTTP_H

#include "buf.h"
#include "err.h"
#include "store.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Downloads over libcurl: many at once, resumed, retried, hashed while they are written.
 *
 * Environment: http_proxy, https_proxy, all_proxy, no_proxy, SSL_CERT_FILE and SSL_CERT_DIR as everywhere;
 * LABGEN_HTTP_BACKOFF_MS: the first back-off in milliseconds (500), which doubles with each retry.
 */

struct http;

#define HTTP_WORD_MAX 256	/* bytes of a header field's value that is kept, with the NUL */
#define HTTP_CHALLENGE_MAX 4096	/* bytes of all challenges of an answer, with the NUL */

/* What the header of the last answer said; empty where it did not. Longer values are cut. */
struct http_reply {
	char content_type[HTTP_WORD_MAX];
	char docker_digest[HTTP_WORD_MAX];	/* Docker-Content-Digest */
	char authenticate[HTTP_CHALLENGE_MAX];	/* Www-Authenticate; more than one are joined by ", " */
	int elsewhere;				/* a redirect led to another host, and this is what that one said */
};

/*
 * What to fetch into the store, or into memory, and what came of it. Strings are borrowed. An Authorization among the
 * headers is for the URL's own host: a redirect to another one does not take it along.
 */
struct http_job {
	const char *label;	/* for progress and errors, as "deb libc6 2.36-9" */
	const char *url;	/* http, https or file */
	const char *sha256;	/* expected, 64 hex; NULL where it is not known yet (lock): then from is what vouches */
	const char *sha512;	/* expected, standard base64; or NULL */
	uint64_t size;		/* expected bytes; 0: not known */
	const char *const *headers;	/* further request headers, NULL-terminated; or NULL */
	const char *proxy;	/* URL of a proxy; "": none; NULL: what the environment says */
	uint64_t max;		/* most bytes that are taken where size is 0; 0: what a member can have */
	struct buf *mem;	/* where the bytes go instead of into the store, with no digest checked (max is needed); or NULL */
	const char *post;	/* POST this form instead of a GET (with mem); or NULL */
	struct http_reply *reply;	/* result, where it is not NULL */

	int failed;		/* result: see err */
	struct err err;
	long status;		/* result: of a failure, the HTTP status; 0: there was none */
	char got_sha256[65];	/* result: its name in the store */
	uint64_t got_size;
};

/* jobs: how many downloads at once, from 1. quiet: no progress. */
int http_open(struct http **out, struct store *store, int jobs, int quiet, struct err *err);
void http_close(struct http *h);

/* Takes the certificate authorities of a file (PEM) as well as the usual ones. */
int http_add_ca(struct http *h, const char *file, struct err *err);

/*
 * Fetches all of them. A failure stops no other; each job has its own result. Returns the number of
 * jobs that failed.
 */
size_t http_fetch(struct http *h, struct http_job *jobs, size_t n);

/*
 * Fetches a small text of at most max bytes into memory, with the same retries. proxy: as in struct http_job.
 */
int http_get(struct http *h, const char *url, const char *const *headers, const char *proxy, size_t max, struct buf *out,
	struct err *err);

#endif
