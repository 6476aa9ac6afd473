/* Whose word is good: several keys, all of them, and countersignatures beside the bundle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "testbundle.h"

static const char text[] = "a manifest\n";

struct fix {
	struct tb_key key[3];
	struct buf sig;		/* by key[0] */
	struct tb_dir dir;
	struct keyring ring;
	struct minisign_sig got;
	struct err err;
};

static int setup(void **state)
{
	struct fix *f = xcalloc(1, sizeof(*f));

	for (int i = 0; i < 3; i++)
		tb_key(&f->key[i], (unsigned char)(i + 1));
	tb_sign(&f->key[0], text, strlen(text), TB_COMMENT, &f->sig);
	tb_mkdir(&f->dir);
	f->ring.beside = tb_in(&f->dir, "demo.tar");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	keyring_release(&f->ring);
	buf_release(&f->sig);
	tb_rmdir(&f->dir);
	free(f);
	return 0;
}

static int check(struct fix *f)
{
	f->err = (struct err){ 0 };
	if (keyring_check(&f->ring, text, strlen(text), f->sig.data, f->sig.len, &f->got, &f->err) < 0)
		return (int)f->err.code;
	return 0;
}

static void says(const struct fix *f, const char *what)
{
	if (!strstr(f->err.msg, what))
		fail_msg("\"%s\" does not say \"%s\"", f->err.msg, what);
}

/* Writes the file that makes key i countersign message under the given comment. */
static void countersign(struct fix *f, int i, const char *message, const char *comment)
{
	cleanup_buf struct buf sig = BUF_INIT;
	char hex[MINISIGN_ID_HEX + 1];

	minisign_id_hex(f->key[i].pub.id, hex);
	tb_sign(&f->key[i], message, strlen(message), comment, &sig);
	cleanup_free char *name = xasprintf("demo.tar.%s.minisig", hex);
	free(tb_write(&f->dir, name, sig.data, sig.len));
}

static void test_one_key(void **state)
{
	struct fix *f = *state;

	assert_int_equal(check(f), ERR_USAGE);
	says(f, "no public key");
	tb_trust(&f->ring, &f->key[0]);
	assert_int_equal(check(f), 0);
	assert_int_equal(f->ring.keys[0].vouched, 1);
	assert_string_equal(f->got.trusted, TB_COMMENT);
}

static void test_other_key(void **state)
{
	struct fix *f = *state;

	tb_trust(&f->ring, &f->key[1]);
	assert_int_equal(check(f), ERR_AUTH);
	says(f, "signed with key");
	assert_int_equal(f->ring.keys[0].vouched, 0);
}

static void test_any(void **state)
{
	struct fix *f = *state;

	tb_trust(&f->ring, &f->key[1]);
	tb_trust(&f->ring, &f->key[0]);
	assert_int_equal(check(f), 0);
	assert_int_equal(f->ring.keys[0].vouched, 0);
	assert_int_equal(f->ring.keys[1].vouched, 1);
}

static void test_all(void **state)
{
	struct fix *f = *state;
	cleanup_free char *comment = keyring_counter_comment(TB_COMMENT, f->sig.data, f->sig.len);

	tb_trust(&f->ring, &f->key[0]);
	tb_trust(&f->ring, &f->key[1]);
	f->ring.all = 1;
	assert_int_equal(check(f), ERR_AUTH);
	countersign(f, 1, text, comment);
	assert_int_equal(check(f), 0);
	assert_int_equal(f->ring.keys[0].vouched + f->ring.keys[1].vouched, 2);
	tb_trust(&f->ring, &f->key[2]);
	assert_int_equal(check(f), ERR_AUTH);
	countersign(f, 2, text, comment);
	assert_int_equal(check(f), 0);
}

/* An officer's key alone, where the officer countersigned. */
static void test_countersigned_only(void **state)
{
	struct fix *f = *state;
	cleanup_free char *comment = keyring_counter_comment(TB_COMMENT, f->sig.data, f->sig.len);

	tb_trust(&f->ring, &f->key[1]);
	countersign(f, 1, text, comment);
	assert_int_equal(check(f), 0);
	/* What was a name is no path into anywhere, and none is looked for where none is wanted. */
	free(f->ring.beside);
	f->ring.beside = NULL;
	assert_int_equal(check(f), ERR_AUTH);
}

static void test_countersigned_other(void **state)
{
	struct fix *f = *state;
	cleanup_free char *comment = keyring_counter_comment(TB_COMMENT, f->sig.data, f->sig.len);
	cleanup_free char *other = keyring_counter_comment(TB_COMMENT, f->sig.data, f->sig.len - 1);

	tb_trust(&f->ring, &f->key[1]);
	countersign(f, 1, "another manifest\n", comment);
	assert_int_equal(check(f), ERR_AUTH);
	says(f, "does not match");
	countersign(f, 1, text, TB_COMMENT); /* a bundle's own signature, moved */
	assert_int_equal(check(f), ERR_AUTH);
	says(f, "countersigns another");
	countersign(f, 1, text, other); /* of another signature file */
	assert_int_equal(check(f), ERR_AUTH);
	says(f, "countersigns another");
}

/* The countersignature covers the signature file too: where nobody trusts its signer, its bytes still count. */
static void test_countersigned_covers_signature(void **state)
{
	struct fix *f = *state;
	cleanup_free char *comment = keyring_counter_comment(TB_COMMENT, f->sig.data, f->sig.len);

	tb_trust(&f->ring, &f->key[1]);
	countersign(f, 1, text, comment);
	for (size_t at = 0; at < f->sig.len; at++) {
		f->sig.data[at] = (char)(f->sig.data[at] ^ (1 << at % 8));
		assert_int_equal(check(f), ERR_AUTH);
		f->sig.data[at] = (char)(f->sig.data[at] ^ (1 << at % 8));
	}
	assert_int_equal(check(f), 0);
}

static void test_countersignature_file(void **state)
{
	struct fix *f = *state;
	char hex[MINISIGN_ID_HEX + 1];
	char huge[FORMAT_SIGNATURE_MAX + 1];

	minisign_id_hex(f->key[1].pub.id, hex);
	cleanup_free char *name = xasprintf("demo.tar.%s.minisig", hex), *path = tb_in(&f->dir, name);
	tb_trust(&f->ring, &f->key[1]);
	free(tb_write(&f->dir, name, "", 0));
	assert_int_equal(check(f), ERR_AUTH);
	memset(huge, 'x', sizeof(huge));
	free(tb_write(&f->dir, name, huge, sizeof(huge)));
	assert_int_equal(check(f), ERR_AUTH);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes: it must not hang */
	assert_int_equal(check(f), ERR_AUTH);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(check(f), ERR_AUTH);
}

static void test_add(void **state)
{
	struct fix *f = *state;
	char key[57];

	for (int i = 0; i <= KEYRING_MAX; i++) {
		struct tb_key k;
		tb_key(&k, (unsigned char)(100 + i));
		tb_key_text(&k, key);
		assert_int_equal(keyring_add(&f->ring, key, &f->err), i < KEYRING_MAX ? 0 : -1);
		if (i < KEYRING_MAX)
			assert_int_equal(keyring_add(&f->ring, key, &f->err), 0); /* twice counts once */
	}
	says(f, "more than 16");
	assert_int_equal(f->ring.n, KEYRING_MAX);
	assert_int_equal(keyring_add(&f->ring, "nonsense", &f->err), -1);
	assert_int_equal(f->err.code, ERR_USAGE);
}

/* Two keys that happen to share an id: the one that signed suffices. */
static void test_same_id(void **state)
{
	struct fix *f = *state;

	memcpy(f->key[1].pub.id, f->key[0].pub.id, MINISIGN_ID);
	tb_trust(&f->ring, &f->key[1]);
	tb_trust(&f->ring, &f->key[0]);
	assert_int_equal(check(f), 0);
	assert_int_equal(f->ring.keys[0].vouched, 0);
	assert_int_equal(f->ring.keys[1].vouched, 1);
	f->ring.all = 1;
	assert_int_equal(check(f), ERR_AUTH);
	says(f, "does not match");
}

static void test_untrusted_comment(void **state)
{
	struct fix *f = *state;
	struct minisign_sig sig;

	tb_trust(&f->ring, &f->key[0]);
	tb_sign_sig(&f->key[0], text, strlen(text), "verified by everybody", TB_COMMENT, &sig);
	buf_release(&f->sig);
	minisign_sig_text(&sig, &f->sig);
	assert_int_equal(check(f), ERR_AUTH);
	says(f, "untrusted comment");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_key),
		TEST(test_other_key),
		TEST(test_any),
		TEST(test_all),
		TEST(test_countersigned_only),
		TEST(test_countersigned_other),
		TEST(test_countersigned_covers_signature),
		TEST(test_countersignature_file),
		TEST(test_add),
		TEST(test_same_id),
		TEST(test_untrusted_comment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
