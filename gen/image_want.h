#ifndef IMAGE_WANT_H
#define IMAGE_WANT_H

#include "lock.h"
#include "oci.h"
#include "oci_ref.h"
#include "oci_tree.h"
#include "spec.h"
#include "store.h"

/* Images on their way into the store. Private to source kind image. */

/* One image on one platform. */
struct want {
	const struct spec_item *item;	/* lock */
	const struct lock_item *locked;	/* fetch */
	struct oci_ref ref;
	char *text;			/* the reference, written out */
	char top[HASH_HEX + 1];		/* empty: not known yet */
	char said[HTTP_WORD_MAX];	/* lock: the media type that the registry gave it, or empty */
	const char *platform;
	struct oci_tree tree;
	struct oci_need need;
	int done, failed;
	struct err err;
};

void want_release(struct want *w);

/*
 * Finds the trees of all wants that have not failed and whose top is known, and brings the documents that this takes into
 * the store. Each is done or failed then.
 */
void want_trees(struct oci *oci, const struct store *store, struct want *wants, size_t n);

/* Brings the configurations and layers of those that are done into the store, each once. */
void want_pieces(struct oci *oci, const struct store *store, struct want *wants, size_t n);

#endif
