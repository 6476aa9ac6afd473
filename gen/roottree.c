#include "roottree.h"

#include "mem.h"

#include <string.h>

#define PATHS_MAX 2000000	/* things in a root file system */
#define PATH_BYTES_MAX 4096	/* bytes of a path */
#define DIR_MODE 0755

struct thing {
	char *path;
	const char *owner;
	char type;	/* as in tar */
	int overlay;
};

struct roottree {
	struct roottar *tar;
	struct thing *things;	/* a hash table with open addressing; a free one has no path */
	size_t n, cap;		/* cap: a power of two */
	const char *owner;
	int overlay;
};

static const char *const merged[] = { "bin", "sbin", "lib", "lib32", "lib64", "libx32" };

struct roottree *roottree_new(struct roottar *tar)
{
	struct roottree *t = xcalloc(1, sizeof(*t));

	t->tar = tar;
	t->cap = 4096;
	t->things = xcalloc(t->cap, sizeof(*t->things));
	t->owner = "labgen";
	return t;
}

void roottree_free(struct roottree *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->cap; i++)
		free(t->things[i].path);
	free(t->things);
	free(t);
}

void roottree_owner(struct roottree *t, const char *owner, int overlay)
{
	t->owner = owner;
	t->overlay = overlay;
}

/* FNV-1a; whoever makes collisions on purpose only makes his own bundle slow. */
static size_t hash_path(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return (size_t)(h ^ h >> 32);
}

/* The thing at a path, or the free one where it belongs. */
static struct thing *slot(const struct roottree *t, const char *path)
{
	size_t i = hash_path(path) & (t->cap - 1);

	while (t->things[i].path && strcmp(t->things[i].path, path) != 0)
		i = (i + 1) & (t->cap - 1);
	return &t->things[i];
}

static void grow(struct roottree *t)
{
	struct roottree bigger = *t;

	bigger.cap = t->cap * 2;
	bigger.things = xcalloc(bigger.cap, sizeof(*bigger.things));
	for (size_t i = 0; i < t->cap; i++)
		if (t->things[i].path)
			*slot(&bigger, t->things[i].path) = t->things[i];
	free(t->things);
	t->things = bigger.things;
	t->cap = bigger.cap;
}

static int note(struct roottree *t, const char *path, char type, struct err *err)
{
	if (t->n == PATHS_MAX)
		return err_set(err, ERR_WORK, "more than %d files", PATHS_MAX);
	if (t->n * 2 >= t->cap)
		grow(t);
	*slot(t, path) = (struct thing){ xstrdup(path), t->owner, type, t->overlay };
	t->n++;
	return 0;
}

static int conflict(const struct roottree *t, const char *path, const struct thing *there, struct err *err)
{
	return err_set(err, ERR_WORK, "/%s: both %s and %s have it, and they differ; the lab cannot have both", path, there->owner,
		t->owner);
}

/* ---- places ---- */

/* Copies raw part by part, so that "./" and "//" vanish. */
static int clean(char *to, const char *raw)
{
	size_t len = 0;

	if (*raw == '/' || strlen(raw) > PATH_BYTES_MAX)
		return -1;
	while (*raw) {
		size_t part = strcspn(raw, "/");
		if (part == 2 && memcmp(raw, "..", 2) == 0)
			return -1;
		if (part > 0 && !(part == 1 && *raw == '.')) {
			if (len)
				to[len++] = '/';
			memcpy(to + len, raw, part);
			len += part;
		}
		raw += part + (raw[part] == '/');
	}
	to[len] = '\0';
	for (const char *c = to; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return -1;
	return 0;
}

/* Index of the merged folder that a path lies in or is, or -1. */
static int find_merged(const char *path)
{
	for (size_t i = 0; i < sizeof(merged) / sizeof(merged[0]); i++) {
		size_t len = strlen(merged[i]);
		if (strncmp(path, merged[i], len) == 0 && (path[len] == '/' || path[len] == '\0'))
			return (int)i;
	}
	return -1;
}

static int add_dir(struct roottree *t, const char *path, unsigned mode, struct err *err);

/* The link of a merged folder, once. */
static int add_merged(struct roottree *t, const char *name, struct err *err)
{
	cleanup_free char *real = xasprintf("usr/%s", name);

	if (slot(t, name)->path)
		return 0;
	if (add_dir(t, "usr", DIR_MODE, err) < 0 || add_dir(t, real, DIR_MODE, err) < 0 || note(t, name, '2', err) < 0)
		return -1;
	return roottar_entry(t->tar, '2', name, real, 0777, 0, err);
}

char *roottree_path(struct roottree *t, const char *raw, struct err *err)
{
	cleanup_free char *path = xmalloc(strlen(raw) + 1);

	if (clean(path, raw) < 0) {
		(void)err_set(err, ERR_WORK, "'%.200s': a name that no package should have (absolute, \"..\", or control characters)", raw);
		return NULL;
	}
	int i = find_merged(path);
	if (i < 0)
		return steal(&path);
	return add_merged(t, merged[i], err) < 0 ? NULL : xasprintf("usr/%s", path);
}

/* The folders above a path. */
static int add_parents(struct roottree *t, const char *path, struct err *err)
{
	cleanup_free char *p = xstrdup(path);

	for (char *slash = strchr(p, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (add_dir(t, p, DIR_MODE, err) < 0)
			return -1;
		*slash = '/';
	}
	return 0;
}

static int add_dir(struct roottree *t, const char *path, unsigned mode, struct err *err)
{
	const struct thing *there = slot(t, path);

	if (there->path)
		return there->type == '5' ? 0 : conflict(t, path, there, err);
	if (note(t, path, '5', err) < 0)
		return -1;
	return roottar_entry(t->tar, '5', path, NULL, (mode & 01777) | 0700, 0, err);
}

int roottree_dir(struct roottree *t, const char *path, unsigned mode, struct err *err)
{
	return *path == '\0' ? 0 : add_parents(t, path, err) < 0 ? -1 : add_dir(t, path, mode, err);
}

/* Makes room for something that is no folder. Returns 1 where the overlay has something there already. */
static int add_other(struct roottree *t, const char *path, char type, struct err *err)
{
	if (*path == '\0')
		return err_set(err, ERR_WORK, "/: %s has something there that is no folder", t->owner);
	if (add_parents(t, path, err) < 0)
		return -1;
	const struct thing *there = slot(t, path);
	if (there->path && there->overlay && there->type == '0' && !t->overlay)
		return 1;
	if (there->path)
		return conflict(t, path, there, err);
	return note(t, path, type, err);
}

int roottree_symlink(struct roottree *t, const char *path, const char *target, struct err *err)
{
	if (*target == '\0' || strlen(target) > PATH_BYTES_MAX)
		return err_set(err, ERR_WORK, "/%s: a link to a name that is empty or too long", path);
	int there = add_other(t, path, '2', err);
	return there != 0 ? (there < 0 ? -1 : 0) : roottar_entry(t->tar, '2', path, target, 0777, 0, err);
}

int roottree_hardlink(struct roottree *t, const char *path, const char *target, struct err *err)
{
	if (slot(t, target)->type != '0' && slot(t, target)->type != '1')
		return err_set(err, ERR_WORK, "/%s: a hard link to /%s, which is no file before it", path, target);
	int there = add_other(t, path, '1', err);
	return there != 0 ? (there < 0 ? -1 : 0) : roottar_entry(t->tar, '1', path, target, 0644, 0, err);
}

int roottree_file(struct roottree *t, const char *path, unsigned mode, uint64_t size, struct err *err)
{
	int there = add_other(t, path, '0', err);

	return there != 0 ? there : roottar_entry(t->tar, '0', path, NULL, (mode & 0777) | 0600, size, err);
}

int roottree_left_out(const char *path, int is_symlink)
{
	static const char *const out[] = { "man", "locale", "info", "lintian" };
	static const char share[] = "usr/share/";
	const char *rest = path + strlen(share);

	if (strncmp(path, share, strlen(share)) != 0)
		return 0;
	for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++) {
		size_t len = strlen(out[i]);
		if (strncmp(rest, out[i], len) == 0 && (rest[len] == '/' || rest[len] == '\0'))
			return 1;
	}
	if (strncmp(rest, "doc/", 4) != 0)
		return strcmp(rest, "doc") == 0;
	const char *in = strchr(rest + 4, '/');
	return in ? strcmp(in, "/copyright") != 0 : !is_symlink;
}
