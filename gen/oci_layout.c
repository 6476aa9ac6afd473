#include "oci_layout.h"

#include "buf.h"
#include "image.h"
#include "json.h"
#include "mem.h"
#include "oci_ref.h"

#include <inttypes.h>
#include <string.h>

static const char layout_text[] = "{\"imageLayoutVersion\":\"1.0.0\"}\n";

/* One line of index.json. */
struct named {
	char *name;
	const struct oci_desc *desc;
};

/* One line of manifest.json. */
struct loadable {
	const struct oci_tree *tree;
	char *tag;	/* "docker.io/library/redis:8", or NULL */
};

/* A folder that is being made. */
struct layout {
	const char *folder;
	struct oci_tree *trees;	/* of its images, n of them */
	struct named *names;	/* at most two each */
	struct loadable *loads;
	size_t n, n_names;
	const char **blobs;	/* 64 hex each, borrowed from the trees */
	size_t n_blobs;
};

static void layout_release(struct layout *l)
{
	for (size_t i = 0; i < l->n; i++) {
		oci_tree_release(&l->trees[i]);
		free(l->loads[i].tag);
	}
	for (size_t i = 0; i < l->n_names; i++)
		free(l->names[i].name);
	free(l->trees);
	free(l->names);
	free(l->loads);
	free(l->blobs);
}

static void add_blob(struct layout *l, const char *digest)
{
	if ((l->n_blobs & (l->n_blobs - 1)) == 0)
		l->blobs = xreallocarray(l->blobs, l->n_blobs ? l->n_blobs * 2 : 1, sizeof(*l->blobs));
	l->blobs[l->n_blobs++] = digest;
}

static void add_blobs(struct layout *l, const struct oci_tree *t)
{
	add_blob(l, t->top.digest);
	add_blob(l, t->manifest.digest);
	add_blob(l, t->config.digest);
	for (size_t i = 0; i < t->n_besides; i++)
		add_blob(l, t->besides[i].digest);
	for (size_t i = 0; i < t->n_layers; i++)
		add_blob(l, t->layers[i].digest);
}

static int add_image(struct ctx *ctx, struct layout *l, const struct lock_item *item, struct err *err)
{
	struct oci_tree *tree = &l->trees[l->n];
	cleanup_oci_ref struct oci_ref ref = { 0 };

	if (oci_ref_parse(&ref, item->ref ? item->ref : item->name, err) < 0)
		return -1;
	l->loads[l->n++].tree = tree;
	if (image_tree(ctx->store, item, ctx->platform, tree, err) < 0)
		return -1;
	cleanup_free char *name = oci_ref_name(&ref);
	if (ref.tag) {
		l->loads[l->n - 1].tag = xasprintf("%s:%s", name, ref.tag);
		l->names[l->n_names++] = (struct named){ xasprintf("%s:%s", name, ref.tag), &tree->top };
	}
	l->names[l->n_names++] = (struct named){ xasprintf("%s@sha256:%s", name, tree->top.digest), &tree->top };
	add_blobs(l, tree);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Those with a tag first, by it; then by configuration. */
static int by_load(const void *a, const void *b)
{
	const struct loadable *x = a, *y = b;

	if (!x->tag != !y->tag)
		return x->tag ? -1 : 1;
	return x->tag ? strcmp(x->tag, y->tag) : strcmp(x->tree->manifest.digest, y->tree->manifest.digest);
}

static int add_text(struct plan *plan, const struct layout *l, const char *name, const struct buf *text, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/%s", l->folder, name);

	return plan_add_mem(plan, path, text->data, text->len, err);
}

static int add_index(struct plan *plan, struct layout *l, struct err *err)
{
	cleanup_buf struct buf out = BUF_INIT;
	size_t written = 0;

	qsort(l->names, l->n_names, sizeof(*l->names), by_name);
	buf_adds(&out, "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[");
	for (size_t i = 0; i < l->n_names; i++) {
		const struct named *n = &l->names[i];
		if (i > 0 && strcmp(n->name, n[-1].name) == 0) {
			if (strcmp(n->desc->digest, n[-1].desc->digest) == 0)
				continue;
			return err_set(err, ERR_USAGE, "%s: the lab wants it twice, as sha256:%s and as sha256:%s; one name can mean one image "
				"only", n->name, n[-1].desc->digest, n->desc->digest);
		}
		buf_addf(&out, "%s\n{\"mediaType\":", written++ ? "," : "");
		json_quote(&out, n->desc->media_type);
		buf_addf(&out, ",\"digest\":\"sha256:%s\",\"size\":%" PRIu64 ",\"annotations\":{\"io.containerd.image.name\":",
			n->desc->digest, n->desc->size);
		json_quote(&out, n->name);
		buf_adds(&out, "}}");
	}
	buf_adds(&out, "\n]}\n");
	return add_text(plan, l, "index.json", &out, err);
}

static int add_manifest(struct plan *plan, struct layout *l, struct err *err)
{
	cleanup_buf struct buf out = BUF_INIT;

	qsort(l->loads, l->n, sizeof(*l->loads), by_load);
	buf_addc(&out, '[');
	for (size_t i = 0; i < l->n; i++) {
		const struct loadable *load = &l->loads[i];
		buf_addf(&out, "%s\n{\"Config\":\"blobs/sha256/%s\",\"RepoTags\":[", i ? "," : "", load->tree->config.digest);
		if (load->tag)
			json_quote(&out, load->tag);
		buf_adds(&out, "],\"Layers\":[");
		for (size_t k = 0; k < load->tree->n_layers; k++)
			buf_addf(&out, "%s\"blobs/sha256/%s\"", k ? "," : "", load->tree->layers[k].digest);
		buf_adds(&out, "]}");
	}
	buf_adds(&out, "\n]\n");
	return add_text(plan, l, "manifest.json", &out, err);
}

static int place_blobs(struct ctx *ctx, struct plan *plan, struct layout *l, struct err *err)
{
	if (l->n_blobs) /* an empty list is a null pointer */
		qsort(l->blobs, l->n_blobs, sizeof(*l->blobs), by_text);
	for (size_t i = 0; i < l->n_blobs; i++) {
		if (i > 0 && strcmp(l->blobs[i], l->blobs[i - 1]) == 0)
			continue;
		cleanup_free char *path = xasprintf("%s/blobs/sha256/%s", l->folder, l->blobs[i]);
		if (plan_add_blob(plan, path, l->blobs[i], ctx->store, err) < 0)
			return -1;
	}
	return 0;
}

static int place_layout(struct ctx *ctx, struct plan *plan, struct layout *l, struct err *err)
{
	struct buf text = { (char *)(uintptr_t)layout_text, sizeof(layout_text) - 1, 0 };

	if (add_text(plan, l, "oci-layout", &text, err) < 0 || add_index(plan, l, err) < 0 || add_manifest(plan, l, err) < 0)
		return -1;
	return place_blobs(ctx, plan, l, err);
}

static int build_folder(struct ctx *ctx, struct plan *plan, const char *folder, struct err *err)
{
	struct layout l = { .folder = folder, .trees = xcalloc(plan->n_images, sizeof(*l.trees)),
		.names = xcalloc(2 * plan->n_images, sizeof(*l.names)), .loads = xcalloc(plan->n_images, sizeof(*l.loads)) };
	int status = 0;

	for (size_t i = 0; i < plan->n_images && status == 0; i++) {
		const struct lock_item *item = plan->images[i];
		if (strcmp(image_folder(item), folder) != 0)
			continue;
		status = add_image(ctx, &l, item, err);
		if (status < 0)
			(void)err_wrap(err, "%s", item->id);
	}
	if (status == 0)
		status = place_layout(ctx, plan, &l, err);
	layout_release(&l);
	return status;
}

int oci_layout_build(struct ctx *ctx, struct plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->n_images; i++) {
		const char *folder = image_folder(plan->images[i]);
		size_t k = 0;
		while (strcmp(image_folder(plan->images[k]), folder) != 0)
			k++;
		if (k == i && build_folder(ctx, plan, folder, err) < 0) /* the first of its folder */
			return -1;
	}
	return 0;
}
