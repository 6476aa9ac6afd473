#ifndef IMAGE_H
#define IMAGE_H

#include "err.h"
#include "lock.h"
#include "oci_tree.h"
#include "source.h"

/* What source kind image shares with the making of the layout and with plan. */

/*
 * The tree of an image on the platform that a bundle is for, from the store. ERR_WORK where the store lacks a part of it;
 * ERR_AUTH where the lock pins other parts than the digest stands for. To be released in each case.
 */
int image_tree(const struct store *store, const struct lock_item *item, const char *platform, struct oci_tree *tree,
	struct err *err);

/* Whether the store has all of an image for ctx->platform, or for all of the lab's where that is NULL. */
int image_stored(const struct ctx *ctx, const struct lock_item *item);

/* The folder of the bundle that an image goes to: "images", or "kicbase" for the one that the cluster's node is made of. */
const char *image_folder(const struct lock_item *item);

#endif
