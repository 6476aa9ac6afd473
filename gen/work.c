#include "work.h"

#include "image.h"
#include "mem.h"

#include <string.h>

void work_release(struct work *w)
{
	fetch_failures_release(&w->ctx);
	if (w->http)
		http_close(w->http);
	if (w->store)
		store_close(w->store);
	lock_release(&w->lock);
	spec_release(&w->spec);
	mirrors_release(&w->mirrors);
	*w = (struct work){ 0 };
}

static int get_mirrors(struct work *w, const struct cmd_args *args, struct err *err)
{
	for (size_t i = 0; i < args->n_opts; i++)
		if (args->opts[i].id == WORK_OPT_MIRROR_ID && mirrors_add(&w->mirrors, args->opts[i].value, err))
			return -1;
	return mirrors_load(&w->mirrors, err);
}

int work_spec(struct work *w, const struct cmd_args *args, struct err *err)
{
	const char *dir = cmd_labdir(args, err);

	if (!dir || cmd_number(args, 'j', 1, CMD_JOBS_MAX, CMD_JOBS, &w->jobs, err) || get_mirrors(w, args, err) ||
		spec_load(&w->spec, dir, err))
		return -1;
	w->quiet = cmd_has(args, 'q');
	w->ctx = (struct ctx){ .spec = &w->spec, .mirrors = &w->mirrors, .quiet = w->quiet };
	return 0;
}

int work_lock(struct work *w, const struct cmd_args *args, struct err *err)
{
	if (work_spec(w, args, err) || lock_load(&w->lock, w->spec.dir, err))
		return -1;
	return lock_answers(&w->lock, &w->spec, err);
}

int work_store(struct work *w, struct err *err)
{
	if (store_open(&w->store, err))
		return -1;
	w->ctx.store = w->store;
	return 0;
}

int work_net(struct work *w, struct err *err)
{
	if (work_store(w, err) || http_open(&w->http, w->store, w->jobs, w->quiet, err))
		return -1;
	w->ctx.http = w->http;
	return 0;
}

const char *const *work_platforms(const struct work *w, const struct cmd_args *args, const char *list[2], struct err *err)
{
	const struct spec_item all = { 0 };
	cleanup_buf struct buf known = BUF_INIT;
	const char *wanted = cmd_value(args, 'p');

	if (!wanted)
		return (const char *const *)w->spec.platforms;
	list[0] = wanted;
	list[1] = NULL;
	if (spec_item_on(&w->spec, &all, wanted))
		return list;
	for (char **p = w->spec.platforms; *p; p++)
		buf_addf(&known, "%s%s", known.len ? ", " : "", *p);
	(void)err_set(err, ERR_USAGE, "%s: the lab is not for platform '%s'; it has %s", w->spec.file, wanted, known.data);
	return NULL;
}

/* Whether the item has to be fetched for that platform, and was not for one before it. */
static int is_due(const struct lock_item *item, const char *const *platforms, const char *const *at)
{
	if (!lock_item_on(item, *at))
		return 0;
	return item->platform || strcmp(item->kind, "image") == 0 || at == platforms;
}

/* All of one kind for one platform. */
static void fetch_kind(struct work *w, const struct source_kind *kind, const char *const *platforms, const char *const *at)
{
	cleanup_free const struct lock_item **items = xcalloc(w->lock.n_items, sizeof(*items));
	struct err err = { 0 };
	size_t n = 0, failed = w->ctx.n_failures;

	for (size_t i = 0; i < w->lock.n_items; i++)
		if (strcmp(w->lock.items[i].kind, kind->name) == 0 && is_due(&w->lock.items[i], platforms, at))
			items[n++] = &w->lock.items[i];
	/* A kind that fails as a whole may have named no artifact. */
	if (n && kind->fetch(&w->ctx, items, n, &err) && w->ctx.n_failures == failed)
		fetch_failed_all(&w->ctx, items, n, &err);
}

static int check_kinds(const struct lock *lock, struct err *err)
{
	for (size_t i = 0; i < lock->n_items; i++)
		if (!source_find(lock->items[i].kind))
			return err_set(err, ERR_WORK, "%s: this labgen knows no artifacts of kind %s", lock->items[i].id,
				lock->items[i].kind);
	return 0;
}

int work_fetch(struct work *w, const char *const *platforms, struct err *err)
{
	if (check_kinds(&w->lock, err))
		return -1;
	for (const char *const *at = platforms; *at; at++) {
		w->ctx.platform = *at;
		for (const struct source_kind *const *kind = source_kinds; *kind; kind++)
			fetch_kind(w, *kind, platforms, at);
	}
	for (size_t i = 0; i < w->ctx.n_failures; i++)
		cmd_report(&w->ctx.failures[i]);
	return fetch_result(&w->ctx, 0, err);
}

int work_stored(const struct work *w, const struct lock_item *item)
{
	if (strcmp(item->kind, "image") == 0)
		return image_stored(&w->ctx, item);
	return store_has(w->store, item->sha256, NULL);
}
