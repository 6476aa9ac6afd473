/* Counts and sizes at each limit, one below and one above; members of 2, 4 and 8 GiB, where lengths have gone negative. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "testbundle.h"

#define GiB ((uint64_t)1 << 30)

static void test_members(void **state)
{
	struct tb_member *m = xcalloc(FORMAT_MEMBERS_MAX + 1, sizeof(*m));
	char (*names)[8] = xcalloc(FORMAT_MEMBERS_MAX + 1, sizeof(*names));
	struct tb_key key;
	struct err err;

	(void)state;
	tb_key(&key, 1);
	for (size_t i = 0; i <= FORMAT_MEMBERS_MAX; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "%05u", (unsigned)i);
		m[i] = (struct tb_member){ names[i], "", 0 };
	}
	for (size_t n = FORMAT_MEMBERS_MAX - 1; n <= FORMAT_MEMBERS_MAX + 1; n++) {
		cleanup_buf struct buf tar = BUF_INIT;
		tb_bundle(&tar, &key, m, n);
		assert_int_equal(tb_check(&tar, &key, &err), n <= FORMAT_MEMBERS_MAX ? 0 : ERR_AUTH);
	}
	assert_non_null(strstr(err.msg, "32769 members; at most 32768"));
	free(m);
	free(names);
}

/* Names that fill FORMAT_NAME_MAX with the root. */
static void test_names(void **state)
{
	char path[FORMAT_NAME_MAX + 2];
	const struct tb_member m[] = { { path, "x", 1 } };
	size_t room = FORMAT_NAME_MAX - sizeof(TB_ROOT "/") + 1;
	struct tb_key key;
	struct err err;

	(void)state;
	tb_key(&key, 1);
	for (size_t len = room - 1; len <= room + 1; len++) {
		cleanup_buf struct buf tar = BUF_INIT;
		memset(path, 'n', len);
		path[len / 2] = '/';
		path[len] = '\0';
		tb_bundle(&tar, &key, m, 1);
		assert_int_equal(tb_check(&tar, &key, &err), len <= room ? 0 : ERR_AUTH);
	}
	assert_non_null(strstr(err.msg, "name over 200 bytes"));

	/* Allowed as a name, and not to be written in a header: refused, whoever signed it. */
	cleanup_buf struct buf manifest = BUF_INIT, sig = BUF_INIT, tar = BUF_INIT;
	memset(path, 'n', 101);
	path[101] = '\0';
	tb_manifest(m, 1, &manifest);
	tb_sign(&key, manifest.data, manifest.len, TB_COMMENT, &sig);
	tb_archive(&tar, &manifest, &sig, (const struct tb_member[]){ { "n", "x", 1 } }, 1);
	assert_int_equal(tb_check(&tar, &key, &err), ERR_AUTH);
	assert_non_null(strstr(err.msg, "too long for a tar header"));
}

/* The file that claims a first or second member of so many bytes: its code and message. */
static int claim(uint64_t manifest, uint64_t sig, const struct tb_key *key, struct err *err)
{
	const struct ustar_entry m = { .path = TB_ROOT "/" FORMAT_MANIFEST, .type = '0', .mode = 0644, .size = manifest };
	const struct ustar_entry s = { .path = TB_ROOT "/" FORMAT_SIGNATURE, .type = '0', .mode = 0644, .size = sig };
	unsigned char block[FORMAT_BLOCK];
	cleanup_buf struct buf tar = BUF_INIT;

	assert_int_equal(ustar_encode(block, &m, err), 0);
	buf_add(&tar, block, sizeof(block));
	if (manifest <= 2 * FORMAT_MANIFEST_MAX)
		tb_zeros(&tar, manifest + ustar_padding(manifest));
	assert_int_equal(ustar_encode(block, &s, err), 0);
	buf_add(&tar, block, sizeof(block));
	tb_zeros(&tar, 4096);
	return tb_check(&tar, key, err);
}

static void test_leader_sizes(void **state)
{
	struct tb_key key;
	struct err err;

	(void)state;
	tb_key(&key, 1);
	for (uint64_t n = FORMAT_MANIFEST_MAX - 1; n <= FORMAT_MANIFEST_MAX + 1; n++) {
		assert_int_equal(claim(n, 100, &key, &err), ERR_AUTH);
		assert_true((strstr(err.msg, "SHA256SUMS: larger than the format allows") != NULL) == (n > FORMAT_MANIFEST_MAX));
	}
	for (uint64_t n = FORMAT_SIGNATURE_MAX - 1; n <= FORMAT_SIGNATURE_MAX + 1; n++) {
		assert_int_equal(claim(100, n, &key, &err), ERR_AUTH);
		assert_true((strstr(err.msg, "minisig: larger than the format allows") != NULL) == (n > FORMAT_SIGNATURE_MAX));
	}
	/* Before anything of the size is read, or memory taken for it. */
	assert_int_equal(claim(FORMAT_SIZE_MAX, 100, &key, &err), ERR_AUTH);
	assert_non_null(strstr(err.msg, "larger than the format allows"));
}

/* A bundle of one sparse member of zeros, of which the digest is known. */
struct sparse {
	uint64_t size;
	const char *sha256;	/* by openssl dgst -sha256, of a file made by truncate -s */
};

static const struct sparse sparse[] = {
	{ 2 * GiB - 1, "25ba9187e4e7b89d2a7f1a49f0155c233ea8fe0b19c881bc53d23fd7b93deda0" },
	{ 2 * GiB, "a7c744c13cc101ed66c29f672f92455547889cc586ce6d44fe76ae824958ea51" },
	{ 4 * GiB, "8479e43911dc45e89f934fe48d01297e16f51d17aa561d4d1c216b1ae0fcddca" },
	{ 8 * GiB - 1, "ad2acd9e8ba96dba57920c888ce73c05ce3856b8844fff4e1c9fa3339f81e34a" },
};
#define N_SPARSE (sizeof(sparse) / sizeof(*sparse))

/* Appends what is in tar to the file, and then so many bytes of a hole. */
static void append(int fd, struct buf *tar, uint64_t hole, uint64_t *at)
{
	if (pwrite(fd, tar->data, tar->len, (off_t)*at) != (ssize_t)tar->len)
		abort();
	*at += tar->len + hole;
	tar->len = 0;
	if (ftruncate(fd, (off_t)*at) < 0)
		abort();
}

/* Writes the bundle of these members, each a hole; gives where the content of the last begins. */
static uint64_t make_sparse(int fd, const struct tb_key *key, const struct sparse *const *members, size_t n)
{
	cleanup_buf struct buf manifest = BUF_INIT, sig = BUF_INIT, tar = BUF_INIT;
	uint64_t at = 0, content = 0;

	for (size_t i = 0; i < n; i++)
		buf_addf(&manifest, "%s  %zu\n", members[i]->sha256, i);
	tb_sign(key, manifest.data, manifest.len, TB_COMMENT, &sig);
	tb_archive_open(&tar, &manifest, &sig, NULL, 0);
	for (size_t i = 0; i < n; i++) {
		unsigned char block[FORMAT_BLOCK];
		char name[24];
		struct err err;
		(void)snprintf(name, sizeof(name), "%zu", i);
		if (ustar_member(block, TB_ROOT, name, members[i]->size, &err) < 0)
			abort();
		buf_add(&tar, block, sizeof(block));
		content = at + tar.len;
		append(fd, &tar, members[i]->size + ustar_padding(members[i]->size), &at);
	}
	tb_zeros(&tar, 1024);
	append(fd, &tar, 0, &at);
	return content;
}

static int read_sparse(const char *path, const struct tb_key *key, struct bundle *b, struct err *err)
{
	struct keyring ring = { 0 };
	cleanup_input struct input in = { 0 };

	tb_trust(&ring, key);
	assert_int_equal(input_open(&in, path, err), 0);
	return bundle_read(b, &in, &ring, NULL, 2, err);
}

static void test_sparse(void **state)
{
	const struct sparse *members[N_SPARSE];
	size_t n = 0;
	struct tb_key key;
	struct bundle b;
	struct err err;
	char path[32];
	cleanup_close int fd = tb_memfd("", 0, path);

	(void)state;
	tb_key(&key, 1);
	for (size_t i = 0; i < N_SPARSE; i++)
		members[n++] = &sparse[i];
	(void)make_sparse(fd, &key, members, n);
	if (read_sparse(path, &key, &b, &err) < 0)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < n; i++)
		assert_true(b.sizes[i] == members[i]->size);
	bundle_release(&b);
}

/*
 * A length that turned negative, or was cut to 32 bits, would leave bytes uncovered: one is changed behind 2 GiB - 1.
 * RAUC's CVE-2026-34155 was that.
 */
static void test_sparse_changed(void **state)
{
	const struct sparse *members[] = { &sparse[1] };
	struct tb_key key;
	struct bundle b;
	struct err err;
	char path[32];
	cleanup_close int fd = tb_memfd("", 0, path);

	(void)state;
	tb_key(&key, 1);
	uint64_t content = make_sparse(fd, &key, members, 1);
	assert_int_equal(pwrite(fd, "x", 1, (off_t)(content + 2 * GiB - 1)), 1);
	assert_int_equal(read_sparse(path, &key, &b, &err), -1);
	assert_int_equal(err.code, ERR_AUTH);
	assert_non_null(strstr(err.msg, "0: digest differs"));
}

/* Cut, and lengthened, where it is largest: seen before a byte of content is read. */
static void test_sparse_cut(void **state)
{
	const struct sparse *members[] = { &sparse[0], &sparse[1], &sparse[2], &sparse[3] };
	struct tb_key key;
	struct bundle b;
	struct err err;
	struct stat st;
	char path[32];
	cleanup_close int fd = tb_memfd("", 0, path);

	(void)state;
	tb_key(&key, 1);
	(void)make_sparse(fd, &key, members, 4);
	assert_int_equal(fstat(fd, &st), 0);
	static const int64_t changes[] = { -1, -512, -1024, -1025, -4096, -(int64_t)(4 * GiB), -(int64_t)(8 * GiB), 1, 512, 1 << 30 };
	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		assert_int_equal(ftruncate(fd, st.st_size + changes[i]), 0);
		assert_int_equal(read_sparse(path, &key, &b, &err), -1);
		assert_int_equal(err.code, ERR_AUTH);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_leader_sizes),
		cmocka_unit_test(test_sparse),
		cmocka_unit_test(test_sparse_changed),
		cmocka_unit_test(test_sparse_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
