#ifndef HTTP_XFER_H
#define HTTP_XFER_H

#include "buf.h"
#include "http.h"
#include "http_part.h"
#include "progress.h"

#include <curl/curl.h>
#include <stdint.h>

/* One download: its attempts, one after the other. Private to http*.c. */

enum xfer_state { XFER_WAITING, XFER_RUNNING, XFER_DONE };

struct xfer {
	struct http_job *job;
	struct buf *mem;	/* the job's: where the bytes go, instead of into the store */

	enum xfer_state state;
	uint64_t wake;		/* waiting: not before, in ms of progress_now() */
	unsigned failed;	/* tries that brought it no further */
	uint64_t best;		/* the most bytes that it ever had */
	uint64_t shown;		/* bytes that the progress counts for it */

	/* of the attempt that runs */
	CURL *easy;
	struct curl_slist *headers;
	struct part part;
	uint64_t offset;	/* where the bytes that were asked for begin */
	int whole;		/* ask for everything, not for a range */
	long status;		/* of the answer that is being read */
	int64_t content_length;	/* -1: not said */
	int64_t range_start;	/* of Content-Range; -1: not said */
	int body;		/* xfer_body() was there */
	uint64_t ignored;	/* bytes of a body that nobody wants */
	int stopped;		/* we ended it; err says why */
	int again;		/* stopped: ask anew at once */
	int spoiled;		/* stopped: what is there is worth nothing */
	struct err err;
	char curl_error[CURL_ERROR_SIZE];
};

/* What xfer_start() and xfer_finish() made of it. */
enum xfer_result {
	XFER_STARTED,	/* easy is ready to be added */
	XFER_BUSY,	/* another process has the part: try again later */
	XFER_GOOD,	/* done */
	XFER_AGAIN,	/* not yet: ask anew at once */
	XFER_RETRY,	/* failed, worth another try; err says why */
	XFER_FAILED,	/* failed for good; err says why */
};

/* What the transfers of one http have in common. */
struct xfer_env {
	struct store *store;
	struct progress *progress;	/* or NULL */
	struct buf *ca;			/* authorities instead of the usual file; empty: none */
};

/* Begins an attempt with a handle that is free. */
enum xfer_result xfer_start(struct xfer *x, CURL *easy, const struct xfer_env *env);

/* Ends the attempt that curl ended with rc. */
enum xfer_result xfer_finish(struct xfer *x, CURLcode rc, const struct xfer_env *env);

/* A URL without user, password and query, for messages. To be freed. */
char *xfer_url(const char *url);

/* The host of a URL, to be freed. */
char *xfer_host(const char *url);

#endif
