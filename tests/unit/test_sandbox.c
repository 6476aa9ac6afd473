/* What a process has left of the kernel behind sandbox_enter() and sandbox_settle(): each tried in a child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sandbox.h"
#include "testbundle.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define ALLOWED 0
#define REFUSED 1	/* the call fails */
#define OTHER 2		/* neither: what was tried went wrong in another way */

static unsigned in_force;	/* what sandbox_enter() can do on this machine */

/* What a child came to: its exit status, or 128 and the signal that ended it. */
static int in_child(int (*attempt)(const char *dir), const char *writes, const char *dir)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		(void)sandbox_enter(writes);
		_exit(attempt(dir));
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int refused(int status)
{
	return status < 0 ? REFUSED : ALLOWED;
}

static int try_socket(const char *dir)
{
	(void)dir;
	return refused(socket(AF_INET, SOCK_STREAM, 0));
}

static int try_exec(const char *dir)
{
	(void)dir;
	return refused(execl("/bin/true", "true", (char *)NULL));
}

static int try_ptrace(const char *dir)
{
	(void)dir;
	return refused((int)ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int try_fork(const char *dir)
{
	(void)dir;
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	return refused(pid);
}

static int try_signal(const char *dir)
{
	(void)dir;
	return refused(kill(getppid(), 0));
}

static int try_abort(const char *dir)
{
	(void)dir;
	abort();
}

static int try_open(const char *dir, const char *name, int flags)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);

	return refused(open(path, flags | O_CLOEXEC, 0600));
}

static int try_read(const char *dir)
{
	return try_open(dir, "there", O_RDONLY);
}

static int try_write(const char *dir)
{
	return try_open(dir, "there", O_WRONLY);
}

static int try_create(const char *dir)
{
	return try_open(dir, "new", O_RDONLY | O_CREAT);
}

static int try_remove(const char *dir)
{
	cleanup_free char *path = xasprintf("%s/there", dir);

	return refused(unlink(path));
}

static int try_link(const char *dir)
{
	cleanup_free char *path = xasprintf("%s/link", dir);

	return refused(symlink("there", path));
}

static void *nothing(void *arg)
{
	free(xmalloc(1 << 20));
	return arg;
}

static int try_thread(const char *dir)
{
	pthread_t thread;

	(void)dir;
	return pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0 ? ALLOWED : OTHER;
}

/* A folder inside dir is what may be written. */
static int write_settled(const char *dir)
{
	cleanup_free char *inside = xasprintf("%s/inside", dir);
	cleanup_free char *beside = xasprintf("%s/there", dir);
	const char *reads[] = { beside, NULL, "/nowhere/at/all" };
	struct err err;

	unsigned settled = sandbox_settle(inside, reads, 3);
	if ((in_force & SANDBOX_LANDLOCK) != settled || try_read(dir) != ALLOWED || try_read(inside) != ALLOWED)
		return OTHER;
	cleanup_free char *made = xasprintf("%s/made", inside);
	cleanup_free char *folder = xasprintf("%s/a/b", inside);
	if (fs_replace(made, "x", 1, 0644, &err) < 0 || fs_mkdirs(folder, &err) < 0 || try_remove(inside) != ALLOWED)
		return OTHER;
	/* neither listed for reading, nor below what may be written */
	return try_open(dir, "other", O_RDONLY);
}

static void need(unsigned what)
{
	if (!(in_force & what)) {
		print_message("the kernel has no %s, or this build does without\n", what == SANDBOX_SECCOMP ? "seccomp" : "landlock");
		skip();
	}
}

static void make_files(struct tb_dir *d)
{
	tb_mkdir(d);
	free(tb_write(d, "there", "x", 1));
	free(tb_write(d, "other", "x", 1));
	cleanup_free char *inside = tb_in(d, "inside");
	assert_int_equal(mkdir(inside, 0755), 0);
	free(tb_write(d, "inside/there", "x", 1));
}

static void test_intruder_ends(void **state)
{
	(void)state;
	need(SANDBOX_SECCOMP);
	assert_int_equal(in_child(try_socket, NULL, NULL), 128 + SIGSYS);
	assert_int_equal(in_child(try_exec, NULL, NULL), 128 + SIGSYS);
	assert_int_equal(in_child(try_ptrace, NULL, NULL), 128 + SIGSYS);
	assert_int_equal(in_child(try_socket, "/tmp", NULL), 128 + SIGSYS);
	assert_int_equal(in_child(try_exec, "/tmp", NULL), 128 + SIGSYS);
}

static void test_other_calls_fail(void **state)
{
	(void)state;
	need(SANDBOX_SECCOMP);
	assert_int_equal(in_child(try_fork, NULL, NULL), REFUSED);
	assert_int_equal(in_child(try_signal, NULL, NULL), REFUSED);
}

static void test_what_it_needs_works(void **state)
{
	cleanup_tb_dir struct tb_dir d = { 0 };

	(void)state;
	make_files(&d);
	assert_int_equal(in_child(try_thread, NULL, NULL), ALLOWED);
	assert_int_equal(in_child(try_read, NULL, d.path), ALLOWED);
	assert_int_equal(in_child(try_abort, NULL, NULL), 128 + SIGABRT);
	assert_int_equal(in_child(try_write, d.path, d.path), ALLOWED);
	assert_int_equal(in_child(try_create, d.path, d.path), ALLOWED);
	assert_int_equal(in_child(try_thread, d.path, NULL), ALLOWED);
}

static void test_nothing_is_written(void **state)
{
	cleanup_tb_dir struct tb_dir d = { 0 };

	(void)state;
	need(SANDBOX_SECCOMP);
	make_files(&d);
	assert_int_equal(in_child(try_write, NULL, d.path), REFUSED);
	assert_int_equal(in_child(try_create, NULL, d.path), REFUSED);
	assert_int_equal(in_child(try_remove, NULL, d.path), REFUSED);
	assert_int_equal(in_child(try_link, NULL, d.path), REFUSED);
}

static void test_written_below_one_folder(void **state)
{
	cleanup_tb_dir struct tb_dir d = { 0 };

	(void)state;
	need(SANDBOX_LANDLOCK);
	make_files(&d);
	cleanup_free char *inside = tb_in(&d, "inside");
	assert_int_equal(in_child(try_write, inside, inside), ALLOWED);
	assert_int_equal(in_child(try_write, inside, d.path), REFUSED);
	assert_int_equal(in_child(try_create, inside, d.path), REFUSED);
	assert_int_equal(in_child(try_remove, inside, d.path), REFUSED);
	assert_int_equal(in_child(write_settled, inside, d.path), REFUSED);
}

static int probe(void **state)
{
	(void)state;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit((int)sandbox_enter(NULL));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	in_force = (unsigned)WEXITSTATUS(status);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_intruder_ends),
		cmocka_unit_test(test_other_calls_fail),
		cmocka_unit_test(test_what_it_needs_works),
		cmocka_unit_test(test_nothing_is_written),
		cmocka_unit_test(test_written_below_one_folder),
	};

	return cmocka_run_group_tests(tests, probe, NULL);
}
