/* The store: what has a blob's name is whole; work files of dead processes go, those of living ones stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs.h"
#include "mem.h"
#include "store.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"	/* FIPS 180-4's example */
#define OTHER "0000000000000000000000000000000000000000000000000000000000000000"

static char dir[] = "/tmp/test_store.XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL || setenv("LABGEN_STORE", dir, 1) != 0;
}

static int remove_dir(void **state)
{
	struct err err;

	(void)state;
	return fs_remove(AT_FDCWD, dir, &err);
}

static struct store *open_store(void)
{
	struct store *s = NULL;
	struct err err = { 0 };

	if (store_open(&s, &err) < 0)
		fail_msg("%s", err.msg);
	return s;
}

static void test_put_and_read(void **state)
{
	cleanup_store struct store *s = open_store();
	cleanup_free char *path = store_path(s, ABC);
	char sha256[65], text[4] = "";
	struct err err = { 0 };
	struct stat st;
	uint64_t size = 0;

	(void)state;
	assert_int_equal(store_has(s, ABC, NULL), 0);
	for (int i = 0; i < 2; i++) { /* the second finds it there */
		assert_int_equal(store_put(s, "abc", 3, sha256, &err), 0);
		assert_string_equal(sha256, ABC);
	}
	assert_int_equal(store_has(s, ABC, &size), 1);
	assert_int_equal(size, 3);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0444);
	cleanup_close int fd = store_blob(s, ABC, &err);
	assert_int_equal(read(fd, text, 3), 3);
	assert_string_equal(text, "abc");
	store_drop(s, ABC);
	assert_int_equal(store_has(s, ABC, NULL), 0);
}

static void test_missing_says_what_to_do(void **state)
{
	cleanup_store struct store *s = open_store();
	struct err err = { 0 };

	(void)state;
	assert_int_equal(store_blob(s, OTHER, &err), -1);
	assert_int_equal(err.code, ERR_WORK);
	assert_non_null(strstr(err.msg, OTHER));
	assert_non_null(strstr(err.msg, "labgen fetch"));
}

static void test_a_link_is_no_blob(void **state)
{
	cleanup_store struct store *s = open_store();
	cleanup_free char *path = store_path(s, OTHER);
	cleanup_free char *folder = fs_dirname(path);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(mkdir(folder, 0755), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(store_has(s, OTHER, NULL), 0);
	assert_int_equal(store_blob(s, OTHER, &err), -1);
	assert_int_equal(unlink(path), 0);
}

static void test_tmpfile_has_no_name(void **state)
{
	cleanup_store struct store *s = open_store();
	struct err err = { 0 };
	struct stat st;
	cleanup_close int fd = store_tmpfile(s, &err);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
}

static void test_work_folders(void **state)
{
	cleanup_store struct store *s = open_store();
	cleanup_free char *path = NULL;
	struct err err = { 0 };
	int fd = store_tmpdir(s, &path, &err);

	(void)state;
	assert_true(fd >= 0);
	cleanup_free char *inside = xasprintf("%s/sub", path);
	assert_int_equal(mkdir(inside, 0755), 0);
	store_close(open_store()); /* another process: ours is in use */
	assert_int_equal(access(inside, F_OK), 0);
	(void)close(fd);
	store_close(open_store()); /* nobody holds it any more */
	assert_int_equal(access(path, F_OK), -1);

	cleanup_free char *second = NULL;
	fd = store_tmpdir(s, &second, &err);
	store_tmpdir_drop(s, second, fd);
	assert_int_equal(access(second, F_OK), -1);
}

static void test_many_processes(void **state)
{
	enum { PROCESSES = 8, BLOBS = 40 };

	(void)state;
	for (int i = 0; i < PROCESSES; i++) {
		if (fork() != 0)
			continue;
		struct err err = { 0 };
		char sha256[65];
		int bad = 0;
		for (int k = 0; k < BLOBS; k++) {
			struct store *s = NULL;
			bad |= store_open(&s, &err) < 0 || store_put(s, &k, sizeof(k), sha256, &err) < 0 || !store_has(s, sha256, NULL);
			store_close(s);
		}
		_exit(bad);
	}
	for (int i = 0, status; i < PROCESSES; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
}

static void test_no_place(void **state)
{
	struct store *s = NULL;
	struct err err = { 0 };
	cleanup_free char *file = xasprintf("%s/file", dir);

	(void)state;
	assert_int_equal(fs_replace(file, "", 0, 0644, &err), 0);
	assert_int_equal(setenv("LABGEN_STORE", file, 1), 0);
	assert_int_equal(store_open(&s, &err), -1);
	assert_int_equal(err.code, ERR_WORK);
	unsetenv("LABGEN_STORE");
	unsetenv("XDG_CACHE_HOME");
	assert_int_equal(setenv("HOME", "relative", 1), 0);
	assert_int_equal(store_open(&s, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_put_and_read),
		cmocka_unit_test(test_missing_says_what_to_do),
		cmocka_unit_test(test_a_link_is_no_blob),
		cmocka_unit_test(test_tmpfile_has_no_name),
		cmocka_unit_test(test_work_folders),
		cmocka_unit_test(test_many_processes),
		cmocka_unit_test(test_no_place),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
