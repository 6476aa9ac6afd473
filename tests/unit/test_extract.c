/* A folder that appears whole or not at all, whoever meddles meanwhile, and whenever it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "extract.h"
#include "folder.h"
#include "testbundle.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/wait.h>

#define KILLS 200
#define SPAN_MAX 50000		/* microseconds after which each is killed at the latest */
#define KILL_MEMBERS 300	/* so many files that a kill lands between any two steps */

struct fix {
	struct tb_key key;
	struct tb_dir dir;
	char *tar;		/* the bundle */
	char *to;		/* where it goes */
	char *work;		/* the work folder beside that */
	struct err err;
};

static int setup(void **state)
{
	struct fix *f = xcalloc(1, sizeof(*f));
	cleanup_buf struct buf tar = BUF_INIT;

	tb_key(&f->key, 1);
	tb_mkdir(&f->dir);
	tb_bundle(&tar, &f->key, tb_small, TB_SMALL);
	f->tar = tb_write(&f->dir, "demo.tar", tar.data, tar.len);
	f->to = tb_in(&f->dir, "out");
	f->work = tb_in(&f->dir, ".out.labverify");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	tb_rmdir(&f->dir);
	free(f->tar);
	free(f->to);
	free(f->work);
	free(f);
	return 0;
}

/* Extracts to a folder: 0, or the code. */
static int extract_to(struct fix *f, const char *to)
{
	struct keyring ring = { 0 };
	cleanup_input struct input in = { 0 };
	struct bundle b;

	f->err = (struct err){ 0 };
	tb_trust(&ring, &f->key);
	if (input_open(&in, f->tar, &f->err) < 0 || extract(to, &b, &in, &ring, 2, &f->err) < 0)
		return (int)f->err.code;
	bundle_release(&b);
	return 0;
}

static int check_folder(struct fix *f, const char *path)
{
	struct keyring ring = { 0 };
	struct bundle b;

	tb_trust(&ring, &f->key);
	if (folder_check(path, &b, &ring, 1, &f->err) < 0)
		return (int)f->err.code;
	bundle_release(&b);
	return 0;
}

static int exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static void assert_nothing(const struct fix *f)
{
	assert_false(exists(f->to));
	assert_false(exists(f->work));
}

static void refused(struct fix *f, const char *to, enum err_code code, const char *why)
{
	int got = extract_to(f, to);

	if (got != (int)code || !strstr(f->err.msg, why))
		fail_msg("%d \"%s\", not \"%s\"", got, f->err.msg, why);
}

/* Flips a bit of the bundle's file. */
static void damage(const struct fix *f, uint64_t at)
{
	cleanup_close int fd = open(f->tar, O_RDWR | O_CLOEXEC);
	char byte;

	assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
	byte = (char)(byte ^ 1);
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
}

static uint64_t tar_size(const struct fix *f)
{
	struct stat st;

	assert_int_equal(stat(f->tar, &st), 0);
	return (uint64_t)st.st_size;
}

static void test_good(void **state)
{
	struct fix *f = *state;

	if (extract_to(f, f->to) != 0)
		fail_msg("%s", f->err.msg);
	assert_int_equal(check_folder(f, f->to), 0);
	assert_false(exists(f->work));
}

static void assert_mode(const struct fix *f, const char *name, mode_t mode)
{
	cleanup_free char *path = xasprintf("%s/%s", f->to, name);
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	if ((st.st_mode & 07777) != mode)
		fail_msg("%s: %o", name, st.st_mode);
	assert_int_equal(st.st_nlink > 1 && !S_ISDIR(st.st_mode), 0);
}

/* Files are as the format has them, whatever the umask. Folders are made under main()'s umask. */
static void test_umask(void **state)
{
	static const mode_t masks[] = { 0, 022, 077, 0777 };
	struct fix *f = *state;
	struct err err;

	for (size_t i = 0; i < sizeof(masks) / sizeof(*masks); i++) {
		mode_t was = umask(masks[i]);
		int code = extract_to(f, f->to);
		umask(was);
		if (code != 0)
			fail_msg("umask %o: %s", masks[i], f->err.msg);
		assert_mode(f, "", 0755);
		assert_mode(f, "lab", 0755);
		assert_mode(f, "bin/tool", 0755);
		assert_mode(f, "lab.env", 0644);
		assert_mode(f, FORMAT_MANIFEST, 0644);
		assert_int_equal(fs_remove(AT_FDCWD, f->to, &err), 0);
	}
}

/* At no place may a change leave a folder behind, under whatever name. */
static void test_damaged(void **state)
{
	struct fix *f = *state;
	uint64_t size = tar_size(f);

	for (uint64_t at = 0; at < size; at += 101) {
		damage(f, at);
		assert_int_equal(extract_to(f, f->to), ERR_AUTH);
		assert_nothing(f);
		damage(f, at);
	}
	assert_int_equal(truncate(f->tar, (off_t)size - 1), 0);
	assert_int_equal(extract_to(f, f->to), ERR_AUTH);
	assert_nothing(f);
}

static void test_targets(void **state)
{
	struct fix *f = *state;
	cleanup_free char *file = tb_write(&f->dir, "file", "precious", 8), *slash = xasprintf("%s///", f->to);

	refused(f, file, ERR_USAGE, "not a folder");
	refused(f, "", ERR_USAGE, "name a new folder");
	refused(f, "/", ERR_USAGE, "name a new folder");
	refused(f, ".", ERR_USAGE, "name a new folder");
	refused(f, "..", ERR_USAGE, "name a new folder");
	refused(f, "/nonexistent/x", ERR_WORK, "/nonexistent");
	assert_int_equal(extract_to(f, slash), 0);
	cleanup_buf struct buf text = BUF_INIT;
	assert_int_equal(fs_slurp(AT_FDCWD, file, 100, &text, &f->err), 0);
	assert_string_equal(text.data, "precious");
}

static void test_empty_folder(void **state)
{
	struct fix *f = *state;

	assert_int_equal(mkdir(f->to, 0700), 0);
	assert_int_equal(extract_to(f, f->to), 0);
	assert_mode(f, "", 0755);
	assert_int_equal(check_folder(f, f->to), 0);
}

static void test_folder_with_something(void **state)
{
	struct fix *f = *state;
	cleanup_buf struct buf text = BUF_INIT;

	assert_int_equal(mkdir(f->to, 0700), 0);
	cleanup_free char *mine = tb_write(&f->dir, "out/mine", "precious", 8);
	refused(f, f->to, ERR_USAGE, "not empty");
	assert_int_equal(fs_slurp(AT_FDCWD, mine, 100, &text, &f->err), 0);
	assert_false(exists(f->work));
}

static void test_link_as_target(void **state)
{
	struct fix *f = *state;
	cleanup_free char *elsewhere = tb_in(&f->dir, "elsewhere");

	assert_int_equal(symlink(elsewhere, f->to), 0); /* dangling */
	refused(f, f->to, ERR_USAGE, "not a folder");
	assert_int_equal(mkdir(elsewhere, 0700), 0);
	refused(f, f->to, ERR_USAGE, "not a folder");
	assert_int_equal(rmdir(elsewhere), 0); /* nothing in it */
}

/* The work folder's name taken by a link out: it is not followed. */
static void test_link_as_work(void **state)
{
	struct fix *f = *state;
	cleanup_free char *elsewhere = tb_in(&f->dir, "elsewhere");

	assert_int_equal(mkdir(elsewhere, 0700), 0);
	free(tb_write(&f->dir, "elsewhere/mine", "precious", 8));
	assert_int_equal(symlink(elsewhere, f->work), 0);
	assert_int_equal(extract_to(f, f->to), ERR_WORK);
	assert_false(exists(f->to));
	cleanup_free char *mine = tb_in(&f->dir, "elsewhere/mine");
	assert_true(exists(mine));
}

static void test_file_as_work(void **state)
{
	struct fix *f = *state;

	free(tb_write(&f->dir, ".out.labverify", "x", 1));
	assert_int_equal(extract_to(f, f->to), ERR_WORK);
	assert_false(exists(f->to));
}

/* What a killed run left, links in it too, goes; where the links lead nothing does. */
static void test_leftovers(void **state)
{
	struct fix *f = *state;
	cleanup_free char *elsewhere = tb_in(&f->dir, "elsewhere"), *mine = tb_in(&f->dir, "elsewhere/mine");

	assert_int_equal(mkdir(elsewhere, 0700) | mkdir(f->work, 0700), 0);
	free(tb_write(&f->dir, "elsewhere/mine", "precious", 8));
	free(tb_write(&f->dir, ".out.labverify/lab", "half", 4));
	cleanup_free char *bin = tb_in(&f->dir, ".out.labverify/bin"), *env = tb_in(&f->dir, ".out.labverify/lab.env");
	assert_int_equal(symlink(elsewhere, bin) | symlink(mine, env), 0);
	assert_int_equal(extract_to(f, f->to), 0);
	assert_int_equal(check_folder(f, f->to), 0);
	cleanup_buf struct buf text = BUF_INIT;
	assert_int_equal(fs_slurp(AT_FDCWD, mine, 100, &text, &f->err), 0);
	assert_string_equal(text.data, "precious");
}

static void test_two_at_once(void **state)
{
	struct fix *f = *state;

	assert_int_equal(mkdir(f->work, 0700), 0);
	cleanup_close int fd = open(f->work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	free(tb_write(&f->dir, ".out.labverify/lab", "in work", 7));
	refused(f, f->to, ERR_WORK, "another extraction is at work");
	cleanup_free char *lab = tb_in(&f->dir, ".out.labverify/lab");
	assert_true(exists(lab)); /* the other's work is untouched */
}

/* Many at once: one or more say good, and each that says so left the whole folder. */
static void test_race(void **state)
{
	struct fix *f = *state;
	pid_t pids[8];
	int good = 0, status;

	for (size_t i = 0; i < 8; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(extract_to(f, f->to));
	}
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		good += WEXITSTATUS(status) == 0;
	}
	assert_true(good == 1);
	assert_int_equal(check_folder(f, f->to), 0);
	assert_false(exists(f->work));
}

/* A stream that waits for the test between two members: what is done meanwhile is done in the midst of the work. */
struct held {
	pid_t pid;
	int feed;	/* the rest of the bundle goes in here */
	struct buf tar;
	size_t sent;
};

static void held_start(struct fix *f, struct held *h, size_t part)
{
	int ends[2];

	*h = (struct held){ 0 };
	assert_int_equal(fs_slurp(AT_FDCWD, f->tar, 8 << 20, &h->tar, &f->err), 0);
	assert_int_equal(pipe(ends), 0);
	h->pid = fork();
	if (h->pid == 0) {
		(void)close(ends[1]);
		(void)snprintf(f->tar, 32, "/proc/self/fd/%d", ends[0]);
		int code = extract_to(f, f->to);
		if (code)
			fprintf(stderr, "(%s)\n", f->err.msg);
		_exit(code);
	}
	(void)close(ends[0]);
	h->feed = ends[1];
	h->sent = part;
	assert_int_equal(fs_write(h->feed, h->tar.data, part, &f->err), 0);
	for (int i = 0; !exists(f->work) && i < 2000; i++)
		usleep(1000);
	assert_true(exists(f->work));
}

static int held_finish(struct fix *f, struct held *h)
{
	int status;

	(void)fs_write(h->feed, h->tar.data + h->sent, h->tar.len - h->sent, &f->err); /* it may have ended by now */
	(void)close(h->feed);
	assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
	buf_release(&h->tar);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_held(void **state)
{
	struct fix *f = *state;
	struct held h;

	held_start(f, &h, 5000);
	assert_false(exists(f->to));
	assert_int_equal(held_finish(f, &h), 0);
	assert_int_equal(check_folder(f, f->to), 0);
}

/* The target's name is taken while it runs: by a folder with something in it, a file, or a link. */
static void test_target_swapped(void **state)
{
	struct fix *f = *state;
	struct held h;
	cleanup_free char *elsewhere = tb_in(&f->dir, "elsewhere"), *mine = tb_in(&f->dir, "out/mine");

	held_start(f, &h, 5000);
	assert_int_equal(mkdir(f->to, 0700), 0);
	free(tb_write(&f->dir, "out/mine", "precious", 8));
	assert_int_equal(held_finish(f, &h), ERR_WORK);
	assert_true(exists(mine));
	assert_false(exists(f->work));
	assert_int_equal(unlink(mine) | rmdir(f->to), 0);

	held_start(f, &h, 5000);
	assert_int_equal(mkdir(elsewhere, 0700) | symlink(elsewhere, f->to), 0);
	assert_int_equal(held_finish(f, &h), ERR_WORK);
	assert_int_equal(rmdir(elsewhere) | unlink(f->to), 0); /* nothing went through the link */

	held_start(f, &h, 5000);
	free(tb_write(&f->dir, "out", "file", 4));
	assert_int_equal(held_finish(f, &h), ERR_WORK);
	assert_int_equal(unlink(f->to), 0);
}

/* The work folder is moved away and another put in its place: never "good", and what was put there is not emptied. */
static void test_work_swapped(void **state)
{
	struct fix *f = *state;
	struct held h;
	cleanup_free char *away = tb_in(&f->dir, "away");

	held_start(f, &h, 5000);
	assert_int_equal(rename(f->work, away) | mkdir(f->work, 0700), 0);
	free(tb_write(&f->dir, ".out.labverify/evil", "evil", 4));
	assert_int_not_equal(held_finish(f, &h), 0);
	assert_false(exists(f->to)); /* nor has it got the final name */
	assert_int_equal(fs_remove(AT_FDCWD, away, &f->err), 0);
	assert_int_equal(fs_remove(AT_FDCWD, f->work, &f->err), 0);

	held_start(f, &h, 5000);
	assert_int_equal(rename(f->work, away) | mkdir(f->work, 0700), 0);
	assert_int_not_equal(held_finish(f, &h), 0);
	assert_false(exists(f->to));
	assert_true(exists(f->work)); /* a stranger's, which is not ours to remove */
}

/* A folder of the work swapped for a link out, where the next member goes: it is not followed. */
static void test_folder_swapped(void **state)
{
	struct fix *f = *state;
	struct held h;
	cleanup_free char *elsewhere = tb_in(&f->dir, "elsewhere"), *size = tb_in(&f->dir, ".out.labverify/size");

	held_start(f, &h, 5000);
	assert_int_equal(mkdir(elsewhere, 0700) | symlink(elsewhere, size), 0);
	assert_int_not_equal(held_finish(f, &h), 0);
	assert_int_equal(rmdir(elsewhere), 0);
	assert_nothing(f);
}

/* A file put where a member goes, and a link there: neither is opened. */
static void test_member_exists(void **state)
{
	struct fix *f = *state;
	struct held h;
	cleanup_free char *precious = tb_write(&f->dir, "precious", "precious", 8), *env = tb_in(&f->dir, ".out.labverify/lab.env");
	cleanup_buf struct buf text = BUF_INIT;

	held_start(f, &h, 5000);
	assert_int_equal(symlink(precious, env), 0);
	assert_int_not_equal(held_finish(f, &h), 0);
	assert_nothing(f);
	assert_int_equal(fs_slurp(AT_FDCWD, precious, 100, &text, &f->err), 0);
	assert_string_equal(text.data, "precious");
}

/* 200 times killed at any moment: the whole folder or none, and the next run cleans up. */
static void test_killed(void **state)
{
	struct fix *f = *state;
	struct tb_member *m = xcalloc(KILL_MEMBERS, sizeof(*m));
	char (*names)[24] = xcalloc(KILL_MEMBERS, sizeof(*names));
	cleanup_buf struct buf tar = BUF_INIT;
	unsigned whole = 0, none = 0, left = 0, seed = 12345;
	struct err err;

	for (size_t i = 0; i < KILL_MEMBERS; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "d%03u/%05u", (unsigned)i / 10, (unsigned)i);
		m[i] = (struct tb_member){ names[i], NULL, i * 7 };
	}
	tb_bundle(&tar, &f->key, m, KILL_MEMBERS);
	free(tb_write(&f->dir, "demo.tar", tar.data, tar.len));
	free(m);
	free(names);
	struct timespec a, b;
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	assert_int_equal(extract_to(f, f->to), 0); /* how long does one take? */
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	unsigned long span = (unsigned long)((b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000);
	span = span < SPAN_MAX / 2 ? 2 * span : SPAN_MAX;
	assert_int_equal(fs_remove(AT_FDCWD, f->to, &err), 0);

	for (int i = 0; i < KILLS; i++) {
		int status;
		pid_t pid = fork();
		if (pid == 0)
			_exit(extract_to(f, f->to));
		seed = seed * 1103515245 + 12345;
		usleep((useconds_t)((seed >> 8) % (span + 1)));
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		left += exists(f->work) != 0;
		if (exists(f->to)) {
			whole++;
			assert_int_equal(check_folder(f, f->to), 0);
			assert_int_equal(fs_remove(AT_FDCWD, f->to, &err), 0);
		} else {
			none++;
			assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		}
	}
	print_message("killed %d times: %u whole, %u none, %u of them with something left for the next\n", KILLS, whole, none, left);
	assert_int_equal(extract_to(f, f->to), 0);
	assert_int_equal(check_folder(f, f->to), 0);
	assert_false(exists(f->work));
}

/*
 * A file system of 256 KiB, and a bundle of 3 MiB, of which each member would fit: refused for the whole of it before
 * anything is written; a stream when it does not fit.
 */
static int in_small_tmpfs(struct fix *f, int stream)
{
	struct tb_member big[30];
	char names[30][8];
	cleanup_buf struct buf tar = BUF_INIT;
	struct held h;

	assert_int_equal(mkdir(f->to, 0755), 0);
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", f->to, "tmpfs", 0, "size=256k") < 0)
		return -1;
	for (size_t i = 0; i < 30; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "%02u", (unsigned)i);
		big[i] = (struct tb_member){ names[i], NULL, 100 << 10 };
	}
	tb_bundle(&tar, &f->key, big, 30);
	free(tb_write(&f->dir, "demo.tar", tar.data, tar.len));
	free(f->to);
	free(f->work);
	f->to = tb_in(&f->dir, "out/in");
	f->work = tb_in(&f->dir, "out/.in.labverify");
	if (!stream)
		return extract_to(f, f->to);
	held_start(f, &h, 10240);
	return held_finish(f, &h);
}

static void test_full_disk_where_one_may_mount(void **state)
{
	struct fix *f = *state;

	for (int stream = 0; stream < 2; stream++) {
		int status;
		pid_t pid = fork(); /* with a mount table of its own */
		if (pid == 0) {
			int code = in_small_tmpfs(f, stream);
			if (code < 0)
				_exit(77);
			int said = stream || strstr(f->err.msg, "needs 4 MiB of free space") != NULL;
			_exit(code == ERR_WORK && said && !exists(f->to) && !exists(f->work) ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			skip(); /* only root can mount */
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
		assert_int_equal(rmdir(f->to), 0);
	}
}

/* A read-only place, for an ordinary user. */
static void test_no_permission(void **state)
{
	struct fix *f = *state;
	int status;

	assert_int_equal(chmod(f->dir.path, 0555), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 && setuid(65534) < 0)
			_exit(2);
		_exit(extract_to(f, f->to) == ERR_WORK && strstr(f->err.msg, "Permission denied") ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(chmod(f->dir.path, 0755), 0);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_nothing(f);
}

/* A work folder that belongs to somebody else is not written into. */
static void test_work_of_another(void **state)
{
	struct fix *f = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(f->work, 0777), 0);
	assert_int_equal(chown(f->work, 65534, 65534), 0);
	refused(f, f->to, ERR_WORK, "belongs to another user");
	assert_true(exists(f->work));
	assert_false(exists(f->to));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_good),
		TEST(test_umask),
		TEST(test_damaged),
		TEST(test_targets),
		TEST(test_empty_folder),
		TEST(test_folder_with_something),
		TEST(test_link_as_target),
		TEST(test_link_as_work),
		TEST(test_file_as_work),
		TEST(test_leftovers),
		TEST(test_two_at_once),
		TEST(test_race),
		TEST(test_held),
		TEST(test_target_swapped),
		TEST(test_work_swapped),
		TEST(test_folder_swapped),
		TEST(test_member_exists),
		TEST(test_killed),
		TEST(test_full_disk_where_one_may_mount),
		TEST(test_no_permission),
		TEST(test_work_of_another),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
