/* Source kind npm: packages with all that they depend on, from the registry that npm is configured for. */
#include "source.h"

#include "fs.h"
#include "mem.h"
#include "npm.h"
#include "proc.h"

#include <fcntl.h>
#include <string.h>

#define DOCUMENT_MAX (4u << 20)	/* bytes of a version's document */
#define NOT_FOUND 404

static const char sha512_prefix[] = "sha512-";

/* ---- lock: npm resolves, in a folder and with a cache of its own ---- */

static int write_request(const char *dir, const struct spec_item *const *items, size_t n, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/package.json", dir);
	cleanup_buf struct buf b = BUF_INIT;

	/* Names and versions have only letters, digits and "@/._+-": see shape_npm(). */
	buf_adds(&b, "{\"name\":\"lab\",\"version\":\"0.0.0\",\"private\":true,\"dependencies\":{");
	for (size_t i = 0; i < n; i++)
		buf_addf(&b, "%s\"%s\":\"%s\"", i ? "," : "", items[i]->name, items[i]->version ? items[i]->version : "latest");
	buf_adds(&b, "}}\n");
	return fs_replace(path, b.data, b.len, 0644, err);
}

/* Whether npm's log is about this item's name and version. */
static int log_names(const char *log, const struct spec_item *item)
{
	cleanup_free char *full = xasprintf("%s@%s", item->name, item->version ? item->version : "");
	size_t len = strlen(full);

	for (const char *at = log; (at = strstr(at, full)); at += len)
		if ((at == log || strchr(" '\n", at[-1])) && (!item->version || strchr(" '.\n", at[len])))
			return 1;
	return 0;
}

static int log_says(const char *log, const char *const *codes)
{
	for (; *codes; codes++) {
		cleanup_free char *text = xasprintf("code %s\n", *codes);
		if (strstr(log, text))
			return 1;
	}
	return 0;
}

/* Makes of npm's log what failed, where it was asked for, and what to do. */
static int explain(struct ctx *ctx, const struct npm_config *config, const struct spec_item *const *items, size_t n,
	const struct buf *log, struct err *err)
{
	static const char *const missing[] = { "ETARGET", "E404", NULL };
	static const char *const network[] = { "ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH",
		"EHOSTUNREACH", "ERR_SOCKET_TIMEOUT", NULL };
	const char *text = log->data ? log->data : "";

	if (log_says(text, missing)) {
		for (size_t i = 0; i < n; i++) {
			if (!log_names(text, items[i]))
				continue;
			err_set(err, ERR_WORK, "npm package %s%s%s: the registry has no such version", items[i]->name,
				items[i]->version ? "@" : "", items[i]->version ? items[i]->version : "");
			return source_at(ctx, items[i], err);
		}
	}
	if (log_says(text, network)) {
		const char *registry = npm_config_text(config, "registry");
		err_set(err, ERR_WORK, "npm cannot reach its registry %s: is there a network? Run it again when there is one; registry "
			"and proxy are npm's own: see npm config list", registry ? registry : "");
	}
	return err_wrap(err, "%s: packages: npm", ctx->spec->file);
}

static int run_npm(struct ctx *ctx, const struct npm_config *config, const char *dir, const struct spec_item *const *items,
	size_t n, struct err *err)
{
	cleanup_free char *cache = xasprintf("--cache=%s/cache", dir);
	const char *const argv[] = { "npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund",
		"--loglevel=error", "--lockfile-version=3", "--fetch-retries=2", "--fetch-retry-factor=2",
		"--fetch-retry-mintimeout=1000", cache, NULL };
	const struct proc p = { .argv = argv, .dir = dir, .out_max = DOCUMENT_MAX };
	cleanup_buf struct buf log = BUF_INIT;

	if (write_request(dir, items, n, err) < 0)
		return -1;
	return proc_run(&p, NULL, &log, err) < 0 ? explain(ctx, config, items, n, &log, err) : 0;
}

static int resolve_in(struct ctx *ctx, const struct npm_config *config, const char *dir, const struct spec_item *const *items,
	size_t n, struct npm_packages *out, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/package-lock.json", dir);
	cleanup_buf struct buf text = BUF_INIT;

	if (run_npm(ctx, config, dir, items, n, err) < 0)
		return -1;
	if (fs_slurp(AT_FDCWD, path, NPM_LOCKFILE_MAX, &text, err) < 0 ||
		npm_lockfile_parse(text.data ? text.data : "", text.len, ctx->spec->platforms, out, err) < 0)
		return err_wrap(err, "%s: packages: npm", ctx->spec->file);
	return 0;
}

static int resolve(struct ctx *ctx, const struct npm_config *config, const struct spec_item *const *items, size_t n,
	struct npm_packages *out, struct err *err)
{
	cleanup_free char *dir = NULL;
	int fd = store_tmpdir(ctx->store, &dir, err);

	if (fd < 0)
		return -1;
	int status = resolve_in(ctx, config, dir, items, n, out, err);
	store_tmpdir_drop(ctx->store, dir, fd);
	return status;
}

/* ---- download: by name and version, from where npm's configuration says ---- */

/* A tarball to fetch. Strings are borrowed, but for address and label. */
struct tarball {
	const char *name, *version, *integrity, *sha256;
	uint64_t size;
	char *url, *label;
};

/* The address that the registry itself gives, in place of the usual one. */
static int ask_address(struct ctx *ctx, const struct npm_config *config, struct tarball *t, struct err *err)
{
	cleanup_free char *registry = npm_registry(config, t->name, err);
	cleanup_buf struct buf text = BUF_INIT;
	json_error_t why;

	if (!registry)
		return -1;
	const char *slash = strchr(t->name, '/');
	cleanup_free char *url = xasprintf("%s%.*s%s%s/%s", registry, slash ? (int)(slash - t->name) : (int)strlen(t->name), t->name,
		slash ? "%2f" : "", slash ? slash + 1 : "", t->version);
	if (http_get(ctx->http, url, NULL, npm_proxy(config, url), DOCUMENT_MAX, &text, err) < 0)
		return -1;
	json_t *root = json_loadb(text.data ? text.data : "", text.len, 0, &why);
	const char *address = json_string_value(json_object_get(json_object_get(root, "dist"), "tarball"));
	int status = 0;
	if (address && (strncmp(address, "https://", 8) == 0 || strncmp(address, "http://", 7) == 0)) {
		free(t->url);
		t->url = xstrdup(address);
	} else {
		status = err_set(err, ERR_WORK, "the registry gives no address for %s@%s", t->name, t->version);
	}
	json_decref(root);
	return status;
}

static struct http_job job_of(const struct npm_config *config, const struct tarball *t)
{
	return (struct http_job){ .label = t->label, .url = t->url, .sha256 = t->sha256, .size = t->size,
		.sha512 = t->integrity + strlen(sha512_prefix), .proxy = npm_proxy(config, t->url) };
}

/* Fetches them all into the store; what is not at the usual address is looked up and tried once more. */
static int download(struct ctx *ctx, const struct npm_config *config, struct tarball *ts, struct http_job *jobs, size_t n,
	struct err *err)
{
	const char *ca = npm_config_text(config, "cafile");

	if (ca && http_add_ca(ctx->http, ca, err) < 0)
		return err_wrap(err, "npm's cafile");
	for (size_t i = 0; i < n; i++) {
		cleanup_free char *registry = npm_registry(config, ts[i].name, err);
		if (!registry)
			return -1;
		ts[i].url = npm_tarball(registry, ts[i].name, ts[i].version);
		ts[i].label = xasprintf("npm %s@%s", ts[i].name, ts[i].version);
		jobs[i] = job_of(config, &ts[i]);
	}
	(void)http_fetch(ctx->http, jobs, n);
	for (size_t i = 0; i < n; i++) {
		if (!jobs[i].failed || jobs[i].status != NOT_FOUND || ask_address(ctx, config, &ts[i], err) < 0)
			continue;
		jobs[i] = job_of(config, &ts[i]);
		(void)http_fetch(ctx->http, &jobs[i], 1);
	}
	return 0;
}

static void tarballs_free(struct tarball *ts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(ts[i].url);
		free(ts[i].label);
	}
	free(ts);
}

/* ---- the lock's items ---- */

static char **paths_copy(const struct npm_package *p)
{
	char **paths = xcalloc(p->n_paths + 1, sizeof(*paths));

	for (size_t i = 0; i < p->n_paths; i++)
		paths[i] = xstrdup(p->paths[i]);
	return paths;
}

static void add_item(struct lock *lock, const struct npm_package *p, const struct http_job *job, const char *platform)
{
	struct lock_item *item = lock_add(lock);

	item->kind = "npm";
	item->id = xasprintf("npm/%s@%s%s%s", p->name, p->version, platform ? "/" : "", platform ? platform : "");
	item->name = xstrdup(p->name);
	item->version = xstrdup(p->version);
	item->platform = platform ? xstrdup(platform) : NULL;
	item->paths = paths_copy(p);
	item->integrity = xstrdup(p->integrity);
	item->size = job->got_size;
	item->sha256 = xstrdup(job->got_sha256);
	item->evidence = xstrdup("registry");
}

/* One item for all platforms, or one for each on which the package runs. */
static void add(struct lock *lock, const struct npm_package *p, const struct http_job *job, char *const *platforms)
{
	unsigned all = 0;

	for (unsigned i = 0; platforms[i]; i++)
		all |= 1u << i;
	if ((p->platforms & all) == all) {
		add_item(lock, p, job, NULL);
		return;
	}
	for (unsigned i = 0; platforms[i]; i++)
		if (p->platforms & 1u << i)
			add_item(lock, p, job, platforms[i]);
}

static int lock_packages(struct ctx *ctx, const struct npm_config *config, const struct npm_packages *packages,
	struct lock *lock, struct err *err)
{
	size_t n = packages->n;
	cleanup_free struct http_job *jobs = xcalloc(n, sizeof(*jobs));
	struct tarball *ts = xcalloc(n, sizeof(*ts));

	for (size_t i = 0; i < n; i++)
		ts[i] = (struct tarball){ .name = packages->list[i].name, .version = packages->list[i].version,
			.integrity = packages->list[i].integrity };
	int status = download(ctx, config, ts, jobs, n, err);
	for (size_t i = 0; i < n && status == 0; i++) {
		if (jobs[i].failed) {
			*err = jobs[i].err;
			status = err_wrap(err, "%s: packages: npm: %s@%s", ctx->spec->file, ts[i].name, ts[i].version);
		} else {
			add(lock, &packages->list[i], &jobs[i], ctx->spec->platforms);
		}
	}
	tarballs_free(ts, n);
	return status;
}

static int npm_lock(struct ctx *ctx, const struct spec_item *const *items, size_t n, struct lock *lock, struct err *err)
{
	cleanup_npm_config struct npm_config config = { 0 };
	cleanup_npm_packages struct npm_packages packages = { 0 };

	if (n == 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < i; k++) {
			if (strcmp(items[i]->name, items[k]->name) != 0)
				continue;
			err_set(err, ERR_USAGE, "npm package %s is named twice: one version of it can be asked for", items[i]->name);
			return source_at(ctx, items[i], err);
		}
	}
	if (npm_config_load(&config, err) < 0)
		return err_wrap(err, "%s: packages: npm", ctx->spec->file);
	if (resolve(ctx, &config, items, n, &packages, err) < 0)
		return -1;
	return lock_packages(ctx, &config, &packages, lock, err);
}

/* ---- fetch, place ---- */

static int npm_fetch(struct ctx *ctx, const struct lock_item *const *items, size_t n, struct err *err)
{
	cleanup_npm_config struct npm_config config = { 0 };
	cleanup_free struct http_job *jobs = xcalloc(n, sizeof(*jobs));
	cleanup_free const struct lock_item **missing = xcalloc(n, sizeof(*missing));
	struct tarball *ts = xcalloc(n, sizeof(*ts));
	size_t before = ctx->n_failures, m = 0;
	int status = 0;

	for (size_t i = 0; i < n && status == 0; i++) {
		if (!items[i]->version || !items[i]->integrity)
			status = err_set(err, ERR_USAGE, "%s: the lock has no version or no integrity for it; run labgen lock", items[i]->id);
		if (status < 0 || store_has(ctx->store, items[i]->sha256, NULL))
			continue;
		ts[m] = (struct tarball){ .name = items[i]->name, .version = items[i]->version, .integrity = items[i]->integrity,
			.sha256 = items[i]->sha256, .size = items[i]->size };
		missing[m++] = items[i];
	}
	if (status == 0 && m > 0) {
		if (npm_config_load(&config, err) == 0 && download(ctx, &config, ts, jobs, m, err) == 0)
			fetch_failed_jobs(ctx, missing, jobs, m);
		else
			fetch_failed_all(ctx, missing, m, err);
	}
	tarballs_free(ts, n);
	return status < 0 ? -1 : fetch_result(ctx, before, err);
}

static int npm_place(struct ctx *ctx, const struct lock_item *item, struct plan *plan, struct err *err)
{
	(void)ctx;
	if (!item->paths || !item->paths[0])
		return err_set(err, ERR_USAGE, "the lock does not say where it is installed; run labgen lock");
	plan_add_rootfs(plan, item);
	return 0;
}

const struct source_kind source_npm = { "npm", npm_lock, npm_fetch, npm_place };
