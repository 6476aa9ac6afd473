/* Writing volumes: as many bytes as were announced, in no more volumes than can be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs.h"
#include "mem.h"
#include "volume_write.h"
#include "volumes.h"

#include <fcntl.h>
#include <string.h>

#define MIB (1ull << 20)

static char dir[] = "/tmp/test_volume_write.XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL || chdir(dir) != 0;
}

static int remove_dir(void **state)
{
	struct err err;

	(void)state;
	return fs_remove(AT_FDCWD, dir, &err);
}

static void refused(int status, const struct err *err, enum err_code code, const char *text)
{
	assert_int_equal(status, -1);
	assert_int_equal(err->code, code);
	if (!strstr(err->msg, text))
		fail_msg("%s", err->msg);
}

static void test_counts(void **state)
{
	static const struct {
		uint64_t size, volume;
		size_t n;
	} cases[] = {
		{ 1, MIB, 1 }, { MIB, MIB, 1 }, { MIB + 1, MIB, 2 }, { 3 * MIB, MIB, 3 }, { 1, 1ull << 50, 1 },
	};
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_volume_writer struct volume_writer *w = NULL;
		assert_int_equal(volume_writer_open(&w, "a.tar", cases[i].size, cases[i].volume, &err), 0);
		assert_int_equal(volume_writer_count(w), cases[i].n);
	}
}

static void test_limits(void **state)
{
	struct volume_writer *w = NULL;
	struct err err = { 0 };

	(void)state;
	refused(volume_writer_open(&w, "a.tar", 999 * MIB + 1, MIB, &err), &err, ERR_USAGE, "1000 volumes, and at most 999");
	refused(volume_writer_open(&w, "a.tar", UINT64_MAX, MIB, &err), &err, ERR_USAGE, "at most 999");
	refused(volume_writer_open(&w, "a.tar", UINT64_MAX, UINT64_MAX, &err), &err, ERR_WORK, "the bundle needs");
	refused(volume_writer_open(&w, "a.tar", MIB, MIB - 1, &err), &err, ERR_USAGE, "at least 1048576 bytes");
	refused(volume_writer_open(&w, "no/a.tar", MIB, MIB, &err), &err, ERR_WORK, "cannot open its folder");
	assert_null(w);
	assert_int_not_equal(access(".a.tar.parts", F_OK), 0);
}

static void test_size_is_kept(void **state)
{
	cleanup_volume_writer struct volume_writer *w = NULL;
	cleanup_signer struct signer *signer = NULL;
	struct err err = { 0 };
	struct input in;

	(void)state;
	assert_int_equal(signer_generate(&signer, &err), 0);
	assert_int_equal(volume_writer_open(&w, "a.tar", 3, MIB, &err), 0);
	assert_int_equal(volume_writer_put(w, "ab", 2, &err), 0);
	refused(volume_writer_commit(w, "lab", "1", "linux/amd64", signer, &err), &err, ERR_WORK, "fewer bytes");
	refused(volume_writer_input(w, &in, &err), &err, ERR_WORK, "fewer bytes");
	refused(volume_writer_put(w, "cd", 2, &err), &err, ERR_WORK, "more bytes");
	assert_int_not_equal(access("a.tar.001", F_OK), 0);
}

static void test_list(void **state)
{
	struct volume_writer *w = NULL;
	cleanup_signer struct signer *signer = NULL;
	cleanup_volumes struct volumes v = { 0 };
	struct keyring keys = { .n = 1 };
	struct err err = { 0 };
	size_t number;

	(void)state;
	assert_int_equal(signer_generate(&signer, &err), 0);
	signer_public(signer, &keys.keys[0].key);
	assert_int_equal(volume_writer_open(&w, "b.tar", 3, MIB, &err), 0);
	for (const char *p = "abc"; *p; p++)
		assert_int_equal(volume_writer_put(w, p, 1, &err), 0);
	assert_int_equal(volume_writer_commit(w, "lab", "1", "linux/amd64", signer, &err), 0);
	volume_writer_free(w);
	assert_int_equal(volumes_load(&v, "b.tar.volumes", &keys, &err), 0);
	assert_int_equal(v.n, 1);
	assert_int_equal(v.size, 3);
	assert_string_equal(v.head, "labgen volumes 1 lab=lab version=1 platform=linux/amd64 size=3 volume=1048576");
	assert_int_equal(volumes_check_one(&v, "b.tar.001", &number, &err), 0);
	assert_int_not_equal(access(".b.tar.parts", F_OK), 0);
	keyring_release(&keys);
}

static void test_names(void **state)
{
	static const char *const bad[] = { "", ".", ".tar", "a", "a.tar.gz", "a b.tar", "x/.tar", "a.tar/" };
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(volume_names_check(bad[i], &err), &err, ERR_USAGE, "NAME.tar");
	assert_int_equal(volume_names_check("some where/a.tar", &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_size_is_kept),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
