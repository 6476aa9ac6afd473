#ifndef INPUT_H
#define INPUT_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Where a bundle's bytes come from: a file, a row of volumes that stand for one, or a stream that is read once. The
 * first two are read at any offset, by several threads; the stream in step, while a thread of its own reads ahead.
 */

#define INPUT_CHUNK (256u << 10)	/* bytes that input_next() gives at most */

struct input_part {
	char *name;		/* path, for messages; owned */
	int fd;			/* owned */
	uint64_t size;		/* bytes */
};

struct ring;	/* a stream's read-ahead */

struct input {
	struct input_part *parts;	/* one, or the volumes in order; the stream's single part has no size */
	size_t n;
	uint64_t part_size;	/* volumes: the size of each but the last */
	uint64_t size;		/* bytes in all; a stream: UINT64_MAX */
	struct ring *ring;	/* stream only */
};

/*
 * Opens a file, or standard input for "-". A regular file at its start is read by offset, whatever its name; all else is
 * a stream.
 */
int input_open(struct input *in, const char *path, struct err *err);

/*
 * Makes one input of volumes: takes the parts over (array from malloc, open, with names and sizes). Every part but the
 * last must have the size of the first.
 */
void input_volumes(struct input *in, struct input_part *parts, size_t n);

void input_release(struct input *in);
#define cleanup_input __attribute__((cleanup(input_release)))

/* Whether it is a stream: each byte is given once, in order, to one thread. */
int input_is_stream(const struct input *in);

/*
 * Gives the bytes from offset on: at least one and at most want, or none (*len 0) at the end. *data points into buf
 * (INPUT_CHUNK bytes, the caller's; it may go unused) or into the input's own memory, good until the next call. A
 * stream has to be asked for the offset that follows the last byte it gave.
 */
int input_next(struct input *in, uint64_t offset, size_t want, unsigned char *buf, const unsigned char **data,
	size_t *len, struct err *err);

/* Reads exactly len bytes into out; ERR_AUTH "cut short" where there are fewer. */
int input_exact(struct input *in, uint64_t offset, void *out, size_t len, struct err *err);

/* The name of the part in which an offset lies: for messages. */
const char *input_name(const struct input *in, uint64_t offset);

#endif
