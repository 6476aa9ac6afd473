#include "cmd.h"

#include "mem.h"
#include "progress.h"
#include "work.h"

#include <jansson.h>
#include <string.h>

#define OPT_JSON 256

struct totals {
	size_t n, missing;
	uint64_t size, missing_size;
	int unknown;	/* some sizes are not known */
};

/* Where an artifact comes from. Packages come from wherever the machine's own configuration says. */
static const char *from(const struct lock_item *item)
{
	if (item->url)
		return item->url;
	if (item->ref)
		return item->ref;
	return strcmp(item->kind, "deb") == 0 ? "apt" : item->kind;
}

/* Bytes of an artifact on the platforms wanted; 0: not known. */
static uint64_t item_size(const struct lock_item *item, const char *const *platforms)
{
	uint64_t size = item->size;

	for (size_t i = 0; i < item->n_platforms; i++) {
		const struct lock_platform *p = &item->platforms[i];
		for (const char *const *want = platforms; *want; want++)
			if (strcmp(*want, p->platform) == 0) {
				size += p->manifest_size;
				for (size_t k = 0; k < p->n_blobs; k++)
					size += p->blobs[k].size;
			}
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

static void count(struct totals *t, uint64_t size, int stored)
{
	t->n++;
	t->size += size;
	t->unknown |= size == 0;
	if (!stored) {
		t->missing++;
		t->missing_size += size;
	}
}

static void add_line(struct buf *out, const struct lock_item *item, uint64_t size, int stored)
{
	char text[PROGRESS_SIZE_MAX] = "?";

	if (size)
		progress_size(text, size);
	buf_addf(out, "%-8s %10s  %s  %s\n", stored ? "stored" : "to fetch", text, item->id, from(item));
}

static void add_totals(struct buf *out, const struct totals *t)
{
	char all[PROGRESS_SIZE_MAX], missing[PROGRESS_SIZE_MAX];

	progress_size(all, t->size);
	progress_size(missing, t->missing_size);
	buf_addf(out, "%zu artifact%s, %s%s; to fetch: %zu, %s\n", t->n, t->n == 1 ? "" : "s", all,
		t->unknown ? " and some of unknown size" : "", t->missing, missing);
}

static json_t *json_item(const struct lock_item *item, uint64_t size, int stored)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s?}", "id", item->id, "kind", item->kind, "name", item->name, "version",
		item->version);

	(void)json_object_set_new(o, "platform", item->platform ? json_string(item->platform) : json_null());
	(void)json_object_set_new(o, "from", json_string(from(item)));
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
		uint64_t size = item_size(item, platforms);
		int stored = work_stored(w, item);
		count(&t, size, stored);
		if (json)
			(void)json_array_append_new(items, json_item(item, size, stored));
		else
			add_line(&out, item, size, stored);
	}
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
