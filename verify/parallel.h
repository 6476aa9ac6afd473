#ifndef PARALLEL_H
#define PARALLEL_H

#include "err.h"

#include <stddef.h>

#define PARALLEL_MAX 16	/* threads: each has a buffer of its own, and memory is bounded */

/*
 * Calls work(arg, i, buf, err) for each i below n, in that order, on so many threads; buf is the thread's own, of
 * buf_size bytes. Once one fails no further is begun; of several failures the one with the lowest i is reported, so that
 * the outcome does not depend on the threads.
 */
int parallel_each(size_t n, unsigned threads, size_t buf_size,
	int (*work)(void *arg, size_t i, unsigned char *buf, struct err *err), void *arg, struct err *err);

/* Processors that are there to be used, from 1 to PARALLEL_MAX. */
unsigned parallel_processors(void);

#endif
