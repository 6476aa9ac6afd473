/* Other programs: what they print, how they end, and what is said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proc.h"

#include <stdlib.h>
#include <string.h>

static int sh(const char *script, const char *const *env, const char *dir, size_t max, struct buf *out, struct err *err)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	const struct proc p = { .argv = argv, .env = env, .dir = dir, .out_max = max };

	return proc_run(&p, out, NULL, err);
}

static void test_output_and_environment(void **state)
{
	static const char *const env[] = { "ADDED=a b", "HOME=/nowhere", NULL };
	cleanup_buf struct buf out = BUF_INIT;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(setenv("LC_ALL", "C.UTF-8", 1), 0);
	if (sh("echo \"$LC_ALL $ADDED $HOME $(pwd)\"; cat; echo log >&2", env, "/", 100, &out, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(out.data, "C a b /nowhere /\n");
}

static void test_no_shell(void **state)
{
	static const char *const argv[] = { "printf", "%s", "$(id) ;'\"*", NULL };
	const struct proc p = { .argv = argv, .out_max = 100 };
	cleanup_buf struct buf out = BUF_INIT;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(proc_run(&p, &out, NULL, &err), 0);
	assert_string_equal(out.data, "$(id) ;'\"*");
}

static void test_failures(void **state)
{
	static const char *const missing[] = { "labgen-has-no-such-program", NULL };
	const struct proc p = { .argv = missing, .out_max = 1 };
	cleanup_buf struct buf out = BUF_INIT;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(sh("echo first >&2; echo the reason >&2; exit 3", NULL, NULL, 100, &out, &err), -1);
	assert_non_null(strstr(err.msg, "exit 3: first the reason"));
	assert_int_equal(sh("kill -KILL $$", NULL, NULL, 100, &out, &err), -1);
	assert_non_null(strstr(err.msg, "signal 9"));
	assert_int_equal(sh("yes", NULL, NULL, 1000, &out, &err), -1); /* and it does not go on for ever */
	assert_non_null(strstr(err.msg, "more than 1000 bytes"));
	assert_int_equal(proc_run(&p, NULL, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "labgen-has-no-such-program"));
	assert_non_null(strstr(err.msg, "No such file"));
}

static void test_much_of_both(void **state)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(sh("i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789; "
		"echo 0123456789012345678901234567890123456789 >&2; i=$((i + 1)); done", NULL, NULL, 1000000, &out, &err), 0);
	assert_int_equal(out.len, 3000 * 41);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output_and_environment),
		cmocka_unit_test(test_no_shell),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_much_of_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
