/* Secret keys: what is written is read back, what is damaged or locked by another password is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"
#include "fs.h"
#include "mem.h"
#include "signer.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static char dir[] = "/tmp/test_signer.XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL;
}

static int remove_dir(void **state)
{
	struct err err;

	(void)state;
	return fs_remove(AT_FDCWD, dir, &err);
}

static char *in_dir(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void put(const char *path, const char *text, size_t len)
{
	struct err err;

	assert_int_equal(fs_replace(path, text, len, 0600, &err), 0);
}

static void test_sign(void **state)
{
	static const char msg[] = "a manifest\n";
	cleanup_signer struct signer *s = NULL, *other = NULL;
	struct minisign_key key, other_key;
	struct minisign_sig sig, parsed;
	struct err err = { 0 };
	cleanup_buf struct buf text = BUF_INIT;

	(void)state;
	assert_int_equal(signer_generate(&s, &err), 0);
	assert_int_equal(signer_generate(&other, &err), 0);
	signer_public(s, &key);
	signer_public(other, &other_key);
	assert_int_equal(signer_sign(s, msg, strlen(msg), "untrusted", "trusted", &sig, &err), 0);
	minisign_sig_text(&sig, &text);
	assert_int_equal(minisign_sig_parse(&parsed, text.data, text.len, &err), 0);
	assert_int_equal(minisign_check(&parsed, &key, msg, strlen(msg), &err), 0);
	assert_int_equal(minisign_check(&parsed, &key, msg, strlen(msg) - 1, &err), -1);
	assert_int_equal(minisign_check(&parsed, &other_key, msg, strlen(msg), &err), -1);

	char longer[MINISIGN_COMMENT_MAX + 2];
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(signer_sign(s, msg, strlen(msg), "u", longer, &sig, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
}

/* Both keys have the same public half. */
static void assert_same(const struct signer *a, const struct signer *b)
{
	struct minisign_key ka, kb;

	signer_public(a, &ka);
	signer_public(b, &kb);
	assert_memory_equal(&ka, &kb, sizeof(ka));
}

static void test_plain_file(void **state)
{
	cleanup_free char *name = in_dir("plain"), *file = in_dir("plain.key"), *pub = in_dir("plain.pub");
	cleanup_signer struct signer *s = NULL, *again = NULL;
	struct minisign_key key, public;
	struct stat st;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(signer_generate(&s, &err), 0);
	assert_int_equal(signer_save(s, name, NULL, &err), 0);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(signer_load(&again, file, NULL, &err), 0);
	assert_same(s, again);
	assert_int_equal(minisign_key_load(&public, pub, &err), 0);
	signer_public(s, &key);
	assert_memory_equal(&key, &public, sizeof(key));

	assert_int_equal(signer_save(s, name, NULL, &err), -1); /* never replaced */
	assert_int_equal(err.code, ERR_USAGE);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(signer_save(s, name, NULL, &err), -1); /* nor half of the pair */
	assert_int_equal(stat(file, &st), -1);
}

static void test_password(void **state)
{
	cleanup_free char *name = in_dir("locked"), *file = in_dir("locked.key"), *password = in_dir("password");
	cleanup_signer struct signer *s = NULL, *again = NULL;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(signer_generate(&s, &err), 0);
	assert_int_equal(signer_save(s, name, "correct horse", &err), 0);
	put(password, "correct horse\n", 14);
	if (signer_load(&again, file, password, &err))
		fail_msg("%s", err.msg);
	assert_same(s, again);
	put(password, "correct house\n", 14);
	signer_free(again);
	again = NULL;
	assert_int_equal(signer_load(&again, file, password, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.msg, "password is wrong"));

	put(password, "\n", 1);
	assert_int_equal(signer_load(&again, file, password, &err), -1);
	assert_non_null(strstr(err.msg, "empty"));
	put(password, "a\0b\n", 4);
	assert_int_equal(signer_load(&again, file, password, &err), -1);
	assert_non_null(strstr(err.msg, "NUL"));
}

static void refused(const char *text, size_t len, const char *why)
{
	cleanup_free char *file = in_dir("bad.key");
	cleanup_signer struct signer *s = NULL;
	struct err err = { 0 };

	put(file, text, len);
	assert_int_equal(signer_load(&s, file, NULL, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	if (!strstr(err.msg, why) || !strstr(err.msg, file))
		fail_msg("wanted %s, got %s", why, err.msg);
}

static void test_bad_files(void **state)
{
	cleanup_free char *name = in_dir("good"), *file = in_dir("good.key"), *pub = in_dir("good.pub");
	cleanup_signer struct signer *s = NULL;
	cleanup_buf struct buf text = BUF_INIT, public = BUF_INIT, many = BUF_INIT;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(signer_generate(&s, &err), 0);
	assert_int_equal(signer_save(s, name, NULL, &err), 0);
	assert_int_equal(fs_slurp(AT_FDCWD, file, 4096, &text, &err), 0);
	assert_int_equal(fs_slurp(AT_FDCWD, pub, 4096, &public, &err), 0);

	refused(public.data, public.len, "but a public one");
	refused("", 0, "not a minisign secret key");
	refused(text.data, text.len - 10, "not a minisign secret key");
	buf_add(&many, text.data, text.len);
	buf_adds(&many, "more\n");
	refused(many.data, many.len, "more than two lines");

	char *line = strchr(text.data, '\n') + 1;
	char kept = line[100];
	line[100] = kept == 'A' ? 'B' : 'A'; /* in the seed */
	refused(text.data, text.len, "damaged");
	line[100] = kept;
	line[3] = line[3] == 'x' ? 'y' : 'x'; /* the second byte of kdf_alg and the first of chk_alg */
	refused(text.data, text.len, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sign),
		cmocka_unit_test(test_plain_file),
		cmocka_unit_test(test_password),
		cmocka_unit_test(test_bad_files),
	};

	return cmocka_run_group_tests_name("signer", tests, make_dir, remove_dir);
}
