/* The lock: what is written is read back the same, byte for byte; what is not as we write it is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"
#include "fs.h"
#include "lock.h"
#include "mem.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define B64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="

static char dir[] = "/tmp/test_lock.XXXXXX";

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

static void put(const char *name, const char *text)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);
	struct err err;

	assert_int_equal(fs_replace(path, text, strlen(text), 0644, &err), 0);
}

static char **texts(const char *a, const char *b)
{
	char **list = xcalloc(3, sizeof(*list));

	list[0] = xstrdup(a);
	list[1] = b ? xstrdup(b) : NULL;
	return list;
}

static struct lock_item *add(struct lock *lock, const char *kind, const char *id, const char *name)
{
	struct lock_item *item = lock_add(lock);

	item->kind = kind;
	item->id = xstrdup(id);
	item->name = xstrdup(name);
	item->sha256 = xstrdup(HEX);
	item->evidence = xstrdup("first-seen");
	return item;
}

static void fill(struct lock *lock)
{
	*lock = (struct lock){ .lab = xstrdup("mini"), .version = xstrdup("1.10"),
		.platforms = texts("linux/arm64", "linux/amd64") };
	lock->answers = texts("npm b@1", "file f@v1 url=\"a\\b\"");
	lock->n_answers = 2;

	struct lock_item *item = add(lock, "npm", "npm/b@1", "b");
	item->version = xstrdup("1");
	item->paths = texts("usr/lib/node_modules/z", "usr/lib/node_modules/@s/b");
	item->integrity = xstrdup("sha512-" B64);
	item->size = 5000000000;
	item = add(lock, "file", "file/f@v1/linux/amd64", "f");
	item->platform = xstrdup("linux/amd64");
	item->url = xstrdup("https://x.example/f?a=%20b&c");
	item->member = xstrdup("linux-amd64/f");
	item->to = xstrdup("bin/f");
	item->evidence_url = xstrdup("https://x.example/f.sha256");
	item = add(lock, "image", "image/docker.io/library/redis:8", "docker.io/library/redis:8");
	item->ref = xstrdup("docker.io/library/redis:8");
	item->platforms = xcalloc(1, sizeof(*item->platforms));
	item->n_platforms = 1;
	struct lock_platform *p = &item->platforms[0];
	p->platform = xstrdup("linux/amd64");
	p->manifest = xstrdup(HEX);
	p->manifest_size = 12;
	p->blobs = xcalloc(1, sizeof(*p->blobs));
	p->n_blobs = 1;
	p->blobs[0] = (struct lock_blob){ .digest = xstrdup(HEX), .size = 7, .media_type = xstrdup("application/x+json") };
}

static void test_round_trip(void **state)
{
	cleanup_lock struct lock lock = { 0 };
	cleanup_lock struct lock again = { 0 };
	cleanup_buf struct buf a = BUF_INIT, b = BUF_INIT;
	struct err err = { 0 };
	int changed = 0;

	(void)state;
	fill(&lock);
	lock_text(&lock, &a);
	assert_int_equal(lock_save(&lock, dir, &changed, &err), 0);
	assert_true(changed);
	if (lock_load(&again, dir, &err))
		fail_msg("%s", err.msg);
	lock_text(&again, &b);
	assert_string_equal(a.data, b.data);
	assert_int_equal(lock_save(&again, dir, &changed, &err), 0);
	assert_false(changed);

	assert_int_equal(again.n_items, 3);
	assert_string_equal(again.items[0].kind, "file"); /* sorted by id */
	assert_string_equal(again.items[2].paths[0], "usr/lib/node_modules/@s/b");
	assert_true(again.items[2].size == 5000000000);
	assert_string_equal(again.answers[0], "file f@v1 url=\"a\\b\"");
	assert_string_equal(again.version, "1.10");
}

static void test_order_does_not_matter(void **state)
{
	cleanup_lock struct lock a = { 0 }, b = { 0 };
	cleanup_buf struct buf ta = BUF_INIT, tb = BUF_INIT;

	(void)state;
	fill(&a);
	fill(&b);
	struct lock_item swap = b.items[0];
	b.items[0] = b.items[2];
	b.items[2] = swap;
	lock_text(&a, &ta);
	lock_text(&b, &tb);
	assert_string_equal(ta.data, tb.data);
}

static void test_same_id(void **state)
{
	cleanup_lock struct lock lock = { 0 };
	struct err err = { 0 };
	int changed;

	(void)state;
	fill(&lock);
	add(&lock, "npm", "npm/b@1", "b");
	assert_int_equal(lock_save(&lock, dir, &changed, &err), -1);
	assert_non_null(strstr(err.msg, "npm/b@1"));
}

static void test_platforms(void **state)
{
	cleanup_lock struct lock lock = { 0 };
	cleanup_buf struct buf b = BUF_INIT;

	(void)state;
	fill(&lock);
	lock_text(&lock, &b);
	assert_true(lock_item_on(&lock.items[0], "linux/amd64"));
	assert_false(lock_item_on(&lock.items[0], "linux/arm64"));
	assert_true(lock_item_on(&lock.items[1], "linux/amd64"));
	assert_false(lock_item_on(&lock.items[1], "linux/arm64"));
	assert_true(lock_item_on(&lock.items[2], "linux/arm64"));
}

#define HEAD "format: 1\nlab: a\nversion: 1\nplatforms: [linux/amd64]\n"
#define REST "    name: f\n    sha256: " HEX "\n    evidence: inline\n"
#define ITEM HEAD "artifacts:\n  - id: file/f\n    kind: file\n"

static const struct {
	const char *text, *where, *why;
} bad[] = {
	{ "format: 2\n", ":1:9: ", "format must be 1" },
	{ HEAD "extra: 1\n", ":5:1: ", "unknown key 'extra'" },
	{ HEAD "answers: [b, a]\n", ":5:14: ", "out of order" },
	{ HEAD "answers: [a, a]\n", ":5:14: ", "twice" },
	{ ITEM, ":6:5: ", "lacks the key 'name'" },
	{ ITEM REST "    size: -1\n", ":11:11: ", "size must be a whole number" },
	{ ITEM REST "    size: 01\n", ":11:11: ", "size must be a whole number" },
	{ ITEM REST "    size: 1e3\n", ":11:11: ", "size must be a whole number" },
	{ ITEM REST "    to: ../x\n", ":11:9: ", "to must be a path" },
	{ ITEM REST "    member: a/../../x\n", ":11:13: ", "member must be a path" },
	{ ITEM REST "    paths: [/etc]\n", ":11:13: ", "paths must be a path" },
	{ ITEM REST "    url: 'https://x y'\n", ":11:10: ", "url must be" },
	{ ITEM REST "    integrity: sha1-abc\n", ":11:16: ", "sha512-" },
	{ ITEM REST "    platform: linux\n", ":11:15: ", "platform must be" },
	{ ITEM REST "    platforms: [{platform: linux/amd64, manifest: 12}]\n", ":11:51: ", "64 lower-case hex" },
	{ ITEM REST "  - id: file/f\n    kind: file\n" REST, ":11:5: ", "out of order or here twice" },
	{ ITEM REST "  - id: file/e\n    kind: file\n" REST, ":11:5: ", "out of order" },
	{ HEAD "artifacts:\n  - id: npm/f\n    kind: file\n" REST, ":6:9: ", "must begin with file/" },
	{ HEAD "artifacts:\n  - id: file/f\n    kind: flie\n" REST, ":7:11: ", "not 'flie'" },
	{ ITEM "    name: f\n    sha256: sha256:" HEX "\n    evidence: inline\n", ":9:13: ", "64 lower-case hex" },
	{ ITEM "    name: f\n    sha256: " HEX "\n    evidence: hearsay\n", ":10:15: ", "who vouched" },
};

static void test_bad(void **state)
{
	cleanup_free char *file = xasprintf("%s/lab.lock", dir);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct lock lock;
		struct err err = { 0 };
		put("lab.lock", bad[i].text);
		if (lock_load(&lock, dir, &err) == 0)
			fail_msg("accepted: %s", bad[i].text);
		cleanup_free char *place = xasprintf("%s%s", file, bad[i].where);
		if (err.code != ERR_USAGE || strncmp(err.msg, place, strlen(place)) != 0 || !strstr(err.msg, bad[i].why))
			fail_msg("for %s\nwanted %s...%s\ngot %s", bad[i].text, place, bad[i].why, err.msg);
	}
}

static void test_missing(void **state)
{
	struct lock lock;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(lock_load(&lock, "/nonexistent", &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	assert_non_null(strstr(err.msg, "run labgen lock"));
}

#define SPEC "lab: a\nversion: 1\ntarget: host\nplatforms: [linux/amd64]\n"

static void answers(const char *lock_yaml, const char *spec_yaml, const char *why)
{
	cleanup_lock struct lock lock = { 0 };
	cleanup_spec struct spec spec = { 0 };
	struct err err = { 0 };

	put("lab.yaml", spec_yaml);
	put("lab.lock", lock_yaml);
	if (spec_load(&spec, dir, &err) || lock_load(&lock, dir, &err))
		fail_msg("%s", err.msg);
	int bad_answer = lock_answers(&lock, &spec, &err);
	if (!why) {
		assert_int_equal(bad_answer, 0);
		return;
	}
	assert_int_equal(bad_answer, -1);
	assert_int_equal(err.code, ERR_WORK);
	assert_non_null(strstr(err.msg, "run labgen lock"));
	if (!strstr(err.msg, why))
		fail_msg("wanted %s, got %s", why, err.msg);
}

static void test_answers(void **state)
{
	(void)state;
	answers(HEAD, SPEC, NULL);
	answers(HEAD "answers: [deb ab, npm x@1]\n", SPEC "packages: {npm: [x@1], deb: [ab]}\n", NULL);
	answers(HEAD "answers: [deb ab]\n", SPEC "packages: {npm: [x@1], deb: [ab]}\n", "npm x@1 is not in it");
	answers(HEAD "answers: [deb ab, npm x@1]\n", SPEC "packages: {deb: [ab]}\n", "npm x@1 is in it and no longer");
	answers(HEAD "answers: [npm x@1]\n", SPEC "packages: {npm: [x@2]}\n", "npm x@1 is in it and no longer");
	answers(HEAD "answers: [npm x@1]\n", SPEC "packages: {npm: [x@2]}\n", "npm x@2 is not in it");
	answers(HEAD "answers: [deb ab]\n", SPEC "packages: {deb: [ab], deb_origin: Debian}\n", "deb ab is not in it");
	answers(HEAD, "lab: b\nversion: 1\ntarget: host\nplatforms: [linux/amd64]\n", "it is for lab a, not b");
	answers(HEAD, "lab: a\nversion: 2\ntarget: host\nplatforms: [linux/amd64]\n", "version 1, not 2");
	answers(HEAD, "lab: a\nversion: 1\ntarget: host\nplatforms: [linux/arm64, linux/amd64]\n",
		"platforms linux/amd64, not linux/amd64, linux/arm64");
	answers(HEAD, SPEC "packages: {deb: [aa, ab, ac, ad, ae]}\n", "and 2 more");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_order_does_not_matter),
		cmocka_unit_test(test_same_id),
		cmocka_unit_test(test_platforms),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests_name("lock", tests, make_dir, remove_dir);
}
