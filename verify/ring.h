#ifndef RING_H
#define RING_H

#include "err.h"

#include <stddef.h>

/* Read-ahead of a stream: a thread fills a few fixed buffers while the caller works on the one before. */

struct ring;

/* Starts reading fd, which stays the caller's. */
int ring_start(struct ring **out, int fd, struct err *err);

/*
 * Gives the next bytes: at least one and at most want, or none (*len 0) at the end. They are good until the next call.
 */
int ring_next(struct ring *r, size_t want, const unsigned char **data, size_t *len, struct err *err);

/* Stops the thread; what was read ahead is lost. */
void ring_stop(struct ring *r);

#endif
