#ifndef WORK_H
#define WORK_H

#include "cmd.h"
#include "err.h"
#include "lock.h"
#include "mirror.h"
#include "source.h"
#include "spec.h"

/* What the verbs on a lab work with: its spec, its lock, the store, the downloads. Starts as zeros. */
struct work {
	struct spec spec;
	struct lock lock;
	struct store *store;
	struct http *http;
	int jobs, quiet;
	struct mirrors mirrors;
	struct ctx ctx;
};

void work_release(struct work *w);
#define cleanup_work __attribute__((cleanup(work_release)))

/* Reads the spec that the call names, its options j and q, and the mirrors of its options and of config.yaml. */
int work_spec(struct work *w, const struct cmd_args *args, struct err *err);

/* work_spec(), and the lock, which must answer the spec. */
int work_lock(struct work *w, const struct cmd_args *args, struct err *err);

/* Opens the store. */
int work_store(struct work *w, struct err *err);

/* Opens the store and the downloads. */
int work_net(struct work *w, struct err *err);

/*
 * The platforms to work for: the one that --platform (P) names, which the lab must have, as {P, NULL} in list; else all of
 * the lab's. Returns the NULL-terminated list, or NULL with err set.
 */
const char *const *work_platforms(const struct work *w, const struct cmd_args *args, const char *list[2], struct err *err);

/*
 * Brings everything that the lock names for these platforms into the store. Reports each failure on its own; then the
 * return is -1 and err says how many there were.
 */
int work_fetch(struct work *w, const char *const *platforms, struct err *err);

/* Whether the store has an artifact. */
int work_stored(const struct work *w, const struct lock_item *item);

#define WORK_OPT_MIRROR_ID 300
#define WORK_OPT_MIRROR { .id = WORK_OPT_MIRROR_ID, .name = "mirror", .arg = "HOST=URL", .many = 1, \
	.help = "take images of HOST from there, as docker.io=http://127.0.0.1:5000; may be given again" }
#define WORK_OPT_PLATFORM { .id = 'p', .name = "platform", .arg = "OS/ARCH", .help = "only for this platform of the lab's" }

#endif
