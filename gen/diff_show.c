#include "diff.h"

#include "mem.h"
#include "progress.h"

#include <jansson.h>
#include <string.h>

struct head {
	const char *name, *old, *new;
};

#define HEADS 3

static void get_heads(const struct diff *d, struct head heads[HEADS])
{
	heads[0] = (struct head){ "lab", d->old->lab, d->new->lab };
	heads[1] = (struct head){ "version", d->old->version, d->new->version };
	heads[2] = (struct head){ "platforms", d->old->platforms, d->new->platforms };
}

static int asks_differ(const struct diff *d)
{
	return strcmp(d->old->asks ? d->old->asks : "", d->new->asks ? d->new->asks : "") != 0;
}

/* "OLD -> NEW", or the one that there is, or the one that both are. */
static void add_change(struct buf *out, const char *old, const char *new)
{
	if (!old || !new || strcmp(old, new) == 0)
		buf_adds(out, new ? new : old ? old : "");
	else
		buf_addf(out, "%s -> %s", old, new);
}

static void add_versions(struct buf *out, const struct diff_pair *p)
{
	add_change(out, p->old ? p->old->version : NULL, p->new ? p->new->version : NULL);
}

static void add_sizes(struct buf *out, const struct diff_pair *p)
{
	char old[PROGRESS_SIZE_MAX] = "?", new[PROGRESS_SIZE_MAX] = "?";

	if (p->old && p->old->size)
		progress_size(old, p->old->size);
	if (p->new && p->new->size)
		progress_size(new, p->new->size);
	add_change(out, p->old ? old : NULL, p->new ? new : NULL);
}

static const char *verdict(const struct diff_pair *p)
{
	return !p->old ? "added" : !p->new ? "removed" : "changed";
}

static const char *pair_name(const struct diff_pair *p)
{
	return p->old ? p->old->name : p->new->name;
}

struct widths {
	size_t name, version, size;
};

static void widen(size_t *width, size_t len)
{
	*width = len > *width ? len : *width;
}

static struct widths get_widths(const struct diff *d)
{
	struct widths w = { 0 };

	for (size_t i = 0; i < d->n; i++) {
		cleanup_buf struct buf versions = BUF_INIT;
		cleanup_buf struct buf sizes = BUF_INIT;
		add_versions(&versions, &d->pairs[i]);
		add_sizes(&sizes, &d->pairs[i]);
		widen(&w.name, strlen(pair_name(&d->pairs[i])));
		widen(&w.version, versions.len);
		widen(&w.size, sizes.len);
	}
	return w;
}

static void add_line(struct buf *out, const struct diff_pair *p, const struct widths *w)
{
	cleanup_buf struct buf versions = BUF_INIT;
	cleanup_buf struct buf sizes = BUF_INIT;

	add_versions(&versions, p);
	add_sizes(&sizes, p);
	buf_addf(out, "%-7s  %-*s  ", verdict(p), (int)w->name, pair_name(p));
	if (w->version)
		buf_addf(out, "%-*s  ", (int)w->version, versions.data ? versions.data : "");
	if (!p->old || !p->new) {
		buf_addf(out, "%s\n", sizes.data);
		return;
	}
	buf_addf(out, "%-*s  ", (int)w->size, sizes.data);
	diff_pair_what(p, ", ", out);
	buf_addc(out, '\n');
}

static size_t count(const struct diff *d, const char *what)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++)
		n += strcmp(verdict(&d->pairs[i]), what) == 0;
	return n;
}

static void add_totals(struct buf *out, const struct diff *d)
{
	char old[PROGRESS_SIZE_MAX], new[PROGRESS_SIZE_MAX], by[PROGRESS_SIZE_MAX];
	uint64_t from = d->old->size, to = d->new->size;

	progress_size(old, from);
	progress_size(new, to);
	progress_size(by, to > from ? to - from : from - to);
	buf_addf(out, "%zu added, %zu removed, %zu changed, %zu the same; %s -> %s (%c%s)\n", count(d, "added"),
		count(d, "removed"), count(d, "changed"), d->same, old, new, to < from ? '-' : '+', by);
}

void diff_text(const struct diff *d, struct buf *out)
{
	struct head heads[HEADS];
	struct widths w = get_widths(d);

	if (diff_equal(d)) {
		buf_adds(out, "no differences\n");
		return;
	}
	get_heads(d, heads);
	for (size_t i = 0; i < HEADS; i++)
		if (strcmp(heads[i].old, heads[i].new) != 0)
			buf_addf(out, "%s: %s -> %s\n", heads[i].name, heads[i].old, heads[i].new);
	if (asks_differ(d))
		buf_addf(out, "lab.yaml asks for %s\n", d->n ? "other things" : "the same in other words");
	for (size_t i = 0; i < d->n; i++)
		add_line(out, &d->pairs[i], &w);
	add_totals(out, d);
}

static json_t *json_thing(const struct diff_thing *t)
{
	json_t *o = json_object();

	if (t->version)
		(void)json_object_set_new(o, "version", json_string(t->version));
	(void)json_object_set_new(o, "size", t->size ? json_integer((json_int_t)t->size) : json_null());
	(void)json_object_set_new(o, "sha256", json_string(t->digest));
	return o;
}

static json_t *json_pair(const struct diff_pair *p)
{
	json_t *o = json_pack("{s:s, s:s}", "name", pair_name(p), "change", verdict(p));

	if (p->old)
		(void)json_object_set_new(o, "old", json_thing(p->old));
	if (p->new)
		(void)json_object_set_new(o, "new", json_thing(p->new));
	if (!p->old || !p->new)
		return o;
	cleanup_buf struct buf what = BUF_INIT;
	json_t *list = json_array();
	diff_pair_what(p, ",", &what);
	for (const char *s = what.data; *s; s += strspn(s, ",")) {
		size_t len = strcspn(s, ",");
		(void)json_array_append_new(list, json_stringn(s, len));
		s += len;
	}
	(void)json_object_set_new(o, "differs", list);
	return o;
}

static json_t *json_side(const struct diff_side *side)
{
	return json_pack("{s:s, s:s, s:s, s:I, s:I}", "lab", side->lab, "version", side->version, "platforms",
		side->platforms, "things", (json_int_t)side->n, "size", (json_int_t)side->size);
}

int diff_json(const struct diff *d, struct buf *out, struct err *err)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n; i++)
		(void)json_array_append_new(list, json_pair(&d->pairs[i]));
	json_t *doc = json_pack("{s:b, s:o, s:o, s:b, s:I, s:I, s:I, s:I, s:o}", "equal", diff_equal(d), "old",
		json_side(d->old), "new", json_side(d->new), "asks_differ", asks_differ(d), "added",
		(json_int_t)count(d, "added"), "removed", (json_int_t)count(d, "removed"), "changed",
		(json_int_t)count(d, "changed"), "same", (json_int_t)d->same, "differences", list);
	cleanup_free char *text = doc ? json_dumps(doc, JSON_INDENT(1)) : NULL;
	json_decref(doc);
	if (!text)
		return err_set(err, ERR_WORK, "diff: cannot write JSON");
	buf_addf(out, "%s\n", text);
	return 0;
}
