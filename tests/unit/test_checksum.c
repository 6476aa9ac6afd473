/* Checksum files, in the shapes that upstreams publish. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "checksum.h"

#include <string.h>

#define A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define B "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define A_UPPER "0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF"

static void finds(const char *text)
{
	struct err err = { 0 };
	char hex[65];

	if (checksum_find(text, strlen(text), "tool-linux-amd64", hex, &err) < 0)
		fail_msg("%s: %s", text, err.msg);
	assert_string_equal(hex, A);
}

static void refuses(const char *text, const char *why)
{
	struct err err = { 0 };
	char hex[65];

	assert_int_equal(checksum_find(text, strlen(text), "tool-linux-amd64", hex, &err), -1);
	assert_int_equal(err.code, ERR_WORK);
	assert_non_null(strstr(err.msg, why));
	assert_non_null(strstr(err.msg, "tool-linux-amd64"));
}

static void test_shapes(void **state)
{
	(void)state;
	finds(A);
	finds(A "\n");
	finds(A_UPPER "\r\n");
	finds("  " A "  \n");
	finds(A "  tool-linux-amd64\n");
	finds(A " tool-linux-amd64");
	finds(A " *tool-linux-amd64\r\n");
	finds(A "  ./dist/tool-linux-amd64\n");
	finds("SHA256 (tool-linux-amd64) = " A "\n");
	finds("SHA256 (out/tool-linux-amd64) = " A_UPPER "\n");
	finds("# made by hand\n\n" B "  tool-linux-arm64\n" A "  tool-linux-amd64\n" B "  tool-linux-amd64.sig\n");
	finds(A "  tool-linux-amd64\n" A "  copy/tool-linux-amd64\n"); /* twice, and the same */
	finds("d41d8cd98f00b204e9800998ecf8427e  tool-linux-amd64\n" A "  tool-linux-amd64\n"); /* an MD5 as well */
}

static void test_refusals(void **state)
{
	(void)state;
	refuses("", "no SHA-256");
	refuses("<html>not found</html>\n", "no SHA-256");
	refuses(A "  tool-linux-arm64\n", "no SHA-256");
	refuses(A "  tool-linux-amd64\n" B "  tool-linux-amd64\n", "more than one");
	refuses(A "\n" B "\n", "more than one");
	refuses(A "0  tool-linux-amd64\n", "no SHA-256"); /* a digit too many */
	refuses(A A "  tool-linux-amd64\n", "no SHA-256"); /* a SHA-512 */
	refuses("MD5 (tool-linux-amd64) = " A "\n", "no SHA-256");
	refuses(A "  tool-linux-amd64-old\n", "no SHA-256");
	refuses(A "\n" B "  tool-linux-arm64\n", "no SHA-256"); /* the bare one belongs to nobody */
	refuses(A "tool-linux-amd64\n", "no SHA-256");
}

static void test_bytes_behind_the_end_do_not_count(void **state)
{
	static const char text[] = A "  tool-linux-amd64";
	struct err err = { 0 };
	char hex[65];

	(void)state;
	assert_int_equal(checksum_find(text, strlen(text) - 1, "tool-linux-amd64", hex, &err), -1);
	assert_int_equal(checksum_find(text, 63, "x", hex, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_bytes_behind_the_end_do_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
