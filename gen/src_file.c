/* Source kind file: an https, http or file URL, with a digest given inline, in a checksum file, or signed with minisign. */
#include "source.h"

#include "checksum.h"
#include "fs.h"
#include "hash.h"
#include "mem.h"
#include "minisign.h"
#include "unpack.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 65536
#define BLAKE2B_BYTES 64
#define SIGNATURE_MAX 4096	/* bytes of a minisign signature file */

/* One file to lock: an item on one platform. */
struct want {
	const struct spec_item *item;
	const char *platform;
	char *url, *member, *to;	/* with the variables replaced */
	char sha256[65];		/* what vouches; empty: nothing does before it is here */
	const char *evidence;
	char *evidence_url;
};

static void want_release(struct want *w)
{
	free(w->url);
	free(w->member);
	free(w->to);
	free(w->evidence_url);
}

/* The last part of a URL, without its query, to be freed. */
static char *url_name(const char *url)
{
	cleanup_free char *path = xstrndup(url, strcspn(url, "?#"));

	return xstrdup(fs_basename(path));
}

static const char *inline_digest(const struct want *w)
{
	for (size_t i = 0; i < w->item->n_sha256; i++)
		if (strcmp(w->item->sha256[i].key, w->platform) == 0 || strcmp(w->item->sha256[i].key, "all") == 0)
			return w->item->sha256[i].value;
	return NULL;
}

static int expand(struct ctx *ctx, struct want *w, struct err *err)
{
	const struct spec_item *item = w->item;

	w->url = spec_expand(ctx->spec, item, item->url, w->platform, NULL, err);
	if (!w->url)
		return -1;
	if (item->member && !(w->member = spec_expand(ctx->spec, item, item->member, w->platform, w->url, err)))
		return -1;
	if (item->to && !(w->to = spec_expand(ctx->spec, item, item->to, w->platform, w->url, err)))
		return -1;
	return 0;
}

static int from_checksum_file(struct ctx *ctx, struct want *w, struct err *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_free char *name = url_name(w->url);

	w->evidence_url = spec_expand(ctx->spec, w->item, w->item->checksum, w->platform, w->url, err);
	if (!w->evidence_url)
		return -1;
	if (http_get(ctx->http, w->evidence_url, NULL, NULL, CHECKSUM_FILE_MAX, &text, err) < 0)
		return err_wrap(err, "checksum");
	if (checksum_find(text.data ? text.data : "", text.len, name, w->sha256, err) < 0)
		return err_wrap(err, "%s", w->evidence_url);
	w->evidence = "checksum-file";
	return 0;
}

/* Finds who vouches for a file before it is fetched. */
static int find_digest(struct ctx *ctx, struct want *w, struct err *err)
{
	const char *given = inline_digest(w);

	w->evidence = "first-seen";
	if (given) {
		(void)snprintf(w->sha256, sizeof(w->sha256), "%s", given);
		w->evidence = "inline";
		return 0;
	}
	if (w->item->n_sha256)
		return err_set(err, ERR_USAGE, "no sha256 is given for %s", w->platform);
	return w->item->checksum ? from_checksum_file(ctx, w, err) : 0;
}

/* BLAKE2b-512 of a blob: what a prehashed minisign signature is over. */
static int blake2b_blob(const struct store *store, const char *sha256, unsigned char out[BLAKE2B_BYTES], struct err *err)
{
	cleanup_close int fd = store_blob(store, sha256, err);
	crypto_generichash_state state;
	unsigned char chunk[CHUNK];
	size_t got;

	if (fd < 0)
		return -1;
	(void)crypto_generichash_init(&state, NULL, 0, BLAKE2B_BYTES);
	do {
		if (fs_read(fd, chunk, sizeof(chunk), &got, err) < 0)
			return -1;
		(void)crypto_generichash_update(&state, chunk, got);
	} while (got == sizeof(chunk));
	(void)crypto_generichash_final(&state, out, BLAKE2B_BYTES);
	return 0;
}

static int check_signature(struct ctx *ctx, struct want *w, const char *sha256, struct err *err)
{
	cleanup_free char *url = xasprintf("%s.minisig", w->url);
	cleanup_buf struct buf text = BUF_INIT;
	unsigned char hash[BLAKE2B_BYTES];
	struct minisign_key key;
	struct minisign_sig sig;

	if (minisign_key_parse(&key, w->item->minisign, strlen(w->item->minisign), err) < 0)
		return -1;
	if (http_get(ctx->http, url, NULL, NULL, SIGNATURE_MAX, &text, err) < 0)
		return err_wrap(err, "minisign signature");
	if (minisign_sig_parse(&sig, text.data ? text.data : "", text.len, err) < 0 ||
		blake2b_blob(ctx->store, sha256, hash, err) < 0 || minisign_check_hash(&sig, &key, hash, err) < 0)
		return err_wrap(err, "%s", url);
	w->evidence = "minisign";
	free(w->evidence_url);
	w->evidence_url = steal(&url);
	return 0;
}

static int same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/*
 * Whether the wants of one item, n of them, are the same thing on each of the lab's platforms: then it is one artifact
 * that belongs to all of them.
 */
static int for_all(const struct ctx *ctx, const struct want *w, const struct http_job *jobs, size_t n)
{
	size_t platforms = 0;

	while (ctx->spec->platforms[platforms])
		platforms++;
	if (n != platforms || (n == 1 && (strstr(w->item->url, "${os}") || strstr(w->item->url, "${arch}"))))
		return 0;
	for (size_t i = 1; i < n; i++)
		if (!same(w[0].url, w[i].url) || !same(w[0].member, w[i].member) || !same(w[0].to, w[i].to) ||
			strcmp(jobs[0].got_sha256, jobs[i].got_sha256) != 0)
			return 0;
	return 1;
}

static void add(struct lock *lock, const struct want *w, const struct http_job *job, int all)
{
	struct lock_item *item = lock_add(lock);
	const char *version = w->item->version;

	item->kind = "file";
	item->id = xasprintf("file/%s%s%s%s%s", w->item->name, version ? "@" : "", version ? version : "", all ? "" : "/",
		all ? "" : w->platform);
	item->name = xstrdup(w->item->name);
	item->version = version ? xstrdup(version) : NULL;
	item->platform = all ? NULL : xstrdup(w->platform);
	item->url = xstrdup(w->url);
	item->member = w->member ? xstrdup(w->member) : NULL;
	item->to = w->to ? xstrdup(w->to) : NULL;
	item->size = job->got_size;
	item->sha256 = xstrdup(job->got_sha256);
	item->evidence = xstrdup(w->evidence);
	item->evidence_url = w->evidence_url ? xstrdup(w->evidence_url) : NULL;
}

static size_t count_wants(const struct ctx *ctx, const struct spec_item *const *items, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		for (char **p = ctx->spec->platforms; *p; p++)
			count += (size_t)spec_item_on(ctx->spec, items[i], *p);
	return count;
}

static int find_all(struct ctx *ctx, const struct spec_item *const *items, size_t n, struct want *wants,
	struct http_job *jobs, struct err *err)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		for (char **p = ctx->spec->platforms; *p; p++) {
			if (!spec_item_on(ctx->spec, items[i], *p))
				continue;
			struct want *w = &wants[k];
			w->item = items[i];
			w->platform = *p;
			if (expand(ctx, w, err) < 0)
				return -1; /* it names the place itself */
			if (find_digest(ctx, w, err) < 0)
				return source_at(ctx, w->item, err);
			jobs[k].label = w->item->name;
			jobs[k].url = w->url;
			jobs[k].sha256 = *w->sha256 ? w->sha256 : NULL;
			k++;
		}
	}
	return 0;
}

static int add_all(struct ctx *ctx, struct want *wants, struct http_job *jobs, size_t n, struct lock *lock, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (jobs[i].failed) {
			*err = jobs[i].err;
			return source_at(ctx, wants[i].item, err);
		}
		if (wants[i].item->minisign && check_signature(ctx, &wants[i], jobs[i].got_sha256, err) < 0)
			return source_at(ctx, wants[i].item, err);
	}
	for (size_t i = 0, k; i < n; i += k) {
		for (k = 1; i + k < n && wants[i + k].item == wants[i].item;)
			k++;
		int all = for_all(ctx, &wants[i], &jobs[i], k);
		for (size_t j = 0; j < (all ? 1 : k); j++)
			add(lock, &wants[i + j], &jobs[i + j], all);
	}
	return 0;
}

static int file_lock(struct ctx *ctx, const struct spec_item *const *items, size_t n, struct lock *lock, struct err *err)
{
	size_t count = count_wants(ctx, items, n);
	cleanup_free struct want *wants = xcalloc(count, sizeof(*wants));
	cleanup_free struct http_job *jobs = xcalloc(count, sizeof(*jobs));

	int status = find_all(ctx, items, n, wants, jobs, err);
	if (status == 0) {
		(void)http_fetch(ctx->http, jobs, count);
		status = add_all(ctx, wants, jobs, count, lock, err);
	}
	for (size_t i = 0; i < count; i++)
		want_release(&wants[i]);
	return status;
}

static int file_fetch(struct ctx *ctx, const struct lock_item *const *items, size_t n, struct err *err)
{
	cleanup_free struct http_job *jobs = xcalloc(n, sizeof(*jobs));
	size_t before = ctx->n_failures;

	for (size_t i = 0; i < n; i++)
		jobs[i] = (struct http_job){ .label = items[i]->id, .url = items[i]->url, .sha256 = items[i]->sha256,
			.size = items[i]->size };
	(void)http_fetch(ctx->http, jobs, n);
	fetch_failed_jobs(ctx, items, jobs, n);
	return fetch_result(ctx, before, err);
}

/* An archive is read here and there, so its digest is checked before that, through the same descriptor. */
static int check_blob(const struct store *store, int fd, const char *sha256, struct err *err)
{
	cleanup_hash struct hash *h = hash_new();
	unsigned char digest[FORMAT_DIGEST], chunk[CHUNK];
	char hex[HASH_HEX + 1];
	size_t got;

	do {
		if (fs_read(fd, chunk, sizeof(chunk), &got, err) < 0)
			return -1;
		hash_update(h, chunk, got);
	} while (got == sizeof(chunk));
	hash_final(h, digest);
	hash_to_hex(digest, hex);
	if (strcmp(hex, sha256) != 0) {
		store_drop(store, sha256);
		return err_set(err, ERR_AUTH, "damaged in the store: sha256 %s is expected, it has %s; it was removed: run labgen fetch",
			sha256, hex);
	}
	return lseek(fd, 0, SEEK_SET) < 0 ? err_errno(err, "cannot read it from the start") : 0;
}

static int place_member(struct ctx *ctx, const struct lock_item *item, struct plan *plan, struct err *err)
{
	unsigned char digest[FORMAT_DIGEST];
	uint64_t size;
	cleanup_close int archive = store_blob(ctx->store, item->sha256, err);

	if (archive < 0 || check_blob(ctx->store, archive, item->sha256, err) < 0)
		return -1;
	int fd = unpack_member(ctx->store, archive, item->name, item->member, &size, digest, err);
	return fd < 0 ? -1 : plan_add_fd(plan, item->to, fd, size, digest, err);
}

static int file_place(struct ctx *ctx, const struct lock_item *item, struct plan *plan, struct err *err)
{
	if (!item->to)
		return err_set(err, ERR_USAGE, "the lock does not say where in the bundle it goes; run labgen lock");
	if (item->member)
		return place_member(ctx, item, plan, err);
	return plan_add_blob(plan, item->to, item->sha256, ctx->store, err);
}

const struct source_kind source_file = { "file", file_lock, file_fetch, file_place };
