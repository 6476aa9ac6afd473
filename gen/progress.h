#ifndef PROGRESS_H
#define PROGRESS_H

#include <stddef.h>
#include <stdint.h>

/*
 * How far a long piece of work is, on standard error. On a terminal: one line that is written over: things, bytes, rate,
 * time left. Elsewhere (a pipe, TERM=dumb): one plain line a finished thing. No colours, so NO_COLOR changes nothing.
 */

struct progress;

/*
 * verb: as "fetch". things: how many there are. bytes: how many in all, 0 where not known. quiet: shows nothing.
 */
struct progress *progress_start(const char *verb, size_t things, uint64_t bytes, int quiet);

/* Bytes came (or, negative, have to come again). */
void progress_bytes(struct progress *p, int64_t n);

/* A thing is finished. */
void progress_done(struct progress *p, const char *label, uint64_t size);

/* A line of its own, as of a retry. */
void progress_note(struct progress *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Shows the line anew, where the last time was long enough ago. */
void progress_tick(struct progress *p);

/* Ends the line with what was done, and frees p. */
void progress_end(struct progress *p);

#define PROGRESS_SIZE_MAX 16	/* bytes of a size for people, with the NUL */

/* A size for people: "512 B", "1.5 KiB", "12.0 GiB". */
void progress_size(char out[PROGRESS_SIZE_MAX], uint64_t bytes);

/* Milliseconds of the monotonic clock. */
uint64_t progress_now(void);

#endif
