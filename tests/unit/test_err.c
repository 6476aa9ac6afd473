/* Messages and JSON: whatever a name holds, one line of text, and nothing that steers a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "err.h"
#include "json.h"
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

/* What err_print() writes for a message. */
static void printed(const char *msg, char *out, size_t size)
{
	struct err err;
	int was = dup(STDERR_FILENO), fd = memfd_create("stderr", MFD_CLOEXEC);

	(void)err_set(&err, ERR_AUTH, "%s", msg);
	(void)dup2(fd, STDERR_FILENO);
	int status = err_print(&err, "labverify");
	(void)dup2(was, STDERR_FILENO);
	(void)close(was);
	ssize_t n = pread(fd, out, size - 1, 0);
	(void)close(fd);
	assert_true(n > 0);
	out[n] = '\0';
	assert_int_equal(status, 3);
}

static void says(const char *msg, const char *want)
{
	char out[8192];
	cleanup_free char *line = xasprintf("labverify: %s\n", want);

	printed(msg, out, sizeof(out));
	assert_string_equal(out, line);
}

static void test_print(void **state)
{
	(void)state;
	says("plain", "plain");
	says("a\nb", "a\\x0ab");
	says("a\x1b[2Jb\x7f\r\t", "a\\x1b[2Jb\\x7f\\x0d\\x09");
	says("\xea\xb0\x80 caf\xc3\xa9 \xf0\x9f\x99\x82", "\xea\xb0\x80 caf\xc3\xa9 \xf0\x9f\x99\x82"); /* letters stay letters */
	says("\x9b" "2J", "\\x9b2J");			/* CSI in eight bits */
	says("\xc2\x9b" "2J", "\\xc2\\x9b2J");		/* and in UTF-8 */
	says("a\xe2\x80\xae" "b", "a\\xe2\\x80\\xaeb");	/* turns the direction of writing */
	says("a\xe2\x81\xa6" "b", "a\\xe2\\x81\\xa6b");
	says("a\xe2\x80\xa8" "b", "a\\xe2\\x80\\xa8b");	/* line separator */
	says("\xc0\x80\xc1\xbf", "\\xc0\\x80\\xc1\\xbf");	/* overlong */
	says("\xe0\x9f\xbf", "\\xe0\\x9f\\xbf");
	says("\xed\xa0\x80", "\\xed\\xa0\\x80");		/* surrogate */
	says("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");	/* beyond Unicode */
	says("\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80");
	says("\xea\xb0", "\\xea\\xb0");			/* cut */
	says("\xea", "\\xea");
	says("\xea" "a\xb0", "\\xeaa\\xb0");
}

/* No byte, and no pair, comes out as a control. */
static void test_print_bytes(void **state)
{
	char out[8192];

	(void)state;
	for (int a = 1; a < 256; a++)
		for (int b = 1; b < 256; b += 3) {
			const char msg[3] = { (char)a, (char)b, 0 };
			printed(msg, out, sizeof(out));
			size_t n = strlen(out) - 1;
			assert_int_equal(out[n], '\n');
			for (size_t i = 0; i < n; i++)
				assert_true((unsigned char)out[i] >= 0x20 && out[i] != 0x7f);
		}
}

static void json(const char *s, const char *want)
{
	cleanup_buf struct buf out = BUF_INIT;

	json_quote(&out, s);
	assert_string_equal(out.data, want);
}

static void test_json(void **state)
{
	(void)state;
	json("", "\"\"");
	json("a\"b\\c/", "\"a\\\"b\\\\c/\"");
	json("\n\t\x1b\x7f", "\"\\u000a\\u0009\\u001b\\u007f\"");
	json("\xea\xb0\x80", "\"\xea\xb0\x80\"");
	json("\xff\xc2\x9b", "\"\\\\xff\\\\xc2\\\\x9b\""); /* not UTF-8, or not to be shown: as in messages */
	json("\xea\xb0", "\"\\\\xea\\\\xb0\"");
}

static void test_long(void **state)
{
	char text[3 * ERR_MSG_MAX];
	struct err err;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(err_set(&err, ERR_WORK, "%s", text), -1);
	assert_int_equal(strlen(err.msg), ERR_MSG_MAX - 1);
	assert_int_equal(err_wrap(&err, "outer"), -1);
	assert_memory_equal(err.msg, "outer: x", 8);
	assert_int_equal(strlen(err.msg), ERR_MSG_MAX - 1);
	assert_int_equal(err_wrap(&err, "%s", text), -1);
	assert_int_equal(strlen(err.msg), ERR_MSG_MAX - 1);
	errno = ENOENT;
	assert_int_equal(err_errno(&err, "%s", text), -1);
	assert_int_equal(strlen(err.msg), ERR_MSG_MAX - 1);
	errno = ENOENT;
	assert_int_equal(err_errno(&err, "x"), -1);
	assert_string_equal(err.msg, "x: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_print_bytes),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
