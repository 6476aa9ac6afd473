#include "render.h"

#include "mem.h"

#include <string.h>

static void add_var(struct buf *out, const char *name, const char *value)
{
	buf_addf(out, "%s='", name);
	for (const char *p = value ? value : ""; *p; p++) {
		if (*p == '\'')
			buf_adds(out, "'\\''");
		else
			buf_addc(out, *p);
	}
	buf_adds(out, "'\n");
}

static void add_number(struct buf *out, const char *name, int value)
{
	buf_addf(out, "%s='%d'\n", name, value);
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static void next_line(struct buf *lines)
{
	if (lines->len)
		buf_addc(lines, '\n');
}

static void add_titles(struct buf *out, const struct spec *spec)
{
	for (size_t i = 0; i < spec->n_title; i++) {
		cleanup_free char *name = xasprintf("LAB_TITLE_%s", spec->title[i].key);
		for (char *p = name; *p; p++)
			if (*p >= 'a' && *p <= 'z')
				*p = (char)(*p - 'a' + 'A');
		add_var(out, name, spec->title[i].value);
	}
}

static void add_ports(struct buf *out, const struct spec *spec)
{
	cleanup_buf struct buf lines = BUF_INIT;

	for (size_t i = 0; i < spec->n_ports; i++) {
		const struct spec_port *p = &spec->ports[i];
		next_line(&lines);
		buf_addf(&lines, "%s|%d|%s|%s", p->name, p->local, or_empty(p->to), or_empty(p->url));
	}
	add_var(out, "LAB_PORTS", lines.data);
}

static int by_order_item(const void *a, const void *b)
{
	const struct spec_item *x = *(const struct spec_item *const *)a, *y = *(const struct spec_item *const *)b;

	return x->order != y->order ? (x->order > y->order) - (x->order < y->order) : strcmp(x->name, y->name);
}

static void add_charts(struct buf *out, const struct spec *spec)
{
	cleanup_buf struct buf lines = BUF_INIT;
	cleanup_free const struct spec_item **charts = xcalloc(spec->n_items, sizeof(*charts));
	size_t n = 0;

	for (size_t i = 0; i < spec->n_items; i++)
		if (strcmp(spec->items[i].kind, "chart") == 0)
			charts[n++] = &spec->items[i];
	qsort(charts, n, sizeof(*charts), by_order_item);
	for (size_t i = 0; i < n; i++) {
		const struct spec_item *c = charts[i];
		next_line(&lines);
		buf_addf(&lines, "%d|%s|%s|%s|%s|%s", c->order, c->release, c->name, or_empty(c->version),
			or_empty(c->values), or_empty(c->wait));
	}
	add_var(out, "LAB_CHARTS", lines.data);
}

static int by_order_manifest(const void *a, const void *b)
{
	const struct spec_manifest *x = *(const struct spec_manifest *const *)a;
	const struct spec_manifest *y = *(const struct spec_manifest *const *)b;

	return x->order != y->order ? (x->order > y->order) - (x->order < y->order) : strcmp(x->path, y->path);
}

static void add_manifests(struct buf *out, const struct spec *spec)
{
	cleanup_buf struct buf lines = BUF_INIT;
	cleanup_free const struct spec_manifest **sorted = xcalloc(spec->n_manifests, sizeof(*sorted));

	for (size_t i = 0; i < spec->n_manifests; i++)
		sorted[i] = &spec->manifests[i];
	qsort(sorted, spec->n_manifests, sizeof(*sorted), by_order_manifest);
	for (size_t i = 0; i < spec->n_manifests; i++) {
		next_line(&lines);
		buf_addf(&lines, "%d|%s|%s", sorted[i]->order, sorted[i]->path, or_empty(sorted[i]->wait));
	}
	add_var(out, "LAB_MANIFESTS", lines.data);
}

void render_env(const struct spec *spec, const char *platform, struct buf *out)
{
	add_number(out, "LAB_FORMAT", 1);
	add_var(out, "LAB_NAME", spec->lab);
	add_var(out, "LAB_VERSION", spec->version);
	add_var(out, "LAB_PLATFORM", platform);
	add_var(out, "LAB_TARGET", spec->target);
	add_titles(out, spec);
	add_ports(out, spec);
	if (!spec->has_cluster)
		return;
	add_number(out, "LAB_MEMORY", spec->cluster.memory);
	add_number(out, "LAB_CPUS", spec->cluster.cpus);
	add_var(out, "LAB_KUBERNETES", spec->cluster.kubernetes);
	add_var(out, "LAB_RUNTIME", spec->cluster.runtime);
	add_var(out, "LAB_NAMESPACE", spec->cluster.namespace);
	add_var(out, "LAB_BASE_IMAGE", spec->cluster.base_image);
	add_charts(out, spec);
	add_manifests(out, spec);
}
