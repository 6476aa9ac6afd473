/* minisign's keys and signatures: one spelling each, one algorithm, and no byte that is not covered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "testbundle.h"

static const char msg[] = "a manifest\n";

static int key_parse(const char *text)
{
	struct minisign_key key;
	struct err err = { 0 };
	int status = minisign_key_parse(&key, text, strlen(text), &err);

	if (status < 0)
		assert_int_equal(err.code, ERR_USAGE);
	return status;
}

static void test_key(void **state)
{
	struct tb_key k;
	struct minisign_key key;
	struct err err;
	char text[57], hex[MINISIGN_ID_HEX + 1];

	(void)state;
	tb_key(&k, 1);
	tb_key_text(&k, text);
	cleanup_free char *file = xasprintf("untrusted comment: minisign public key\n%s\n", text);
	cleanup_free char *crlf = xasprintf("untrusted comment: a key\r\n%s\r\n", text);
	cleanup_free char *twice = xasprintf("%s\n%s\n", text, text);
	cleanup_free char *late = xasprintf("\nuntrusted comment: a key\n%s\n", text);
	cleanup_free char *more = xasprintf("%sA", text);
	assert_int_equal(key_parse(text), 0);
	assert_int_equal(key_parse(file), 0);
	assert_int_equal(key_parse(crlf), 0);
	assert_int_equal(minisign_key_load(&key, text, &err), 0);
	assert_memory_equal(&key, &k.pub, sizeof(key));
	assert_int_equal(key_parse(""), -1);
	assert_int_equal(key_parse("\n"), -1);
	assert_int_equal(key_parse("untrusted comment: alone"), -1);
	assert_int_equal(key_parse("untrusted comment: alone\n"), -1);
	assert_int_equal(key_parse(twice), -1);
	assert_int_equal(key_parse(late), -1);
	assert_int_equal(key_parse(more), -1);
	assert_int_equal(minisign_key_load(&key, "/nonexistent/key.pub", &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(minisign_key_load(&key, "/", &err), -1);
	assert_int_equal(minisign_key_load(&key, "", &err), -1);

	text[0] = 'S'; /* another algorithm */
	assert_int_equal(key_parse(text), -1);

	memcpy(key.id, "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
	minisign_id_hex(key.id, hex);
	assert_string_equal(hex, "EFCDAB8967452301");
}

static void make_sig(struct buf *out, struct tb_key *k)
{
	tb_key(k, 1);
	tb_sign(k, msg, strlen(msg), "trusted words", out);
}

/* 0: taken and valid; else the code. */
static int check(const char *text, size_t len, const struct tb_key *k, struct err *err)
{
	struct minisign_sig sig;

	*err = (struct err){ 0 };
	if (minisign_sig_parse(&sig, text, len, err) < 0 || minisign_check(&sig, &k->pub, msg, strlen(msg), err) < 0)
		return (int)err->code;
	return 0;
}

static void test_sig(void **state)
{
	cleanup_buf struct buf text = BUF_INIT, again = BUF_INIT;
	struct minisign_sig sig;
	struct tb_key k, other;
	struct err err;

	(void)state;
	make_sig(&text, &k);
	tb_key(&other, 2);
	assert_int_equal(check(text.data, text.len, &k, &err), 0);
	assert_int_equal(check(text.data, text.len, &other, &err), ERR_AUTH);
	assert_int_equal(minisign_sig_parse(&sig, text.data, text.len, &err), 0);
	minisign_sig_text(&sig, &again);
	assert_string_equal(again.data, text.data);
	assert_int_equal(minisign_check(&sig, &k.pub, msg, strlen(msg) - 1, &err), -1);
	assert_int_equal(minisign_check(&sig, &k.pub, "", 0, &err), -1);

	/* The right id on a wrong key is not enough. */
	memcpy(other.pub.id, k.pub.id, MINISIGN_ID);
	assert_int_equal(minisign_check(&sig, &other.pub, msg, strlen(msg), &err), -1);
	assert_non_null(strstr(err.msg, "does not match"));
}

/* Every bit of a signature file counts, but the untrusted comment's, which bundles compare with the only one there is. */
static void test_every_bit(void **state)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct minisign_sig sig;
	struct tb_key k;
	struct err err;

	(void)state;
	make_sig(&text, &k);
	for (size_t at = 0; at < text.len; at++)
		for (int bit = 0; bit < 8; bit++) {
			text.data[at] = (char)(text.data[at] ^ (1 << bit));
			int code = check(text.data, text.len, &k, &err);
			if (code == 0) {
				assert_int_equal(minisign_sig_parse(&sig, text.data, text.len, &err), 0);
				assert_string_not_equal(sig.untrusted, FORMAT_UNTRUSTED_COMMENT);
			} else {
				assert_int_equal(code, ERR_AUTH);
			}
			text.data[at] = (char)(text.data[at] ^ (1 << bit));
		}
	for (size_t len = 0; len < text.len; len++)
		assert_int_equal(check(text.data, len, &k, &err), ERR_AUTH);
}

/* The text with what is at from replaced is refused, and the error says why. */
static void refused(const struct buf *good, const char *from, const char *to, const char *why)
{
	cleanup_buf struct buf text = BUF_INIT;
	const char *at = strstr(good->data, from);
	struct tb_key k;
	struct err err;

	assert_non_null(at);
	tb_key(&k, 1);
	buf_add(&text, good->data, (size_t)(at - good->data));
	buf_adds(&text, to);
	buf_adds(&text, at + strlen(from));
	assert_int_equal(check(text.data, text.len, &k, &err), ERR_AUTH);
	if (!strstr(err.msg, why))
		fail_msg("\"%s\" does not say \"%s\"", err.msg, why);
}

static void test_spelling(void **state)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct tb_key k;

	(void)state;
	make_sig(&text, &k);
	refused(&text, "untrusted comment: ", "untrusted comment:", "no line");
	refused(&text, "untrusted comment: ", "Untrusted comment: ", "no line");
	refused(&text, "trusted comment: trusted words\n", "", "no line");
	refused(&text, "bundle\n", "bundle\r\n", "printable");
	refused(&text, "bundle\n", "bundle\x0b\n", "printable");
	refused(&text, "bundle\n", "b\x1b[2Jundle\n", "printable");
	refused(&text, "bundle\n", "bundle \xed\x95\x9c\n", "printable");
	refused(&text, "trusted words", "trusted\xffwords", "printable");
	refused(&text, "trusted words", "Trusted words", "trusted comment does not match");
	refused(&text, "trusted words\n", "trusted words \n", "trusted comment does not match");
	refused(&text, "==\n", "=\n", "fourth line");
	refused(&text, "==\n", "\n", "fourth line");
	refused(&text, "==\n", "===\n", "fourth line");
	refused(&text, "==\n", "== \n", "fourth line");
	refused(&text, "==\n", "==\r\n", "fourth line");
	refused(&text, "==\n", "==", "fourth line");
	refused(&text, "==\n", "==\n\n", "bytes behind");
	refused(&text, "==\n", "==\nuntrusted comment: more\n", "bytes behind");
	refused(&text, "\nRUQ", "\n RUQ", "second line");

	/* The four spare bits of the last digit: sixteen spellings of the same bytes, and only one is taken. */
	const char *end = strstr(text.data, "==\n");
	for (const char *c = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"; *c; c++) {
		if (*c == end[-1])
			continue;
		char from[5] = { end[-1], '=', '=', '\n', 0 }, to[5] = { *c, '=', '=', '\n', 0 };
		refused(&text, from, to, "");
	}
}

/* Signatures of the message itself (minisign's legacy "Ed") say the same to some checkers: one mode only. */
static void test_one_algorithm(void **state)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct minisign_sig sig;
	struct tb_key k;
	struct err err;

	(void)state;
	tb_key(&k, 1);
	tb_sign_sig(&k, msg, strlen(msg), FORMAT_UNTRUSTED_COMMENT, "t", &sig);
	crypto_sign_detached(sig.sig, NULL, (const unsigned char *)msg, strlen(msg), k.secret);
	unsigned char global[MINISIGN_SIG + 1];
	memcpy(global, sig.sig, MINISIGN_SIG);
	global[MINISIGN_SIG] = 't';
	crypto_sign_detached(sig.global, NULL, global, sizeof(global), k.secret);
	minisign_sig_text(&sig, &text); /* says "ED": over another message than it is */
	assert_int_equal(check(text.data, text.len, &k, &err), ERR_AUTH);

	unsigned char raw[2 + MINISIGN_ID + MINISIGN_SIG] = { 'E', 'd' };
	char line[128];
	memcpy(raw + 2, sig.id, MINISIGN_ID);
	memcpy(raw + 2 + MINISIGN_ID, sig.sig, MINISIGN_SIG);
	sodium_bin2base64(line, sizeof(line), raw, sizeof(raw), sodium_base64_VARIANT_ORIGINAL);
	const char *second = strchr(text.data, '\n') + 1;
	memcpy(text.data + (second - text.data), line, strlen(line));
	assert_int_equal(check(text.data, text.len, &k, &err), ERR_AUTH);
	assert_non_null(strstr(err.msg, "not a prehashed"));
}

static void test_comment_length(void **state)
{
	char comment[MINISIGN_COMMENT_MAX + 2];
	struct tb_key k;
	struct err err;

	(void)state;
	tb_key(&k, 1);
	for (size_t len = MINISIGN_COMMENT_MAX - 1; len <= MINISIGN_COMMENT_MAX; len++) {
		cleanup_buf struct buf text = BUF_INIT;
		memset(comment, 'c', len);
		comment[len] = '\0';
		tb_sign(&k, msg, strlen(msg), comment, &text);
		assert_int_equal(check(text.data, text.len, &k, &err), 0);
		if (len == MINISIGN_COMMENT_MAX)
			refused(&text, "cc\n", "ccc\n", "comment over 256 bytes");
	}
}

/* Keys of small order would let one signature be valid for every message. */
static void test_weak_key(void **state)
{
	static const unsigned char weak[][MINISIGN_PUBLIC] = { { 0 }, { 1 } };
	struct minisign_sig sig = { .trusted = "t" };
	struct minisign_key key = { 0 };
	struct err err;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		memcpy(key.key, weak[i], MINISIGN_PUBLIC);
		memcpy(sig.sig, weak[1], MINISIGN_PUBLIC); /* R is the neutral point, S is 0 */
		memcpy(sig.global, sig.sig, MINISIGN_SIG);
		assert_int_equal(minisign_check(&sig, &key, "any", 3, &err), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_sig),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_spelling),
		cmocka_unit_test(test_one_algorithm),
		cmocka_unit_test(test_comment_length),
		cmocka_unit_test(test_weak_key),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
