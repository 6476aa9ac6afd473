#ifndef DIFF_H
#define DIFF_H

#include "buf.h"
#include "bundle.h"
#include "err.h"
#include "lock.h"

#include <stddef.h>
#include <stdint.h>

/* What differs between two locks, or two bundles. */

#define DIFF_FIELDS_MAX 16

/* An artifact or a member. */
struct diff_thing {
	char *name;		/* "KIND/NAME" with "/OS/ARCH" where it has one; a member's path */
	const char *version;	/* borrowed; or NULL */
	uint64_t size;		/* bytes; 0: not known */
	char digest[65];
	char *fields[DIFF_FIELDS_MAX];	/* what else is compared, see diff_labels; owned; or NULL */
};

/* Names of the fields; NULL-terminated. */
extern const char *const diff_labels[];

/* One side. It borrows from the lock or bundle that it is made of. */
struct diff_side {
	const char *lab, *version;
	char *platforms;	/* owned */
	char *asks;		/* of a lock: what lab.yaml asked for; owned */
	struct diff_thing *things;	/* sorted by name and version after diff_make() */
	size_t n;
	uint64_t size;		/* bytes of all */
};

void diff_side_lock(struct diff_side *side, const struct lock *lock);
void diff_side_bundle(struct diff_side *side, const struct bundle *b);
void diff_side_release(struct diff_side *side);

/* Of one name, old or new: NULL where that side has none. Two are the same thing, changed. */
struct diff_pair {
	const struct diff_thing *old, *new;
};

struct diff {
	const struct diff_side *old, *new;
	struct diff_pair *pairs;	/* those that differ, by name */
	size_t n;
	size_t same;		/* how many do not */
};

/*
 * Compares. Of a name that a side has in several versions (npm has), equal versions belong together first, and then what
 * is left, in order.
 */
void diff_make(struct diff *d, struct diff_side *old, struct diff_side *new);
void diff_release(struct diff *d);

/* Whether nothing differs. */
int diff_equal(const struct diff *d);

/* "version, digest, size": what differs between both of a pair. sep stands between. */
void diff_pair_what(const struct diff_pair *p, const char *sep, struct buf *out);

/* Aligned lines and a total; or "no differences". */
void diff_text(const struct diff *d, struct buf *out);

/* One JSON document. */
int diff_json(const struct diff *d, struct buf *out, struct err *err);

#endif
