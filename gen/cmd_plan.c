#include "cmd.h"

#include "lock.h"
#include "mem.h"
#include "mirror.h"
#include "progress.h"
#include "work.h"

#include <jansson.h>
#include <string.h>

#define OPT_JSON 256

/* A blob of an image; others may have it as well. */
struct shared {
	const char *digest;
	uint64_t size;
};

struct totals {
	size_t n, missing;
	uint64_t size, missing_size;
	int unknown;	/* some sizes are not known */
	struct shared *shared;	/* counted once each, at the end */
	size_t n_shared;
};

/* Where an image comes from, with the mirror that stands for its registry. */
static char *from_registry(const struct work *w, const char *ref)
{
	cleanup_free char *host = xstrndup(ref, strcspn(ref, "/"));
	const char *mirror = mirrors_find(&w->mirrors, host);

	return xasprintf("%s%s%s", ref, mirror ? " by way of " : "", mirror ? mirror : "");
}

/* Where an artifact comes from, to be freed. Packages come from wherever the machine's own configuration says. */
static char *from(const struct work *w, const struct lock_item *item)
{
	if (item->ref)
		return from_registry(w, item->ref);
	return xstrdup(item->url ? item->url : strcmp(item->kind, "deb") == 0 ? "apt" : item->kind);
}

static uint64_t add_shared(struct totals *t, const char *digest, uint64_t size)
{
	if ((t->n_shared & (t->n_shared - 1)) == 0)
		t->shared = xreallocarray(t->shared, t->n_shared ? t->n_shared * 2 : 1, sizeof(*t->shared));
	t->shared[t->n_shared++] = (struct shared){ digest, size };
	return size;
}

static int on_node(const struct lock_platform *p, const char *const *platforms)
{
	for (; *platforms; platforms++)
		if (strcmp(lock_node_platform(*platforms), p->platform) == 0)
			return 1;
	return 0;
}

/* Bytes of an image on the platforms wanted, 0: not known; and what it is made of. */
static uint64_t image_size(struct totals *t, const struct lock_item *item, const char *const *platforms)
{
	uint64_t size = 0;

	if (item->n_platforms == 0)
		return 0;
	if (item->size)
		size += add_shared(t, item->sha256, item->size);
	for (size_t i = 0; i < item->n_platforms; i++) {
		const struct lock_platform *p = &item->platforms[i];
		if (!on_node(p, platforms))
			continue;
		if (strcmp(p->manifest, item->sha256) != 0) /* else it is the image's own */
			size += add_shared(t, p->manifest, p->manifest_size);
		for (size_t k = 0; k < p->n_blobs; k++)
			size += add_shared(t, p->blobs[k].digest, p->blobs[k].size);
	}
	return size;
}

static int wanted(const struct lock_item *item, const char *const *platforms)
{
	for (; *platforms; platforms++)
		if (lock_item_on(item, *platforms))
			return 1;
	return 0;
}

/* Counts an artifact, whose size is added here unless its parts are shared ones. */
static void count(struct totals *t, uint64_t size, int stored, int shared)
{
	t->n++;
	t->unknown |= size == 0;
	t->missing += !stored;
	if (shared)
		return;
	t->size += size;
	t->missing_size += stored ? 0 : size;
}

static int by_digest(const void *a, const void *b)
{
	return strcmp(((const struct shared *)a)->digest, ((const struct shared *)b)->digest);
}

/* Adds what images share, each blob once. */
static void count_shared(struct totals *t, const struct store *store)
{
	if (t->n_shared)
		qsort(t->shared, t->n_shared, sizeof(*t->shared), by_digest);
	for (size_t i = 0; i < t->n_shared; i++) {
		if (i > 0 && strcmp(t->shared[i].digest, t->shared[i - 1].digest) == 0)
			continue;
		t->size += t->shared[i].size;
		t->missing_size += store_has(store, t->shared[i].digest, NULL) ? 0 : t->shared[i].size;
	}
	free(t->shared);
	t->shared = NULL;
	t->n_shared = 0;
}

static void add_line(struct buf *out, const struct work *w, const struct lock_item *item, uint64_t size, int stored)
{
	char text[PROGRESS_SIZE_MAX] = "?";
	cleanup_free char *where = from(w, item);

	if (size)
		progress_size(text, size);
	buf_addf(out, "%-8s %10s  %s  %s\n", stored ? "stored" : "to fetch", text, item->id, where);
}

static void add_totals(struct buf *out, const struct totals *t)
{
	char all[PROGRESS_SIZE_MAX], missing[PROGRESS_SIZE_MAX];

	progress_size(all, t->size);
	progress_size(missing, t->missing_size);
	buf_addf(out, "%zu artifact%s, %s%s; to fetch: %zu, %s\n", t->n, t->n == 1 ? "" : "s", all,
		t->unknown ? " and some of unknown size" : "", t->missing, missing);
}

static json_t *json_item(const struct work *w, const struct lock_item *item, uint64_t size, int stored)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s?}", "id", item->id, "kind", item->kind, "name", item->name, "version",
		item->version);

	(void)json_object_set_new(o, "platform", item->platform ? json_string(item->platform) : json_null());
	cleanup_free char *where = from(w, item);
	(void)json_object_set_new(o, "from", json_string(where));
	(void)json_object_set_new(o, "size", size ? json_integer((json_int_t)size) : json_null());
	(void)json_object_set_new(o, "sha256", json_string(item->sha256));
	(void)json_object_set_new(o, "evidence", json_string(item->evidence));
	(void)json_object_set_new(o, "stored", json_boolean(stored));
	return o;
}

static int print_json(const struct work *w, const char *const *platforms, json_t *items, const struct totals *t,
	struct err *err)
{
	cleanup_buf struct buf out = BUF_INIT;
	json_t *list = json_array();

	for (; *platforms; platforms++)
		(void)json_array_append_new(list, json_string(*platforms));
	json_t *doc = json_pack("{s:s, s:s, s:o, s:O, s:I, s:I, s:I}", "lab", w->spec.lab, "version", w->spec.version,
		"platforms", list, "artifacts", items, "size", (json_int_t)t->size, "missing", (json_int_t)t->missing,
		"missing_size", (json_int_t)t->missing_size);
	cleanup_free char *text = doc ? json_dumps(doc, JSON_INDENT(1)) : NULL;
	json_decref(doc);
	if (!text)
		return err_set(err, ERR_WORK, "plan: cannot write JSON");
	buf_addf(&out, "%s\n", text);
	return cmd_print(&out, err);
}

static int print_plan(struct work *w, const char *const *platforms, int json, struct err *err)
{
	cleanup_buf struct buf out = BUF_INIT;
	struct totals t = { 0 };
	json_t *items = json_array();

	for (size_t i = 0; i < w->lock.n_items; i++) {
		const struct lock_item *item = &w->lock.items[i];
		if (!wanted(item, platforms))
			continue;
		int image = strcmp(item->kind, "image") == 0;
		uint64_t size = image ? image_size(&t, item, platforms) : item->size;
		int stored = work_stored(w, item);
		count(&t, size, stored, image);
		if (json)
			(void)json_array_append_new(items, json_item(w, item, size, stored));
		else
			add_line(&out, w, item, size, stored);
	}
	count_shared(&t, w->store);
	int failed = 0;
	if (json)
		failed = print_json(w, platforms, items, &t, err);
	else
		add_totals(&out, &t);
	json_decref(items);
	return failed ? -1 : cmd_print(&out, err);
}

static int run(const struct cmd_args *args, struct err *err)
{
	cleanup_work struct work w = { 0 };
	const char *one[2];
	const char *const *platforms;

	if (work_lock(&w, args, err) || !(platforms = work_platforms(&w, args, one, err)) || work_store(&w, err))
		return -1;
	w.ctx.platform = platforms == one ? one[0] : NULL;
	return print_plan(&w, platforms, cmd_has(args, OPT_JSON), err);
}

static const struct cmd_opt opts[] = {
	WORK_OPT_PLATFORM,
	WORK_OPT_MIRROR,
	{ .id = OPT_JSON, .name = "json", .help = "for programs" },
	{ 0 },
};

const struct cmd cmd_plan = {
	.name = "plan",
	.args = "[LABDIR]",
	.summary = "tell what a fetch would bring, from where, how large, and what the store has",
	.opts = opts,
	.max_args = 1,
	.run = run,
};
