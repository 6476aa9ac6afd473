/* Source kind image: an image in a registry, by tag or digest, for the nodes of a cluster. */
#include "image.h"

#include "image_want.h"
#include "mem.h"

#include <string.h>

const char *image_folder(const struct lock_item *item)
{
	return item->to ? item->to : "images";
}

/* What the tag means now, or the digest itself; both into the store. */
static void find_tops(struct oci *oci, struct want *wants, size_t n)
{
	struct oci_job *jobs = xcalloc(n, sizeof(*jobs));

	/* With both a tag and a digest it is the digest that counts. */
	for (size_t i = 0; i < n; i++)
		jobs[i] = (struct oci_job){ .ref = &wants[i].ref, .label = wants[i].text,
			.tag = *wants[i].ref.digest ? NULL : wants[i].ref.tag,
			.sha256 = *wants[i].ref.digest ? wants[i].ref.digest : NULL };
	(void)oci_fetch(oci, jobs, n);
	for (size_t i = 0; i < n; i++) {
		wants[i].failed = jobs[i].failed;
		wants[i].err = jobs[i].err;
		memcpy(wants[i].top, jobs[i].got_sha256, sizeof(wants[i].top));
		memcpy(wants[i].said, jobs[i].media_type, sizeof(wants[i].said));
	}
	free(jobs);
}

/* The platforms of the nodes for the lab's platforms, each once. NULL-terminated; the list is to be freed. */
static const char **node_platforms(const struct spec *spec)
{
	size_t n = 0, count = 0;

	while (spec->platforms[count])
		count++;
	const char **list = xcalloc(count + 1, sizeof(*list));
	for (size_t i = 0; i < count; i++) {
		const char *node = lock_node_platform(spec->platforms[i]);
		size_t k = 0;
		while (k < n && strcmp(list[k], node) != 0)
			k++;
		if (k == n)
			list[n++] = node;
	}
	return list;
}

static void add_pin(struct lock_platform *p, const struct oci_desc *desc)
{
	struct lock_blob *b = &p->blobs[p->n_blobs++];

	*b = (struct lock_blob){ xstrdup(desc->digest), desc->size, xstrdup(desc->media_type) };
}

static void pin_tree(struct lock_platform *p, const char *platform, const struct oci_tree *t)
{
	p->platform = xstrdup(platform);
	p->manifest = xstrdup(t->manifest.digest);
	p->manifest_size = t->manifest.size;
	p->blobs = xcalloc(1 + t->n_layers + t->n_besides, sizeof(*p->blobs));
	add_pin(p, &t->config);
	for (size_t i = 0; i < t->n_layers; i++)
		add_pin(p, &t->layers[i]);
	for (size_t i = 0; i < t->n_besides; i++)
		add_pin(p, &t->besides[i]);
}

/* One artifact from the wants of one image, n of them: one for each platform. */
static void add_item(struct lock *lock, const struct want *wants, size_t n)
{
	struct lock_item *item = lock_add(lock);
	const struct want *w = wants;

	item->kind = "image";
	item->id = xasprintf("image/%s", w->text);
	item->name = xstrdup(w->item->name);
	item->version = w->ref.tag ? xstrdup(w->ref.tag) : NULL;
	item->ref = xstrdup(w->text);
	item->to = w->item->to ? xstrdup(w->item->to) : NULL;
	item->size = w->tree.top.size;
	item->sha256 = xstrdup(w->top);
	item->evidence = xstrdup(*w->ref.digest ? "inline" : "registry");
	item->platforms = xcalloc(n, sizeof(*item->platforms));
	item->n_platforms = n;
	for (size_t i = 0; i < n; i++)
		pin_tree(&item->platforms[i], wants[i].platform, &wants[i].tree);
}

/* Reads the reference of a spec's item, which must not mean the same as an earlier one. */
static int read_ref(const struct ctx *ctx, struct want *wants, size_t i, const struct spec_item *item, struct err *err)
{
	struct want *w = &wants[i];

	w->item = item;
	if (oci_ref_parse(&w->ref, item->name, err) < 0)
		return source_at(ctx, item, err);
	w->text = oci_ref_text(&w->ref);
	for (size_t k = 0; k < i; k++)
		if (strcmp(wants[k].text, w->text) == 0) {
			(void)err_set(err, ERR_USAGE, "image '%s' is the same as '%s' in line %d; remove one", item->name, wants[k].item->name,
				wants[k].item->line);
			return source_at(ctx, item, err);
		}
	return 0;
}

static void copy_want(struct want *to, const struct want *from, const char *platform)
{
	struct err ignored;

	*to = (struct want){ .item = from->item, .text = xstrdup(from->text), .platform = platform };
	(void)oci_ref_parse(&to->ref, from->text, &ignored); /* it is one: it was written by oci_ref_text() */
	memcpy(to->top, from->top, sizeof(to->top));
	memcpy(to->said, from->said, sizeof(to->said));
}

/* What one reader takes for an index must not be a manifest to another (CVE-2021-41190). */
static void check_said(struct want *w)
{
	if (w->done && !w->failed && (oci_is_index(w->said) || oci_is_manifest(w->said)) &&
		strcmp(w->said, w->tree.top.media_type) != 0)
		w->failed = err_set(&w->err, ERR_AUTH, "the registry says that it is a %s, and it is a %s", w->said,
			w->tree.top.media_type) != 0;
}

/* The first of several failures, with how many there are. */
static int first_failure(const struct ctx *ctx, const struct want *wants, size_t n, struct err *err)
{
	const struct want *first = NULL;
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		if (wants[i].failed && count++ == 0)
			first = &wants[i];
	if (!first)
		return 0;
	if (count > 1)
		(void)err_set(err, first->err.code, "%s: %s (and %zu more)", first->text, first->err.msg, count - 1);
	else
		(void)err_set(err, first->err.code, "%s: %s", first->text, first->err.msg);
	return source_at(ctx, first->item, err);
}

static int lock_trees(struct ctx *ctx, struct oci *oci, const struct want *tops, size_t n, struct lock *lock, struct err *err)
{
	const char **platforms = node_platforms(ctx->spec);
	size_t per = 0;

	while (platforms[per])
		per++;
	struct want *wants = xcalloc(n * per, sizeof(*wants));
	for (size_t i = 0; i < n * per; i++)
		copy_want(&wants[i], &tops[i / per], platforms[i % per]);
	want_trees(oci, ctx->store, wants, n * per);
	for (size_t i = 0; i < n * per; i++)
		check_said(&wants[i]);
	int status = first_failure(ctx, wants, n * per, err);
	for (size_t i = 0; i < n && status == 0; i++)
		add_item(lock, &wants[i * per], per);
	for (size_t i = 0; i < n * per; i++)
		want_release(&wants[i]);
	free(wants);
	free(platforms);
	return status;
}

static int image_lock(struct ctx *ctx, const struct spec_item *const *items, size_t n, struct lock *lock, struct err *err)
{
	cleanup_oci struct oci *oci = oci_open(ctx->http, ctx->store, ctx->mirrors);
	struct want *tops = xcalloc(n, sizeof(*tops));
	int status = 0;

	for (size_t i = 0; i < n && status == 0; i++)
		status = read_ref(ctx, tops, i, items[i], err);
	if (status == 0) {
		find_tops(oci, tops, n);
		status = first_failure(ctx, tops, n, err);
	}
	if (status == 0)
		status = lock_trees(ctx, oci, tops, n, lock, err);
	for (size_t i = 0; i < n; i++)
		want_release(&tops[i]);
	free(tops);
	return status;
}

static int is_pinned(const struct lock_blob *blob, const struct oci_desc *desc)
{
	return strcmp(blob->digest, desc->digest) == 0 && (!blob->size || blob->size == desc->size);
}

/*
 * Whether the lock's pins for a platform are what the image's digest stands for. A lock that was made without a network has
 * none, which is fine: the digest says it all.
 */
static int check_pins(const struct lock_item *item, const char *platform, const struct oci_tree *t, struct err *err)
{
	const struct lock_platform *p = NULL;

	if (item->size && item->size != t->top.size)
		return err_set(err, ERR_AUTH, "lab.lock gives sha256:%s another size than it has", item->sha256);
	for (size_t i = 0; i < item->n_platforms; i++)
		if (strcmp(item->platforms[i].platform, platform) == 0)
			p = &item->platforms[i];
	if (!p)
		return 0;
	int same = strcmp(p->manifest, t->manifest.digest) == 0 && (!p->manifest_size || p->manifest_size == t->manifest.size);
	if (p->n_blobs) {
		same = same && p->n_blobs == 1 + t->n_layers + t->n_besides && is_pinned(&p->blobs[0], &t->config);
		for (size_t i = 0; same && i < t->n_layers; i++)
			same = is_pinned(&p->blobs[1 + i], &t->layers[i]);
		for (size_t i = 0; same && i < t->n_besides; i++)
			same = is_pinned(&p->blobs[1 + t->n_layers + i], &t->besides[i]);
	}
	return same ? 0 : err_set(err, ERR_AUTH, "lab.lock pins other parts for %s than sha256:%s has; run labgen lock", platform,
		item->sha256);
}

int image_tree(const struct store *store, const struct lock_item *item, const char *platform, struct oci_tree *tree,
	struct err *err)
{
	const char *node = lock_node_platform(platform);
	struct oci_need need;
	int status = oci_tree_find(store, item->sha256, node, tree, &need, err);

	if (status > 0)
		return err_set(err, ERR_WORK, "the store lacks sha256:%s; run labgen fetch", need.digest);
	return status < 0 ? -1 : check_pins(item, node, tree, err);
}

int image_stored(const struct ctx *ctx, const struct lock_item *item)
{
	char *const *all = ctx->spec->platforms;
	int whole = 1;

	for (size_t i = 0; whole && all[i]; i++) {
		cleanup_oci_tree struct oci_tree tree = { 0 };
		struct err ignored;
		if (ctx->platform && strcmp(all[i], ctx->platform) != 0)
			continue;
		whole = image_tree(ctx->store, item, all[i], &tree, &ignored) == 0 && store_has(ctx->store, tree.config.digest, NULL);
		for (size_t k = 0; whole && k < tree.n_layers; k++)
			whole = store_has(ctx->store, tree.layers[k].digest, NULL);
	}
	return whole;
}

/* What a lock says an image is. */
static void read_locked(struct want *w, const struct lock_item *item, const char *platform)
{
	w->locked = item;
	w->platform = lock_node_platform(platform);
	memcpy(w->top, item->sha256, HASH_HEX + 1);
	w->failed = oci_ref_parse(&w->ref, item->ref ? item->ref : item->name, &w->err) < 0;
	if (!w->failed)
		w->text = oci_ref_text(&w->ref);
}

/* Notes what failed; images that failed for the same reason, as a host that is not reached, are one note. */
static void note_failures(struct ctx *ctx, const struct want *wants, size_t n)
{
	cleanup_free const struct lock_item **same = xcalloc(n, sizeof(*same));

	for (size_t i = 0; i < n; i++) {
		size_t count = 0, first = n;
		for (size_t k = 0; k < n && wants[i].failed; k++) {
			if (!wants[k].failed || strcmp(wants[k].err.msg, wants[i].err.msg) != 0)
				continue;
			first = first < n ? first : k;
			same[count++] = wants[k].locked;
		}
		if (first == i)
			fetch_failed_all(ctx, same, count, &wants[i].err);
	}
}

static int image_fetch(struct ctx *ctx, const struct lock_item *const *items, size_t n, struct err *err)
{
	cleanup_oci struct oci *oci = oci_open(ctx->http, ctx->store, ctx->mirrors);
	struct want *wants = xcalloc(n, sizeof(*wants));
	size_t before = ctx->n_failures;

	for (size_t i = 0; i < n; i++)
		read_locked(&wants[i], items[i], ctx->platform);
	want_trees(oci, ctx->store, wants, n);
	for (size_t i = 0; i < n; i++)
		if (wants[i].done && check_pins(items[i], wants[i].platform, &wants[i].tree, &wants[i].err) < 0)
			wants[i].failed = 1;
	want_pieces(oci, ctx->store, wants, n);
	note_failures(ctx, wants, n);
	for (size_t i = 0; i < n; i++)
		want_release(&wants[i]);
	free(wants);
	return fetch_result(ctx, before, err);
}

/* All images of a folder become one layout, once all of them are known: see oci_layout.h. */
static int image_place(struct ctx *ctx, const struct lock_item *item, struct plan *plan, struct err *err)
{
	(void)ctx;
	(void)err;
	plan_add_image(plan, item);
	return 0;
}

const struct source_kind source_image = { "image", image_lock, image_fetch, image_place };
