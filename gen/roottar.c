#include "roottar.h"

#include "fs.h"
#include "mem.h"
#include "ustar.h"

#include <string.h>

#define BUFFER 131072
#define NAME_FIELD 100	/* bytes of a name that every header holds */

struct roottar {
	int fd;
	struct hash *hash;
	uint64_t size;		/* bytes so far */
	uint64_t left, pad;	/* of the file that was begun: content still to come, padding behind it */
	size_t used;		/* bytes in buffer */
	unsigned char buffer[BUFFER];
};

struct roottar *roottar_new(int fd)
{
	struct roottar *t = xcalloc(1, sizeof(*t));

	t->fd = fd;
	t->hash = hash_new();
	return t;
}

void roottar_free(struct roottar *t)
{
	if (!t)
		return;
	hash_free(t->hash);
	free(t);
}

static int flush(struct roottar *t, struct err *err)
{
	hash_update(t->hash, t->buffer, t->used);
	if (fs_write(t->fd, t->buffer, t->used, err) < 0)
		return -1;
	t->used = 0;
	return 0;
}

static int put(struct roottar *t, const void *data, size_t len, struct err *err)
{
	const unsigned char *p = data;

	t->size += len;
	while (len > 0) {
		size_t n = BUFFER - t->used < len ? BUFFER - t->used : len;
		memcpy(t->buffer + t->used, p, n);
		t->used += n;
		p += n;
		len -= n;
		if (t->used == BUFFER && flush(t, err) < 0)
			return -1;
	}
	return 0;
}

static int put_zeros(struct roottar *t, size_t len, struct err *err)
{
	static const unsigned char zeros[2 * FORMAT_BLOCK];

	return put(t, zeros, len, err);
}

/* A name too long for the header: as the content of an entry of its own before it. */
static int put_long(struct roottar *t, char type, const char *text, struct err *err)
{
	unsigned char block[FORMAT_BLOCK];
	uint64_t len = strlen(text) + 1;
	const struct ustar_entry e = { .path = "././@LongLink", .type = type, .mode = 0644, .size = len };

	if (ustar_encode(block, &e, err) < 0 || put(t, block, sizeof(block), err) < 0 || put(t, text, len, err) < 0)
		return -1;
	return put_zeros(t, ustar_padding(len), err);
}

/* Whether the header's own fields hold a path: the encoder knows best. */
static int fits(const char *path)
{
	unsigned char block[FORMAT_BLOCK];
	const struct ustar_entry e = { .path = path, .type = '0' };
	struct err ignored;

	return ustar_encode(block, &e, &ignored) == 0;
}

int roottar_entry(struct roottar *t, char type, const char *path, const char *link, unsigned mode, uint64_t size,
	struct err *err)
{
	unsigned char block[FORMAT_BLOCK];
	cleanup_free char *name = xasprintf("%s%s", path, type == '5' ? "/" : "");
	cleanup_free char *short_link = link ? xstrndup(link, NAME_FIELD) : NULL;

	if (link && strlen(link) > NAME_FIELD && put_long(t, 'K', link, err) < 0)
		return -1;
	if (!fits(name)) {
		if (put_long(t, 'L', name, err) < 0)
			return -1;
		name[NAME_FIELD] = '\0';
	}
	const struct ustar_entry e = { .path = name, .link = short_link, .type = type, .mode = mode, .size = size };
	if (ustar_encode(block, &e, err) < 0)
		return -1;
	t->left = size;
	t->pad = ustar_padding(size);
	return put(t, block, sizeof(block), err);
}

int roottar_data(struct roottar *t, const void *data, size_t len, struct err *err)
{
	if (len > t->left)
		return err_set(err, ERR_WORK, "more content than its header says");
	t->left -= len;
	return put(t, data, len, err);
}

int roottar_end(struct roottar *t, struct err *err)
{
	size_t pad = t->pad;

	if (t->left > 0)
		return err_set(err, ERR_WORK, "less content than its header says");
	t->pad = 0;
	return put_zeros(t, pad, err);
}

int roottar_finish(struct roottar *t, uint64_t *size, unsigned char digest[FORMAT_DIGEST], struct err *err)
{
	if (put_zeros(t, 2 * FORMAT_BLOCK, err) < 0 || flush(t, err) < 0)
		return -1;
	*size = t->size;
	hash_final(t->hash, digest);
	return 0;
}
