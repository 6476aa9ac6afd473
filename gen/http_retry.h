#ifndef HTTP_RETRY_H
#define HTTP_RETRY_H

#include <curl/curl.h>
#include <stdint.h>

/* What is worth another try, and when. */

#define HTTP_ATTEMPTS 6			/* tries of one download that bring it no further */
#define HTTP_ATTEMPTS_RESOLVE 3		/* of these, where the host's name does not resolve */
#define HTTP_BACKOFF_MS 500		/* the first wait, unless LABGEN_HTTP_BACKOFF_MS says otherwise */
#define HTTP_BACKOFF_MAX_MS 30000	/* the longest wait of our own */
#define HTTP_RETRY_AFTER_MAX_S 120	/* the longest wait that a server may ask for */

/* Whether a transfer that ended so may go better the next time. */
int http_retry_code(CURLcode rc);

/* Whether an answer with that status may be another one the next time. */
int http_retry_status(long status);

/* Whether the other side was not reached at all. */
int http_unreachable(CURLcode rc);

/* The first back-off, from the environment, in milliseconds. */
uint64_t http_backoff_base(void);

/*
 * Milliseconds to wait before the next try: doubling with each failed one (from 1), between half of that and all of it
 * by chance (any number). retry_after: seconds that the server asks for, 0 if it does not; it is heeded up to
 * HTTP_RETRY_AFTER_MAX_S.
 */
uint64_t http_backoff(uint64_t base, unsigned failed, uint64_t chance, int64_t retry_after);

#endif
