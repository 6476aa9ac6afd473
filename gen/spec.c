#include "spec.h"

#include "format.h"
#include "fs.h"
#include "mem.h"
#include "shape.h"
#include "spec_read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static int in_list(char *const *list, const char *s)
{
	for (; list && *list; list++)
		if (strcmp(*list, s) == 0)
			return 1;
	return 0;
}

static int is_language(const char *s)
{
	size_t len = strlen(s);

	return (len == 2 || len == 3) && strspn(s, "abcdefghijklmnopqrstuvwxyz") == len;
}

static int read_title(const struct ytree *t, const struct ytree_node *node, void *base, struct err *err)
{
	struct spec *spec = base;

	if (node->type != YTREE_MAP)
		return ytree_fail(t, node, err, "title must be a mapping from languages to texts, as {en: My lab}");
	for (size_t i = 0; i < node->n; i += 2) {
		const struct ytree_node *key = &node->kids[i];
		if (!is_language(key->text))
			return ytree_fail(t, key, err, "unknown key '%s' in title; languages have two or three letters, as en",
				key->text);
		if (ytree_text(t, key + 1, key->text, NULL, NULL, err))
			return -1;
		spec_kv_add(&spec->title, &spec->n_title, key->text, key[1].text);
	}
	return 0;
}

static int is_target(const char *s)
{
	return strcmp(s, "minikube") == 0 || strcmp(s, "host") == 0;
}

static int is_runtime(const char *s)
{
	return strcmp(s, "docker") == 0 || strcmp(s, "containerd") == 0 || strcmp(s, "cri-o") == 0;
}

static int read_cluster(const struct ytree *t, const struct ytree_node *node, void *base, struct err *err)
{
#define AT(member) offsetof(struct spec_cluster, member)
	static const struct yfield fields[] = {
		{ .key = "memory", .type = YF_INT, .required = 1, .offset = AT(memory), .min = 512, .max = 1 << 20 },
		{ .key = "cpus", .type = YF_INT, .required = 1, .offset = AT(cpus), .min = 1, .max = 256 },
		{ .key = "kubernetes", .required = 1, .offset = AT(kubernetes), .check = shape_kube_version,
			.shape = "a version such as v1.35.1" },
		{ .key = "runtime", .offset = AT(runtime), .check = is_runtime, .shape = "docker, containerd or cri-o" },
		{ .key = "namespace", .offset = AT(namespace), .check = shape_kube_name, .shape = "a Kubernetes name" },
		{ .key = "base_image", .offset = AT(base_image), .check = shape_image, .shape = SHAPE_IMAGE },
		{ 0 },
	};
#undef AT
	struct spec *spec = base;

	spec->has_cluster = 1;
	if (ytree_map(t, node, "cluster", fields, &spec->cluster, err))
		return -1;
	if (!spec->cluster.runtime)
		spec->cluster.runtime = xstrdup("containerd");
	if (!spec->cluster.namespace)
		spec->cluster.namespace = xstrdup("default");
	return 0;
}

static int list_size(const struct ytree *t, const struct ytree_node *node, const char *key, struct err *err)
{
	if (ytree_list(t, node, key, err))
		return -1;
	if (node->n > SPEC_LIST_MAX)
		return ytree_fail(t, node, err, "%s holds too many: at most %d", key, SPEC_LIST_MAX);
	return 0;
}

static int read_manifests(const struct ytree *t, const struct ytree_node *node, void *base, struct err *err)
{
#define AT(member) offsetof(struct spec_manifest, member)
	static const struct yfield fields[] = {
		{ .key = "path", .required = 1, .offset = AT(path), .check = shape_path,
			.shape = "a path in the lab's folder such as manifests/10-minio.yaml" },
		{ .key = "order", .type = YF_INT, .offset = AT(order), .max = SPEC_ORDER_MAX },
		{ .key = "wait", .offset = AT(wait), .check = shape_kube_object,
			.shape = "what to wait for, as deploy/minio" },
		{ 0 },
	};
#undef AT
	struct spec *spec = base;

	if (list_size(t, node, "manifests", err))
		return -1;
	spec->manifests = xcalloc(node->n, sizeof(*spec->manifests));
	for (size_t i = 0; i < node->n; i++) {
		struct spec_manifest *m = &spec->manifests[spec->n_manifests++];
		if (ytree_map(t, &node->kids[i], "a manifest", fields, m, err))
			return -1;
		if (strncmp(m->path, "manifests/", 10) != 0)
			return ytree_fail(t, ytree_get(&node->kids[i], "path"), err,
				"path must lie in the lab's folder manifests/, not '%s'", m->path);
		for (size_t k = 0; k < i; k++)
			if (strcmp(spec->manifests[k].path, m->path) == 0)
				return ytree_fail(t, &node->kids[i], err, "manifest '%s' is here twice; remove one", m->path);
	}
	return 0;
}

static int read_ports(const struct ytree *t, const struct ytree_node *node, void *base, struct err *err)
{
#define AT(member) offsetof(struct spec_port, member)
	static const struct yfield fields[] = {
		{ .key = "name", .required = 1, .offset = AT(name), .check = shape_no_bar, .shape = "a name without '|'" },
		{ .key = "local", .type = YF_INT, .required = 1, .offset = AT(local), .min = 1, .max = 65535 },
		{ .key = "to", .offset = AT(to), .check = shape_kube_port, .shape = "as svc/grafana:3000" },
		{ .key = "url", .offset = AT(url), .check = shape_url, .shape = "a URL such as http://127.0.0.1:3000" },
		{ 0 },
	};
#undef AT
	struct spec *spec = base;

	if (list_size(t, node, "ports", err))
		return -1;
	spec->ports = xcalloc(node->n, sizeof(*spec->ports));
	for (size_t i = 0; i < node->n; i++) {
		struct spec_port *p = &spec->ports[spec->n_ports++];
		if (ytree_map(t, &node->kids[i], "a port", fields, p, err))
			return -1;
		for (size_t k = 0; k < i; k++) {
			if (spec->ports[k].local == p->local)
				return ytree_fail(t, &node->kids[i], err, "port %d is here twice; choose another", p->local);
			if (strcmp(spec->ports[k].name, p->name) == 0)
				return ytree_fail(t, &node->kids[i], err, "a port named '%s' is here twice", p->name);
		}
	}
	return 0;
}

/* What lacks a read() is for spec_read_items(), which has an order of its own. */
#define AT(member) offsetof(struct spec, member)
static const struct yfield spec_fields[] = {
	{ .key = "lab", .required = 1, .offset = AT(lab), .check = shape_lab, .shape = SHAPE_LAB },
	{ .key = "version", .required = 1, .offset = AT(version), .check = shape_lab_version, .shape = SHAPE_LAB_VERSION },
	{ .key = "title", .type = YF_NODE, .read = read_title },
	{ .key = "target", .required = 1, .offset = AT(target), .check = is_target, .shape = "minikube or host" },
	{ .key = "platforms", .type = YF_TEXTS, .required = 1, .offset = AT(platforms), .check = shape_platform,
		.shape = SHAPE_PLATFORM },
	{ .key = "cluster", .type = YF_NODE, .read = read_cluster },
	{ .key = "files", .type = YF_NODE },
	{ .key = "charts", .type = YF_NODE },
	{ .key = "manifests", .type = YF_NODE, .read = read_manifests },
	{ .key = "images", .type = YF_NODE },
	{ .key = "git", .type = YF_NODE },
	{ .key = "packages", .type = YF_NODE },
	{ .key = "ports", .type = YF_NODE, .read = read_ports },
	{ 0 },
};
#undef AT

/* What must be there and what must not, by target. */
static int check_target(const struct spec *spec, const struct ytree *t, const struct ytree_node *root, struct err *err)
{
	static const char *const kubernetes[] = { "cluster", "charts", "manifests", "images" };
	int host = strcmp(spec->target, "host") == 0;

	for (size_t i = 0; host && i < sizeof(kubernetes) / sizeof(kubernetes[0]); i++)
		if (ytree_get(root, kubernetes[i]))
			return ytree_fail(t, ytree_get(root, kubernetes[i]), err, "target host has no %s; remove them",
				kubernetes[i]);
	if (!host && !spec->has_cluster)
		return ytree_fail(t, root, err, "target minikube needs the key 'cluster'");
	if (!host && ytree_get(root, "packages"))
		return ytree_fail(t, ytree_get(root, "packages"), err, "target minikube has no packages; remove them");
	for (char **p = spec->platforms; host && *p; p++)
		if (strncmp(*p, "linux/", 6) != 0)
			return ytree_fail(t, ytree_get(root, "platforms"), err, "target host runs on linux only, not on %s", *p);
	for (size_t i = 0; i < spec->n_ports; i++)
		if (host != !spec->ports[i].to)
			return ytree_fail(t, &ytree_get(root, "ports")->kids[i], err, host ?
				"a port of target host has no 'to': its service listens itself; remove it" :
				"a port of target minikube lacks the key 'to', as svc/grafana:3000");
	return 0;
}

static int check_root_len(const struct spec *spec, const struct ytree *t, const struct ytree_node *root, struct err *err)
{
	for (char **p = spec->platforms; *p; p++)
		if (strlen(spec->lab) + strlen(spec->version) + strlen(*p) + 2 > FORMAT_ROOT_MAX)
			return ytree_fail(t, ytree_get(root, "lab"), err,
				"lab, version and platform are together over %d bytes; choose shorter ones", FORMAT_ROOT_MAX);
	return 0;
}

static int read_spec(struct spec *spec, const struct ytree *t, struct err *err)
{
	const struct ytree_node *root = &t->root;

	if (ytree_map(t, root, "the lab", spec_fields, spec, err) || check_target(spec, t, root, err) ||
		check_root_len(spec, t, root, err))
		return -1;
	return spec_read_items(spec, t, root, err);
}

int spec_load(struct spec *spec, const char *dir, struct err *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_ytree struct ytree tree = { 0 };

	*spec = (struct spec){ .dir = xstrdup(dir), .file = xasprintf("%s/lab.yaml", dir) };
	if (access(spec->file, F_OK) && errno == ENOENT) {
		spec_release(spec);
		return err_set(err, ERR_USAGE, "%s: no lab.yaml in it; name the folder of a lab", dir);
	}
	if (fs_slurp(AT_FDCWD, spec->file, SPEC_FILE_MAX, &text, err) ||
		ytree_parse(&tree, spec->file, text.data ? text.data : "", text.len, SPEC_NODES_MAX, err) ||
		read_spec(spec, &tree, err)) {
		spec_release(spec);
		return -1;
	}
	return 0;
}

void spec_release(struct spec *spec)
{
	free(spec->file);
	free(spec->dir);
	free(spec->lab);
	free(spec->version);
	spec_kvs_free(spec->title, spec->n_title);
	free(spec->target);
	texts_free(spec->platforms);
	free(spec->cluster.kubernetes);
	free(spec->cluster.runtime);
	free(spec->cluster.namespace);
	free(spec->cluster.base_image);
	free(spec->deb_origin);
	for (size_t i = 0; i < spec->n_items; i++)
		spec_item_release(&spec->items[i]);
	free(spec->items);
	for (size_t i = 0; i < spec->n_manifests; i++) {
		free(spec->manifests[i].path);
		free(spec->manifests[i].wait);
	}
	free(spec->manifests);
	for (size_t i = 0; i < spec->n_ports; i++) {
		free(spec->ports[i].name);
		free(spec->ports[i].to);
		free(spec->ports[i].url);
	}
	free(spec->ports);
	*spec = (struct spec){ 0 };
}

int spec_item_on(const struct spec *spec, const struct spec_item *item, const char *platform)
{
	return in_list(item->platforms ? item->platforms : spec->platforms, platform);
}
