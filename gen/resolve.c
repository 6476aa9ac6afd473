#include "resolve.h"

#include "mem.h"

#include <string.h>

struct resolver {
	struct ctx *ctx;
	struct lock *old;	/* or NULL */
	char *const *updates;
	size_t n_updates;
	char **asks;		/* of each of the spec's items */
	char *fresh;		/* whether each is resolved anew */
};

/* Whether the packages of a kind depend on each other, so that it is resolved as a whole. */
static int is_whole(const char *kind)
{
	return strcmp(kind, "deb") == 0 || strcmp(kind, "npm") == 0;
}

static int same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static int update_names(const char *update, const char *kind, const char *name)
{
	size_t len = strlen(kind);

	return strcmp(update, name) == 0 || strcmp(update, kind) == 0 ||
		(strncmp(update, kind, len) == 0 && update[len] == '/' && strcmp(update + len + 1, name) == 0);
}

static int is_named(const struct resolver *r, const char *kind, const char *name)
{
	for (size_t i = 0; i < r->n_updates; i++)
		if (update_names(r->updates[i], kind, name))
			return 1;
	return 0;
}

static int check_updates(const struct resolver *r, struct err *err)
{
	const struct spec *spec = r->ctx->spec;

	for (size_t u = 0; u < r->n_updates; u++) {
		size_t i = 0;
		while (i < spec->n_items && !update_names(r->updates[u], spec->items[i].kind, spec->items[i].name))
			i++;
		if (i == spec->n_items)
			return err_set(err, ERR_USAGE, "--update %s: %s names nothing of this name", r->updates[u], spec->file);
	}
	return 0;
}

static int answered(const struct lock *lock, const char *ask)
{
	for (size_t i = 0; i < lock->n_answers; i++)
		if (strcmp(lock->answers[i], ask) == 0)
			return 1;
	return 0;
}

static int has_platform(char *const *list, const char *platform)
{
	for (; list && *list; list++)
		if (strcmp(*list, platform) == 0)
			return 1;
	return 0;
}

static int same_platforms(char *const *a, char *const *b)
{
	for (char *const *p = a; *p; p++)
		if (!has_platform(b, *p))
			return 0;
	for (char *const *p = b; *p; p++)
		if (!has_platform(a, *p))
			return 0;
	return 1;
}

/* How many of old's answers are of a kind. */
static size_t count_answers(const struct lock *old, const char *kind)
{
	size_t n = 0, len = strlen(kind);

	for (size_t i = 0; i < old->n_answers; i++)
		n += strncmp(old->answers[i], kind, len) == 0 && old->answers[i][len] == ' ';
	return n;
}

/* A kind that is resolved as a whole is so anew when anything in it is, or something went from it. */
static void spread_fresh(struct resolver *r, const char *kind)
{
	const struct spec *spec = r->ctx->spec;
	size_t n = 0;
	int any = 0;

	for (size_t i = 0; i < spec->n_items; i++)
		if (strcmp(spec->items[i].kind, kind) == 0) {
			n++;
			any |= r->fresh[i];
		}
	if (!any && (!r->old || count_answers(r->old, kind) == n))
		return;
	for (size_t i = 0; i < spec->n_items; i++)
		if (strcmp(spec->items[i].kind, kind) == 0)
			r->fresh[i] = 1;
}

static void choose_fresh(struct resolver *r)
{
	const struct spec *spec = r->ctx->spec;
	int all = !r->old || r->n_updates == 0 || !same_platforms(r->old->platforms, spec->platforms);

	for (size_t i = 0; i < spec->n_items; i++)
		r->fresh[i] = all || is_named(r, spec->items[i].kind, spec->items[i].name) || !answered(r->old, r->asks[i]);
	spread_fresh(r, "deb");
	spread_fresh(r, "npm");
}

/* The spec's item from which a lock's item came; for packages of a whole kind, any of the kind. */
static const struct spec_item *origin(const struct spec *spec, const struct lock_item *item, size_t *index)
{
	for (size_t i = 0; i < spec->n_items; i++)
		if (strcmp(spec->items[i].kind, item->kind) == 0 &&
			(is_whole(item->kind) || strcmp(spec->items[i].name, item->name) == 0)) {
			*index = i;
			return &spec->items[i];
		}
	return NULL;
}

/* Takes over from old what is not resolved anew. */
static void take_over(struct resolver *r, struct lock *lock)
{
	size_t index;

	for (size_t i = 0; r->old && i < r->old->n_items; i++)
		if (origin(r->ctx->spec, &r->old->items[i], &index) && !r->fresh[index]) {
			*lock_add(lock) = r->old->items[i];
			r->old->items[i] = r->old->items[--r->old->n_items];
			i--;
		}
}

static int lock_kind(struct resolver *r, const struct source_kind *kind, struct lock *lock, struct err *err)
{
	const struct spec *spec = r->ctx->spec;
	cleanup_free const struct spec_item **items = xcalloc(spec->n_items, sizeof(*items));
	size_t n = 0;

	for (size_t i = 0; i < spec->n_items; i++)
		if (r->fresh[i] && strcmp(spec->items[i].kind, kind->name) == 0)
			items[n++] = &spec->items[i];
	return n ? kind->lock(r->ctx, items, n, lock, err) : 0;
}

static int check_kinds(const struct spec *spec, struct err *err)
{
	for (size_t i = 0; i < spec->n_items; i++)
		if (!source_find(spec->items[i].kind))
			return err_set(err, ERR_WORK, "%s:%d:%d: this labgen cannot lock artifacts of kind %s", spec->file,
				spec->items[i].line, spec->items[i].column, spec->items[i].kind);
	return 0;
}

/* Whether both are the same thing by every name that it has. */
static int is_same_thing(const struct lock_item *a, const struct lock_item *b)
{
	return strcmp(a->id, b->id) == 0 && same(a->version, b->version) && same(a->platform, b->platform) &&
		same(a->url, b->url) && same(a->ref, b->ref) && same(a->path, b->path);
}

static int moved(const struct resolver *r, const struct lock_item *was, const struct lock_item *is, struct err *err)
{
	const char *dir = r->ctx->spec->dir;

	return err_set(err, ERR_AUTH, "%s: %s is no longer what %s/lab.lock pinned: it had %s %s and now has %s; find out why; "
		"to accept it: labgen lock %s --update %s", is->id, is->url ? is->url : is->ref ? is->ref : is->name, dir,
		was->commit ? "commit" : "sha256", was->commit ? was->commit : was->sha256, is->commit ? is->commit : is->sha256,
		dir, is_whole(is->kind) ? is->kind : is->name);
}

static int check_moved(const struct resolver *r, const struct lock *lock, struct err *err)
{
	size_t index;

	for (size_t i = 0; r->old && i < lock->n_items; i++) {
		const struct lock_item *is = &lock->items[i];
		const struct spec_item *from = origin(r->ctx->spec, is, &index);
		if (!from || !r->fresh[index] || (!is_whole(is->kind) && !answered(r->old, r->asks[index])))
			continue;
		for (size_t k = 0; k < r->old->n_items; k++) {
			const struct lock_item *was = &r->old->items[k];
			if (is_same_thing(was, is) && !(same(was->sha256, is->sha256) && same(was->commit, is->commit)) &&
				!is_named(r, is->kind, is->name))
				return moved(r, was, is, err);
		}
	}
	return 0;
}

static char **copy_texts(char *const *texts)
{
	size_t n = 0;

	while (texts[n])
		n++;
	char **copy = xcalloc(n + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(texts[i]);
	return copy;
}

static int resolve_all(struct resolver *r, struct lock *lock, struct err *err)
{
	const struct spec *spec = r->ctx->spec;

	if (check_updates(r, err) || check_kinds(spec, err))
		return -1;
	choose_fresh(r);
	lock->lab = xstrdup(spec->lab);
	lock->version = xstrdup(spec->version);
	lock->platforms = copy_texts(spec->platforms);
	lock->answers = copy_texts(r->asks);
	lock->n_answers = spec->n_items;
	take_over(r, lock);
	for (const struct source_kind *const *kind = source_kinds; *kind; kind++)
		if (lock_kind(r, *kind, lock, err))
			return -1;
	return check_moved(r, lock, err);
}

int resolve(struct ctx *ctx, struct lock *old, char *const *updates, size_t n_updates, struct lock *lock, struct err *err)
{
	size_t n = ctx->spec->n_items;
	struct resolver r = { .ctx = ctx, .old = old, .updates = updates, .n_updates = n_updates,
		.asks = xcalloc(n + 1, sizeof(*r.asks)), .fresh = xcalloc(n, 1) };

	*lock = (struct lock){ 0 };
	for (size_t i = 0; i < n; i++)
		r.asks[i] = spec_item_ask(ctx->spec, &ctx->spec->items[i]);
	int failed = resolve_all(&r, lock, err);
	for (size_t i = 0; i < n; i++)
		free(r.asks[i]);
	free(r.asks);
	free(r.fresh);
	if (failed)
		lock_release(lock);
	return failed;
}
