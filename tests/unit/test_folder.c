/* A folder that a bundle was extracted into: what is missing, added, changed or a link is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "extract.h"
#include "folder.h"
#include "testbundle.h"

#include <sys/socket.h>
#include <sys/un.h>

struct fix {
	struct tb_key key, other;
	struct tb_dir dir;
	char *at;		/* the extracted folder */
	struct err err;
};

static int setup(void **state)
{
	struct fix *f = xcalloc(1, sizeof(*f));
	struct keyring ring = { 0 };
	struct input in;
	struct bundle b;
	cleanup_buf struct buf tar = BUF_INIT;

	tb_key(&f->key, 1);
	tb_key(&f->other, 2);
	tb_mkdir(&f->dir);
	tb_bundle(&tar, &f->key, tb_small, TB_SMALL);
	cleanup_free char *path = tb_write(&f->dir, "demo.tar", tar.data, tar.len);
	f->at = tb_in(&f->dir, "out");
	tb_trust(&ring, &f->key);
	if (input_open(&in, path, &f->err) < 0 || extract(f->at, &b, &in, &ring, 1, &f->err) < 0) {
		fprintf(stderr, "%s\n", f->err.msg);
		return -1;
	}
	bundle_release(&b);
	input_release(&in);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	tb_rmdir(&f->dir);
	free(f->at);
	free(f);
	return 0;
}

static int check_by(struct fix *f, const struct tb_key *key)
{
	struct keyring ring = { 0 };
	struct bundle b;

	f->err = (struct err){ 0 };
	tb_trust(&ring, key);
	if (folder_check(f->at, &b, &ring, 2, &f->err) < 0)
		return (int)f->err.code;
	bundle_release(&b);
	return 0;
}

static void refused(struct fix *f, const char *why)
{
	int code = check_by(f, &f->key);

	if (code != ERR_AUTH || !strstr(f->err.msg, why))
		fail_msg("%d \"%s\", not \"%s\"", code, f->err.msg, why);
}

/* The path of something in the folder; the last two asked for stay good. */
static const char *in(struct fix *f, const char *name)
{
	static char paths[2][256];
	static int next;

	next = !next;
	(void)snprintf(paths[next], sizeof(paths[next]), "%s/%s", f->at, name);
	return paths[next];
}

static void write_file(const char *path, const char *text)
{
	struct err err;
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fs_write(fd, text, strlen(text), &err), 0);
}

static void test_good(void **state)
{
	struct fix *f = *state;

	if (check_by(f, &f->key) != 0)
		fail_msg("%s", f->err.msg);
	assert_int_equal(check_by(f, &f->other), ERR_AUTH);
}

static void test_missing(void **state)
{
	struct fix *f = *state;

	assert_int_equal(unlink(in(f, "size/512")), 0);
	refused(f, "size/512: cannot open");
	assert_int_equal(unlink(in(f, "size/511")) + unlink(in(f, "size/513")) + rmdir(in(f, "size")), 0);
	refused(f, "size/511");
}

static void test_missing_leaders(void **state)
{
	struct fix *f = *state;

	assert_int_equal(rename(in(f, FORMAT_SIGNATURE), in(f, "x")), 0);
	refused(f, FORMAT_SIGNATURE);
	assert_int_equal(rename(in(f, "x"), in(f, FORMAT_SIGNATURE)), 0);
	assert_int_equal(unlink(in(f, FORMAT_MANIFEST)), 0);
	refused(f, FORMAT_MANIFEST);
}

static void test_changed(void **state)
{
	struct fix *f = *state;
	cleanup_close int fd = open(in(f, "size/513"), O_RDWR | O_CLOEXEC);

	assert_int_equal(pwrite(fd, "!", 1, 512), 1);
	refused(f, "size/513: digest differs");
	assert_int_equal(ftruncate(fd, 512), 0);
	refused(f, "size/513: digest differs");
	write_file(in(f, "empty"), "no longer");
	refused(f, "empty: digest differs"); /* of several, the first */
}

static void test_changed_manifest(void **state)
{
	struct fix *f = *state;
	struct stat st;
	cleanup_close int fd = open(in(f, FORMAT_MANIFEST), O_RDWR | O_CLOEXEC);
	char byte;

	assert_int_equal(fstat(fd, &st), 0);
	for (off_t at = 0; at < st.st_size; at += 13) {
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		char flipped = (char)(byte ^ 1);
		assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
		refused(f, "signature does not match");
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	assert_int_equal(check_by(f, &f->key), 0);
}

static void test_added_file(void **state)
{
	static const char *const names[] = { "new", ".hidden", "bin/new", "size/514", "images/blobs/sha256/ac", "lab ", "a\x1b[31m", "\xff" };
	struct fix *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		write_file(in(f, names[i]), "");
		refused(f, "not in the manifest");
		assert_int_equal(unlink(in(f, names[i])), 0);
	}
	assert_int_equal(check_by(f, &f->key), 0);
}

static void test_added_folder(void **state)
{
	static const char *const names[] = { "new", "bin/new", "images/blobs/sha25", "images/blobs/sha256x", "siz" };
	struct fix *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_int_equal(mkdir(in(f, names[i]), 0755), 0);
		refused(f, "not in the manifest");
		assert_int_equal(rmdir(in(f, names[i])), 0);
	}
}

static void test_long_name(void **state)
{
	struct fix *f = *state;
	char name[256];

	memset(name, 'n', 255);
	name[255] = '\0';
	char *path = xasprintf("%s/%s", f->at, name);
	write_file(path, "");
	free(path);
	refused(f, "not in the manifest");
}

static void test_added_links(void **state)
{
	struct fix *f = *state;

	assert_int_equal(symlink("/etc/passwd", in(f, "new")), 0);
	refused(f, "new: not in the manifest");
	assert_int_equal(unlink(in(f, "new")), 0);
	assert_int_equal(symlink("size", in(f, "more")), 0);
	refused(f, "more: not in the manifest");
}

/* A link to the very same bytes is a link: what is checked there can be something else when it is used. */
static void test_member_is_link(void **state)
{
	struct fix *f = *state;
	cleanup_free char *outside = tb_in(&f->dir, "outside");

	assert_int_equal(rename(in(f, "lab.env"), outside), 0);
	assert_int_equal(symlink(outside, in(f, "lab.env")), 0);
	refused(f, "lab.env");
}

static void test_folder_is_link(void **state)
{
	struct fix *f = *state;
	cleanup_free char *outside = tb_in(&f->dir, "outside");

	assert_int_equal(rename(in(f, "size"), outside), 0);
	assert_int_equal(symlink(outside, in(f, "size")), 0);
	refused(f, "size");
}

static void test_leader_is_link(void **state)
{
	static const char *const names[] = { FORMAT_MANIFEST, FORMAT_SIGNATURE };
	struct fix *f = *state;
	cleanup_free char *outside = tb_in(&f->dir, "outside");

	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(rename(in(f, names[i]), outside), 0);
		assert_int_equal(symlink(outside, in(f, names[i])), 0);
		refused(f, names[i]);
		assert_int_equal(rename(outside, in(f, names[i])), 0);
	}
	assert_int_equal(check_by(f, &f->key), 0);
}

static void put_socket(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
}

/* In the place of a member, and of the manifest: nothing is waited for. */
static void test_special_files(void **state)
{
	static const char *const names[] = { "lab.env", FORMAT_MANIFEST };
	struct fix *f = *state;

	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(unlink(in(f, names[i])), 0);
		assert_int_equal(mkfifo(in(f, names[i]), 0600), 0);
		refused(f, names[i]);
		assert_int_equal(unlink(in(f, names[i])), 0);
		put_socket(in(f, names[i]));
		refused(f, names[i]);
		assert_int_equal(unlink(in(f, names[i])), 0);
		assert_int_equal(mkdir(in(f, names[i]), 0700), 0);
		refused(f, names[i]);
	}
}

static void test_not_a_folder(void **state)
{
	struct fix *f = *state;

	f->at[strlen(f->at) - 1] = 'x';
	assert_int_equal(check_by(f, &f->key), ERR_WORK);
	assert_int_equal(mkdir(f->at, 0755), 0);
	refused(f, "not an extracted bundle");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_good),
		TEST(test_missing),
		TEST(test_missing_leaders),
		TEST(test_changed),
		TEST(test_changed_manifest),
		TEST(test_added_file),
		TEST(test_added_folder),
		TEST(test_long_name),
		TEST(test_added_links),
		TEST(test_member_is_link),
		TEST(test_folder_is_link),
		TEST(test_leader_is_link),
		TEST(test_special_files),
		TEST(test_not_a_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
