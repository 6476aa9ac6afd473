#include "rootfs.h"

#include "blobread.h"
#include "mem.h"
#include "roottar.h"
#include "roottree.h"
#include "templates.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#define CHUNK 65536
#define ENTRIES_MAX 1000000	/* of one package */
#define NPM_ROOT "opt/npm/"

static const char overlay[] = "host/rootfs/";

/* What one package is read with. */
struct reader {
	struct roottree *tree;
	struct roottar *tar;
	const struct store *store;
};

static void close_reader(struct archive **a)
{
	if (*a)
		(void)archive_read_free(*a);
}

#define cleanup_archive __attribute__((cleanup(close_reader)))

static int broken(struct archive *a, struct err *err)
{
	const char *why = archive_error_string(a);

	return err_set(err, ERR_WORK, "cannot read the archive: %s", why ? why : "damaged");
}

static struct archive *new_tar_reader(struct err *err)
{
	cleanup_archive struct archive *a = archive_read_new();

	if (!a || archive_read_support_filter_gzip(a) < ARCHIVE_WARN || archive_read_support_filter_xz(a) < ARCHIVE_WARN ||
		archive_read_support_filter_zstd(a) < ARCHIVE_WARN || archive_read_support_format_tar(a) < ARCHIVE_WARN) {
		(void)err_set(err, ERR_WORK, "libarchive cannot read packages here");
		return NULL;
	}
	return steal(&a);
}

/* The name in an archive: as bytes, or, where it is declared to be UTF-8, as that; there is no locale here to convert to. */
static const char *entry_name(struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);

	return name ? name : archive_entry_pathname_utf8(entry);
}

static int copy_content(struct archive *a, struct roottar *tar, struct err *err)
{
	char chunk[CHUNK];
	la_ssize_t n;

	while ((n = archive_read_data(a, chunk, sizeof(chunk))) > 0)
		if (roottar_data(tar, chunk, (size_t)n, err) < 0)
			return -1;
	return n < 0 ? broken(a, err) : roottar_end(tar, err);
}

static int add_file(struct reader *r, struct archive *a, struct archive_entry *entry, const char *path, unsigned mode,
	struct err *err)
{
	int status = roottree_file(r->tree, path, mode, (uint64_t)archive_entry_size(entry), err);

	if (status == 0)
		return copy_content(a, r->tar, err) < 0 ? err_wrap(err, "/%s", path) : 0;
	return status < 0 ? -1 : 0;
}

/* ---- Debian packages: an ar archive with debian-binary, control.tar and data.tar (deb(5)) ---- */

static int add_hardlink(struct reader *r, const char *path, const char *raw, struct err *err)
{
	cleanup_free char *target = roottree_path(r->tree, raw, err);

	return target ? roottree_hardlink(r->tree, path, target, err) : -1;
}

static int add_deb_entry(struct reader *r, struct archive *a, struct archive_entry *entry, struct err *err)
{
	const char *raw = entry_name(entry);
	cleanup_free char *path = raw ? roottree_path(r->tree, raw, err) : NULL;
	int is_symlink = archive_entry_filetype(entry) == AE_IFLNK;

	if (!path)
		return raw ? -1 : err_set(err, ERR_WORK, "a file in it has no name");
	if (roottree_left_out(path, is_symlink))
		return 0;
	if (archive_entry_hardlink(entry))
		return add_hardlink(r, path, archive_entry_hardlink(entry), err);
	if (is_symlink)
		return roottree_symlink(r->tree, path, archive_entry_symlink(entry) ? archive_entry_symlink(entry) : "", err);
	if (archive_entry_filetype(entry) == AE_IFDIR)
		return roottree_dir(r->tree, path, archive_entry_perm(entry), err);
	if (archive_entry_filetype(entry) == AE_IFREG)
		return add_file(r, a, entry, path, archive_entry_perm(entry), err);
	return err_set(err, ERR_WORK, "/%s: a device file or a pipe: a lab has none", path);
}

static int add_deb_entries(struct reader *r, struct archive *a, struct err *err)
{
	struct archive_entry *entry;

	for (unsigned n = 0; n < ENTRIES_MAX; n++) {
		int status = archive_read_next_header(a, &entry);
		if (status == ARCHIVE_EOF)
			return 0;
		if (status < ARCHIVE_WARN)
			return broken(a, err);
		if (add_deb_entry(r, a, entry, err) < 0)
			return -1;
	}
	return err_set(err, ERR_WORK, "more than %d files", ENTRIES_MAX);
}

/* The data member of the outer archive is the inner one's file. */
static la_ssize_t on_inner_read(struct archive *a, void *arg, const void **data)
{
	struct archive *outer = arg;
	size_t len;
	la_int64_t offset;
	int status = archive_read_data_block(outer, data, &len, &offset);

	if (status == ARCHIVE_EOF)
		return 0;
	if (status < ARCHIVE_WARN) {
		archive_set_error(a, archive_errno(outer), "%s", archive_error_string(outer));
		return -1;
	}
	return (la_ssize_t)len;
}

static int add_deb_data(struct reader *r, struct archive *outer, struct err *err)
{
	struct archive_entry *entry;
	int status;

	while ((status = archive_read_next_header(outer, &entry)) >= ARCHIVE_WARN && status != ARCHIVE_EOF) {
		const char *name = entry_name(entry);
		if (!name || strncmp(name, "data.tar", 8) != 0)
			continue;
		cleanup_archive struct archive *inner = new_tar_reader(err);
		if (!inner)
			return -1;
		if (archive_read_open(inner, outer, NULL, on_inner_read, NULL) != ARCHIVE_OK)
			return broken(inner, err);
		return add_deb_entries(r, inner, err);
	}
	return status == ARCHIVE_EOF ? err_set(err, ERR_WORK, "no Debian package: it has no data.tar") : broken(outer, err);
}

static int add_deb(struct reader *r, const struct lock_item *item, struct err *err)
{
	cleanup_archive struct archive *outer = archive_read_new();
	__attribute__((cleanup(blobread_release))) struct blobread blob;

	blob.fd = -1;
	blob.hash = NULL;
	if (!outer || archive_read_support_format_ar(outer) < ARCHIVE_WARN)
		return err_set(err, ERR_WORK, "libarchive cannot read packages here");
	if (blobread_open(&blob, outer, r->store, item->sha256, err) < 0)
		return -1;
	int status = add_deb_data(r, outer, err);
	return blobread_finish(&blob, err) < 0 ? -1 : status;
}

/* ---- npm packages: a tar.gz with one folder, by any name, that is not part of what is installed ---- */

static int add_npm_entry(struct reader *r, struct archive *a, struct archive_entry *entry, const char *to, struct err *err)
{
	const char *raw = entry_name(entry);
	const char *inside = raw ? strchr(raw, '/') : NULL;

	if (!raw)
		return err_set(err, ERR_WORK, "a file in it has no name");
	if (*raw == '/')
		return err_set(err, ERR_WORK, "'%.200s': an absolute name", raw);
	/* Like npm itself, which unpacks neither links nor anything outside the folder. */
	if (!inside || !inside[1] || archive_entry_hardlink(entry) || archive_entry_filetype(entry) != AE_IFREG)
		return 0;
	cleanup_free char *full = xasprintf(NPM_ROOT "%s%s", to, inside);
	cleanup_free char *path = roottree_path(r->tree, full, err);
	if (!path)
		return -1;
	return add_file(r, a, entry, path, archive_entry_perm(entry) & 0111 ? 0755 : 0644, err);
}

static int add_npm_entries(struct reader *r, struct archive *a, const char *to, struct err *err)
{
	struct archive_entry *entry;

	for (unsigned n = 0; n < ENTRIES_MAX; n++) {
		int status = archive_read_next_header(a, &entry);
		if (status == ARCHIVE_EOF)
			return 0;
		if (status < ARCHIVE_WARN)
			return broken(a, err);
		if (add_npm_entry(r, a, entry, to, err) < 0)
			return -1;
	}
	return err_set(err, ERR_WORK, "more than %d files", ENTRIES_MAX);
}

static int add_npm_at(struct reader *r, const struct lock_item *item, const char *to, struct err *err)
{
	cleanup_archive struct archive *a = new_tar_reader(err);
	__attribute__((cleanup(blobread_release))) struct blobread blob;

	blob.fd = -1;
	blob.hash = NULL;
	if (!a || blobread_open(&blob, a, r->store, item->sha256, err) < 0)
		return -1;
	int status = add_npm_entries(r, a, to, err);
	return blobread_finish(&blob, err) < 0 ? -1 : status;
}

static int add_npm(struct reader *r, const struct lock_item *item, struct err *err)
{
	for (char **path = item->paths; *path; path++)
		if (add_npm_at(r, item, *path, err) < 0)
			return -1;
	return 0;
}

/* ---- all of it ---- */

static int add_overlay(struct reader *r, struct err *err)
{
	for (size_t i = 0; i < templates_n; i++) {
		const struct template *t = &templates[i];
		if (strncmp(t->path, overlay, strlen(overlay)) != 0)
			continue;
		cleanup_free char *path = roottree_path(r->tree, t->path + strlen(overlay), err);
		if (!path || roottree_file(r->tree, path, 0644, t->len, err) != 0 || roottar_data(r->tar, t->data, t->len, err) < 0 ||
			roottar_end(r->tar, err) < 0)
			return -1;
	}
	return 0;
}

/* What every root has, before any package. */
static int add_base(struct reader *r, struct err *err)
{
	static const struct {
		const char *path;
		unsigned mode;
	} dirs[] = {
		{ "bin", 0755 }, { "sbin", 0755 }, { "lib", 0755 }, { "lib64", 0755 }, { "data", 0755 }, { "dev", 0755 },
		{ "proc", 0755 }, { "root", 0700 }, { "run", 0755 }, { "sys", 0755 }, { "tmp", 01777 }, { "var/log", 0755 },
	};

	roottree_owner(r->tree, "labgen", 1);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		cleanup_free char *path = roottree_path(r->tree, dirs[i].path, err);
		if (!path || roottree_dir(r->tree, path, dirs[i].mode, err) < 0)
			return -1;
	}
	return add_overlay(r, err);
}

static int by_id(const void *a, const void *b)
{
	return strcmp((*(const struct lock_item *const *)a)->id, (*(const struct lock_item *const *)b)->id);
}

static int add_packages(struct reader *r, const struct plan *plan, struct err *err)
{
	cleanup_free const struct lock_item **items = xcalloc(plan->n_rootfs, sizeof(*items));

	for (size_t i = 0; i < plan->n_rootfs; i++)
		items[i] = plan->rootfs[i].item;
	qsort(items, plan->n_rootfs, sizeof(*items), by_id);
	for (size_t i = 0; i < plan->n_rootfs; i++) {
		roottree_owner(r->tree, items[i]->id, 0);
		if ((strcmp(items[i]->kind, "deb") == 0 ? add_deb : add_npm)(r, items[i], err) < 0)
			return err_wrap(err, "%s", items[i]->id);
	}
	return 0;
}

int rootfs_build(struct ctx *ctx, struct plan *plan, struct err *err)
{
	unsigned char digest[FORMAT_DIGEST];
	uint64_t size;
	cleanup_close int fd = store_tmpfile(ctx->store, err);

	if (fd < 0)
		return -1;
	cleanup_roottar struct roottar *tar = roottar_new(fd);
	cleanup_roottree struct roottree *tree = roottree_new(tar);
	struct reader reader = { tree, tar, ctx->store };
	if (add_base(&reader, err) < 0 || add_packages(&reader, plan, err) < 0 || roottar_finish(tar, &size, digest, err) < 0)
		return err_wrap(err, "root file system");
	return plan_add_fd(plan, "rootfs.tar", steal_fd(&fd), size, digest, err);
}
