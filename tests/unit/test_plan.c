/* The plan's rules, and the bundle that is written from it: read back by the other program's one pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"
#include "bundle.h"
#include "bundle_write.h"
#include "fs.h"
#include "mem.h"
#include "newfile.h"
#include "plan.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static char dir[] = "/tmp/test_plan.XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	cleanup_free char *store = xasprintf("%s/store", dir);
	return setenv("LABGEN_STORE", store, 1);
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

static void add(struct plan *p, const char *path, const char *text)
{
	struct err err;

	assert_int_equal(plan_add_mem(p, path, text, strlen(text), &err), 0);
}

static void refused(const char *a, const char *b, const char *why)
{
	cleanup_plan struct plan p = { 0 };
	struct err err = { 0 };

	add(&p, a, "x");
	add(&p, "m", "x");
	if (b)
		add(&p, b, "y");
	assert_int_equal(plan_finish(&p, "root", &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	if (!strstr(err.msg, why))
		fail_msg("wanted %s, got %s", why, err.msg);
}

static void test_rules(void **state)
{
	char name[300];

	(void)state;
	refused("../x", NULL, "cannot be a member's name");
	refused("/x", NULL, "cannot be a member's name");
	refused("a b", NULL, "cannot be a member's name");
	refused("a", "a", "two things");
	refused("a/b", "a", "cannot be a folder");
	refused("a/b/c", "a", "cannot be a folder");
	refused("SHA256SUMS", NULL, "bundle's own");
	refused("SHA256SUMS.minisig", NULL, "bundle's own");
	memset(name, 'x', sizeof(name));
	name[100] = '/';
	name[196] = '\0'; /* and "root/" */
	refused(name, NULL, "at most 200");

	cleanup_plan struct plan p = { 0 };
	struct err err = { 0 };
	const unsigned char digest[32] = { 0 };
	name[195] = '\0';
	add(&p, name, "x");
	add(&p, "a-b", "x"); /* sorts between "a" and "a/b" */
	add(&p, "a/b", "x");
	assert_int_equal(plan_finish(&p, "root", &err), 0);
	assert_string_equal(p.members[0].path, "a-b");
	assert_int_equal(plan_add_fd(&p, "big", open("/dev/null", O_RDONLY | O_CLOEXEC), FORMAT_SIZE_MAX + 1, digest, &err), 0);
	assert_int_equal(plan_finish(&p, "root", &err), -1);
	assert_non_null(strstr(err.msg, "more than a member can have"));
}

static void test_files(void **state)
{
	cleanup_free char *file = in_dir("file"), *link = in_dir("link");
	cleanup_plan struct plan p = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(fs_replace(file, "hello\n", 6, 0644, &err), 0);
	assert_int_equal(symlink("file", link), 0);
	assert_int_equal(plan_add_file(&p, "a", file, &err), 0);
	assert_int_equal(p.members[0].size, 6);
	/* A large one stays open; it is the same member. */
	cleanup_free char *large = xmalloc(300000), *large_file = in_dir("large");
	unsigned char digest[32];
	memset(large, 'l', 300000);
	hash_bytes(large, 300000, digest);
	assert_int_equal(fs_replace(large_file, large, 300000, 0644, &err), 0);
	assert_int_equal(plan_add_file(&p, "large", large_file, &err), 0);
	assert_true(p.members[1].fd >= 0);
	assert_int_equal(p.members[1].size, 300000);
	assert_memory_equal(p.members[1].digest, digest, sizeof(digest));
	assert_int_equal(plan_add_file(&p, "b", link, &err), -1);
	assert_int_equal(plan_add_file(&p, "b", dir, &err), -1);
	assert_int_equal(plan_add_file(&p, "b", "/nonexistent", &err), -1);
	assert_non_null(strstr(err.msg, "/nonexistent"));
}

struct made {
	struct store *store;
	struct plan plan;
	struct signer *signer;
	char blob[65];
	struct bundle_job job;
};

/* A plan of a text, an empty file, a file on disk larger than the copying buffer, and a blob. */
static void make(struct made *m, const char *out)
{
	struct err err = { 0 };
	cleanup_free char *big = xmalloc(3000001);
	unsigned char digest[32];

	*m = (struct made){ 0 };
	memset(big, 'b', 3000001);
	if (store_open(&m->store, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(store_put(m->store, "the blob", 8, m->blob, &err), 0);
	add(&m->plan, "lab", "#!/bin/sh\n");
	add(&m->plan, "lib/empty", "");
	assert_int_equal(plan_add_blob(&m->plan, "bin/blob", m->blob, m->store, &err), 0);
	int fd = store_tmpfile(m->store, &err);
	assert_int_equal(fs_write(fd, big, 3000001, &err), 0);
	hash_bytes(big, 3000001, digest);
	assert_int_equal(plan_add_fd(&m->plan, "rootfs.tar", fd, 3000001, digest, &err), 0);
	assert_int_equal(plan_finish(&m->plan, "mini-1-linux-amd64", &err), 0);
	assert_int_equal(signer_generate(&m->signer, &err), 0);
	m->job = (struct bundle_job){ .lab = "mini", .version = "1", .platform = "linux/amd64", .plan = &m->plan,
		.signer = m->signer, .store = m->store, .out = out, .quiet = 1 };
}

static void unmake(struct made *m)
{
	signer_free(m->signer);
	plan_release(&m->plan);
	store_close(m->store);
}

static void test_write(void **state)
{
	cleanup_free char *out = in_dir("a.tar"), *part = in_dir(".a.tar.part");
	struct made m;
	struct bundle_facts facts;
	struct bundle b;
	struct keyring ring = { .n = 1 };
	struct err err = { 0 };
	struct stat st;

	(void)state;
	make(&m, out);
	assert_int_equal(fs_replace(part, "left by a killed one", 20, 0644, &err), 0);
	if (bundle_write(&m.job, &facts, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(stat(part, &st), -1);
	assert_int_equal(stat(out, &st), 0);
	assert_true((uint64_t)st.st_size == facts.size);
	assert_int_equal(facts.members, 4);

	cleanup_input struct input in = { 0 };
	signer_public(m.signer, &ring.keys[0].key);
	assert_int_equal(input_open(&in, out, &err), 0);
	if (bundle_read(&b, &in, &ring, NULL, 1, &err))
		fail_msg("%s", err.msg);
	assert_string_equal(b.root, "mini-1-linux-amd64");
	assert_int_equal(b.manifest.n, 4);
	bundle_release(&b);

	assert_int_equal(bundle_write(&m.job, &facts, &err), -1); /* never replaced */
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.msg, "exists already"));
	unmake(&m);
}

static void test_same_bytes(void **state)
{
	cleanup_free char *a = in_dir("same.tar"), *b = in_dir("same2.tar");
	cleanup_buf struct buf ta = BUF_INIT, tb = BUF_INIT;
	struct made m;
	struct bundle_facts fa, fb;
	struct err err = { 0 };

	(void)state;
	make(&m, a);
	assert_int_equal(bundle_write(&m.job, &fa, &err), 0);
	mode_t before = umask(0077);
	m.job.out = b;
	assert_int_equal(bundle_write(&m.job, &fb, &err), 0);
	(void)umask(before);
	assert_int_equal(fs_slurp(AT_FDCWD, a, 64 << 20, &ta, &err), 0);
	assert_int_equal(fs_slurp(AT_FDCWD, b, 64 << 20, &tb, &err), 0);
	assert_int_equal(ta.len, tb.len);
	assert_memory_equal(ta.data, tb.data, ta.len);
	assert_string_equal(fa.id, fb.id);
	unmake(&m);
}

/* Neither the output nor its part is there. */
static void assert_nothing(const char *out)
{
	cleanup_free char *folder = fs_dirname(out);
	cleanup_free char *part = xasprintf("%s/.%s.part", folder, fs_basename(out));
	struct stat st;

	assert_int_equal(stat(out, &st), -1);
	assert_int_equal(stat(part, &st), -1);
}

static void test_damage(void **state)
{
	cleanup_free char *out = in_dir("d.tar");
	struct made m;
	struct bundle_facts facts;
	struct err err = { 0 };

	(void)state;
	make(&m, out);
	cleanup_free char *blob = store_path(m.store, m.blob);
	assert_int_equal(fs_replace(blob, "the blab", 8, 0444, &err), 0);
	assert_int_equal(bundle_write(&m.job, &facts, &err), -1);
	assert_int_equal(err.code, ERR_AUTH);
	assert_non_null(strstr(err.msg, "bin/blob"));
	assert_non_null(strstr(err.msg, "run labgen fetch"));
	assert_false(store_has(m.store, m.blob, NULL)); /* so that a fetch brings it again */
	assert_nothing(out);
	unmake(&m);

	make(&m, out);
	assert_int_equal(fs_replace(blob, "the blob and more", 17, 0444, &err), 0);
	assert_int_equal(bundle_write(&m.job, &facts, &err), -1);
	assert_non_null(strstr(err.msg, "longer than"));
	unmake(&m);

	make(&m, out);
	assert_int_equal(ftruncate(m.plan.members[3].fd, 3000000), 0);
	assert_string_equal(m.plan.members[3].path, "rootfs.tar");
	assert_int_equal(bundle_write(&m.job, &facts, &err), -1);
	assert_non_null(strstr(err.msg, "ends at byte 3000000"));
	assert_nothing(out);
	unmake(&m);
}

/* Two writers of one file: the second is told so and leaves the first's part alone. */
static void test_two_writers(void **state)
{
	cleanup_free char *out = in_dir("w.tar"), *part = in_dir(".w.tar.part");
	cleanup_newfile struct newfile first = NEWFILE_INIT;
	struct newfile second;
	struct stat st;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(newfile_open(&first, out, 0666, &err), 0);
	assert_int_equal(newfile_open(&second, out, 0666, &err), -1);
	assert_non_null(strstr(err.msg, "another labgen"));
	newfile_release(&second);
	assert_int_equal(stat(part, &st), 0);
	assert_int_equal(newfile_commit(&first, &err), 0);
	assert_int_equal(stat(part, &st), -1);
	assert_int_equal(stat(out, &st), 0);
}

static void test_bad_outputs(void **state)
{
	cleanup_free char *slash = in_dir(""), *nowhere = in_dir("no/where.tar");
	cleanup_free char *out = in_dir("l.tar"), *part = in_dir(".l.tar.part");
	struct newfile f;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(newfile_open(&f, slash, 0666, &err), -1);
	newfile_release(&f);
	assert_int_equal(newfile_open(&f, nowhere, 0666, &err), -1);
	newfile_release(&f);
	assert_int_equal(symlink("/etc/passwd", part), 0); /* not followed, not truncated */
	assert_int_equal(newfile_open(&f, out, 0666, &err), -1);
	newfile_release(&f);
	assert_int_equal(unlink(part), 0);
	assert_int_equal(mkfifo(part, 0600), 0); /* does not hang */
	assert_int_equal(newfile_open(&f, out, 0666, &err), -1);
	newfile_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_same_bytes),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_two_writers),
		cmocka_unit_test(test_bad_outputs),
	};

	return cmocka_run_group_tests_name("plan", tests, make_dir, remove_dir);
}
