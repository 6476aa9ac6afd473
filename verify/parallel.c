#include "parallel.h"

#include "mem.h"

#include <pthread.h>
#include <unistd.h>

struct crew {
	size_t n;
	size_t next;
	size_t failed;		/* the lowest i that failed; n: none */
	struct err err;
	size_t buf_size;
	int (*work)(void *arg, size_t i, unsigned char *buf, struct err *err);
	void *arg;
	pthread_mutex_t mutex;
};

/* Takes the next piece of work; n when there is none left. */
static size_t take(struct crew *c)
{
	pthread_mutex_lock(&c->mutex);
	size_t i = c->failed < c->n || c->next == c->n ? c->n : c->next++;
	pthread_mutex_unlock(&c->mutex);
	return i;
}

static void fail(struct crew *c, size_t i, const struct err *err)
{
	pthread_mutex_lock(&c->mutex);
	if (i < c->failed) {
		c->failed = i;
		c->err = *err;
	}
	pthread_mutex_unlock(&c->mutex);
}

static void *run(void *arg)
{
	struct crew *c = arg;
	cleanup_free unsigned char *buf = xmalloc(c->buf_size);

	for (size_t i; (i = take(c)) < c->n;) {
		struct err err = { 0 };
		if (c->work(c->arg, i, buf, &err) < 0)
			fail(c, i, &err);
	}
	return NULL;
}

int parallel_each(size_t n, unsigned threads, size_t buf_size,
	int (*work)(void *arg, size_t i, unsigned char *buf, struct err *err), void *arg, struct err *err)
{
	struct crew c = { .n = n, .failed = n, .buf_size = buf_size, .work = work, .arg = arg };
	pthread_t others[PARALLEL_MAX];
	unsigned started = 0;

	if (threads > PARALLEL_MAX)
		threads = PARALLEL_MAX;
	pthread_mutex_init(&c.mutex, NULL);
	/* A thread that cannot be had is no error: this one does the work. */
	while (started + 1 < threads && started + 1 < n && pthread_create(&others[started], NULL, run, &c) == 0)
		started++;
	(void)run(&c);
	for (unsigned i = 0; i < started; i++)
		pthread_join(others[i], NULL);
	pthread_mutex_destroy(&c.mutex);
	if (c.failed < n) {
		*err = c.err;
		return -1;
	}
	return 0;
}

unsigned parallel_processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (n < 1)
		return 1;
	return n > PARALLEL_MAX ? PARALLEL_MAX : (unsigned)n;
}
