#ifndef RESOLVE_H
#define RESOLVE_H

#include "err.h"
#include "lock.h"
#include "source.h"

/*
 * Makes the lock of ctx->spec. old is the lock that was, or NULL. Without updates (n_updates 0) everything is resolved
 * anew; with them only what they name (an item's name, "KIND/NAME", or a kind), what old has no answer for, and, since
 * packages depend on each other, all of a deb or npm kind of which something is; the rest is taken over from old, which
 * is then missing it.
 *
 * ERR_AUTH where what old pinned is asked for as before and is now other bytes under the same version, address and name
 * (a moved tag, a replaced file), unless updates name it.
 */
int resolve(struct ctx *ctx, struct lock *old, char *const *updates, size_t n_updates, struct lock *lock, struct err *err);

#endif
