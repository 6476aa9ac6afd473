/* Files: whole or not at all, no further than asked, and no link followed where none may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "path.h"
#include "testbundle.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

struct fix {
	struct tb_dir dir;
	int fd;		/* of the folder */
	struct err err;
};

static int setup(void **state)
{
	struct fix *f = xcalloc(1, sizeof(*f));

	tb_mkdir(&f->dir);
	f->fd = open(f->dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = f;
	return f->fd < 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	(void)close(f->fd);
	tb_rmdir(&f->dir);
	free(f);
	return 0;
}

static void test_slurp(void **state)
{
	struct fix *f = *state;
	cleanup_buf struct buf got = BUF_INIT;

	free(tb_write(&f->dir, "ten", "0123456789", 10));
	free(tb_write(&f->dir, "none", "", 0));
	assert_int_equal(fs_slurp(f->fd, "ten", 10, &got, &f->err), 0);
	assert_string_equal(got.data, "0123456789");
	assert_int_equal(fs_slurp(f->fd, "none", 10, &got, &f->err), 0); /* adds nothing */
	assert_int_equal(got.len, 10);
	assert_int_equal(fs_slurp(f->fd, "ten", 9, &got, &f->err), -1);
	assert_int_equal(f->err.code, ERR_USAGE);
	assert_int_equal(fs_slurp(f->fd, "gone", 9, &got, &f->err), -1);
	assert_int_equal(f->err.code, ERR_WORK);
	assert_int_equal(fs_slurp(f->fd, ".", 9, &got, &f->err), -1);
	cleanup_free char *fifo = tb_in(&f->dir, "fifo");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(fs_slurp(f->fd, "fifo", 9, &got, &f->err), -1); /* and does not wait */
	assert_int_equal(got.len, 10);
}

/* A file that says it holds less than it does, as those of /proc. */
static void test_slurp_grows(void **state)
{
	struct fix *f = *state;
	cleanup_buf struct buf got = BUF_INIT;

	assert_int_equal(fs_slurp(AT_FDCWD, "/proc/self/status", 1 << 20, &got, &f->err), -1);
	assert_non_null(strstr(f->err.msg, "changed while it was read"));
}

static void test_replace(void **state)
{
	struct fix *f = *state;
	cleanup_free char *path = tb_in(&f->dir, "x");
	cleanup_buf struct buf got = BUF_INIT;
	struct stat st;
	mode_t was = umask(077);

	assert_int_equal(fs_replace(path, "one", 3, 0644, &f->err), 0);
	assert_int_equal(fs_replace(path, "two", 3, 0640, &f->err), 0);
	umask(was);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(fs_slurp(f->fd, "x", 9, &got, &f->err), 0);
	assert_string_equal(got.data, "two");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(fs_is_empty(f->fd, &f->err), 1); /* no temporary name stays */
}

static void test_replace_fails(void **state)
{
	struct fix *f = *state;
	cleanup_free char *sub = tb_in(&f->dir, "sub"), *below = tb_in(&f->dir, "sub/gone/x");

	assert_int_equal(mkdir(sub, 0755), 0);
	assert_int_equal(fs_replace(below, "x", 1, 0644, &f->err), -1);
	assert_int_equal(f->err.code, ERR_WORK);
	assert_int_equal(fs_replace(sub, "x", 1, 0644, &f->err), -1); /* a folder is in the way */
	cleanup_close int fd = open(sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fs_is_empty(fd, &f->err), 1);
	assert_int_equal(rmdir(sub), 0);
	assert_int_equal(fs_is_empty(f->fd, &f->err), 1);
}

/* What a link in the way points to stays as it is. */
static void test_replace_link(void **state)
{
	struct fix *f = *state;
	cleanup_free char *mine = tb_write(&f->dir, "mine", "precious", 8), *link = tb_in(&f->dir, "link");
	cleanup_buf struct buf got = BUF_INIT;

	assert_int_equal(symlink(mine, link), 0);
	assert_int_equal(fs_replace(link, "new", 3, 0644, &f->err), 0);
	assert_int_equal(fs_slurp(f->fd, "mine", 9, &got, &f->err), 0);
	assert_string_equal(got.data, "precious");
}

static void test_write_full(void **state)
{
	struct fix *f = *state;
	cleanup_close int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_int_equal(fs_write(fd, "x", 1, &f->err), -1);
	assert_non_null(strstr(f->err.msg, "No space left"));
	assert_int_equal(fs_write(fd, "", 0, &f->err), 0);
	assert_int_equal(fs_write(-1, "x", 1, &f->err), -1);
}

/* Short writes and reads, through a pipe smaller than what is sent, with a slow end. */
static void test_short(void **state)
{
	enum { SIZE = 300000 };
	struct fix *f = *state;
	cleanup_free char *sent = xmalloc(SIZE), *got = xmalloc(SIZE + 1);
	int ends[2], status;
	size_t n;

	for (size_t i = 0; i < SIZE; i++)
		sent[i] = tb_byte(i);
	assert_int_equal(pipe(ends), 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(fs_write(ends[1], sent, SIZE, &f->err) != 0);
	(void)close(ends[1]);
	assert_int_equal(fs_read(ends[0], got, 1000, &n, &f->err), 0);
	assert_int_equal(n, 1000);
	assert_int_equal(fs_read(ends[0], got + 1000, SIZE + 1 - 1000, &n, &f->err), 0);
	assert_int_equal(n, SIZE - 1000);
	assert_memory_equal(got, sent, SIZE);
	(void)close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_pread(void **state)
{
	struct fix *f = *state;
	cleanup_free char *path = tb_write(&f->dir, "ten", "0123456789", 10);
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	char got[16];
	size_t n;

	assert_int_equal(fs_pread(fd, got, 4, 3, &n, &f->err), 0);
	assert_int_equal(n, 4);
	assert_memory_equal(got, "3456", 4);
	assert_int_equal(fs_pread(fd, got, 16, 8, &n, &f->err), 0);
	assert_int_equal(n, 2);
	assert_int_equal(fs_pread(fd, got, 16, 10, &n, &f->err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(fs_pread(fd, got, 16, (uint64_t)1 << 40, &n, &f->err), 0);
	assert_int_equal(n, 0);
	assert_int_equal(fs_pread(-1, got, 16, 0, &n, &f->err), -1);
}

static void test_remove(void **state)
{
	struct fix *f = *state;
	cleanup_free char *mine = tb_write(&f->dir, "mine", "precious", 8), *deep = tb_in(&f->dir, "tree/a/b/c");
	cleanup_free char *link = tb_in(&f->dir, "tree/a/link"), *out = tb_in(&f->dir, "tree/out");

	assert_int_equal(fs_mkdirs(deep, &f->err), 0);
	assert_int_equal(fs_mkdirs(deep, &f->err), 0);
	free(tb_write(&f->dir, "tree/a/b/c/file", "x", 1));
	assert_int_equal(symlink(mine, link) | symlink(f->dir.path, out), 0);
	assert_int_equal(fs_remove(f->fd, "tree", &f->err), 0);
	assert_int_equal(fs_remove(f->fd, "tree", &f->err), 0); /* nothing there is fine */
	assert_int_equal(access(mine, F_OK), 0);
	assert_int_equal(unlink(mine), 0);
	assert_int_equal(fs_is_empty(f->fd, &f->err), 1);
}

static void test_remove_deep(void **state)
{
	struct fix *f = *state;
	cleanup_close int at = dup(f->fd);

	for (int i = 0; i < 200; i++) {
		assert_int_equal(mkdirat(at, "d", 0700), 0);
		int next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		(void)close(at);
		at = next;
	}
	assert_int_equal(fs_remove(f->fd, "d", &f->err), -1); /* says so, and does not run out of anything */
	assert_non_null(strstr(f->err.msg, "too deep"));
	for (int i = 0; i < 80; i++) { /* lift the lower half out, so that teardown can */
		int up = openat(at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)close(at);
		at = up;
	}
	assert_int_equal(renameat(at, "d", f->fd, "e"), 0);
}

static void test_mkdirs_fails(void **state)
{
	struct fix *f = *state;
	cleanup_free char *file = tb_write(&f->dir, "file", "x", 1), *below = tb_in(&f->dir, "file/a");

	assert_int_equal(fs_mkdirs(below, &f->err), -1);
	assert_int_equal(fs_mkdirs("/", &f->err), 0);
}

static void test_names(void **state)
{
	static const char *const cases[][3] = { { "a", ".", "a" }, { "/a", "/", "a" }, { "a/b", "a", "b" }, { "/a/b/c", "/a/b", "c" },
		{ "a/", "a", "" } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cleanup_free char *dir = fs_dirname(cases[i][0]);
		assert_string_equal(dir, cases[i][1]);
		assert_string_equal(fs_basename(cases[i][0]), cases[i][2]);
	}
}

static void test_path_open(void **state)
{
	struct fix *f = *state;
	cleanup_free char *sub = tb_in(&f->dir, "a/b"), *link = tb_in(&f->dir, "link"), *file_link = tb_in(&f->dir, "a/l");
	int fd;

	assert_int_equal(fs_mkdirs(sub, &f->err), 0);
	fd = path_create(f->fd, "a/b/c", 0755, &f->err);
	assert_true(fd >= 0);
	(void)close(fd);
	fd = path_open(f->fd, "a/b/c", &f->err);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(path_create(f->fd, "a/b/c", 0755, &f->err), -1);
	assert_int_equal(path_create(f->fd, "a/b", 0755, &f->err), -1);
	assert_int_equal(path_create(f->fd, "a/b/c/d", 0755, &f->err), -1);
	assert_int_equal(symlink("a", link) | symlink("b/c", file_link), 0);
	static const char *const bad[] = { "link/b/c", "a/l", "a/b", "a/gone", "gone/c", "a/b/c/d" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(path_open(f->fd, bad[i], &f->err), -1);
		assert_int_equal(f->err.code, ERR_AUTH);
		assert_int_equal(path_create(f->fd, strcmp(bad[i], "a/gone") == 0 ? "a/l" : "link/x", 0644, &f->err), -1);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_slurp),
		TEST(test_slurp_grows),
		TEST(test_replace),
		TEST(test_replace_fails),
		TEST(test_replace_link),
		TEST(test_write_full),
		TEST(test_short),
		TEST(test_pread),
		TEST(test_remove),
		TEST(test_remove_deep),
		TEST(test_mkdirs_fails),
		cmocka_unit_test(test_names),
		TEST(test_path_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
