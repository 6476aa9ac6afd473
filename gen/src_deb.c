/* Source kind deb: Debian packages with all that they depend on, by the machine's own apt. They become a root file system. */
#include "source.h"

#include "apt.h"
#include "mem.h"

#include <string.h>

/* Debian's architecture for a platform, or NULL. */
static const char *deb_arch(const char *platform)
{
	return strncmp(platform, "linux/", 6) == 0 ? platform + 6 : NULL;
}

static const char *item_arch(const struct lock_item *item)
{
	return item->platform ? deb_arch(item->platform) : NULL;
}

static void asks_free(char **asks)
{
	for (char **a = asks; a && *a; a++)
		free(*a);
	free(asks);
}

/* What is asked for on a platform: items[i] at asks[i]. */
static char **make_asks(const struct ctx *ctx, const struct spec_item *const *items, size_t n, const char *platform,
	const struct spec_item **asked)
{
	char **asks = xcalloc(n + 1, sizeof(*asks));
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (!spec_item_on(ctx->spec, items[i], platform))
			continue;
		asked[k] = items[i];
		asks[k++] = items[i]->version ? xasprintf("%s=%s", items[i]->name, items[i]->version) : xstrdup(items[i]->name);
	}
	return asks;
}

static void add(struct lock *lock, const struct apt_deb *d, const char *platform)
{
	struct lock_item *item = lock_add(lock);

	item->kind = "deb";
	item->id = xasprintf("deb/%s/%s", d->name, deb_arch(platform));
	item->name = xstrdup(d->name);
	item->version = xstrdup(d->version);
	item->platform = xstrdup(platform);
	item->size = d->size;
	item->sha256 = xstrdup(d->sha256);
	item->evidence = xstrdup("package-index");
}

static int lock_platform(struct ctx *ctx, const struct spec_item *const *items, size_t n, const char *platform,
	struct lock *lock, struct err *err)
{
	cleanup_free const struct spec_item **asked = xcalloc(n + 1, sizeof(*asked));
	cleanup_apt struct apt apt = APT_INIT;
	cleanup_apt_debs struct apt_debs debs = { 0 };
	int bad;

	char **asks = make_asks(ctx, items, n, platform, asked);
	int status = 0;
	if (*asks && !deb_arch(platform)) {
		err_set(err, ERR_USAGE, "Debian packages are for linux, not for %s", platform);
		status = source_at(ctx, asked[0], err);
	} else if (*asks) {
		status = apt_open(&apt, ctx->store, deb_arch(platform), ctx->spec->deb_origin, err);
		if (status == 0)
			status = apt_update(&apt, err);
		if (status == 0 && apt_closure(&apt, asks, &debs, &bad, err) < 0)
			status = bad >= 0 ? source_at(ctx, asked[bad], err) : err_wrap(err, "%s: packages: deb", ctx->spec->file);
	}
	asks_free(asks);
	for (size_t i = 0; status == 0 && i < debs.n; i++)
		add(lock, &debs.debs[i], platform);
	return status;
}

static int deb_lock(struct ctx *ctx, const struct spec_item *const *items, size_t n, struct lock *lock, struct err *err)
{
	for (char **p = ctx->spec->platforms; *p; p++)
		if (lock_platform(ctx, items, n, *p, lock, err) < 0)
			return -1;
	return 0;
}

/* The packages of one architecture that the store lacks, and where they are. */
struct missing {
	const struct lock_item **items;
	const struct apt_deb **where;	/* NULL: not known to apt */
	size_t n;
	struct apt_debs debs;
	char **labels;
	char *proxy;
};

static void missing_release(struct missing *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->labels[i]);
	free(m->labels);
	free(m->items);
	free(m->where);
	apt_debs_release(&m->debs);
	free(m->proxy);
}

/* Asks apt for the addresses of those that have none yet. Returns how many still have none, or -1. */
static int find_addresses(const struct apt *apt, struct missing *m, struct err *err)
{
	char **asks = xcalloc(m->n + 1, sizeof(*asks));
	int lacking = 0;

	for (size_t i = 0; i < m->n; i++)
		asks[i] = xasprintf("%s=%s", m->items[i]->name, m->items[i]->version);
	apt_debs_release(&m->debs);
	int status = apt_addresses(apt, asks, &m->debs, err);
	asks_free(asks);
	if (status < 0)
		return -1;
	for (size_t i = 0; i < m->n; i++) {
		m->where[i] = NULL;
		for (size_t k = 0; k < m->debs.n && !m->where[i]; k++)
			if (strcmp(m->debs.debs[k].name, m->items[i]->name) == 0 &&
				strcmp(m->debs.debs[k].version, m->items[i]->version) == 0)
				m->where[i] = &m->debs.debs[k];
		lacking += !m->where[i];
	}
	return lacking;
}

/* With the indexes that are here; where they lack something, with fresh ones. */
static int locate(const struct ctx *ctx, const char *arch, struct missing *m, struct err *err)
{
	cleanup_apt struct apt apt = APT_INIT;

	if (apt_open(&apt, ctx->store, arch, ctx->spec ? ctx->spec->deb_origin : NULL, err) < 0)
		return -1;
	int lacking = apt_has_lists(&apt) ? find_addresses(&apt, m, err) : 1;
	if (lacking != 0 && (apt_update(&apt, err) < 0 || find_addresses(&apt, m, err) < 0))
		return -1;
	for (size_t i = 0; i < m->n && !m->proxy; i++)
		if (m->where[i])
			m->proxy = apt_proxy(&apt, m->where[i]->uri);
	return 0;
}

static void download(struct ctx *ctx, const struct missing *m)
{
	cleanup_free struct http_job *jobs = xcalloc(m->n, sizeof(*jobs));
	cleanup_free const struct lock_item **of = xcalloc(m->n, sizeof(*of));
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++) {
		struct err err;
		if (!m->where[i]) {
			err_set(&err, ERR_WORK, "the mirror no longer has version %s: run labgen lock", m->items[i]->version);
			fetch_failed(ctx, m->items[i], &err);
			continue;
		}
		of[n] = m->items[i];
		jobs[n++] = (struct http_job){ .label = m->labels[i], .url = m->where[i]->uri, .sha256 = m->items[i]->sha256,
			.size = m->items[i]->size, .proxy = m->proxy };
	}
	(void)http_fetch(ctx->http, jobs, n);
	fetch_failed_jobs(ctx, of, jobs, n);
}

static void fetch_platform(struct ctx *ctx, const char *platform, const struct lock_item *const *items, size_t n)
{
	__attribute__((cleanup(missing_release))) struct missing m = { 0 };
	struct err err = { 0 };

	m.items = xcalloc(n, sizeof(*m.items));
	m.where = xcalloc(n, sizeof(*m.where));
	m.labels = xcalloc(n, sizeof(*m.labels));
	for (size_t i = 0; i < n; i++) {
		if (strcmp(items[i]->platform, platform) != 0 || store_has(ctx->store, items[i]->sha256, NULL))
			continue;
		m.labels[m.n] = xasprintf("deb %s %s", items[i]->name, items[i]->version);
		m.items[m.n++] = items[i];
	}
	if (m.n == 0)
		return;
	if (locate(ctx, deb_arch(platform), &m, &err) == 0) {
		download(ctx, &m);
		return;
	}
	fetch_failed_all(ctx, m.items, m.n, &err);
}

static int deb_fetch(struct ctx *ctx, const struct lock_item *const *items, size_t n, struct err *err)
{
	size_t before = ctx->n_failures;

	for (size_t i = 0; i < n; i++)
		if (!item_arch(items[i]) || !items[i]->version)
			return err_set(err, ERR_USAGE, "%s: the lock has no linux platform or no version for it; run labgen lock", items[i]->id);
	for (size_t i = 0; i < n; i++) { /* once a platform: at the first item that has it */
		size_t k = 0;
		while (strcmp(items[k]->platform, items[i]->platform) != 0)
			k++;
		if (k == i)
			fetch_platform(ctx, items[i]->platform, items, n);
	}
	return fetch_result(ctx, before, err);
}

static int deb_place(struct ctx *ctx, const struct lock_item *item, struct plan *plan, struct err *err)
{
	(void)err;
	if (strcmp(item->platform, ctx->platform) == 0)
		plan_add_rootfs(plan, item);
	return 0;
}

const struct source_kind source_deb = { "deb", deb_lock, deb_fetch, deb_place };
