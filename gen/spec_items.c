#include "spec_read.h"

#include "buf.h"
#include "mem.h"
#include "minisign.h"
#include "shape.h"

#include <string.h>

void spec_kvs_free(struct spec_kv *kvs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(kvs[i].key);
		free(kvs[i].value);
	}
	free(kvs);
}

void spec_kv_add(struct spec_kv **kvs, size_t *n, const char *key, const char *value)
{
	*kvs = xreallocarray(*kvs, *n + 1, sizeof(**kvs));
	(*kvs)[(*n)++] = (struct spec_kv){ .key = xstrdup(key), .value = xstrdup(value) };
}

void spec_item_release(struct spec_item *item)
{
	char *const texts[] = { item->name, item->version, item->url, item->checksum, item->minisign, item->member,
		item->to, item->repo, item->commit, item->path, item->values, item->release, item->wait };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free(texts[i]);
	spec_kvs_free(item->sha256, item->n_sha256);
	texts_free(item->platforms);
}

/* An inline digest: one for every platform, or one text for all. */
static int read_sha256(const struct ytree *t, const struct ytree_node *node, void *base, struct err *err)
{
	struct spec_item *item = base;

	if (node->type == YTREE_TEXT) {
		if (ytree_text(t, node, "sha256", shape_hex64, SHAPE_HEX64, err))
			return -1;
		spec_kv_add(&item->sha256, &item->n_sha256, "all", node->text);
		return 0;
	}
	if (node->type != YTREE_MAP || node->n == 0)
		return ytree_fail(t, node, err, "sha256 must be a digest, or a mapping from platforms to digests");
	for (size_t i = 0; i < node->n; i += 2) {
		const struct ytree_node *key = &node->kids[i];
		if (!shape_platform(key->text))
			return ytree_fail(t, key, err, "unknown key '%s' in sha256; it must be " SHAPE_PLATFORM, key->text);
		if (ytree_text(t, key + 1, key->text, shape_hex64, SHAPE_HEX64, err))
			return -1;
		spec_kv_add(&item->sha256, &item->n_sha256, key->text, key[1].text);
	}
	return 0;
}

static int is_minisign_key(const char *s)
{
	struct minisign_key key;
	struct err err;

	return minisign_key_parse(&key, s, strlen(s), &err) == 0;
}

#define AT(member) offsetof(struct spec_item, member)
#define NAME { .key = "name", .required = 1, .offset = AT(name), .check = shape_name, .shape = SHAPE_LAB }
#define PLATFORMS \
	{ .key = "platforms", .type = YF_TEXTS, .offset = AT(platforms), .check = shape_platform, .shape = SHAPE_PLATFORM }

static const struct yfield file_fields[] = {
	NAME,
	{ .key = "version", .required = 1, .offset = AT(version), .check = shape_version,
		.shape = "a version such as v1.38.1" },
	{ .key = "url", .required = 1, .offset = AT(url) },
	{ .key = "checksum", .offset = AT(checksum) },
	{ .key = "minisign", .offset = AT(minisign), .check = is_minisign_key,
		.shape = "a minisign public key: 56 characters that begin with RW" },
	{ .key = "sha256", .type = YF_NODE, .read = read_sha256 },
	{ .key = "member", .offset = AT(member) },
	{ .key = "to", .required = 1, .offset = AT(to), .check = shape_path, .shape = SHAPE_PATH },
	PLATFORMS,
	{ 0 },
};

static const struct yfield chart_fields[] = {
	NAME,
	{ .key = "version", .offset = AT(version), .check = shape_version, .shape = "a version such as 6.55.0" },
	{ .key = "repo", .offset = AT(repo), .check = shape_repo, .shape = SHAPE_REPO },
	{ .key = "git", .offset = AT(url), .check = shape_git_url, .shape = "a git repository: https://..." },
	{ .key = "commit", .offset = AT(commit), .check = shape_commit, .shape = SHAPE_COMMIT },
	{ .key = "path", .offset = AT(path), .check = shape_path, .shape = "a folder in the repository such as charts/tempo" },
	{ .key = "values", .offset = AT(values), .check = shape_path, .shape = SHAPE_LAB_PATH },
	{ .key = "release", .required = 1, .offset = AT(release), .check = shape_kube_name, .shape = "a Kubernetes name" },
	{ .key = "wait", .offset = AT(wait), .check = shape_kube_object, .shape = "what to wait for, as deploy/grafana" },
	{ .key = "order", .type = YF_INT, .offset = AT(order), .max = SPEC_ORDER_MAX },
	{ 0 },
};

static const struct yfield git_fields[] = {
	NAME,
	{ .key = "url", .required = 1, .offset = AT(url), .check = shape_git_url, .shape = "a git repository: https://..." },
	{ .key = "commit", .required = 1, .offset = AT(commit), .check = shape_commit, .shape = SHAPE_COMMIT },
	{ .key = "to", .required = 1, .offset = AT(to), .check = shape_path, .shape = "a folder in the bundle" },
	PLATFORMS,
	{ 0 },
};
#undef AT

static struct spec_item *add_item(struct spec *spec, const struct ytree *t, const char *kind,
	const struct ytree_node *node, struct err *err)
{
	if (spec->n_items == SPEC_ITEMS_MAX) {
		(void)ytree_fail(t, node, err, "too many things to pin: at most %d", SPEC_ITEMS_MAX);
		return NULL;
	}
	spec->items = xreallocarray(spec->items, spec->n_items + 1, sizeof(*spec->items));
	struct spec_item *item = &spec->items[spec->n_items++];
	*item = (struct spec_item){ .kind = kind, .line = node->line, .column = node->column };
	return item;
}

static int check_unique(const struct spec *spec, const struct ytree *t, const struct ytree_node *node, struct err *err)
{
	const struct spec_item *item = &spec->items[spec->n_items - 1];

	for (size_t i = 0; i + 1 < spec->n_items; i++)
		if (strcmp(spec->items[i].kind, item->kind) == 0 && strcmp(spec->items[i].name, item->name) == 0)
			return ytree_fail(t, node, err, "%s '%s' is here twice: first in line %d; remove one or rename it",
				item->kind, item->name, spec->items[i].line);
	return 0;
}

static int check_platforms(const struct spec *spec, const struct spec_item *item, const struct ytree *t,
	const struct ytree_node *node, struct err *err)
{
	const struct spec_item all = { 0 };

	for (char **p = item->platforms; p && *p; p++)
		if (!spec_item_on(spec, &all, *p))
			return ytree_fail(t, ytree_get(node, "platforms"), err, "the lab has no platform %s", *p);
	for (size_t i = 0; i < item->n_sha256; i++)
		if (strcmp(item->sha256[i].key, "all") != 0 && !spec_item_on(spec, item, item->sha256[i].key))
			return ytree_fail(t, ytree_get(node, "sha256"), err, "'%s' is not for platform %s", item->name,
				item->sha256[i].key);
	for (char **p = item->platforms ? item->platforms : spec->platforms; item->n_sha256 && *p; p++) {
		size_t i = 0;
		while (i < item->n_sha256 && strcmp(item->sha256[i].key, *p) != 0 && strcmp(item->sha256[i].key, "all") != 0)
			i++;
		if (i == item->n_sha256)
			return ytree_fail(t, ytree_get(node, "sha256"), err, "'%s' has no digest for platform %s", item->name, *p);
	}
	return 0;
}

/* One text with its variables, as it will be for each platform. */
static int check_text(const struct spec *spec, const struct spec_item *item, const struct ytree *t,
	const struct ytree_node *node, const char *key, const char *url, int (*check)(const char *), const char *shape,
	struct err *err)
{
	const struct ytree_node *value = ytree_get(node, key);

	if (!value)
		return 0;
	for (char **p = item->platforms ? item->platforms : spec->platforms; *p; p++) {
		cleanup_free char *whole_url = url ? spec_expand(spec, item, url, *p, NULL, err) : NULL;
		if (url && !whole_url)
			return -1;
		cleanup_free char *whole = spec_expand(spec, item, value->text, *p, whole_url, err);
		if (!whole)
			return -1;
		if (!check(whole))
			return ytree_fail(t, value, err, "%s must be %s, not '%s'", key, shape, whole);
	}
	return 0;
}

/* Bytes that nobody vouches for may not come over a wire that anybody can write to. */
static int is_trusted_url(const char *s)
{
	return shape_url(s) && (strncmp(s, "http://", 7) != 0 || shape_http_local(s));
}

static int check_file(const struct spec *spec, const struct spec_item *item, const struct ytree *t,
	const struct ytree_node *node, struct err *err)
{
	int vouchers = (item->checksum != NULL) + (item->minisign != NULL) + (item->n_sha256 > 0);
	int (*url_ok)(const char *) = item->n_sha256 || item->minisign ? shape_url : is_trusted_url;

	if (vouchers > 1)
		return ytree_fail(t, node, err, "file '%s' has more than one of checksum, minisign and sha256; keep one",
			item->name);
	if (check_text(spec, item, t, node, "url", NULL, url_ok, url_ok == shape_url ? SHAPE_URL :
			SHAPE_URL " (http:// needs sha256 or minisign)", err) ||
		check_text(spec, item, t, node, "checksum", item->url, is_trusted_url, SHAPE_URL, err) ||
		check_text(spec, item, t, node, "member", NULL, shape_deep_path, "a path in the archive", err))
		return -1;
	return check_platforms(spec, item, t, node, err);
}

static int check_chart(const struct spec *spec, const struct spec_item *item, const struct ytree *t,
	const struct ytree_node *node, struct err *err)
{
	(void)spec;
	if (item->repo && (item->url || item->commit || item->path))
		return ytree_fail(t, node, err, "chart '%s' has both repo and git, commit or path; keep one source", item->name);
	if (item->repo && !item->version)
		return ytree_fail(t, node, err, "chart '%s' lacks the key 'version'", item->name);
	if (!item->repo && !(item->url && item->commit && item->path))
		return ytree_fail(t, node, err, "chart '%s' lacks its source: repo and version, or git, commit and path",
			item->name);
	if (item->values && strncmp(item->values, "values/", 7) != 0)
		return ytree_fail(t, ytree_get(node, "values"), err, "values must lie in the lab's folder values/, not '%s'",
			item->values);
	return 0;
}

static int read_mappings(struct spec *spec, const struct ytree *t, const struct ytree_node *list, const char *key,
	const char *kind, const char *what, const struct yfield *fields, struct err *err)
{
	if (!list)
		return 0;
	if (ytree_list(t, list, key, err))
		return -1;
	for (size_t i = 0; i < list->n; i++) {
		const struct ytree_node *node = &list->kids[i];
		struct spec_item *item = add_item(spec, t, kind, node, err);
		if (!item || ytree_map(t, node, what, fields, item, err) || check_unique(spec, t, node, err))
			return -1;
		int bad = fields == file_fields ? check_file(spec, item, t, node, err) :
			fields == chart_fields ? check_chart(spec, item, t, node, err) :
						 check_platforms(spec, item, t, node, err);
		if (bad)
			return -1;
	}
	return 0;
}

/* A list of names: images, packages. Those of packages may end in a version, behind npm's '@' or apt's '='. */
static int read_names(struct spec *spec, const struct ytree *t, const struct ytree_node *list, const char *key,
	const char *kind, int (*check)(const char *), const char *shape, struct err *err)
{
	if (!list)
		return 0;
	if (ytree_list(t, list, key, err))
		return -1;
	for (size_t i = 0; i < list->n; i++) {
		const struct ytree_node *node = &list->kids[i];
		struct spec_item *item;
		if (ytree_text(t, node, key, check, shape, err) || !(item = add_item(spec, t, kind, node, err)))
			return -1;
		const char *at = strcmp(kind, "npm") == 0 ? strchr(node->text + 1, '@') :
			strcmp(kind, "deb") == 0 ? strchr(node->text, '=') : NULL;
		item->name = at ? xstrndup(node->text, (size_t)(at - node->text)) : xstrdup(node->text);
		item->version = at ? xstrdup(at + 1) : NULL;
		if (check_unique(spec, t, node, err))
			return -1;
	}
	return 0;
}

static int is_npm_ask(const char *s)
{
	const char *at = s[0] ? strchr(s + 1, '@') : NULL;
	cleanup_free char *name = at ? xstrndup(s, (size_t)(at - s)) : xstrdup(s);

	return shape_npm(name) && (!at || shape_npm_version(at + 1));
}

static int is_deb_ask(const char *s)
{
	const char *at = strchr(s, '=');
	cleanup_free char *name = at ? xstrndup(s, (size_t)(at - s)) : xstrdup(s);

	return shape_deb(name) && (!at || shape_deb_version(at + 1));
}

static int is_origin(const char *s)
{
	return strlen(s) <= 100 && !strpbrk(s, "\"'\\|,=");
}

static int read_packages(struct spec *spec, const struct ytree *t, const struct ytree_node *packages, struct err *err)
{
	static const struct yfield fields[] = {
		{ .key = "deb", .type = YF_NODE },
		{ .key = "npm", .type = YF_NODE },
		{ .key = "deb_origin", .offset = offsetof(struct spec, deb_origin), .check = is_origin,
			.shape = "the Origin of a Release file, as Debian" },
		{ 0 },
	};

	if (!packages)
		return 0;
	if (ytree_map(t, packages, "packages", fields, spec, err) ||
		read_names(spec, t, ytree_get(packages, "deb"), "deb", "deb", is_deb_ask,
			"a Debian package such as redis-server or redis-server=5:7.0.15-1~deb12u10", err))
		return -1;
	return read_names(spec, t, ytree_get(packages, "npm"), "npm", "npm", is_npm_ask,
		"an npm package such as redis-commander@0.9.0", err);
}

/* What the cluster's node is made of is an image as well, in a folder of its own. */
static int read_base_image(struct spec *spec, const struct ytree *t, const struct ytree_node *root, struct err *err)
{
	const struct ytree_node *cluster = ytree_get(root, "cluster");
	const struct ytree_node *node = cluster ? ytree_get(cluster, "base_image") : NULL;
	struct spec_item *item;

	if (!node)
		return 0;
	if (!(item = add_item(spec, t, "image", node, err)))
		return -1;
	item->name = xstrdup(node->text);
	item->to = xstrdup("kicbase");
	return check_unique(spec, t, node, err);
}

int spec_read_items(struct spec *spec, const struct ytree *t, const struct ytree_node *root, struct err *err)
{
	if (read_mappings(spec, t, ytree_get(root, "files"), "files", "file", "a file", file_fields, err) ||
		read_mappings(spec, t, ytree_get(root, "charts"), "charts", "chart", "a chart", chart_fields, err) ||
		read_names(spec, t, ytree_get(root, "images"), "images", "image", shape_image, SHAPE_IMAGE, err) ||
		read_base_image(spec, t, root, err) || read_mappings(spec, t, ytree_get(root, "git"), "git", "git", "a git tree", git_fields, err))
		return -1;
	return read_packages(spec, t, ytree_get(root, "packages"), err);
}
