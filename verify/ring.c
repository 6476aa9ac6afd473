#include "ring.h"

#include "fs.h"
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#define SLOTS 8
#define SLOT_SIZE (256u << 10)
#define PIPE_SIZE (1 << 20)

struct slot {
	unsigned char *data;
	size_t len;
};

struct ring {
	int fd;
	int stop[2];		/* a pipe: closing its end wakes the reader out of poll() */
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct slot slots[SLOTS];
	size_t filled;		/* slots that the reader has finished, ever */
	size_t freed;		/* slots that the caller has finished, ever */
	int ended;		/* no slot follows the filled ones */
	int stopping;
	int failed;
	struct err err;
	size_t used;		/* the caller's place in its slot */
};

/* Waits until the stream has bytes; -1 when the ring is being stopped. */
static int wait_readable(struct ring *r)
{
	struct pollfd p[2] = { { .fd = r->fd, .events = POLLIN }, { .fd = r->stop[0], .events = POLLIN } };

	for (;;) {
		int n = poll(p, 2, -1);
		if (n < 0 && errno != EINTR)
			return 0; /* read() will tell */
		if (n > 0)
			return p[1].revents ? -1 : 0;
	}
}

/* Fills a slot as far as the stream goes, so that slots are worth the hand-over. */
static int slot_fill(struct ring *r, struct slot *slot, struct err *err)
{
	slot->len = 0;
	while (slot->len < SLOT_SIZE) {
		if (wait_readable(r) < 0)
			return 0;
		ssize_t n = read(r->fd, slot->data + slot->len, SLOT_SIZE - slot->len);
		if (n < 0 && (errno == EINTR || errno == EAGAIN)) /* whoever gave it may have made it non-blocking */
			continue;
		if (n < 0)
			return err_errno(err, "cannot read");
		if (n == 0)
			break;
		slot->len += (size_t)n;
	}
	return 0;
}

static void *reader(void *arg)
{
	struct ring *r = arg;

	for (;;) {
		pthread_mutex_lock(&r->mutex);
		while (!r->stopping && r->filled - r->freed == SLOTS)
			pthread_cond_wait(&r->changed, &r->mutex);
		int stopping = r->stopping;
		pthread_mutex_unlock(&r->mutex);
		if (stopping)
			return NULL;

		struct slot *slot = &r->slots[r->filled % SLOTS];
		struct err err = { 0 };
		int status = slot_fill(r, slot, &err);

		pthread_mutex_lock(&r->mutex);
		if (status < 0) {
			r->failed = 1;
			r->err = err;
		}
		r->ended = status < 0 || slot->len < SLOT_SIZE;
		if (slot->len > 0)
			r->filled++;
		int ended = r->ended;
		pthread_cond_signal(&r->changed);
		pthread_mutex_unlock(&r->mutex);
		if (ended)
			return NULL;
	}
}

int ring_start(struct ring **out, int fd, struct err *err)
{
	struct ring *r = xcalloc(1, sizeof(*r));

	r->fd = fd;
	if (pipe(r->stop) < 0) {
		free(r);
		return err_errno(err, "cannot make a pipe");
	}
#ifdef F_SETPIPE_SZ
	(void)fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE); /* fewer switches; not a pipe, or not allowed: as it was */
#endif
	for (size_t i = 0; i < SLOTS; i++)
		r->slots[i].data = xmalloc(SLOT_SIZE);
	pthread_mutex_init(&r->mutex, NULL);
	pthread_cond_init(&r->changed, NULL);
	int failed = pthread_create(&r->thread, NULL, reader, r);
	if (failed) {
		errno = failed;
		err_errno(err, "cannot start a thread");
		for (size_t i = 0; i < SLOTS; i++)
			free(r->slots[i].data);
		(void)close(r->stop[0]);
		(void)close(r->stop[1]);
		free(r);
		return -1;
	}
	*out = r;
	return 0;
}

/* Waits for a slot that holds bytes not yet given; NULL at the end. The mutex is held. */
static struct slot *slot_wait(struct ring *r)
{
	if (r->filled != r->freed && r->used == r->slots[r->freed % SLOTS].len) {
		r->freed++;
		r->used = 0;
		pthread_cond_signal(&r->changed);
	}
	while (r->filled == r->freed && !r->ended)
		pthread_cond_wait(&r->changed, &r->mutex);
	return r->filled == r->freed ? NULL : &r->slots[r->freed % SLOTS];
}

int ring_next(struct ring *r, size_t want, const unsigned char **data, size_t *len, struct err *err)
{
	int status = 0;

	*len = 0;
	pthread_mutex_lock(&r->mutex);
	struct slot *slot = slot_wait(r);
	if (!slot && r->failed) {
		*err = r->err;
		status = -1;
	}
	pthread_mutex_unlock(&r->mutex);
	if (slot) {
		size_t left = slot->len - r->used;
		*len = want < left ? want : left;
		*data = slot->data + r->used;
		r->used += *len;
	}
	return status;
}

void ring_stop(struct ring *r)
{
	pthread_mutex_lock(&r->mutex);
	r->stopping = 1;
	pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->mutex);
	(void)close(r->stop[1]);
	pthread_join(r->thread, NULL);
	(void)close(r->stop[0]);
	for (size_t i = 0; i < SLOTS; i++)
		free(r->slots[i].data);
	pthread_mutex_destroy(&r->mutex);
	pthread_cond_destroy(&r->changed);
	free(r);
}
