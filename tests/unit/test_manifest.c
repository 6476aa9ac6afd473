/* SHA256SUMS: read only as it is written, at each limit, and refused with the line that is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "testbundle.h"

#define D "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ROOT_LEN (sizeof(TB_ROOT) - 1)

static int parse(const char *text, size_t len, size_t root_len, struct manifest *m, struct err *err)
{
	char *own = xmalloc(len + 1);

	memcpy(own, text, len);
	own[len] = '\0';
	return manifest_parse(m, own, len, root_len, err);
}

static void refused(const char *text, size_t len, const char *why)
{
	struct manifest m;
	struct err err = { 0 };

	if (parse(text, len, ROOT_LEN, &m, &err) == 0)
		fail_msg("taken: %s", text);
	assert_int_equal(err.code, ERR_AUTH);
	if (!strstr(err.msg, why))
		fail_msg("\"%s\" does not say \"%s\"", err.msg, why);
}

#define REFUSED(text, why) refused(text, sizeof(text) - 1, why)

static void test_round_trip(void **state)
{
	static const char text[] = D "  README.html\n" D "  a-b\n" D "  a.b\n" D "  a/b\n" D "  bin/x\n" D "  lab\n";
	struct manifest m;
	struct err err;
	cleanup_buf struct buf again = BUF_INIT;

	(void)state;
	assert_int_equal(parse(text, strlen(text), ROOT_LEN, &m, &err), 0);
	assert_int_equal(m.n, 6);
	for (size_t i = 0; i < m.n; i++)
		manifest_line(&m.entries[i], &again);
	assert_string_equal(again.data, text);
	assert_ptr_equal(manifest_find(&m, "a/b"), &m.entries[3]);
	assert_null(manifest_find(&m, "a"));
	assert_null(manifest_find(&m, "a/b/c"));
	assert_null(manifest_find(&m, ""));
	manifest_release(&m);
	assert_null(manifest_find(&m, "a/b"));
}

static void test_spelling(void **state)
{
	(void)state;
	REFUSED("", "empty");
	REFUSED("\n", "line 1");
	REFUSED(D "  a", "newline");
	REFUSED(D "  a\n" D "  b", "newline");
	REFUSED(D "  a\r\n", "line 1: not a name");
	REFUSED(D "  a\n\n", "line 2");
	REFUSED(D " a\n", "line 1");
	REFUSED(D " *a\n", "two spaces");
	REFUSED(D "\t a\n", "two spaces");
	REFUSED(D "   a\n", "not a name");
	REFUSED(D "  a \n", "not a name");
	REFUSED(D "  \n", "line 1");
	REFUSED("0123456789ABCDEF" "0123456789abcdef0123456789abcdef0123456789abcdef  a\n", "lower-case hex");
	REFUSED("0123456789abcdeg" "0123456789abcdef0123456789abcdef0123456789abcdef  a\n", "lower-case hex");
	REFUSED("0123456789abcde" "0123456789abcdef0123456789abcdef0123456789abcdef  aa\n", "lower-case hex");
	REFUSED("0" D "  a\n", "two spaces");
	REFUSED("sha256:" D "  a\n", "lower-case hex");
	REFUSED("\\" D "  a\n", "lower-case hex");
	REFUSED("# comment\n" D "  a\n", "line 1");
	REFUSED("\xef\xbb\xbf" D "  a\n", "line 1");
	REFUSED(D "  a\0b\n", "not a name");
	REFUSED(D "  a\n\0", "newline");
}

static void test_names(void **state)
{
	(void)state;
	REFUSED(D "  ..\n", "not a name");
	REFUSED(D "  ../a\n", "not a name");
	REFUSED(D "  a/../b\n", "not a name");
	REFUSED(D "  /etc/passwd\n", "not a name");
	REFUSED(D "  a//b\n", "not a name");
	REFUSED(D "  a/\n", "not a name");
	REFUSED(D "  ./a\n", "not a name");
	REFUSED(D "  a\\b\n", "not a name");
	REFUSED(D "  \xed\x95\x9c\n", "not a name");
	REFUSED(D "  a\x1b[2J\n", "not a name");
	REFUSED(D "  a b\n", "not a name");
	REFUSED(D "  SHA256SUMS\n", "itself");
	REFUSED(D "  SHA256SUMS.minisig\n", "itself");
}

static void test_order(void **state)
{
	(void)state;
	REFUSED(D "  b\n" D "  a\n", "line 2: a: out of order");
	REFUSED(D "  a\n" D "  a\n", "line 2: a: listed twice");
	REFUSED(D "  a/b\n" D "  a.b\n", "line 2: a.b: out of order"); /* bytewise, not by part */
	REFUSED(D "  a\n" D "  B\n", "line 2: B: out of order"); /* nor by a locale's order */
	REFUSED(D "  a\n" D "  a/b\n", "line 2: a/b: lies below");
	REFUSED(D "  a\n" D "  a-b\n" D "  a.b\n" D "  a/b\n", "line 4: a/b: lies below");
	REFUSED(D "  a/b\n" D "  a/b-c\n" D "  a/b/c/d/e\n", "line 3: a/b/c/d/e: lies below");
	REFUSED(D "  SHA256SUMS-x\n" D "  SHA256SUMS\n", "line 2");
}

/* The reserved names are files: nothing can lie below them. */
static void test_below_reserved(void **state)
{
	(void)state;
	REFUSED(D "  SHA256SUMS/x\n", "lies below");
	REFUSED(D "  SHA256SUMS.minisig/x\n", "lies below");
}

static void test_name_length(void **state)
{
	char text[400];
	struct manifest m;
	struct err err;

	(void)state;
	for (size_t len = FORMAT_NAME_MAX - ROOT_LEN - 2; len <= FORMAT_NAME_MAX - ROOT_LEN; len++) {
		memcpy(text, D "  ", 66);
		memset(text + 66, 'n', len);
		text[66 + len] = '\n';
		int want = ROOT_LEN + 1 + len <= FORMAT_NAME_MAX ? 0 : -1;
		assert_int_equal(parse(text, 66 + len + 1, ROOT_LEN, &m, &err), want);
		if (want == 0)
			manifest_release(&m);
		else
			assert_non_null(strstr(err.msg, "over 200 bytes"));
	}
}

static void add_lines(struct buf *text, size_t n, size_t width)
{
	for (size_t i = 0; i < n; i++)
		buf_addf(text, D "  %0*zu\n", (int)width, i);
}

static void test_counts(void **state)
{
	struct manifest m;
	struct err err;

	(void)state;
	for (size_t n = FORMAT_MEMBERS_MAX - 1; n <= FORMAT_MEMBERS_MAX + 1; n++) {
		cleanup_buf struct buf text = BUF_INIT;
		add_lines(&text, n, 8);
		int want = n <= FORMAT_MEMBERS_MAX ? 0 : -1;
		assert_int_equal(parse(text.data, text.len, ROOT_LEN, &m, &err), want);
		if (want == 0)
			manifest_release(&m);
		else
			assert_non_null(strstr(err.msg, "32769 members; at most 32768"));
	}
}

/* A line of len bytes, its name made of c. */
static void add_line(struct buf *text, char c, size_t len)
{
	buf_adds(text, D "  ");
	for (size_t i = HASH_HEX + 2; i < len - 1; i++)
		buf_addc(text, c);
	buf_addc(text, '\n');
}

/*
 * Bytes at the limit, one below, one above: two last lines share what is left by lines of one width. With a root, the
 * limit of members is reached before.
 */
static void test_bytes(void **state)
{
	enum { WIDTH = 190, LINE = HASH_HEX + 2 + WIDTH + 1 };
	struct manifest m;
	struct err err;

	(void)state;
	for (size_t want = FORMAT_MANIFEST_MAX - 1; want <= FORMAT_MANIFEST_MAX + 1; want++) {
		cleanup_buf struct buf text = BUF_INIT;
		size_t n = want / LINE - 1, left = want - n * LINE;
		add_lines(&text, n, WIDTH);
		add_line(&text, 'x', left / 2);
		add_line(&text, 'y', left - left / 2);
		assert_int_equal(text.len, want);
		int got = parse(text.data, text.len, 0, &m, &err);
		assert_int_equal(got, want <= FORMAT_MANIFEST_MAX ? 0 : -1);
		if (got == 0)
			manifest_release(&m);
		else
			assert_non_null(strstr(err.msg, "over 8388608 bytes"));
	}
}

/* No byte of a manifest has a second spelling: a flip of any bit is either refused or reads as what it then says. */
static void test_canonical(void **state)
{
	static const char text[] = D "  README.html\n" D "  bin/x\n" D "  lab\n";
	struct manifest m;
	struct err err;

	(void)state;
	for (size_t at = 0; at < strlen(text); at++)
		for (int bit = 0; bit < 8; bit++) {
			char flipped[sizeof(text)];
			cleanup_buf struct buf again = BUF_INIT;
			memcpy(flipped, text, sizeof(text));
			flipped[at] = (char)(flipped[at] ^ (1 << bit));
			if (parse(flipped, strlen(text), ROOT_LEN, &m, &err) < 0)
				continue;
			for (size_t i = 0; i < m.n; i++)
				manifest_line(&m.entries[i], &again);
			assert_int_equal(again.len, strlen(text));
			assert_memory_equal(again.data, flipped, again.len);
			manifest_release(&m);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_spelling),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_below_reserved),
		cmocka_unit_test(test_name_length),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_canonical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
