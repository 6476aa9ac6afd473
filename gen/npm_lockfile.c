#include "npm.h"

#include "lock.h"
#include "mem.h"
#include "shape.h"

#include <string.h>

static const char modules[] = "node_modules/";

/* node's words for a platform: process.platform and process.arch */
static const char *node_os(const char *platform)
{
	return strncmp(platform, "darwin/", 7) == 0 ? "darwin" : "linux";
}

static const char *node_cpu(const char *platform)
{
	return strstr(platform, "/amd64") ? "x64" : "arm64";
}

/* package.json's "os", "cpu", "libc": a list of what is allowed, or with '!' of what is not. */
static int allows(const json_t *list, const char *word)
{
	int listed = 0, named = 0;
	size_t i;
	json_t *entry;

	if (json_is_string(list))
		return strcmp(json_string_value(list), word) == 0 || strcmp(json_string_value(list), "any") == 0;
	json_array_foreach(list, i, entry) {
		const char *text = json_string_value(entry);
		if (!text)
			continue;
		if (*text == '!' && strcmp(text + 1, word) == 0)
			return 0;
		listed |= *text != '!';
		named |= strcmp(text, word) == 0 || strcmp(text, "any") == 0;
	}
	return named || !listed;
}

static unsigned runs_on(const json_t *entry, char *const *platforms)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < 32 && platforms[i]; i++)
		if (allows(json_object_get(entry, "os"), node_os(platforms[i])) &&
			allows(json_object_get(entry, "cpu"), node_cpu(platforms[i])) &&
			(strcmp(node_os(platforms[i]), "linux") != 0 || allows(json_object_get(entry, "libc"), "glibc")))
			mask |= 1u << i;
	return mask;
}

/* The name: of its own where it was installed under another, else the end of its path. */
static const char *package_name(const char *path, const json_t *entry)
{
	const char *own = json_string_value(json_object_get(entry, "name"));
	const char *name = path;

	for (const char *at = path; (at = strstr(at, modules)); at += strlen(modules))
		name = at + strlen(modules);
	return own ? own : name;
}

/* Whether the address is that of a registry's tarball: the usual place below some registry. None is a registry's too. */
static int from_registry(const char *resolved, const char *name, const char *version)
{
	if (!resolved)
		return 1;
	cleanup_free char *end = npm_tarball("/", name, version);
	size_t len = strlen(resolved), end_len = strlen(end);
	return (strncmp(resolved, "https://", 8) == 0 || strncmp(resolved, "http://", 7) == 0) && len > end_len &&
		strcmp(resolved + len - end_len, end) == 0;
}

/* The sha512 of a list of digests, to be freed. */
static char *find_sha512(const char *integrity)
{
	const char *at = integrity ? strstr(integrity, "sha512-") : NULL;

	return at ? xstrndup(at, strcspn(at, " ?")) : NULL;
}

static struct npm_package *add(struct npm_packages *out, const char *name, const char *version, const char *integrity)
{
	for (size_t i = 0; i < out->n; i++)
		if (strcmp(out->list[i].name, name) == 0 && strcmp(out->list[i].version, version) == 0)
			return strcmp(out->list[i].integrity, integrity) == 0 ? &out->list[i] : NULL;
	out->list = xreallocarray(out->list, out->n + 1, sizeof(*out->list));
	struct npm_package *p = &out->list[out->n++];
	*p = (struct npm_package){ .name = xstrdup(name), .version = xstrdup(version), .integrity = xstrdup(integrity) };
	return p;
}

static int read_entry(const char *path, const json_t *entry, char *const *platforms, struct npm_packages *out, struct err *err)
{
	const char *name = package_name(path, entry);
	const char *version = json_string_value(json_object_get(entry, "version"));
	const char *resolved = json_string_value(json_object_get(entry, "resolved"));
	unsigned mask = runs_on(entry, platforms);

	if (json_is_true(json_object_get(entry, "inBundle")) || !mask)
		return 0; /* inside the tarball of the package that bundles it, whose digest covers it; or for other machines */
	if (json_is_true(json_object_get(entry, "link")) || strncmp(path, modules, strlen(modules)) != 0)
		return err_set(err, ERR_WORK, "npm package %s is a link to a folder: only packages of a registry can be pinned", name);
	if (!version || !shape_npm(name) || !shape_npm_version(version) || !shape_deep_path(path))
		return err_set(err, ERR_WORK, "npm package at '%s': its name, version or place is not one of a registry's", path);
	if (!from_registry(resolved, name, version))
		return err_set(err, ERR_WORK, "npm package %s@%s comes from %.200s: only packages of a registry can be pinned", name,
			version, resolved);
	cleanup_free char *sha512 = find_sha512(json_string_value(json_object_get(entry, "integrity")));
	if (!sha512 || !shape_integrity(sha512))
		return err_set(err, ERR_WORK, "npm package %s@%s: the registry gives no sha512 for it", name, version);

	struct npm_package *p = add(out, name, version, sha512);
	if (!p)
		return err_set(err, ERR_WORK, "npm package %s@%s: the registry gives two digests for it", name, version);
	p->platforms |= mask;
	p->paths = xreallocarray(p->paths, p->n_paths + 1, sizeof(*p->paths));
	p->paths[p->n_paths++] = xstrdup(path);
	return 0;
}

static int read_all(const json_t *root, char *const *platforms, struct npm_packages *out, struct err *err)
{
	json_t *packages = json_object_get(root, "packages");
	json_t *entry;
	const char *path;

	if (json_integer_value(json_object_get(root, "lockfileVersion")) < 2 || !json_is_object(packages))
		return err_set(err, ERR_WORK, "npm's package-lock.json is not of version 3: npm 7 or newer is needed");
	if (json_object_size(packages) > LOCK_ITEMS_MAX)
		return err_set(err, ERR_WORK, "npm names more than %d packages", LOCK_ITEMS_MAX);
	json_object_foreach(packages, path, entry)
		if (*path && read_entry(path, entry, platforms, out, err) < 0)
			return -1;
	return 0;
}

int npm_lockfile_parse(const char *text, size_t len, char *const *platforms, struct npm_packages *out, struct err *err)
{
	json_error_t why;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);

	if (!root)
		return err_set(err, ERR_WORK, "npm's package-lock.json: line %d: %s", why.line, why.text);
	int status = read_all(root, platforms, out, err);
	json_decref(root);
	return status;
}

void npm_packages_release(struct npm_packages *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct npm_package *k = &p->list[i];
		for (size_t j = 0; j < k->n_paths; j++)
			free(k->paths[j]);
		free(k->paths);
		free(k->name);
		free(k->version);
		free(k->integrity);
	}
	free(p->list);
	*p = (struct npm_packages){ 0 };
}
