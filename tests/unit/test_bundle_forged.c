/* Bundles put together by someone who has all the tools, and some of the signatures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "testbundle.h"

struct fix {
	struct tb_key key, other;
	struct tb_member m[TB_SMALL + 1];
	size_t n;
	struct buf manifest, sig, tar;
	struct err err;
};

static int setup(void **state)
{
	struct fix *f = xcalloc(1, sizeof(*f));

	tb_key(&f->key, 1);
	tb_key(&f->other, 2);
	memcpy(f->m, tb_small, sizeof(tb_small));
	f->n = TB_SMALL;
	tb_manifest(f->m, f->n, &f->manifest);
	tb_sign(&f->key, f->manifest.data, f->manifest.len, TB_COMMENT, &f->sig);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	buf_release(&f->manifest);
	buf_release(&f->sig);
	buf_release(&f->tar);
	free(f);
	return 0;
}

/* Makes manifest and signature anew, of the members as they now are. */
static void resign(struct fix *f)
{
	f->manifest.len = f->sig.len = 0;
	tb_manifest(f->m, f->n, &f->manifest);
	tb_sign(&f->key, f->manifest.data, f->manifest.len, TB_COMMENT, &f->sig);
}

/* Signs a manifest's text as it is. */
static void resign_text(struct fix *f, const char *text, size_t len)
{
	f->manifest.len = f->sig.len = 0;
	buf_add(&f->manifest, text, len);
	tb_sign(&f->key, text, len, TB_COMMENT, &f->sig);
}

static int check(struct fix *f)
{
	f->tar.len = 0;
	tb_archive(&f->tar, &f->manifest, &f->sig, f->m, f->n);
	int code = tb_check(&f->tar, &f->key, &f->err);
	struct err err;
	if (tb_check_pipe(&f->tar, &f->key, &err) != code)
		fail_msg("a stream is judged otherwise: %s / %s", f->err.msg, err.msg);
	return code;
}

/* It is refused, for this reason. */
static void refused(struct fix *f, const char *why)
{
	int code = check(f);

	if (code != ERR_AUTH || !strstr(f->err.msg, why))
		fail_msg("%d \"%s\", not \"%s\"", code, f->err.msg, why);
}

static void remove_at(struct fix *f, size_t i)
{
	memmove(&f->m[i], &f->m[i + 1], (f->n - i - 1) * sizeof(*f->m));
	f->n--;
}

static void insert_at(struct fix *f, size_t i, struct tb_member m)
{
	memmove(&f->m[i + 1], &f->m[i], (f->n - i) * sizeof(*f->m));
	f->m[i] = m;
	f->n++;
}

static void test_swapped(void **state)
{
	struct fix *f = *state;
	struct tb_member a = f->m[6], b = f->m[7];

	assert_int_equal(check(f), 0);
	f->m[6] = b;
	f->m[7] = a;
	refused(f, "size/511: header is not");
	resign(f); /* signed in that order: a manifest has only one */
	refused(f, "out of order");
}

static void test_contents_swapped(void **state)
{
	struct fix *f = *state;

	f->m[1].size = f->m[3].size = 1000; /* of one size, so that headers fit */
	f->m[3].data = NULL;
	resign(f);
	assert_int_equal(check(f), 0);
	char other[1000];
	memset(other, 'o', sizeof(other));
	f->m[3].data = other;
	refused(f, "images/blobs/sha256/ab: digest differs");
}

static void test_repeated(void **state)
{
	struct fix *f = *state;

	insert_at(f, 1, f->m[0]);
	refused(f, "bin/tool: header is not");
	resign(f);
	refused(f, "listed twice");
}

/* The last one again: what follows the last member is the end. */
static void test_repeated_last(void **state)
{
	struct fix *f = *state;

	insert_at(f, f->n, f->m[f->n - 1]);
	refused(f, "end of archive: padding is not zero");
}

static void test_missing(void **state)
{
	for (size_t i = 0; i < TB_SMALL; i++) {
		struct fix *f;
		assert_int_equal(setup((void **)&f), 0);
		remove_at(f, i);
		refused(f, tb_small[i].path);
		resign(f);
		assert_int_equal(check(f), 0); /* the signer's word: another bundle */
		assert_int_equal(teardown((void **)&f), 0);
	}
	(void)state;
}

static void test_added(void **state)
{
	for (size_t i = 0; i <= TB_SMALL; i++) {
		struct fix *f;
		assert_int_equal(setup((void **)&f), 0);
		insert_at(f, i, (struct tb_member){ "extra", "evil", 4 });
		refused(f, "");
		assert_int_equal(teardown((void **)&f), 0);
	}
	(void)state;
}

static void test_listed_but_missing(void **state)
{
	struct fix *f = *state;

	insert_at(f, f->n, (struct tb_member){ "zzz", "", 0 });
	resign(f);
	f->n--;
	refused(f, "zzz: header: size field");
}

static void test_renamed(void **state)
{
	struct fix *f = *state;

	f->m[1].path = "bin/tooI";
	refused(f, "bin/tool: header is not");
	resign(f);
	assert_int_equal(check(f), 0);
	f->m[1].path = "bin2/too"; /* and another mode */
	refused(f, "header is not");
}

static void test_changed(void **state)
{
	struct fix *f = *state;

	f->m[5].data = "LAB=evil\n";
	refused(f, "lab.env: digest differs");
	f->m[5].size = 8;
	refused(f, "lab.env: digest differs");
	f->m[5].size = 0;
	refused(f, "lab.env: digest differs");
}

/* Every digit of a signed digest counts. */
static void test_digest_digits(void **state)
{
	struct fix *f = *state;
	cleanup_buf struct buf text = BUF_INIT;

	tb_manifest(f->m, f->n, &text);
	for (size_t i = 0; i < HASH_HEX; i++) {
		char was = text.data[i];
		text.data[i] = was == '0' ? '1' : '0';
		resign_text(f, text.data, text.len);
		refused(f, "README.html: digest differs");
		text.data[i] = was;
	}
}

/* A digest that is signed, and a size that is not: the digest tells. */
static void test_size_lies(void **state)
{
	struct fix *f = *state;
	cleanup_buf struct buf tar = BUF_INIT;

	tb_bundle(&tar, &f->key, f->m, f->n);
	for (size_t at = 0; at < tar.len; at += FORMAT_BLOCK) {
		unsigned char *block = (unsigned char *)tar.data + at;
		if (memcmp(block + 257, "ustar", 5) != 0)
			continue;
		for (int digit = 124; digit < 135; digit++) {
			unsigned char was = block[digit];
			block[digit] = (unsigned char)('0' + ((was - '0') ^ 1));
			tb_checksum(block);
			assert_int_equal(tb_check(&tar, &f->key, &f->err), ERR_AUTH);
			assert_int_equal(tb_check_pipe(&tar, &f->key, &f->err), ERR_AUTH);
			block[digit] = was;
			tb_checksum(block);
		}
	}
	assert_int_equal(tb_check(&tar, &f->key, &f->err), 0);
}

/* A valid signature, by the right key, of another bundle. */
static void test_other_bundles_signature(void **state)
{
	struct fix *f = *state;
	static const struct tb_member other[] = { { "lab", "other\n", 6 } };
	cleanup_buf struct buf manifest = BUF_INIT;

	tb_manifest(other, 1, &manifest);
	f->sig.len = 0;
	tb_sign(&f->key, manifest.data, manifest.len, TB_COMMENT, &f->sig);
	refused(f, "SHA256SUMS.minisig: signature does not match");
	f->manifest.len = 0;
	buf_add(&f->manifest, manifest.data, manifest.len);
	refused(f, "lab: header is not");
}

static void test_right_manifest_other_key(void **state)
{
	struct fix *f = *state;
	struct minisign_sig sig;

	f->sig.len = 0;
	tb_sign(&f->other, f->manifest.data, f->manifest.len, TB_COMMENT, &f->sig);
	refused(f, "signed with key");
	/* ... which claims to be the right one. */
	memcpy(f->other.pub.id, f->key.pub.id, MINISIGN_ID);
	tb_sign_sig(&f->other, f->manifest.data, f->manifest.len, FORMAT_UNTRUSTED_COMMENT, TB_COMMENT, &sig);
	f->sig.len = 0;
	minisign_sig_text(&sig, &f->sig);
	refused(f, "signature does not match");
}

/* The comment is signed apart from the manifest: one of another signature does not fit. */
static void test_comment_of_another(void **state)
{
	struct fix *f = *state;
	struct minisign_sig mine, newer;

	tb_sign_sig(&f->key, f->manifest.data, f->manifest.len, FORMAT_UNTRUSTED_COMMENT, TB_COMMENT, &mine);
	tb_sign_sig(&f->key, "other\n", 6, FORMAT_UNTRUSTED_COMMENT, "labgen bundle 1 lab=demo version=2.0 platform=linux/amd64", &newer);
	memcpy(mine.global, newer.global, sizeof(mine.global));
	memcpy(mine.trusted, newer.trusted, sizeof(mine.trusted));
	f->sig.len = 0;
	minisign_sig_text(&mine, &f->sig);
	refused(f, "trusted comment does not match");
}

static void test_comments(void **state)
{
	static const char *const bad[] = { "", "labgen bundle 2 lab=demo version=1.0 platform=linux/amd64",
		"labgen bundle 1 lab=demo version=1.0 platform=linux/amd64 ", " labgen bundle 1 lab=demo version=1.0 platform=linux/amd64",
		"labgen bundle 1 lab=demo version=1.0 platform=linux/amd64 more=1", "labgen bundle 1 lab=demo  version=1.0 platform=linux/amd64",
		"labgen bundle 1 lab= version=1.0 platform=linux/amd64", "labgen bundle 1 lab=../x version=1.0 platform=linux/amd64",
		"labgen bundle 1 lab=demo version=1-0 platform=linux/amd64", "labgen bundle 1 lab=demo version=1.0 platform=plan9/amd64",
		"labgen bundle 1 lab=demo version=1.0 platform=linux", "labgen bundle 1 lab=demo version=1.0",
		"labgen volumes 1 lab=demo version=1.0 platform=linux/amd64 size=1 volume=1048576", "timestamp:1 file:x hashed" };
	struct fix *f = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		f->sig.len = 0;
		tb_sign(&f->key, f->manifest.data, f->manifest.len, bad[i], &f->sig);
		refused(f, "trusted comment does not name a bundle");
	}
	/* Well formed, and another bundle's name than its headers have. */
	f->sig.len = 0;
	tb_sign(&f->key, f->manifest.data, f->manifest.len, "labgen bundle 1 lab=demo version=1.1 platform=linux/amd64", &f->sig);
	refused(f, "header is not the one that the signature predicts");
}

/* Manifests that are signed well, and not as the format has them: a signer's mistake is not let through either. */
static void test_signed_bad_manifest(void **state)
{
	static const char h[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	static const char *const bad[] = { "%s  a\r\n", "%s  b\n%s  a\n", "%s  a\n%s  a\n", "%s  ../a\n", "%s  /a\n", "%s  \n",
		"%s  a", "%s  a\n%s  a/b\n", "%s  a\xc3\xa9\n", "%s  a\n\n", " %s  a\n", "%s *a\n", "%s  SHA256SUMS\n" };
	struct fix *f = *state;

	f->n = 0;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cleanup_free char *text = xasprintf(bad[i], h, h);
		resign_text(f, text, strlen(text));
		refused(f, "SHA256SUMS: ");
	}
	char upper[80];
	(void)snprintf(upper, sizeof(upper), "%s  a\n", h);
	upper[10] = 'A';
	resign_text(f, upper, strlen(upper));
	refused(f, "lower-case hex");
	resign_text(f, "", 0);
	refused(f, "SHA256SUMS: empty");
}

static void test_leaders(void **state)
{
	struct fix *f = *state;
	cleanup_buf struct buf tar = BUF_INIT;

	tb_put(&tar, FORMAT_SIGNATURE, f->sig.data, f->sig.len); /* the other way round */
	tb_put(&tar, FORMAT_MANIFEST, f->manifest.data, f->manifest.len);
	assert_int_equal(tb_check(&tar, &f->key, &f->err), ERR_AUTH);
	tar.len = 0;
	tb_put(&tar, FORMAT_MANIFEST, f->manifest.data, f->manifest.len); /* no signature: no "unsigned but fine" */
	for (size_t i = 0; i < f->n; i++) {
		cleanup_free char *data = tb_content(&f->m[i]);
		tb_put(&tar, f->m[i].path, data, f->m[i].size);
	}
	tb_zeros(&tar, 1024);
	assert_int_equal(tb_check(&tar, &f->key, &f->err), ERR_AUTH);
	tar.len = 0;
	tb_put(&tar, FORMAT_MANIFEST, f->manifest.data, f->manifest.len);
	tb_put(&tar, FORMAT_SIGNATURE, "", 0);
	assert_int_equal(tb_check(&tar, &f->key, &f->err), ERR_AUTH);
}

/* Entries that other tools take: links, folders, long names, devices. There is no place in a bundle for any. */
static void test_foreign_entries(void **state)
{
	static const char types[] = "12345678gxLKSVMNDA\0";
	struct fix *f = *state;

	for (size_t i = 0; i < sizeof(types) - 1; i++) {
		cleanup_buf struct buf tar = BUF_INIT;
		unsigned char block[FORMAT_BLOCK];
		struct ustar_entry e = { .path = TB_ROOT "/README.html", .link = "/etc/passwd", .type = types[i], .mode = 0644 };
		assert_int_equal(ustar_encode(block, &e, &f->err), 0);
		tb_archive_open(&tar, &f->manifest, &f->sig, f->m, 0);
		buf_add(&tar, block, sizeof(block));
		for (size_t k = 0; k < f->n; k++) {
			cleanup_free char *data = tb_content(&f->m[k]);
			tb_put(&tar, f->m[k].path, data, f->m[k].size);
		}
		tb_zeros(&tar, 1024);
		assert_int_equal(tb_check(&tar, &f->key, &f->err), ERR_AUTH);
		assert_non_null(strstr(f->err.msg, "README.html: header is not"));
	}
}

/* One zero block more or less at the end, and blocks of zeros between members, which tar takes. */
static void test_zero_blocks(void **state)
{
	struct fix *f = *state;

	for (size_t blocks = 0; blocks < 4; blocks++) {
		cleanup_buf struct buf tar = BUF_INIT;
		tb_archive_open(&tar, &f->manifest, &f->sig, f->m, f->n);
		tb_zeros(&tar, blocks * FORMAT_BLOCK);
		assert_int_equal(tb_check(&tar, &f->key, &f->err), blocks == 2 ? 0 : ERR_AUTH);
	}
	cleanup_buf struct buf tar = BUF_INIT;
	tb_zeros(&tar, FORMAT_BLOCK);
	tb_archive(&tar, &f->manifest, &f->sig, f->m, f->n);
	assert_int_equal(tb_check(&tar, &f->key, &f->err), ERR_AUTH);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_swapped),
		TEST(test_contents_swapped),
		TEST(test_repeated),
		TEST(test_repeated_last),
		TEST(test_missing),
		TEST(test_added),
		TEST(test_listed_but_missing),
		TEST(test_renamed),
		TEST(test_changed),
		TEST(test_digest_digits),
		TEST(test_size_lies),
		TEST(test_other_bundles_signature),
		TEST(test_right_manifest_other_key),
		TEST(test_comment_of_another),
		TEST(test_comments),
		TEST(test_signed_bad_manifest),
		TEST(test_leaders),
		TEST(test_foreign_entries),
		TEST(test_zero_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
