#include "fuzz.h"

#include "testbundle.h"

/*
 * The whole pass. The first byte says how: the rest of the input is a bundle as it stands, or it is a recipe, by which
 * a bundle is made, edited, signed with the test's key and edited again: so that what lies behind the signature is
 * reached as well. What is accepted must be exactly what the format predicts, in every way that a bundle can be read.
 */

#define RAW 1		/* the rest of the input is the bundle */
#define THREADS 2	/* read by two threads */
#define STREAM 4	/* read from a pipe as well */
#define VOLUMES 8	/* read as volumes as well */
#define SINK 16		/* with somewhere to put the members */

#define MEMBERS_MAX 9
#define CONTENT_MAX 2048
#define EDITS_MAX 3

static const char *const plain[] = { "README.html", "bin/tool", "images/blobs/sha256/ab", "lab", "lab.env", "size/511" };
static const char *const tricky[] = { "lab", "lab/x", "../up", "/abs", "a//b", "SHA256SUMS", "SHA256SUMS.minisig", "-" };
static const char *const comments[] = {
	TB_COMMENT,
	"labgen bundle 1 lab=demo version=1.0 platform=linux/arm64",
	"labgen bundle 1 lab=demo version=1.0 platform=plan9/mips",
	"labgen bundle 1 lab=../x version=1.0 platform=linux/amd64",
	"labgen bundle 2 lab=demo version=1.0 platform=linux/amd64",
	"labgen volumes 1 lab=demo version=1.0 platform=linux/amd64 size=1 volume=1",
};

static struct tb_key key;

/* Puts, cuts, changes, doubles: one edit of a text, at a place and of a kind that the input names. */
static void edit(struct fuzz_in *in, struct buf *b)
{
	unsigned kind = fuzz_byte(in), value = fuzz_byte(in);
	size_t at = fuzz_word(in) % (b->len + 1), n = value + 1u;
	cleanup_buf struct buf made = BUF_INIT;

	if (n > b->len - at)
		n = b->len - at;
	buf_add(&made, b->data, at);
	switch (kind % 5) {
	case 0:		/* another byte */
		if (at < b->len)
			buf_addc(&made, (char)((unsigned char)b->data[at] ^ (value ? value : 1)));
		buf_add(&made, b->data + at + (at < b->len), b->len - at - (at < b->len));
		break;
	case 1:		/* one more */
		buf_addc(&made, (char)value);
		buf_add(&made, b->data + at, b->len - at);
		break;
	case 2:		/* some fewer */
		buf_add(&made, b->data + at + n, b->len - at - n);
		break;
	case 3:		/* a block twice */
		at -= at % FORMAT_BLOCK;
		made.len = 0;
		buf_add(&made, b->data, at);
		buf_add(&made, b->data + at, b->len - at < FORMAT_BLOCK ? b->len - at : FORMAT_BLOCK);
		buf_add(&made, b->data + at, b->len - at);
		break;
	default:	/* cut short */
		break;
	}
	buf_release(b);
	*b = made;
	made = (struct buf)BUF_INIT;
}

/* Whether the member is one that may follow those before it, so that the format must take it. */
static int member_make(struct fuzz_in *in, struct tb_member *m, char inlined[40])
{
	unsigned name = fuzz_byte(in);
	int good = name < 0xc0;

	if (good) {
		m->path = plain[name % (sizeof(plain) / sizeof(*plain))];
	} else if (name < 0xe0) {
		m->path = tricky[name % (sizeof(tricky) / sizeof(*tricky))];
	} else {
		size_t len = 0;
		for (unsigned c; len < 39 && (c = fuzz_byte(in)) != 0;)
			inlined[len++] = (char)c;
		inlined[len] = '\0';
		m->path = inlined;
	}
	m->data = NULL;
	m->size = fuzz_word(in) % CONTENT_MAX;
	return good;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct tb_member *)a)->path, ((const struct tb_member *)b)->path);
}

/* Makes a bundle by the recipe; whole is what it was before the edits behind the signature. Says whether it must be good. */
static int cook(struct fuzz_in *in, struct buf *tar, struct buf *whole)
{
	cleanup_buf struct buf manifest = BUF_INIT, sig = BUF_INIT;
	char inlined[MEMBERS_MAX][40];
	struct tb_member members[MEMBERS_MAX];
	unsigned n = fuzz_byte(in) % (MEMBERS_MAX + 1), sorted = fuzz_byte(in) & 1, comment = fuzz_byte(in), edits;
	int good = n > 0 && sorted && comment == 0;

	for (unsigned i = 0; i < n; i++)
		good &= member_make(in, &members[i], inlined[i]);
	if (sorted)
		qsort(members, n, sizeof(*members), by_path);
	for (unsigned i = 1; i < n; i++)
		good &= strcmp(members[i - 1].path, members[i].path) < 0;
	tb_manifest(members, n, &manifest);
	edits = fuzz_byte(in) % (EDITS_MAX + 1);
	good &= edits == 0;
	(void)buf_reserve(&manifest, 0);
	for (; edits > 0; edits--)
		edit(in, &manifest);
	(void)buf_reserve(&manifest, 0);
	tb_sign(&key, manifest.data, manifest.len, comments[comment % (sizeof(comments) / sizeof(*comments))], &sig);
	tb_archive(whole, &manifest, &sig, members, n);
	buf_add(tar, whole->data, whole->len);
	for (edits = fuzz_byte(in) % (EDITS_MAX + 1); edits > 0; edits--)
		edit(in, tar);
	return good;
}

/* What the format says the accepted bundle's bytes are, but for the contents, which are taken from it. */
static void predict(const struct bundle *b, const struct buf *tar, struct buf *out)
{
	cleanup_buf struct buf manifest = BUF_INIT, sig = BUF_INIT;
	const char *names[2] = { FORMAT_MANIFEST, FORMAT_SIGNATURE };

	for (size_t i = 0; i < b->manifest.n; i++)
		manifest_line(&b->manifest.entries[i], &manifest);
	minisign_sig_text(&b->sig, &sig);
	for (size_t i = 0; i < b->manifest.n + 2; i++) {
		const char *path = i < 2 ? names[i] : b->manifest.entries[i - 2].path;
		const char *data = i == 0 ? manifest.data : i == 1 ? sig.data : tar->data + b->offsets[i - 2];
		size_t size = i == 0 ? manifest.len : i == 1 ? sig.len : (size_t)b->sizes[i - 2];
		unsigned char block[FORMAT_BLOCK];
		struct err err;
		FUZZ_MUST(i < 2 || b->offsets[i - 2] + size <= tar->len);
		FUZZ_MUST(ustar_member(block, b->root, path, size, &err) == 0);
		buf_add(out, block, sizeof(block));
		FUZZ_MUST(i < 2 || out->len == b->offsets[i - 2]);
		buf_add(out, data, size);
		tb_zeros(out, ustar_padding(size));
	}
	tb_zeros(out, (size_t)2 * FORMAT_BLOCK);
}

/* What was accepted is all signed: the manifest by the key, the contents by the manifest, all else by prediction. */
static void check_accepted(const struct bundle *b, const struct buf *tar)
{
	cleanup_buf struct buf again = BUF_INIT;
	unsigned char digest[FORMAT_DIGEST];
	uint64_t total = 0;

	predict(b, tar, &again);
	FUZZ_MUST(again.len == tar->len && memcmp(again.data, tar->data, tar->len) == 0);
	for (size_t i = 0; i < b->manifest.n; i++) {
		/* another implementation than the one at work */
		crypto_hash_sha256(digest, (const unsigned char *)tar->data + b->offsets[i], b->sizes[i]);
		FUZZ_MUST(memcmp(digest, b->manifest.entries[i].digest, sizeof(digest)) == 0);
		total += b->sizes[i];
	}
	FUZZ_MUST(b->total == total);
}

struct shelf {
	uint64_t written;	/* bytes of members that were closed as good */
	int open;
};

static int shelf_expect(void *arg, uint64_t total, size_t members, struct err *err)
{
	(void)arg;
	(void)err;
	FUZZ_MUST(total <= members * FORMAT_SIZE_MAX);
	return 0;
}

static int shelf_open(void *arg, const char *path, uint64_t size, struct err *err)
{
	(void)err;
	FUZZ_MUST(format_path_ok(path, strlen(path)) && size <= FORMAT_SIZE_MAX);
	__atomic_add_fetch(&((struct shelf *)arg)->open, 1, __ATOMIC_RELAXED);
	return memfd_create("member", MFD_CLOEXEC);
}

static int shelf_close(void *arg, const char *path, int fd, int good, struct err *err)
{
	struct shelf *s = arg;
	struct stat st;

	(void)path;
	(void)err;
	FUZZ_MUST(fstat(fd, &st) == 0);
	if (good)
		__atomic_add_fetch(&s->written, (uint64_t)st.st_size, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&s->open, 1, __ATOMIC_RELAXED);
	return close(fd);
}

/* Reads it from an input: 0, or the code that it was refused with. */
static int read_input(struct input *in, const struct buf *tar, unsigned flags)
{
	struct shelf shelf = { 0 };
	const struct bundle_sink sink = { shelf_expect, shelf_open, shelf_close, &shelf };
	struct keyring ring = { 0 };
	struct bundle b;
	struct err err = { 0 };

	tb_trust(&ring, &key);
	int status = bundle_read(&b, in, &ring, flags & SINK ? &sink : NULL, flags & THREADS ? 2 : 1, &err);
	FUZZ_MUST(shelf.open == 0);
	if (status < 0) {
		FUZZ_MUST(err.code == ERR_AUTH && err.msg[0]);
		return (int)err.code;
	}
	FUZZ_MUST(!(flags & SINK) || shelf.written == b.total);
	if (!input_is_stream(in))
		check_accepted(&b, tar);
	bundle_release(&b);
	return 0;
}

static int read_file(const struct buf *tar, unsigned flags)
{
	cleanup_input struct input in = { 0 };
	struct err err;
	char path[32];
	cleanup_close int fd = tb_memfd(tar->data, tar->len, path);

	FUZZ_MUST(input_open(&in, path, &err) == 0 && !input_is_stream(&in));
	return read_input(&in, tar, flags);
}

static int read_stream(const struct buf *tar, unsigned flags)
{
	cleanup_input struct input in = { 0 };
	struct err err;
	char path[32];
	int ends[2];

	FUZZ_MUST(pipe(ends) == 0 && fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) > 0);
	FUZZ_MUST(fs_write(ends[1], tar->data, tar->len, &err) == 0);
	(void)close(ends[1]);
	cleanup_close int fd = ends[0];
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	FUZZ_MUST(input_open(&in, path, &err) == 0 && input_is_stream(&in));
	return read_input(&in, tar, flags);
}

/* As up to four volumes, of sizes that are no block's multiple. */
static int read_volumes(const struct buf *tar, unsigned flags)
{
	cleanup_input struct input in = { 0 };
	size_t size = tar->len / 4 + 1, n = 0;
	struct input_part *parts = xcalloc(4, sizeof(*parts));

	for (size_t at = 0; at == 0 || at < tar->len; at += size, n++) {
		char path[32];
		size_t len = tar->len - at < size ? tar->len - at : size;
		parts[n] = (struct input_part){ .name = xstrdup("volume"), .size = len };
		parts[n].fd = tb_memfd(tar->data + at, len, path);
	}
	input_volumes(&in, parts, n);
	return read_input(&in, tar, flags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_buf struct buf tar = BUF_INIT, whole = BUF_INIT;
	struct fuzz_in in = { data, size };
	unsigned flags = fuzz_byte(&in);
	int good = 0;

	if (!key.pub.id[0])
		tb_key(&key, 1);
	(void)buf_reserve(&tar, 0);
	if (flags & RAW)
		buf_add(&tar, in.data, in.left);
	else
		good = cook(&in, &tar, &whole);

	int code = read_file(&tar, flags);
	if (good) /* the bundle as it was signed, and none that differs in any byte */
		FUZZ_MUST((code == 0) == (tar.len == whole.len && memcmp(tar.data, whole.data, tar.len) == 0));
	if (flags & STREAM)
		FUZZ_MUST(read_stream(&tar, flags) == code);
	if (flags & VOLUMES)
		FUZZ_MUST(read_volumes(&tar, flags) == code);
	return 0;
}
