/* The root file system: real packages made here, what becomes of them in the tar, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs.h"
#include "hash.h"
#include "mem.h"
#include "rootfs.h"
#include "roottar.h"
#include "roottree.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PACKAGE_MAX 1000000

static char dir[] = "/tmp/test_rootfs.XXXXXX";
static struct store *store;

static int set_up(void **state)
{
	struct err err;

	(void)state;
	return mkdtemp(dir) == NULL || setenv("LABGEN_STORE", dir, 1) != 0 || store_open(&store, &err) < 0;
}

static int tear_down(void **state)
{
	struct err err;

	(void)state;
	store_close(store);
	return fs_remove(AT_FDCWD, dir, &err);
}

/* ---- making packages ---- */

/* One thing in a package: a file has text, a link has link; type as AE_IF*. */
struct thing {
	const char *path;
	mode_t type;
	mode_t mode;
	const char *text, *link;
	int hard;
};

static void add_thing(struct archive *a, const struct thing *t)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, t->path);
	archive_entry_set_filetype(e, t->type);
	archive_entry_set_perm(e, t->mode);
	archive_entry_set_mtime(e, 1234567890, 0);
	archive_entry_set_uid(e, 1000);
	archive_entry_set_uname(e, "somebody");
	if (t->hard)
		archive_entry_set_hardlink(e, t->link);
	else if (t->link)
		archive_entry_set_symlink(e, t->link);
	archive_entry_set_size(e, t->text ? (la_int64_t)strlen(t->text) : 0);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	if (t->text && !t->hard)
		assert_int_equal(archive_write_data(a, t->text, strlen(t->text)), strlen(t->text));
	archive_entry_free(e);
}

/* A tar of things, packed by filter, to be freed. */
static char *make_tar(const struct thing *things, int (*filter)(struct archive *), size_t *used)
{
	struct archive *a = archive_write_new();
	char *data = xmalloc(PACKAGE_MAX);

	assert_int_equal(filter(a), ARCHIVE_OK);
	assert_int_equal(archive_write_set_format_gnutar(a), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(a, data, PACKAGE_MAX, used), ARCHIVE_OK);
	for (; things->path; things++)
		add_thing(a, things);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	return data;
}

static void add_member(struct archive *a, const char *name, const char *data, size_t len)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_size(e, (la_int64_t)len);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	assert_int_equal(archive_write_data(a, data, len), len);
	archive_entry_free(e);
}

static struct lock_item *new_item(const char *kind, const char *id, const void *data, size_t len)
{
	struct lock_item *item = xcalloc(1, sizeof(*item));
	struct err err = { 0 };
	char sha256[65];

	assert_int_equal(store_put(store, data, len, sha256, &err), 0);
	item->kind = kind;
	item->id = xstrdup(id);
	item->sha256 = xstrdup(sha256);
	return item;
}

static struct lock_item *deb(const char *id, const struct thing *things, int (*filter)(struct archive *), const char *member)
{
	size_t tar_len, used;
	cleanup_free char *tar = make_tar(things, filter, &tar_len);
	cleanup_free char *data = xmalloc(PACKAGE_MAX);
	struct archive *a = archive_write_new();

	assert_int_equal(archive_write_set_format_ar_bsd(a), ARCHIVE_OK);
	assert_int_equal(archive_write_open_memory(a, data, PACKAGE_MAX, &used), ARCHIVE_OK);
	add_member(a, "debian-binary", "2.0\n", 4);
	add_member(a, "control.tar.gz", "not looked at", 13);
	add_member(a, member, tar, tar_len);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
	return new_item("deb", id, data, used);
}

static struct lock_item *npm(const char *id, const struct thing *things, const char *path, const char *path2)
{
	size_t used;
	cleanup_free char *tar = make_tar(things, archive_write_add_filter_gzip, &used);
	struct lock_item *item = new_item("npm", id, tar, used);

	item->paths = xcalloc(3, sizeof(*item->paths));
	item->paths[0] = xstrdup(path);
	item->paths[1] = path2 ? xstrdup(path2) : NULL;
	return item;
}

static struct lock_item *deb_xz(const char *id, const struct thing *things)
{
	return deb(id, things, archive_write_add_filter_xz, "data.tar.xz");
}

/* ---- building ---- */

static int build(struct lock_item **items, size_t n, struct plan *plan, struct err *err)
{
	struct ctx ctx = { .store = store, .platform = "linux/amd64" };

	for (size_t i = 0; i < n; i++)
		plan_add_rootfs(plan, items[i]);
	return rootfs_build(&ctx, plan, err);
}

static void items_free(struct lock_item **items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		lock_item_release(items[i]);
		free(items[i]);
	}
}

static void refuses(struct lock_item **items, size_t n, enum err_code code, const char *const *words)
{
	cleanup_plan struct plan plan = { 0 };
	struct err err = { 0 };

	assert_int_equal(build(items, n, &plan, &err), -1);
	assert_int_equal(err.code, code);
	for (; *words; words++)
		if (!strstr(err.msg, *words))
			fail_msg("no '%s' in: %s", *words, err.msg);
	assert_int_equal(plan.n, 0);
	items_free(items, n);
}

static void refuses_one(const struct thing *things, const char *word)
{
	struct lock_item *items[] = { deb_xz("deb/bad/amd64", things) };
	const char *words[] = { "deb/bad/amd64", word, NULL };

	refuses(items, 1, ERR_WORK, words);
}

/* The line that "tar tv" would have for a path of the built tar, by libarchive: "TYPE MODE SIZE [LINK]", or NULL. */
static char *look(const struct plan *plan, const char *path)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	char *found = NULL;
	int fd = dup(plan->members[0].fd);

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	archive_read_support_format_tar(a);
	assert_int_equal(archive_read_open_fd(a, fd, 65536), ARCHIVE_OK);
	int status;
	while ((status = archive_read_next_header(a, &e)) == ARCHIVE_OK) {
		assert_int_equal(archive_entry_uid(e), 0);
		assert_int_equal(archive_entry_gid(e), 0);
		assert_int_equal(archive_entry_mtime(e), FORMAT_MTIME);
		if (strcmp(archive_entry_pathname(e), path) != 0)
			continue;
		assert_null(found); /* nothing is there twice */
		const char *link = archive_entry_symlink(e) ? archive_entry_symlink(e) : archive_entry_hardlink(e);
		found = xasprintf("%c %o %d%s%s", archive_entry_hardlink(e) ? 'h' : archive_entry_filetype(e) == AE_IFLNK ? 'l' :
			archive_entry_filetype(e) == AE_IFDIR ? 'd' : 'f', (unsigned)archive_entry_perm(e), (int)archive_entry_size(e),
			link ? " " : "", link ? link : "");
	}
	assert_int_equal(status, ARCHIVE_EOF);
	archive_read_free(a);
	(void)close(fd);
	return found;
}

static void has(const struct plan *plan, const char *path, const char *line)
{
	cleanup_free char *found = look(plan, path);

	if (!line) {
		if (found)
			fail_msg("%s is there: %s", path, found);
		return;
	}
	if (!found)
		fail_msg("%s is not there", path);
	assert_string_equal(found, line);
}

#define LONG "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"

static const struct thing first[] = {
	{ "./", AE_IFDIR, 0755, NULL, NULL, 0 },
	{ "./bin/", AE_IFDIR, 0755, NULL, NULL, 0 },
	{ "./bin/prog", AE_IFREG, 04755, "binary", NULL, 0 },
	{ "./bin/again", AE_IFREG, 0755, NULL, "./bin/prog", 1 },
	{ "./usr/lib/", AE_IFDIR, 0755, NULL, NULL, 0 },
	{ "./lib/libx.so.1", AE_IFREG, 0644, "lib", NULL, 0 },
	{ "./lib/libx.so", AE_IFLNK, 0777, NULL, "libx.so.1", 0 },
	{ "./etc/", AE_IFDIR, 0755, NULL, NULL, 0 },
	{ "./etc/secret", AE_IFREG, 0400, "s", NULL, 0 },
	{ "./etc/private/", AE_IFDIR, 02550, NULL, NULL, 0 },
	{ "./var/spool/open/", AE_IFDIR, 01777, NULL, NULL, 0 },
	{ "./usr/share/doc/one/copyright", AE_IFREG, 0644, "licence", NULL, 0 },
	{ "./usr/share/doc/one/changelog.gz", AE_IFREG, 0644, "x", NULL, 0 },
	{ "./usr/share/doc/two", AE_IFLNK, 0777, NULL, "one", 0 },
	{ "./usr/share/man/man1/prog.1.gz", AE_IFREG, 0644, "x", NULL, 0 },
	{ "./usr/share/locale/", AE_IFDIR, 0755, NULL, NULL, 0 },
	{ "./usr/share/manual", AE_IFREG, 0644, "kept", NULL, 0 },
	{ "./usr/share/" LONG "/" LONG "/" LONG, AE_IFREG, 0644, "deep", NULL, 0 },
	{ "./usr/share/far", AE_IFLNK, 0777, NULL, LONG "/" LONG, 0 },
	{ "./usr/share/empty", AE_IFREG, 0644, "", NULL, 0 },
	{ "./etc/hosts", AE_IFREG, 0644, "the package's", NULL, 0 },
	{ NULL, 0, 0, NULL, NULL, 0 },
};

static const struct thing module[] = {
	{ "package/package.json", AE_IFREG, 0666, "{}", NULL, 0 },
	{ "package/bin/cli.js", AE_IFREG, 0700, "#!", NULL, 0 },
	{ "package/lib/", AE_IFDIR, 0777, NULL, NULL, 0 },
	{ "package/link", AE_IFLNK, 0777, NULL, "/etc/passwd", 0 },
	{ "stray", AE_IFREG, 0644, "x", NULL, 0 },
	{ NULL, 0, 0, NULL, NULL, 0 },
};

static void make_items(struct lock_item *items[3])
{
	static const struct thing second[] = {
		{ "./usr/bin/", AE_IFDIR, 0700, NULL, NULL, 0 },
		{ "./usr/bin/other", AE_IFREG, 0755, "other", NULL, 0 },
		{ NULL, 0, 0, NULL, NULL, 0 },
	};

	items[0] = deb_xz("deb/a/amd64", first);
	items[1] = deb("deb/b/amd64", second, archive_write_add_filter_zstd, "data.tar.zst");
	items[2] = npm("npm/m@1", module, "node_modules/m", "node_modules/x/node_modules/m");
}

static void test_layout(void **state)
{
	struct lock_item *items[3];
	cleanup_plan struct plan plan = { 0 };
	struct err err = { 0 };

	(void)state;
	make_items(items);
	if (build(items, 3, &plan, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(plan.n, 1);
	assert_string_equal(plan.members[0].path, "rootfs.tar");

	has(&plan, "bin", "l 777 0 usr/bin");
	has(&plan, "lib64", "l 777 0 usr/lib64");
	has(&plan, "lib32", NULL);
	has(&plan, "usr/bin/", "d 755 0"); /* who brings it first decides */
	has(&plan, "usr/bin/prog", "f 755 6"); /* no set-id */
	has(&plan, "usr/bin/again", "h 644 0 usr/bin/prog");
	has(&plan, "usr/bin/other", "f 755 5");
	has(&plan, "usr/lib/libx.so", "l 777 0 libx.so.1");
	has(&plan, "etc/secret", "f 600 1");
	has(&plan, "etc/private/", "d 750 0");
	has(&plan, "var/spool/", "d 755 0"); /* no package had it */
	has(&plan, "var/spool/open/", "d 1777 0");
	has(&plan, "tmp/", "d 1777 0");
	has(&plan, "data/", "d 755 0");
	has(&plan, "usr/share/doc/one/copyright", "f 644 7");
	has(&plan, "usr/share/doc/one/changelog.gz", NULL);
	has(&plan, "usr/share/doc/two", "l 777 0 one");
	has(&plan, "usr/share/man/man1/prog.1.gz", NULL);
	has(&plan, "usr/share/locale/", NULL);
	has(&plan, "usr/share/manual", "f 644 4");
	has(&plan, "usr/share/" LONG "/" LONG "/" LONG, "f 644 4");
	has(&plan, "usr/share/far", "l 777 0 " LONG "/" LONG);
	has(&plan, "usr/share/empty", "f 644 0");
	has(&plan, "opt/npm/node_modules/m/package.json", "f 644 2");
	has(&plan, "opt/npm/node_modules/x/node_modules/m/bin/cli.js", "f 755 2");
	has(&plan, "opt/npm/node_modules/m/link", NULL);
	has(&plan, "stray", NULL);
	cleanup_free char *hosts = look(&plan, "etc/hosts");
	assert_string_not_equal(hosts, "f 644 13"); /* labgen's own goes before the package's */
	items_free(items, 3);
}

static void test_same_bytes_in_any_order(void **state)
{
	struct lock_item *items[3];
	cleanup_plan struct plan a = { 0 }, b = { 0 };
	struct err err = { 0 };

	(void)state;
	make_items(items);
	assert_int_equal(build(items, 3, &a, &err), 0);
	struct lock_item *other[] = { items[2], items[0], items[1] };
	mode_t old = umask(0777);
	assert_int_equal(build(other, 3, &b, &err), 0);
	(void)umask(old);
	assert_int_equal(a.members[0].size, b.members[0].size);
	assert_memory_equal(a.members[0].digest, b.members[0].digest, FORMAT_DIGEST);
	items_free(items, 3);
}

static void test_digest_is_that_of_the_file(void **state)
{
	struct lock_item *items[3];
	cleanup_plan struct plan plan = { 0 };
	cleanup_buf struct buf text = BUF_INIT;
	unsigned char digest[FORMAT_DIGEST];
	struct err err = { 0 };

	(void)state;
	make_items(items);
	assert_int_equal(build(items, 3, &plan, &err), 0);
	assert_int_equal(lseek(plan.members[0].fd, 0, SEEK_SET), 0);
	assert_int_equal(fs_slurp_fd(plan.members[0].fd, "rootfs.tar", PACKAGE_MAX, &text, &err), 0);
	assert_int_equal(text.len, plan.members[0].size);
	assert_int_equal(text.len % FORMAT_BLOCK, 0);
	hash_bytes(text.data, text.len, digest);
	assert_memory_equal(digest, plan.members[0].digest, FORMAT_DIGEST);
	items_free(items, 3);
}

#define REFUSES(word, ...) \
	do { \
		const struct thing things_[] = { __VA_ARGS__, { NULL, 0, 0, NULL, NULL, 0 } }; \
		refuses_one(things_, word); \
	} while (0)

static void test_refused_things(void **state)
{
	(void)state;
	REFUSES("..", { "./usr/../../etc/passwd", AE_IFREG, 0644, "x", NULL, 0 });
	REFUSES("absolute", { "/etc/passwd", AE_IFREG, 0644, "x", NULL, 0 });
	REFUSES("control", { "./etc/a\nb", AE_IFREG, 0644, "x", NULL, 0 });
	REFUSES("/dev/null", { "./dev/null", AE_IFCHR, 0666, NULL, NULL, 0 });
	REFUSES("/run/pipe", { "./run/pipe", AE_IFIFO, 0666, NULL, NULL, 0 });
	REFUSES("no file before it", { "./usr/bin/x", AE_IFREG, 0755, NULL, "./usr/bin/y", 1 });
	REFUSES("both", { "./etc/l", AE_IFLNK, 0777, NULL, "/tmp", 0 }, { "./etc/l/below", AE_IFREG, 0644, "x", NULL, 0 });
	REFUSES("both", { "./etc/f", AE_IFREG, 0644, "x", NULL, 0 }, { "./etc/f/", AE_IFDIR, 0755, NULL, NULL, 0 });
	REFUSES("both", { "./usr/bin", AE_IFLNK, 0777, NULL, "/tmp", 0 });
	REFUSES("both", { "./bin", AE_IFLNK, 0777, NULL, "/tmp", 0 });
}

static void test_conflict_names_both(void **state)
{
	static const struct thing in_bin[] = { { "./bin/prog", AE_IFREG, 0755, "1", NULL, 0 }, { NULL, 0, 0, NULL, NULL, 0 } };
	static const struct thing in_usr[] = { { "./usr/bin/prog", AE_IFREG, 0755, "2", NULL, 0 }, { NULL, 0, 0, NULL, NULL, 0 } };
	static const char *const words[] = { "/usr/bin/prog", "deb/a/amd64", "deb/b/amd64", NULL };
	struct lock_item *items[] = { deb_xz("deb/a/amd64", in_bin), deb_xz("deb/b/amd64", in_usr) };

	(void)state;
	refuses(items, 2, ERR_WORK, words);
}

static void test_damaged_blob_is_dropped(void **state)
{
	static const char *const words[] = { "deb/a/amd64", "damaged in the store", "labgen fetch", NULL };
	struct lock_item *items[] = { deb_xz("deb/a/amd64", first) };
	cleanup_free char *path = store_path(store, items[0]->sha256);
	cleanup_free char *sha256 = xstrdup(items[0]->sha256);

	(void)state;
	assert_int_equal(chmod(path, 0644), 0);
	cleanup_close int fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "x", 1, 10), 1); /* in a header that nobody else looks at */
	refuses(items, 1, ERR_AUTH, words);
	assert_false(store_has(store, sha256, NULL));
}

static void test_no_package(void **state)
{
	static const char *const words[] = { "deb/a/amd64", NULL };
	static const struct thing nothing[] = { { NULL, 0, 0, NULL, NULL, 0 } };
	struct lock_item *text[] = { new_item("deb", "deb/a/amd64", "hello", 5) };
	struct lock_item *no_data[] = { deb("deb/a/amd64", nothing, archive_write_add_filter_xz, "other.tar.xz") };

	(void)state;
	refuses(text, 1, ERR_WORK, words);
	refuses(no_data, 1, ERR_WORK, words);
}

static void test_content_as_long_as_said(void **state)
{
	struct err err = { 0 };
	cleanup_close int fd = store_tmpfile(store, &err);
	cleanup_roottar struct roottar *tar = roottar_new(fd);

	(void)state;
	assert_int_equal(roottar_entry(tar, '0', "a", NULL, 0644, 3, &err), 0);
	assert_int_equal(roottar_data(tar, "ab", 2, &err), 0);
	assert_int_equal(roottar_end(tar, &err), -1);
	assert_int_equal(roottar_data(tar, "cd", 2, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_same_bytes_in_any_order),
		cmocka_unit_test(test_digest_is_that_of_the_file),
		cmocka_unit_test(test_refused_things),
		cmocka_unit_test(test_conflict_names_both),
		cmocka_unit_test(test_damaged_blob_is_dropped),
		cmocka_unit_test(test_no_package),
		cmocka_unit_test(test_content_as_long_as_said),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
