/* Volumes: read in place as one bundle, each checked alone, and a bad or missing one named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "extract.h"
#include "testbundle.h"
#include "volumes.h"

#define VOLUME FORMAT_VOLUME_MIN
#define N 4	/* volumes, the last one short */

static const struct tb_member members[] = { { "a", NULL, 1500000 }, { "b", NULL, 1000000 }, { "c", NULL, 1048576 } };

struct fix {
	struct tb_key key, other;
	struct tb_dir dir, second;
	struct buf tar;
	struct volumes v;	/* as it is written */
	char *list;		/* path of the list */
	struct err err;
};

static char *volume_path(const struct tb_dir *d, size_t i)
{
	return xasprintf("%s/demo.tar.%03zu", d->path, i + 1);
}

/* Writes the list's text and a signature of it with that comment. */
static void write_list(struct fix *f, const char *text, size_t len, const char *comment, const struct tb_key *key)
{
	cleanup_buf struct buf sig = BUF_INIT;

	free(tb_write(&f->dir, "demo.tar.volumes", text, len));
	tb_sign(key, text, len, comment, &sig);
	free(tb_write(&f->dir, "demo.tar.volumes.minisig", sig.data, sig.len));
}

static void write_good_list(struct fix *f)
{
	cleanup_buf struct buf text = BUF_INIT;

	volumes_text(&f->v, &text);
	write_list(f, text.data, text.len, f->v.head, &f->key);
}

/* Cuts the archive into volumes, with their list, signed. */
static void cut(struct fix *f)
{
	f->v.size = f->tar.len;
	f->v.volume = VOLUME;
	f->v.n = (f->tar.len - 1) / VOLUME + 1;
	f->v.list = xcalloc(f->v.n, sizeof(*f->v.list));
	assert_int_equal(f->v.n, N);
	assert_int_equal(volumes_head(f->v.head, TB_LAB, TB_VERSION, TB_PLATFORM, f->v.size, VOLUME, &f->err), 0);
	for (size_t i = 0; i < f->v.n; i++) {
		size_t at = i * VOLUME, len = f->tar.len - at < VOLUME ? f->tar.len - at : VOLUME;
		(void)snprintf(f->v.list[i].name, sizeof(f->v.list[i].name), "demo.tar.%03zu", i + 1);
		hash_bytes(f->tar.data + at, len, f->v.list[i].digest);
		free(tb_write(&f->dir, f->v.list[i].name, f->tar.data + at, len));
	}
	write_good_list(f);
}

static int setup(void **state)
{
	struct fix *f = xcalloc(1, sizeof(*f));

	tb_key(&f->key, 1);
	tb_key(&f->other, 2);
	tb_mkdir(&f->dir);
	tb_mkdir(&f->second);
	tb_bundle(&f->tar, &f->key, members, 3);
	cut(f);
	f->list = tb_in(&f->dir, "demo.tar.volumes");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	buf_release(&f->tar);
	volumes_release(&f->v);
	tb_rmdir(&f->dir);
	tb_rmdir(&f->second);
	free(f->list);
	free(f);
	return 0;
}

/* What labverify does with a list: its signature, all volumes, the bundle in them. */
static int read_all(struct fix *f, const char *extract_to)
{
	struct keyring ring = { 0 };
	cleanup_volumes struct volumes v = { 0 };
	cleanup_input struct input in = { 0 };
	char *dirs[] = { f->second.path };
	struct bundle b;

	f->err = (struct err){ 0 };
	tb_trust(&ring, &f->key);
	int status = volumes_load(&v, f->list, &ring, &f->err);
	if (status == 0)
		status = volumes_open(&v, dirs, 1, &in, &f->err);
	if (status == 0 && extract_to)
		status = extract(extract_to, &b, &in, &ring, 2, &f->err);
	else if (status == 0)
		status = bundle_read(&b, &in, &ring, NULL, 2, &f->err);
	if (status == 0) {
		bundle_release(&b);
		status = volumes_check(&v, &in, 2, &f->err);
	}
	keyring_release(&ring);
	return status < 0 ? (int)f->err.code : 0;
}

static int check_one(struct fix *f, size_t i, size_t *number)
{
	struct keyring ring = { 0 };
	cleanup_volumes struct volumes v = { 0 };
	cleanup_free char *path = volume_path(&f->dir, i);

	f->err = (struct err){ 0 };
	tb_trust(&ring, &f->key);
	int status = volumes_load(&v, f->list, &ring, &f->err);
	if (status == 0)
		status = volumes_check_one(&v, path, number, &f->err);
	keyring_release(&ring);
	return status < 0 ? (int)f->err.code : 0;
}

static void says(const struct fix *f, const char *what)
{
	if (!strstr(f->err.msg, what))
		fail_msg("\"%s\" does not say \"%s\"", f->err.msg, what);
}

static void test_good(void **state)
{
	struct fix *f = *state;
	size_t number;

	if (read_all(f, NULL) != 0)
		fail_msg("%s", f->err.msg);
	for (size_t i = N; i-- > 0;) { /* in any order */
		assert_int_equal(check_one(f, i, &number), 0);
		assert_int_equal(number, i + 1);
	}
}

static void test_extract_in_place(void **state)
{
	struct fix *f = *state;
	cleanup_free char *to = tb_in(&f->dir, "out"), *a = tb_in(&f->dir, "out/b");
	cleanup_buf struct buf got = BUF_INIT;
	cleanup_free char *want = tb_content(&members[1]);

	assert_int_equal(read_all(f, to), 0);
	assert_int_equal(fs_slurp(AT_FDCWD, a, 2 << 20, &got, &f->err), 0);
	assert_int_equal(got.len, members[1].size);
	assert_memory_equal(got.data, want, got.len);
}

/* Several media: each volume from where it is. */
static void test_several_folders(void **state)
{
	struct fix *f = *state;

	for (size_t i = 0; i < N; i += 2) {
		cleanup_free char *from = volume_path(&f->dir, i), *to = volume_path(&f->second, i);
		assert_int_equal(rename(from, to), 0);
	}
	if (read_all(f, NULL) != 0)
		fail_msg("%s", f->err.msg);
}

static void test_alone(void **state)
{
	struct fix *f = *state;
	size_t number;

	for (size_t i = 0; i < N; i++)
		if (i != 2) {
			cleanup_free char *path = volume_path(&f->dir, i);
			assert_int_equal(unlink(path), 0);
		}
	assert_int_equal(check_one(f, 2, &number), 0);
	assert_int_equal(number, 3);
	assert_int_equal(check_one(f, 1, &number), ERR_AUTH);
	says(f, "demo.tar.002 is missing");
	assert_int_equal(read_all(f, NULL), ERR_AUTH); /* every one that is missing, at once */
	says(f, "demo.tar.001 is missing; demo.tar.002 is missing; demo.tar.004 is missing");
}

static void test_missing(void **state)
{
	struct fix *f = *state;

	for (size_t i = 0; i < N; i++) {
		cleanup_free char *path = volume_path(&f->dir, i), *away = tb_in(&f->dir, "away");
		assert_int_equal(rename(path, away), 0);
		assert_int_equal(read_all(f, NULL), ERR_AUTH);
		says(f, f->v.list[i].name);
		says(f, "missing");
		assert_int_equal(rename(away, path), 0);
	}
}

static void test_swapped(void **state)
{
	struct fix *f = *state;
	cleanup_free char *a = volume_path(&f->dir, 1), *b = volume_path(&f->dir, 2), *x = tb_in(&f->dir, "x");
	size_t number;

	assert_int_equal(rename(a, x) | rename(b, a) | rename(x, b), 0);
	assert_int_equal(read_all(f, NULL), ERR_AUTH);
	says(f, "demo.tar.00");
	assert_int_equal(check_one(f, 1, &number), ERR_AUTH);
	says(f, "demo.tar.002: digest differs from the list");
	assert_int_equal(check_one(f, 0, &number), 0);
}

static void test_sizes(void **state)
{
	static const int changes[] = { -1, 1, -512, 512, -(int)VOLUME / 2 };
	struct fix *f = *state;
	size_t number;

	for (size_t i = 0; i < N; i++)
		for (size_t k = 0; k < sizeof(changes) / sizeof(*changes); k++) {
			cleanup_free char *path = volume_path(&f->dir, i);
			struct stat st;
			assert_int_equal(stat(path, &st), 0);
			assert_int_equal(truncate(path, st.st_size + changes[k] > 0 ? st.st_size + changes[k] : 0), 0);
			assert_int_equal(read_all(f, NULL), ERR_AUTH);
			says(f, f->v.list[i].name);
			assert_int_equal(check_one(f, i, &number), ERR_AUTH);
			says(f, "bytes, not");
			size_t at = i * VOLUME;
			free(tb_write(&f->dir, f->v.list[i].name, f->tar.data + at, (size_t)st.st_size));
		}
	assert_int_equal(read_all(f, NULL), 0);
}

/* A volume of the same name and size, of another bundle. */
static void test_foreign(void **state)
{
	struct fix *f = *state;
	size_t number;

	for (size_t i = 0; i < N; i++) {
		size_t at = i * VOLUME, len = f->tar.len - at < VOLUME ? f->tar.len - at : VOLUME;
		cleanup_free char *content = xmalloc(len);
		memset(content, 'f', len);
		free(tb_write(&f->dir, f->v.list[i].name, content, len));
		assert_int_equal(read_all(f, NULL), ERR_AUTH);
		assert_int_equal(check_one(f, i, &number), ERR_AUTH);
		says(f, f->v.list[i].name);
		says(f, "digest differs from the list");
		free(tb_write(&f->dir, f->v.list[i].name, f->tar.data + at, len));
	}
}

static void test_flip_in_volume(void **state)
{
	struct fix *f = *state;
	size_t number;

	for (size_t at = 0; at < f->tar.len; at += 77777) {
		size_t i = at / VOLUME;
		cleanup_free char *path = volume_path(&f->dir, i);
		cleanup_close int fd = open(path, O_RDWR | O_CLOEXEC);
		char byte = (char)(f->tar.data[at] ^ (1 << at % 8));
		assert_int_equal(pwrite(fd, &byte, 1, (off_t)(at % VOLUME)), 1);
		assert_int_equal(read_all(f, NULL), ERR_AUTH);
		assert_int_equal(check_one(f, i, &number), ERR_AUTH);
		assert_int_equal(pwrite(fd, &f->tar.data[at], 1, (off_t)(at % VOLUME)), 1);
	}
	assert_int_equal(read_all(f, NULL), 0);
}

/* Every byte of the list and of its signature. */
static void test_list_bits(void **state)
{
	static const char *const names[] = { "demo.tar.volumes", "demo.tar.volumes.minisig" };
	struct fix *f = *state;
	size_t number;

	for (size_t k = 0; k < 2; k++) {
		cleanup_free char *path = tb_in(&f->dir, names[k]);
		cleanup_buf struct buf text = BUF_INIT;
		assert_int_equal(fs_slurp(AT_FDCWD, path, 1 << 20, &text, &f->err), 0);
		cleanup_close int fd = open(path, O_RDWR | O_CLOEXEC);
		for (size_t at = 0; at < text.len; at++) {
			char byte = (char)(text.data[at] ^ (1 << at % 8));
			assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
			assert_int_equal(check_one(f, 3, &number), ERR_AUTH);
			assert_int_equal(pwrite(fd, &text.data[at], 1, (off_t)at), 1);
		}
		assert_int_equal(check_one(f, 3, &number), 0);
		assert_int_equal(ftruncate(fd, (off_t)text.len - 1), 0);
		assert_int_equal(check_one(f, 3, &number), ERR_AUTH);
		assert_int_equal(pwrite(fd, text.data, text.len, 0), (ssize_t)text.len);
		char huge[FORMAT_SIGNATURE_MAX + 1] = { 0 };
		assert_int_equal(pwrite(fd, huge, sizeof(huge), (off_t)(k ? 0 : VOLUMES_LIST_MAX)), sizeof(huge));
		assert_int_equal(check_one(f, 3, &number), ERR_AUTH);
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(check_one(f, 3, &number), ERR_AUTH);
		assert_int_equal(unlink(path), 0);
		assert_int_not_equal(check_one(f, 3, &number), 0);
		write_good_list(f);
	}
}

static void test_list_of_another_key(void **state)
{
	struct fix *f = *state;
	cleanup_buf struct buf text = BUF_INIT;

	volumes_text(&f->v, &text);
	write_list(f, text.data, text.len, f->v.head, &f->other);
	assert_int_equal(read_all(f, NULL), ERR_AUTH);
	says(f, "signed with key");
	write_list(f, text.data, text.len, TB_COMMENT, &f->key);
	assert_int_equal(read_all(f, NULL), ERR_AUTH);
	says(f, "trusted comment is not the list's first line");
}

/* Nothing to be read as a volume, and nothing to wait for. */
static void test_not_a_file(void **state)
{
	struct fix *f = *state;
	cleanup_free char *path = volume_path(&f->dir, 1);

	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(read_all(f, NULL), ERR_AUTH);
	says(f, "demo.tar.002");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(read_all(f, NULL), ERR_AUTH);
}

static void parse_refused(const char *text, const char *why)
{
	struct volumes v;
	struct err err = { 0 };

	if (volumes_parse(&v, text, strlen(text), &err) == 0)
		fail_msg("taken: %s", text);
	assert_int_equal(err.code, ERR_AUTH);
	if (!strstr(err.msg, why))
		fail_msg("\"%s\" does not say \"%s\"", err.msg, why);
}

#define D "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef  "
#define HEAD "labgen volumes 1 lab=demo version=1.0 platform=linux/amd64 size=2000000 volume=1048576\n"
#define HEAD_OF(size, volume) "labgen volumes 1 lab=demo version=1.0 platform=linux/amd64 size=" size " volume=" volume "\n"

static void test_parse(void **state)
{
	struct volumes v;
	struct err err;
	static const char good[] = HEAD D "x.tar.001\n" D "x.tar.002\n";
	cleanup_buf struct buf again = BUF_INIT;

	(void)state;
	assert_int_equal(volumes_parse(&v, good, strlen(good), &err), 0);
	volumes_text(&v, &again);
	assert_string_equal(again.data, good);
	volumes_release(&v);
	parse_refused("", "line 1");
	parse_refused("\n", "line 1");
	parse_refused(HEAD, "line 2");
	parse_refused(HEAD D "x.tar.001\n", "line 3");
	parse_refused(HEAD D "x.tar.001\n" D "x.tar.002", "line 3");
	parse_refused(HEAD D "x.tar.001\n" D "x.tar.002\n\n", "line 4");
	parse_refused(HEAD D "x.tar.001\n" D "x.tar.002\n" D "x.tar.003\n", "line 4");
	parse_refused(HEAD D "x.tar.002\n" D "x.tar.001\n", "line 2");
	parse_refused(HEAD D "x.tar.001\n" D "x.tar.001\n", "line 3");
	parse_refused(HEAD D "x.tar.001\n" D "y.tar.002\n", "line 3");
	parse_refused(HEAD D "../x.tar.001\n" D "../x.tar.002\n", "line 2");
	parse_refused(HEAD D "/x.tar.001\n" D "/x.tar.002\n", "line 2");
	parse_refused(HEAD D "a/x.tar.001\n" D "a/x.tar.002\n", "line 2");
	parse_refused(HEAD D ".tar.001\n" D ".tar.002\n", "line 2");
	parse_refused(HEAD D "x.001\n" D "x.002\n", "line 2");
	parse_refused(HEAD D "x.tar.1\n" D "x.tar.2\n", "line 2");
	parse_refused(HEAD D "x y.tar.001\n" D "x y.tar.002\n", "line 2");
	parse_refused(HEAD D "x.tar.001\r\n" D "x.tar.002\r\n", "line 2");
	parse_refused("labgen volumes 1 lab=demo  version=1.0 platform=linux/amd64 size=1 volume=1048576\n" D "x.tar.001\n", "line 1");
	parse_refused("labgen volumes 2 lab=demo version=1.0 platform=linux/amd64 size=1 volume=1048576\n" D "x.tar.001\n", "line 1");
	parse_refused(" " HEAD_OF("1", "1048576") D "x.tar.001\n", "line 1");
	parse_refused(HEAD_OF("01", "1048576") D "x.tar.001\n", "line 1");
	parse_refused(HEAD_OF("+1", "1048576") D "x.tar.001\n", "line 1");
	parse_refused(HEAD_OF("-1", "1048576") D "x.tar.001\n", "line 1");
	parse_refused(HEAD_OF("1", "1048576 ") D "x.tar.001\n", "line 1");
	parse_refused(HEAD_OF("0", "1048576") D "x.tar.001\n", "line 1");
	parse_refused(HEAD_OF("1", "0") D "x.tar.001\n", "line 1");
	parse_refused(HEAD_OF("1", "1048575") D "x.tar.001\n", "line 1");
	parse_refused(HEAD_OF("99999999999999999999", "1048576") D "x.tar.001\n", "line 1");
	parse_refused(HEAD_OF("18446744073709551615", "1048576") D "x.tar.001\n", "line 1");
	parse_refused(HEAD_OF("9999999999999999999", "1048576") D "x.tar.001\n", "line 1");
}

static void test_parse_counts(void **state)
{
	(void)state;
	for (uint64_t n = FORMAT_VOLUMES_MAX - 1; n <= FORMAT_VOLUMES_MAX + 1; n++) {
		cleanup_buf struct buf text = BUF_INIT;
		struct volumes v;
		struct err err;
		buf_addf(&text, "labgen volumes 1 lab=demo version=1.0 platform=linux/amd64 size=%llu volume=1048576\n",
			(unsigned long long)(n * VOLUME));
		for (uint64_t i = 1; i <= n; i++)
			buf_addf(&text, D "x.tar.%03u\n", (unsigned)i);
		int got = volumes_parse(&v, text.data, text.len, &err);
		assert_int_equal(got, n <= FORMAT_VOLUMES_MAX ? 0 : -1);
		if (got == 0)
			volumes_release(&v);
		else
			assert_non_null(strstr(err.msg, "line 1"));
	}
}

static void test_is_volume(void **state)
{
	(void)state;
	assert_true(volumes_is_volume("x.tar.001"));
	assert_true(volumes_is_volume("/a/b.tar.999"));
	assert_false(volumes_is_volume("x.tar"));
	assert_false(volumes_is_volume("x.tar.01"));
	assert_false(volumes_is_volume("x.tar.0001"));
	assert_false(volumes_is_volume("x.tar.00a"));
	assert_false(volumes_is_volume("x.001"));
	assert_false(volumes_is_volume("001"));
	assert_false(volumes_is_volume("1"));
	assert_false(volumes_is_volume(""));
	assert_false(volumes_is_volume("-"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_good),
		TEST(test_extract_in_place),
		TEST(test_several_folders),
		TEST(test_alone),
		TEST(test_missing),
		TEST(test_swapped),
		TEST(test_sizes),
		TEST(test_foreign),
		TEST(test_flip_in_volume),
		TEST(test_list_bits),
		TEST(test_list_of_another_key),
		TEST(test_not_a_file),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_counts),
		cmocka_unit_test(test_is_volume),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
