#ifndef MEM_H
#define MEM_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Memory that cannot fail: each of these ends the program with one line when there is none. */

void *xmalloc(size_t n);
void *xcalloc(size_t n, size_t size);
/* Resizes to n elements of size bytes; a product that overflows counts as out of memory. */
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Cleanup attributes: the variable is released when it goes out of scope; steal() takes the value out first. */
static inline void cleanup_freep(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_closep(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void cleanup_fclosep(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}

#define cleanup_free __attribute__((cleanup(cleanup_freep)))
#define cleanup_close __attribute__((cleanup(cleanup_closep)))
#define cleanup_fclose __attribute__((cleanup(cleanup_fclosep)))

/* Gives the pointer's value and leaves NULL behind: hands an owned thing to the caller. */
#define steal(pp) \
	__extension__({ \
		__typeof__(*(pp)) stolen_ = *(pp); \
		*(pp) = NULL; \
		stolen_; \
	})

/* Gives the descriptor and leaves -1 behind. */
static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
