#include "lock.h"

#include "fs.h"
#include "mem.h"
#include "shape.h"
#include "ytree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define NODES_MAX 2000000		/* YAML values in a lock */
#define BLOBS_MAX 512			/* blobs of an image on one platform */

static int one_of(const char *const *words, const char *s)
{
	for (; *words; words++)
		if (strcmp(*words, s) == 0)
			return 1;
	return 0;
}

static int is_evidence(const char *s)
{
	static const char *const words[] = { "checksum-file", "minisign", "registry", "chart-index", "git", "package-index",
		"inline", "first-seen", NULL };

	return one_of(words, s);
}

static int read_kind(const struct ytree *t, const struct ytree_node *node, void *base, struct err *err)
{
	static const char *const kinds[] = { "file", "image", "chart", "git", "deb", "npm", NULL };
	struct lock_item *item = base;

	if (ytree_text(t, node, "kind", NULL, NULL, err))
		return -1;
	for (const char *const *k = kinds; *k; k++)
		if (strcmp(*k, node->text) == 0)
			item->kind = *k;
	if (!item->kind)
		return ytree_fail(t, node, err, "kind must be file, image, chart, git, deb or npm, not '%s'", node->text);
	return 0;
}

static int is_id(const char *s)
{
	return strlen(s) <= 600 && strchr(s, '/') && !strpbrk(s, " |'\"\\");
}

static int read_blobs(const struct ytree *t, const struct ytree_node *node, void *base, struct err *err)
{
#define AT(member) offsetof(struct lock_blob, member)
	static const struct yfield fields[] = {
		{ .key = "digest", .required = 1, .offset = AT(digest), .check = shape_hex64, .shape = SHAPE_HEX64 },
		{ .key = "size", .type = YF_SIZE, .offset = AT(size) },
		{ .key = "media_type", .offset = AT(media_type), .check = shape_no_bar, .shape = "a media type" },
		{ 0 },
	};
#undef AT
	struct lock_platform *p = base;

	if (ytree_list(t, node, "blobs", err))
		return -1;
	if (node->n > BLOBS_MAX)
		return ytree_fail(t, node, err, "too many blobs: at most %d", BLOBS_MAX);
	p->blobs = xcalloc(node->n, sizeof(*p->blobs));
	p->n_blobs = node->n;
	for (size_t i = 0; i < node->n; i++)
		if (ytree_map(t, &node->kids[i], "a blob", fields, &p->blobs[i], err))
			return -1;
	return 0;
}

static int read_platforms(const struct ytree *t, const struct ytree_node *node, void *base, struct err *err)
{
#define AT(member) offsetof(struct lock_platform, member)
	static const struct yfield fields[] = {
		{ .key = "platform", .required = 1, .offset = AT(platform), .check = shape_platform, .shape = SHAPE_PLATFORM },
		{ .key = "manifest", .required = 1, .offset = AT(manifest), .check = shape_hex64, .shape = SHAPE_HEX64 },
		{ .key = "manifest_size", .type = YF_SIZE, .offset = AT(manifest_size) },
		{ .key = "blobs", .type = YF_NODE, .read = read_blobs },
		{ 0 },
	};
#undef AT
	struct lock_item *item = base;

	if (ytree_list(t, node, "platforms", err))
		return -1;
	if (node->n > 16)
		return ytree_fail(t, node, err, "too many platforms: at most 16");
	item->platforms = xcalloc(node->n, sizeof(*item->platforms));
	item->n_platforms = node->n;
	for (size_t i = 0; i < node->n; i++)
		if (ytree_map(t, &node->kids[i], "a platform", fields, &item->platforms[i], err))
			return -1;
	return 0;
}

#define AT(member) offsetof(struct lock_item, member)
static const struct yfield item_fields[] = {
	{ .key = "id", .required = 1, .offset = AT(id), .check = is_id, .shape = "an id: KIND/NAME" },
	{ .key = "kind", .type = YF_NODE, .required = 1, .read = read_kind },
	{ .key = "name", .required = 1, .offset = AT(name), .check = shape_no_bar },
	{ .key = "version", .offset = AT(version), .check = shape_version, .shape = "a version" },
	{ .key = "platform", .offset = AT(platform), .check = shape_platform, .shape = SHAPE_PLATFORM },
	{ .key = "url", .offset = AT(url), .check = shape_any_url, .shape = SHAPE_URL },
	{ .key = "ref", .offset = AT(ref), .check = shape_image, .shape = SHAPE_IMAGE },
	{ .key = "commit", .offset = AT(commit), .check = shape_commit, .shape = SHAPE_COMMIT },
	{ .key = "path", .offset = AT(path), .check = shape_deep_path, .shape = "a path" },
	{ .key = "member", .offset = AT(member), .check = shape_deep_path, .shape = "a path in the archive" },
	{ .key = "to", .offset = AT(to), .check = shape_path, .shape = SHAPE_PATH },
	{ .key = "paths", .type = YF_TEXTS, .offset = AT(paths), .check = shape_deep_path, .shape = "a path" },
	{ .key = "integrity", .offset = AT(integrity), .check = shape_integrity, .shape = "sha512- and 88 of base64" },
	{ .key = "size", .type = YF_SIZE, .offset = AT(size) },
	{ .key = "sha256", .required = 1, .offset = AT(sha256), .check = shape_hex64, .shape = SHAPE_HEX64 },
	{ .key = "evidence", .required = 1, .offset = AT(evidence), .check = is_evidence, .shape = "who vouched for it" },
	{ .key = "evidence_url", .offset = AT(evidence_url), .check = shape_any_url, .shape = SHAPE_URL },
	{ .key = "platforms", .type = YF_NODE, .read = read_platforms },
	{ 0 },
};
#undef AT

static int read_artifacts(const struct ytree *t, const struct ytree_node *node, void *base, struct err *err)
{
	struct lock *lock = base;

	if (ytree_list(t, node, "artifacts", err))
		return -1;
	if (node->n > LOCK_ITEMS_MAX)
		return ytree_fail(t, node, err, "too many artifacts: at most %d", LOCK_ITEMS_MAX);
	for (size_t i = 0; i < node->n; i++) {
		struct lock_item *item = lock_add(lock);
		if (ytree_map(t, &node->kids[i], "an artifact", item_fields, item, err))
			return -1;
		size_t kind = strlen(item->kind);
		if (strncmp(item->id, item->kind, kind) != 0 || item->id[kind] != '/')
			return ytree_fail(t, ytree_get(&node->kids[i], "id"), err, "id must begin with %s/, not be '%s'", item->kind,
				item->id);
		if (i > 0 && strcmp(item[-1].id, item->id) >= 0)
			return ytree_fail(t, &node->kids[i], err, "'%s' is out of order or here twice; run labgen lock", item->id);
	}
	return 0;
}

static int read_answers(const struct ytree *t, const struct ytree_node *node, void *base, struct err *err)
{
	struct lock *lock = base;

	if (ytree_texts(t, node, "answers", NULL, NULL, &lock->answers, err))
		return -1;
	lock->n_answers = node->n;
	for (size_t i = 0; i + 1 < node->n; i++)
		if (strcmp(lock->answers[i], lock->answers[i + 1]) > 0)
			return ytree_fail(t, &node->kids[i + 1], err, "answers is out of order; run labgen lock");
	return 0;
}

static int read_format(const struct ytree *t, const struct ytree_node *node, void *base, struct err *err)
{
	(void)base;
	if (node->type != YTREE_TEXT || strcmp(node->text, "1") != 0)
		return ytree_fail(t, node, err, "format must be %d; this lock is another labgen's: run labgen lock", LOCK_FORMAT);
	return 0;
}

#define AT(member) offsetof(struct lock, member)
static const struct yfield lock_fields[] = {
	{ .key = "format", .type = YF_NODE, .required = 1, .read = read_format },
	{ .key = "lab", .required = 1, .offset = AT(lab), .check = shape_lab, .shape = SHAPE_LAB },
	{ .key = "version", .required = 1, .offset = AT(version), .check = shape_lab_version, .shape = SHAPE_LAB_VERSION },
	{ .key = "platforms", .type = YF_TEXTS, .required = 1, .offset = AT(platforms), .check = shape_platform,
		.shape = SHAPE_PLATFORM },
	{ .key = "answers", .type = YF_NODE, .read = read_answers },
	{ .key = "artifacts", .type = YF_NODE, .read = read_artifacts },
	{ 0 },
};
#undef AT

int lock_load_file(struct lock *lock, const char *file, struct err *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_ytree struct ytree tree = { 0 };

	*lock = (struct lock){ 0 };
	if (fs_slurp(AT_FDCWD, file, LOCK_FILE_MAX, &text, err) ||
		ytree_parse(&tree, file, text.data ? text.data : "", text.len, NODES_MAX, err) ||
		ytree_map(&tree, &tree.root, "the lock", lock_fields, lock, err)) {
		lock_release(lock);
		return -1;
	}
	return 0;
}

int lock_load(struct lock *lock, const char *dir, struct err *err)
{
	cleanup_free char *file = xasprintf("%s/lab.lock", dir);

	*lock = (struct lock){ 0 };
	if (access(file, F_OK) && errno == ENOENT)
		return err_set(err, ERR_USAGE, "%s: no lab.lock in it; run labgen lock %s", dir, dir);
	return lock_load_file(lock, file, err);
}

int lock_load_any(struct lock *lock, const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return lock_load(lock, path, err);
	return lock_load_file(lock, path, err);
}
