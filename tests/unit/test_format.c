/* Names that the format allows, and all those it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format.h"

#include <string.h>

static int path_ok(const char *s)
{
	return format_path_ok(s, strlen(s));
}

static void test_path(void **state)
{
	static const char *const good[] = { "a", "lab", "a/b", "...", "..a", "a..", ".a", "a/.b/c", "A-Z/a_z/0+9@=~.x", "-rf" };
	static const char *const bad[] = { "", "/", "/a", "a/", "a//b", ".", "..", "./a", "../a", "a/.", "a/..", "a/./b", "a/../b",
		"a b", "a\\b", "a\tb", "a\nb", "a:b", "a*", "a\x7f", "\xed\x95\x9c", "a\xff", "C:\\x", "a;b", "a&b", "<a>", "a\"b", "a'b" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (!path_ok(good[i]))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (path_ok(bad[i]))
			fail_msg("allowed: %s", bad[i]);
	assert_false(format_path_ok("a\0b", 3));
	assert_true(format_path_ok("ab/cd", 2)); /* the length counts, not what lies behind */
}

/* Each byte there is, alone, at the start and inside of a name. */
static void test_path_bytes(void **state)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+@=~-";

	(void)state;
	for (int c = 0; c < 256; c++) {
		const char s[3] = { 'x', (char)c, 'y' };
		int want = c == '/' || (c && strchr(allowed, c));
		assert_int_equal(format_path_ok(s, 3), want);
		assert_int_equal(format_path_ok(s + 1, 2), want && c != '/');
	}
}

static void test_path_length(void **state)
{
	char name[FORMAT_NAME_MAX + 2];

	(void)state;
	memset(name, 'a', sizeof(name));
	assert_true(format_path_ok(name, FORMAT_NAME_MAX - 1));
	assert_true(format_path_ok(name, FORMAT_NAME_MAX));
	assert_false(format_path_ok(name, FORMAT_NAME_MAX + 1));
}

static void test_word(void **state)
{
	char word[FORMAT_WORD_MAX + 2];

	(void)state;
	memset(word, 'a', sizeof(word));
	assert_false(format_word_ok(word, 0, 1));
	assert_true(format_word_ok(word, 1, 0));
	assert_true(format_word_ok(word, FORMAT_WORD_MAX, 0));
	assert_false(format_word_ok(word, FORMAT_WORD_MAX + 1, 0));
	assert_true(format_word_ok("a-b", 3, 1));
	assert_false(format_word_ok("a-b", 3, 0));
	assert_false(format_word_ok("-ab", 3, 1));
	assert_false(format_word_ok(".ab", 3, 1));
	assert_false(format_word_ok("a/b", 3, 1));
	assert_false(format_word_ok("a=b", 3, 1));
	assert_false(format_word_ok("a b", 3, 1));
	assert_false(format_word_ok("a\0b", 3, 1));
	assert_true(format_word_ok("1.0_a+b~c", 9, 0));
}

static void test_mode(void **state)
{
	(void)state;
	assert_int_equal(format_mode("lab"), 0755);
	assert_int_equal(format_mode("bin/x"), 0755);
	assert_int_equal(format_mode("bin/a/b"), 0755);
	assert_int_equal(format_mode("lab.env"), 0644);
	assert_int_equal(format_mode("lib/lab"), 0644);
	assert_int_equal(format_mode("binary"), 0644);
	assert_int_equal(format_mode("sub/bin/x"), 0644);
}

static void test_platform(void **state)
{
	(void)state;
	assert_true(format_platform_known("linux/amd64"));
	assert_true(format_platform_known("darwin/arm64"));
	assert_false(format_platform_known("linux"));
	assert_false(format_platform_known("linux/amd64 "));
	assert_false(format_platform_known(""));
	assert_false(format_platform_known("Linux/amd64"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_path_bytes),
		cmocka_unit_test(test_path_length),
		cmocka_unit_test(test_word),
		cmocka_unit_test(test_mode),
		cmocka_unit_test(test_platform),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
