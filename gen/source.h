#ifndef SOURCE_H
#define SOURCE_H

#include "err.h"
#include "http.h"
#include "lock.h"
#include "mirror.h"
#include "plan.h"
#include "spec.h"
#include "store.h"

/*
 * A source kind: how a pinned thing is found, fetched and placed. Only lock resolves names; fetch takes pinned digests
 * and nothing else; place says which members of the bundle it becomes and needs no network.
 *
 * Adding a kind is one src_KIND.c, one line in the table of source.c, one test file.
 */

struct ctx {
	const struct spec *spec;
	struct store *store;
	struct http *http;	/* NULL for place */
	const struct mirrors *mirrors;	/* where to go instead of hosts; or NULL */
	const char *platform;	/* fetch, place: the one wanted */
	int quiet;
	struct err *failures;	/* what fetch_failed() collected: starts as NULL and 0 */
	size_t n_failures;
};

struct source_kind {
	const char *name;

	/*
	 * Resolves all items of this kind in the spec at once, for all of the lab's platforms, and adds what it found to
	 * lock. Kinds whose packages depend on each other have to see them together.
	 */
	int (*lock)(struct ctx *ctx, const struct spec_item *const *items, size_t n, struct lock *lock, struct err *err);

	/*
	 * Brings what is missing of these items into the store, in parallel. One that fails does not stop the others: every
	 * failure is reported with fetch_failed(); the return is -1 where there was one.
	 */
	int (*fetch)(struct ctx *ctx, const struct lock_item *const *items, size_t n, struct err *err);

	/* Adds the item's members to the plan. */
	int (*place)(struct ctx *ctx, const struct lock_item *item, struct plan *plan, struct err *err);
};

extern const struct source_kind source_file, source_image, source_deb, source_npm;

/* The table, NULL-terminated. */
extern const struct source_kind *const source_kinds[];

const struct source_kind *source_find(const char *name);

/* Notes the failure of one artifact of a fetch, "ID: MESSAGE"; the verb lists them at the end. */
void fetch_failed(struct ctx *ctx, const struct lock_item *item, const struct err *err);

/*
 * Notes the failures of jobs, jobs[i] for items[i]. Those with one and the same cause, as a host that is not reached, are
 * one note.
 */
void fetch_failed_jobs(struct ctx *ctx, const struct lock_item *const *items, const struct http_job *jobs, size_t n);

/* Notes one failure of n items. */
void fetch_failed_all(struct ctx *ctx, const struct lock_item *const *items, size_t n, const struct err *err);

/* Frees the failures of ctx. */
void fetch_failures_release(struct ctx *ctx);

/* ERR_WORK (or ERR_AUTH, where one of them was) that there were failures since ctx had n of them. */
int fetch_result(const struct ctx *ctx, size_t n, struct err *err);

/* "FILE:LINE:COLUMN: " of the item put before what err says; the code stays. Returns -1. */
int source_at(const struct ctx *ctx, const struct spec_item *item, struct err *err);

#endif
