#include "input.h"

#include "fs.h"
#include "mem.h"
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

int input_open(struct input *in, const char *path, struct err *err)
{
	struct stat st;
	int is_stdin = strcmp(path, "-") == 0;
	cleanup_close int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);

	*in = (struct input){ 0 };
	if (is_stdin)
		path = "standard input";
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, "%s", path);
	if (S_ISDIR(st.st_mode))
		return err_set(err, ERR_USAGE, "%s: is a folder", path);

	int by_offset = S_ISREG(st.st_mode) && lseek(fd, 0, SEEK_CUR) == 0;
	if (!by_offset && ring_start(&in->ring, fd, err) < 0)
		return err_wrap(err, "%s", path);
	in->parts = xcalloc(1, sizeof(*in->parts));
	in->n = 1;
	in->size = by_offset ? (uint64_t)st.st_size : UINT64_MAX;
	in->part_size = in->size;
	in->parts[0] = (struct input_part){ .name = xstrdup(path), .fd = steal_fd(&fd), .size = in->size };
	return 0;
}

void input_volumes(struct input *in, struct input_part *parts, size_t n)
{
	*in = (struct input){ .parts = parts, .n = n, .part_size = parts[0].size };
	for (size_t i = 0; i < n; i++)
		in->size += parts[i].size;
}

void input_release(struct input *in)
{
	if (in->ring)
		ring_stop(in->ring);
	for (size_t i = 0; i < in->n; i++) {
		if (in->parts[i].fd >= 0)
			(void)close(in->parts[i].fd);
		free(in->parts[i].name);
	}
	free(in->parts);
	*in = (struct input){ 0 };
}

int input_is_stream(const struct input *in)
{
	return in->ring != NULL;
}

static size_t part_of(const struct input *in, uint64_t offset)
{
	size_t i = in->n > 1 ? (size_t)(offset / in->part_size) : 0;

	return i < in->n ? i : in->n - 1;
}

const char *input_name(const struct input *in, uint64_t offset)
{
	return in->parts[part_of(in, offset)].name;
}

int input_next(struct input *in, uint64_t offset, size_t want, unsigned char *buf, const unsigned char **data,
	size_t *len, struct err *err)
{
	if (want > INPUT_CHUNK)
		want = INPUT_CHUNK;
	if (in->ring)
		return ring_next(in->ring, want, data, len, err);

	size_t i = part_of(in, offset);
	uint64_t at = offset - i * in->part_size;
	uint64_t left = at < in->parts[i].size ? in->parts[i].size - at : 0;
	if (want > left)
		want = (size_t)left;
	*data = buf;
	return fs_pread(in->parts[i].fd, buf, want, at, len, err);
}

int input_exact(struct input *in, uint64_t offset, void *out, size_t len, struct err *err)
{
	unsigned char *to = out;

	while (len > 0) {
		const unsigned char *data;
		size_t got;
		if (input_next(in, offset, len, to, &data, &got, err) < 0)
			return -1;
		if (got == 0)
			return err_set(err, ERR_AUTH, "cut short");
		if (data != to)
			memcpy(to, data, got);
		to += got;
		offset += got;
		len -= got;
	}
	return 0;
}
