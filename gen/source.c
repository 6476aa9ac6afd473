#include "source.h"

#include "mem.h"

#include <string.h>

const struct source_kind *const source_kinds[] = { &source_file, &source_deb, &source_npm, NULL };

const struct source_kind *source_find(const char *name)
{
	for (const struct source_kind *const *k = source_kinds; *k; k++)
		if (strcmp((*k)->name, name) == 0)
			return *k;
	return NULL;
}

static void add_failure(struct ctx *ctx, const struct err *err, const char *what)
{
	ctx->failures = xreallocarray(ctx->failures, ctx->n_failures + 1, sizeof(*ctx->failures));
	ctx->failures[ctx->n_failures] = *err;
	(void)err_wrap(&ctx->failures[ctx->n_failures++], "%s", what);
}

void fetch_failed(struct ctx *ctx, const struct lock_item *item, const struct err *err)
{
	add_failure(ctx, err, item->id);
}

void fetch_failed_all(struct ctx *ctx, const struct lock_item *const *items, size_t n, const struct err *err)
{
	if (n == 0)
		return;
	cleanup_free char *what = n > 1 ? xasprintf("%s and %zu more", items[0]->id, n - 1) : xstrdup(items[0]->id);
	add_failure(ctx, err, what);
}

void fetch_failed_jobs(struct ctx *ctx, const struct lock_item *const *items, const struct http_job *jobs, size_t n)
{
	cleanup_free const struct lock_item **same = xcalloc(n, sizeof(*same));

	for (size_t i = 0; i < n; i++) {
		size_t count = 0, first = n;
		for (size_t k = 0; k < n && jobs[i].failed; k++) {
			if (!jobs[k].failed || strcmp(jobs[k].err.msg, jobs[i].err.msg) != 0)
				continue;
			first = first < n ? first : k;
			same[count++] = items[k];
		}
		if (first == i)
			fetch_failed_all(ctx, same, count, &jobs[i].err);
	}
}

void fetch_failures_release(struct ctx *ctx)
{
	free(ctx->failures);
	ctx->failures = NULL;
	ctx->n_failures = 0;
}

int fetch_result(const struct ctx *ctx, size_t n, struct err *err)
{
	enum err_code code = ERR_WORK;

	for (size_t i = n; i < ctx->n_failures; i++)
		if (ctx->failures[i].code == ERR_AUTH)
			code = ERR_AUTH;
	return ctx->n_failures == n ? 0 : err_set(err, code, "not everything could be fetched");
}

int source_at(const struct ctx *ctx, const struct spec_item *item, struct err *err)
{
	return err_wrap(err, "%s:%d:%d", ctx->spec->file, item->line, item->column);
}
