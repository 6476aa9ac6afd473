#include "bundle.h"

#include "fs.h"
#include "hash.h"
#include "mem.h"
#include "parallel.h"
#include "ustar.h"

#include <string.h>

#define LARGE (16u << 20)	/* bytes of a member that is worth beginning early */

struct turn {
	uint64_t size;
	size_t member;
};

struct pass {
	struct bundle *b;
	struct input *in;
	const struct bundle_sink *sink;
	const struct turn *turns;	/* the order in which threads take the members */
};

static int bad(const struct pass *p, uint64_t offset, const char *member, const char *what, struct err *err)
{
	return err_set(err, ERR_AUTH, "%s: %s%s%s (offset %llu)", input_name(p->in, offset), member ? member : "",
		member ? ": " : "", what, (unsigned long long)offset);
}

/* Reads exactly len bytes that belong to a member. */
static int take(const struct pass *p, uint64_t offset, void *out, size_t len, const char *member, struct err *err)
{
	if (input_exact(p->in, offset, out, len, err) == 0)
		return 0;
	if (err->code == ERR_AUTH)
		return bad(p, offset, member, "cut short", err);
	return err_wrap(err, "%s", input_name(p->in, offset));
}

static int is_zero(const unsigned char *data, size_t len)
{
	static const unsigned char zeros[FORMAT_BLOCK];

	return len <= sizeof(zeros) && memcmp(data, zeros, len) == 0;
}

/* The padding behind content that ends at offset: zero bytes, which nothing else checks. */
static int check_padding(const struct pass *p, uint64_t offset, unsigned len, const char *member, struct err *err)
{
	unsigned char got[FORMAT_BLOCK];

	if (take(p, offset, got, len, member, err) < 0)
		return -1;
	if (!is_zero(got, len))
		return bad(p, offset, member, "padding is not zero", err);
	return 0;
}

/*
 * Reads member i's content, and with it the padding, which is less than a block: hashes the content, writes it to fd
 * unless that is -1, and looks at the padding, which nothing else checks.
 */
static int copy_hashed(const struct pass *p, size_t i, int fd, unsigned char *buf, unsigned char digest[FORMAT_DIGEST],
	struct err *err)
{
	const char *member = p->b->manifest.entries[i].path;
	uint64_t offset = p->b->offsets[i], content = p->b->sizes[i], left = content + ustar_padding(content);
	cleanup_hash struct hash *h = hash_new();

	while (left > 0) {
		const unsigned char *data;
		size_t len;
		if (input_next(p->in, offset, left < INPUT_CHUNK ? (size_t)left : INPUT_CHUNK, buf, &data, &len, err) < 0)
			return err_wrap(err, "%s", input_name(p->in, offset));
		if (len == 0)
			return bad(p, offset, member, "cut short", err);
		size_t n = content < len ? (size_t)content : len;
		hash_update(h, data, n);
		if (fd >= 0 && fs_write(fd, data, n, err) < 0)
			return err_wrap(err, "%s", member);
		if (!is_zero(data + n, len - n))
			return bad(p, offset + n, member, "padding is not zero", err);
		content -= n;
		offset += len;
		left -= len;
	}
	hash_final(h, digest);
	return 0;
}

static int member_content(const struct pass *p, size_t i, int fd, unsigned char *buf, struct err *err)
{
	const struct manifest_entry *e = &p->b->manifest.entries[i];
	unsigned char digest[FORMAT_DIGEST];

	if (copy_hashed(p, i, fd, buf, digest, err) < 0)
		return -1;
	if (memcmp(digest, e->digest, sizeof(digest)) != 0)
		return bad(p, p->b->offsets[i], e->path, "digest differs", err);
	return 0;
}

/* One member's content, from open to close of where it goes. */
static int member_work(const struct pass *p, size_t i, unsigned char *buf, struct err *err)
{
	const char *path = p->b->manifest.entries[i].path;

	if (!p->sink)
		return member_content(p, i, -1, buf, err);
	int fd = p->sink->open(p->sink->arg, path, p->b->sizes[i], err);
	if (fd < 0)
		return -1;
	int status = member_content(p, i, fd, buf, err);
	struct err closing = { 0 };
	if (p->sink->close(p->sink->arg, path, fd, status == 0, &closing) < 0 && status == 0) {
		*err = closing;
		status = -1;
	}
	return status;
}

/* Reads the block at *offset, compares it with the header predicted for the path, and gives the size it names. */
static int take_header(const struct pass *p, const char *path, uint64_t *offset, uint64_t *size, struct err *err)
{
	unsigned char got[FORMAT_BLOCK], want[FORMAT_BLOCK];

	if (take(p, *offset, got, sizeof(got), path, err) < 0)
		return -1;
	if (ustar_size(got, size) < 0)
		return bad(p, *offset, path, "header: size field is not in the format's one spelling", err);
	if (ustar_member(want, p->b->root, path, *size, err) < 0) {
		err->code = ERR_AUTH;
		return err_wrap(err, "%s", input_name(p->in, *offset));
	}
	if (memcmp(got, want, sizeof(got)) != 0)
		return bad(p, *offset, path, "header is not the one that the manifest predicts", err);
	*offset += FORMAT_BLOCK;
	return 0;
}

/* One of the first two members, read before anything is known: its header is checked by the caller, later. */
struct leader {
	unsigned char header[FORMAT_BLOCK];
	uint64_t offset;	/* of the header */
	uint64_t size;		/* bytes of the content */
	struct buf text;	/* the content */
};

static int take_leader(const struct pass *p, const char *member, size_t max, uint64_t *offset, struct leader *l,
	struct err *err)
{
	l->offset = *offset;
	if (take(p, *offset, l->header, sizeof(l->header), member, err) < 0)
		return -1;
	if (ustar_size(l->header, &l->size) < 0)
		return bad(p, *offset, member, "not a labgen bundle: no header of this format", err);
	if (l->size > max)
		return bad(p, *offset, member, "larger than the format allows", err);
	*offset += FORMAT_BLOCK;
	if (take(p, *offset, buf_reserve(&l->text, (size_t)l->size), (size_t)l->size, member, err) < 0)
		return -1;
	l->text.len = (size_t)l->size;
	*offset += l->size;
	if (check_padding(p, *offset, ustar_padding(l->size), member, err) < 0)
		return -1;
	*offset += ustar_padding(l->size);
	return 0;
}

static int check_leader(const struct pass *p, const char *member, const struct leader *l, struct err *err)
{
	unsigned char want[FORMAT_BLOCK];

	if (ustar_member(want, p->b->root, member, l->size, err) < 0) {
		err->code = ERR_AUTH;
		return -1;
	}
	if (memcmp(l->header, want, sizeof(want)) != 0)
		return bad(p, l->offset, member, "header is not the one that the signature predicts", err);
	return 0;
}

static int read_leaders(const struct pass *p, struct keyring *keys, struct leader *manifest, struct leader *sig,
	uint64_t *offset, struct err *err)
{
	if (take_leader(p, FORMAT_MANIFEST, FORMAT_MANIFEST_MAX, offset, manifest, err) < 0 ||
	    take_leader(p, FORMAT_SIGNATURE, FORMAT_SIGNATURE_MAX, offset, sig, err) < 0)
		return -1;
	if (bundle_identify(p->b, buf_steal(&manifest->text), (size_t)manifest->size, sig->text.data, sig->text.len, keys,
		    err) < 0)
		return err_wrap(err, "%s", input_name(p->in, 0));
	if (check_leader(p, FORMAT_MANIFEST, manifest, err) < 0)
		return -1;
	return check_leader(p, FORMAT_SIGNATURE, sig, err);
}

/* Reads the first two members: from then on everything that follows is predicted by a signed text. */
static int take_leaders(const struct pass *p, struct keyring *keys, uint64_t *offset, struct err *err)
{
	struct leader manifest = { 0 }, sig = { 0 };
	int status = read_leaders(p, keys, &manifest, &sig, offset, err);

	buf_release(&manifest.text);
	buf_release(&sig.text);
	return status;
}

/* Two zero blocks, and nothing behind them. */
static int check_end(const struct pass *p, uint64_t offset, struct err *err)
{
	unsigned char byte[1];
	const unsigned char *data;
	size_t len;

	for (int i = 0; i < 2; i++, offset += FORMAT_BLOCK)
		if (check_padding(p, offset, FORMAT_BLOCK, "end of archive", err) < 0)
			return -1;
	if (input_next(p->in, offset, 1, byte, &data, &len, err) < 0)
		return err_wrap(err, "%s", input_name(p->in, offset));
	if (len != 0)
		return bad(p, offset, NULL, "bytes behind the end of the archive", err);
	return 0;
}

/*
 * Walks the headers. In a stream the content is worked on as it comes by; else its place is noted, and the content is
 * left to the threads.
 */
static int walk(struct pass *p, uint64_t offset, struct err *err)
{
	struct bundle *b = p->b;
	cleanup_free unsigned char *buf = input_is_stream(p->in) ? xmalloc(INPUT_CHUNK) : NULL;

	for (size_t i = 0; i < b->manifest.n; i++) {
		uint64_t size;
		if (take_header(p, b->manifest.entries[i].path, &offset, &size, err) < 0)
			return -1;
		b->sizes[i] = size;
		b->offsets[i] = offset;
		b->total += size;
		if (buf && member_work(p, i, buf, err) < 0)
			return -1;
		offset += size + ustar_padding(size);
	}
	return check_end(p, offset, err);
}

static int by_size(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	return x->member < y->member ? -1 : 1;
}

/*
 * Several threads begin with the large members, the largest first, so that no one of them is left alone with one at the
 * end; all others come in the order in which they lie in the file, as all do where there is one thread. To be freed.
 */
static struct turn *make_turns(const struct bundle *b, unsigned threads)
{
	struct turn *turns = xcalloc(b->manifest.n, sizeof(*turns));
	uint64_t early = threads > 1 ? LARGE : UINT64_MAX;
	size_t n = 0;

	for (size_t i = 0; i < b->manifest.n; i++)
		if (b->sizes[i] >= early)
			turns[n++] = (struct turn){ b->sizes[i], i };
	qsort(turns, n, sizeof(*turns), by_size);
	for (size_t i = 0; i < b->manifest.n; i++)
		if (b->sizes[i] < early)
			turns[n++] = (struct turn){ b->sizes[i], i };
	return turns;
}

static int take_turn(void *arg, size_t k, unsigned char *buf, struct err *err)
{
	const struct pass *p = arg;

	return member_work(p, p->turns[k].member, buf, err);
}

static int read_members(struct pass *p, uint64_t offset, unsigned threads, struct err *err)
{
	struct bundle *b = p->b;

	b->sizes = xcalloc(b->manifest.n, sizeof(*b->sizes));
	b->offsets = xcalloc(b->manifest.n, sizeof(*b->offsets));
	if (walk(p, offset, err) < 0)
		return -1;
	if (input_is_stream(p->in))
		return 0;
	if (p->sink && p->sink->expect(p->sink->arg, b->total, b->manifest.n, err) < 0)
		return -1;
	cleanup_free struct turn *turns = make_turns(b, threads);
	p->turns = turns;
	return parallel_each(b->manifest.n, threads, INPUT_CHUNK, take_turn, p, err);
}

int bundle_peek(struct bundle *b, struct input *in, struct keyring *keys, struct err *err)
{
	const struct pass p = { .b = b, .in = in };
	uint64_t offset = 0;

	*b = (struct bundle){ 0 };
	if (take_leaders(&p, keys, &offset, err) == 0)
		return 0;
	bundle_release(b);
	return -1;
}

int bundle_read(struct bundle *b, struct input *in, struct keyring *keys, const struct bundle_sink *sink,
	unsigned threads, struct err *err)
{
	struct pass p = { .b = b, .in = in, .sink = sink };
	uint64_t offset = 0;

	*b = (struct bundle){ 0 };
	if (take_leaders(&p, keys, &offset, err) < 0 || read_members(&p, offset, threads, err) < 0) {
		bundle_release(b);
		return -1;
	}
	return 0;
}

void bundle_release(struct bundle *b)
{
	manifest_release(&b->manifest);
	free(b->sizes);
	free(b->offsets);
	*b = (struct bundle){ 0 };
}
