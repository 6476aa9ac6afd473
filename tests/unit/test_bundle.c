/* The one pass: every byte of a bundle counts, whatever is done to it. See also test_bundle_forged.c and _limits.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "testbundle.h"

#define ALL_BITS 4096	/* the first bytes of the file, of which every bit is flipped; of the others one each */
#define PIPE_STEP 41	/* of so many bytes one is flipped in a stream as well */

struct fix {
	struct tb_key key, other;
	struct buf good;
	struct err err;
};

static int setup(void **state)
{
	struct fix *f = xcalloc(1, sizeof(*f));

	tb_key(&f->key, 1);
	tb_key(&f->other, 2);
	tb_bundle(&f->good, &f->key, tb_small, TB_SMALL);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	buf_release(&f->good);
	free(f);
	return 0;
}

static void test_good(void **state)
{
	struct fix *f = *state;
	struct keyring ring = { 0 };
	struct bundle b;
	char path[32], hex[HASH_HEX + 1], want[HASH_HEX + 1];
	cleanup_close int fd = tb_memfd(f->good.data, f->good.len, path);
	cleanup_buf struct buf manifest = BUF_INIT;
	unsigned char id[FORMAT_DIGEST];
	uint64_t total = 0;

	tb_trust(&ring, &f->key);
	if (tb_read_path(path, &ring, &b, &f->err) != 0)
		fail_msg("%s", f->err.msg);
	assert_string_equal(b.lab, TB_LAB);
	assert_string_equal(b.version, TB_VERSION);
	assert_string_equal(b.platform, TB_PLATFORM);
	assert_string_equal(b.root, TB_ROOT);
	assert_int_equal(b.manifest.n, TB_SMALL);
	for (size_t i = 0; i < TB_SMALL; i++) {
		assert_string_equal(b.manifest.entries[i].path, tb_small[i].path);
		assert_true(b.sizes[i] == tb_small[i].size);
		total += tb_small[i].size;
	}
	assert_true(b.total == total);
	tb_manifest(tb_small, TB_SMALL, &manifest);
	hash_bytes(manifest.data, manifest.len, id);
	hash_to_hex(id, want);
	hash_to_hex(b.id, hex);
	assert_string_equal(hex, want);
	bundle_release(&b);
}

static void test_good_stream(void **state)
{
	struct fix *f = *state;

	if (tb_check_pipe(&f->good, &f->key, &f->err) != 0)
		fail_msg("%s", f->err.msg);
}

/* The same for every number of threads, with the same message. */
static void test_threads(void **state)
{
	struct fix *f = *state;
	char first[ERR_MSG_MAX] = "";

	f->good.data[f->good.len - 1024 - 512] ^= 1; /* the last member's padding or content */
	for (unsigned threads = 1; threads <= 16; threads++) {
		struct keyring ring = { 0 };
		struct input in = { 0 };
		struct bundle b;
		char path[32];
		cleanup_close int fd = tb_memfd(f->good.data, f->good.len, path);
		tb_trust(&ring, &f->key);
		assert_int_equal(input_open(&in, path, &f->err), 0);
		assert_int_equal(bundle_read(&b, &in, &ring, NULL, threads, &f->err), -1);
		input_release(&in);
		assert_int_equal(f->err.code, ERR_AUTH);
		assert_non_null(strstr(f->err.msg, "size/513"));
		const char *what = strchr(f->err.msg, ':'); /* what is before is the descriptor's name */
		if (first[0])
			assert_string_equal(what, first);
		(void)snprintf(first, sizeof(first), "%s", what);
	}
}

/* Of several bad members the first is named, also where another thread is done with a later one long before. */
static void test_first_of_several(void **state)
{
	static const struct tb_member m[] = { { "a", NULL, 4000000 }, { "b", NULL, 10 } };
	struct fix *f = *state;
	cleanup_buf struct buf tar = BUF_INIT;

	tb_bundle(&tar, &f->key, m, 2);
	tar.data[tar.len - 1024 - 512] ^= 1;	/* b's first byte */
	tar.data[tar.len - 1024 - 1024 - 512] ^= 1; /* in a's last block */
	for (int i = 0; i < 20; i++) {
		struct keyring ring = { 0 };
		struct input in = { 0 };
		struct bundle b;
		char path[32];
		cleanup_close int fd = tb_memfd(tar.data, tar.len, path);
		tb_trust(&ring, &f->key);
		assert_int_equal(input_open(&in, path, &f->err), 0);
		assert_int_equal(bundle_read(&b, &in, &ring, NULL, 4, &f->err), -1);
		input_release(&in);
		assert_non_null(strstr(f->err.msg, ": a: digest differs"));
	}
}

/* Checks what the descriptor holds, by a path to it. */
static void assert_refused_at(struct fix *f, const char *path, size_t at, int bit)
{
	struct keyring ring = { 0 };
	struct bundle b;

	tb_trust(&ring, &f->key);
	int code = tb_read_path(path, &ring, &b, &f->err);
	if (code != ERR_AUTH)
		fail_msg("byte %zu, bit %d: %d %s", at, bit, code, f->err.msg);
	assert_non_null(strstr(f->err.msg, path));
	assert_null(strchr(f->err.msg, '\n'));
}

static void flip(struct fix *f, int fd, const char *path, size_t at, int bit)
{
	char byte = (char)(f->good.data[at] ^ (1 << bit));

	if (pwrite(fd, &byte, 1, (off_t)at) != 1)
		abort();
	assert_refused_at(f, path, at, bit);
	if (pwrite(fd, &f->good.data[at], 1, (off_t)at) != 1)
		abort();
}

static void test_flip_every_byte(void **state)
{
	struct fix *f = *state;
	char path[32];
	cleanup_close int fd = tb_memfd(f->good.data, f->good.len, path);

	for (size_t at = 0; at < f->good.len; at++)
		for (int bit = 0; bit < 8; bit++)
			if (at < ALL_BITS || bit == (int)(at % 8))
				flip(f, fd, path, at, bit);
	struct keyring ring = { 0 };
	struct bundle b;
	tb_trust(&ring, &f->key);
	assert_int_equal(tb_read_path(path, &ring, &b, &f->err), 0); /* and whole again, it is good */
	bundle_release(&b);
}

static void test_flip_stream(void **state)
{
	struct fix *f = *state;

	for (size_t at = 0; at < f->good.len; at += PIPE_STEP) {
		f->good.data[at] = (char)(f->good.data[at] ^ (1 << at % 8));
		if (tb_check_pipe(&f->good, &f->key, &f->err) != ERR_AUTH)
			fail_msg("byte %zu: %s", at, f->err.msg);
		f->good.data[at] = (char)(f->good.data[at] ^ (1 << at % 8));
	}
}

/* Cut at every block boundary, a byte before and after each, and at odd places. */
static void test_cut(void **state)
{
	struct fix *f = *state;
	struct buf cut = f->good;

	for (size_t len = 0; len < f->good.len; len++) {
		size_t in_block = len % FORMAT_BLOCK;
		if (in_block > 1 && in_block != FORMAT_BLOCK - 1 && len % 97 != 0)
			continue;
		cut.len = len;
		if (tb_check(&cut, &f->key, &f->err) != ERR_AUTH)
			fail_msg("cut to %zu: %s", len, f->err.msg);
		if (len % 7 == 0 && tb_check_pipe(&cut, &f->key, &f->err) != ERR_AUTH)
			fail_msg("stream cut to %zu: %s", len, f->err.msg);
	}
}

static void test_after_the_end(void **state)
{
	static const size_t sizes[] = { 1, 511, 512, 513, 1024, 9216 };
	struct fix *f = *state;
	size_t len = f->good.len;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (int zero = 0; zero < 2; zero++) {
			f->good.len = len;
			memset(buf_reserve(&f->good, sizes[i]), zero ? 0 : 'x', sizes[i]);
			f->good.len += sizes[i];
			assert_int_equal(tb_check(&f->good, &f->key, &f->err), ERR_AUTH);
			assert_non_null(strstr(f->err.msg, "behind the end"));
			assert_int_equal(tb_check_pipe(&f->good, &f->key, &f->err), ERR_AUTH);
		}
	cleanup_buf struct buf twice = BUF_INIT;
	buf_add(&twice, f->good.data, len);
	buf_add(&twice, f->good.data, len);
	assert_int_equal(tb_check(&twice, &f->key, &f->err), ERR_AUTH);
}

/* Each byte of each kind of header, with a checksum that fits: what is predicted is the whole block. */
static void test_header_fields(void **state)
{
	struct fix *f = *state;
	cleanup_buf struct buf manifest = BUF_INIT;

	tb_manifest(tb_small, TB_SMALL, &manifest);
	size_t first = FORMAT_BLOCK + manifest.len + ustar_padding(manifest.len);
	size_t third = first + FORMAT_BLOCK + FORMAT_BLOCK; /* a signature fits into one block */
	assert_memory_equal(f->good.data + third, TB_ROOT "/README.html", sizeof(TB_ROOT "/README.html"));
	const size_t headers[] = { 0, first, third };

	for (size_t i = 0; i < 3; i++) {
		unsigned char *block = (unsigned char *)f->good.data + headers[i], was[FORMAT_BLOCK];
		memcpy(was, block, sizeof(was));
		for (size_t at = 0; at < FORMAT_BLOCK; at++) {
			if (at == 148)
				at = 156;
			block[at] ^= 1;
			tb_checksum(block);
			if (tb_check(&f->good, &f->key, &f->err) != ERR_AUTH)
				fail_msg("header %zu, byte %zu: %s", i, at, f->err.msg);
			memcpy(block, was, sizeof(was));
		}
	}
	assert_int_equal(tb_check(&f->good, &f->key, &f->err), 0);
}

static void test_other_key(void **state)
{
	struct fix *f = *state;

	assert_int_equal(tb_check(&f->good, &f->other, &f->err), ERR_AUTH);
	assert_non_null(strstr(f->err.msg, "signed with key"));
}

static void test_no_key(void **state)
{
	struct fix *f = *state;
	struct keyring ring = { 0 };
	struct bundle b;
	char path[32];
	cleanup_close int fd = tb_memfd(f->good.data, f->good.len, path);

	assert_int_equal(tb_read_path(path, &ring, &b, &f->err), ERR_USAGE);
}

static void test_not_a_bundle(void **state)
{
	struct fix *f = *state;
	cleanup_buf struct buf b = BUF_INIT;

	assert_int_equal(tb_check(&b, &f->key, &f->err), ERR_AUTH);
	tb_zeros(&b, 10240);
	assert_int_equal(tb_check(&b, &f->key, &f->err), ERR_AUTH);
	memset(b.data, '7', b.len);
	assert_int_equal(tb_check(&b, &f->key, &f->err), ERR_AUTH);
	memset(b.data, 0xff, b.len);
	assert_int_equal(tb_check(&b, &f->key, &f->err), ERR_AUTH);
}

/* A read error is not an answer. */
static void test_unreadable(void **state)
{
	struct fix *f = *state;
	struct keyring ring = { 0 };
	struct bundle b;

	tb_trust(&ring, &f->key);
	assert_int_equal(tb_read_path("/nonexistent.tar", &ring, &b, &f->err), ERR_WORK);
	assert_int_equal(tb_read_path("/", &ring, &b, &f->err), ERR_USAGE);
	assert_int_equal(tb_read_path("/proc/self/mem", &ring, &b, &f->err) == 0, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_good),
		TEST(test_good_stream),
		TEST(test_threads),
		TEST(test_first_of_several),
		TEST(test_flip_every_byte),
		TEST(test_flip_stream),
		TEST(test_cut),
		TEST(test_after_the_end),
		TEST(test_header_fields),
		TEST(test_other_key),
		TEST(test_no_key),
		TEST(test_not_a_bundle),
		TEST(test_unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
