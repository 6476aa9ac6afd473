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

void fetch_failed(struct ctx *ctx, const struct lock_item *item, const struct err *err)
{
	ctx->failures = xreallocarray(ctx->failures, ctx->n_failures + 1, sizeof(*ctx->failures));
	ctx->failures[ctx->n_failures] = *err;
	(void)err_wrap(&ctx->failures[ctx->n_failures++], "%s", item->id);
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
	if (ctx->n_failures == n)
		return 0;
	return err_set(err, code, "%zu artifact%s could not be fetched", ctx->n_failures - n, ctx->n_failures - n > 1 ? "s" : "");
}

int source_at(const struct ctx *ctx, const struct spec_item *item, struct err *err)
{
	return err_wrap(err, "%s:%d:%d", ctx->spec->file, item->line, item->column);
}
