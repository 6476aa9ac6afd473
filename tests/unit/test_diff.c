/* Pairing what two locks have: by name, of several versions the equal ones first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "diff.h"
#include "mem.h"

#include <string.h>

/* "NAME VERSION DIGEST;..." as a lock of npm artifacts. */
static void make_lock(struct lock *lock, const char *text)
{
	*lock = (struct lock){ .lab = xstrdup("lab"), .version = xstrdup("1") };
	while (*text) {
		char name[32], version[32], digest[32];
		assert_int_equal(sscanf(text, "%31s %31s %31[^;]", name, version, digest), 3);
		struct lock_item *item = lock_add(lock);
		item->kind = "npm";
		item->name = xstrdup(name);
		item->version = xstrdup(version);
		item->sha256 = xstrdup(digest);
		item->size = strlen(digest);
		text += strcspn(text, ";");
		text += *text == ';';
	}
}

/* Compares, and writes what it found as "name old>new;...=SAME". */
static void check(const char *old_text, const char *new_text, const char *expected)
{
	cleanup_lock struct lock old, new;
	cleanup_buf struct buf found = BUF_INIT;
	struct diff_side a, b;
	struct diff d;

	make_lock(&old, old_text);
	make_lock(&new, new_text);
	diff_side_lock(&a, &old);
	diff_side_lock(&b, &new);
	diff_make(&d, &a, &b);
	for (size_t i = 0; i < d.n; i++) {
		const struct diff_pair *p = &d.pairs[i];
		buf_addf(&found, "%s %s>%s;", p->old ? p->old->name : p->new->name, p->old ? p->old->version : "",
			p->new ? p->new->version : "");
	}
	buf_addf(&found, "=%zu", d.same);
	assert_string_equal(found.data, expected);
	assert_int_equal(diff_equal(&d), d.n == 0);
	diff_release(&d);
	diff_side_release(&a);
	diff_side_release(&b);
}

static void test_pairs(void **state)
{
	(void)state;
	check("", "", "=0");
	check("a 1 x;b 1 y", "a 1 x;b 1 y", "=2");
	check("a 1 x;b 1 y", "b 1 y;a 1 x", "=2");
	check("", "a 1 x", "npm/a >1;=0");
	check("a 1 x", "", "npm/a 1>;=0");
	check("a 1 x;b 1 y;c 1 z", "b 2 y;d 1 z", "npm/a 1>;npm/b 1>2;npm/c 1>;npm/d >1;=0");
	check("a 1 x", "a 1 y", "npm/a 1>1;=0");
}

static void test_several_versions(void **state)
{
	(void)state;
	check("a 1 x;a 2 y", "a 2 y;a 3 z", "npm/a 1>3;=1");
	check("a 1 x;a 2 y", "a 2 y", "npm/a 1>;=1");
	check("a 2 y", "a 1 x;a 2 y;a 3 z", "npm/a >1;npm/a >3;=1");
	check("a 1 x;a 2 y;a 5 v", "a 2 w;a 3 z", "npm/a 2>2;npm/a 1>3;npm/a 5>;=0");
}

static void test_what(void **state)
{
	struct diff_thing old = { .name = (char *)"n", .version = "1", .size = 1, .digest = "a" }, new = old;
	const struct diff_pair p = { &old, &new };
	cleanup_buf struct buf what = BUF_INIT;

	(void)state;
	diff_pair_what(&p, ", ", &what);
	assert_int_equal(what.len, 0);
	new = (struct diff_thing){ .name = (char *)"n", .version = NULL, .size = 2, .digest = "b", .fields = { (char *)"u" } };
	diff_pair_what(&p, ", ", &what);
	assert_string_equal(what.data, "version, digest, size, url");
}

/* The labels name the fields in the order in which they are filled. */
static void test_fields(void **state)
{
	char *paths[] = { (char *)"p1", (char *)"p2", NULL };
	struct lock_platform platform = { .platform = (char *)"linux/amd64", .manifest = (char *)"m", .manifest_size = 5 };
	struct lock_item item = { .kind = "image", .name = (char *)"n", .platform = (char *)"linux/arm64", .url = (char *)"url",
		.ref = (char *)"ref", .commit = (char *)"commit", .path = (char *)"path", .member = (char *)"member",
		.to = (char *)"to", .paths = paths, .integrity = (char *)"integrity", .evidence = (char *)"evidence",
		.evidence_url = (char *)"evidence_url", .platforms = &platform, .n_platforms = 1, .size = 2 };
	struct lock lock = { .lab = (char *)"l", .version = (char *)"1", .items = &item, .n_items = 1 };
	struct diff_side side;
	size_t n = 0;

	(void)state;
	diff_side_lock(&side, &lock);
	assert_string_equal(side.things[0].name, "image/n/linux/arm64");
	for (; diff_labels[n]; n++) {
		const char *expected = strcmp(diff_labels[n], "paths") == 0 ? "p1\np2" :
			strcmp(diff_labels[n], "platforms") == 0 ? "linux/amd64 m\n" : diff_labels[n];
		assert_string_equal(side.things[0].fields[n], expected);
	}
	assert_true(n <= DIFF_FIELDS_MAX);
	assert_int_equal(side.size, 7);
	diff_side_release(&side);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_several_versions),
		cmocka_unit_test(test_what),
		cmocka_unit_test(test_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
