#ifndef SPEC_READ_H
#define SPEC_READ_H

#include "spec.h"
#include "ytree.h"

/* Between spec.c and spec_items.c. */

#define SPEC_FILE_MAX (1u << 20)	/* bytes of lab.yaml */
#define SPEC_NODES_MAX 20000		/* YAML values in it */
#define SPEC_ITEMS_MAX 2000		/* things to pin */
#define SPEC_LIST_MAX 500		/* manifests; ports */
#define SPEC_ORDER_MAX 9999

/* Reads files, charts, images, git and packages of the root mapping into spec->items, in that order. */
int spec_read_items(struct spec *spec, const struct ytree *t, const struct ytree_node *root, struct err *err);

void spec_item_release(struct spec_item *item);
void spec_kvs_free(struct spec_kv *kvs, size_t n);

/* Adds to a list of pairs. */
void spec_kv_add(struct spec_kv **kvs, size_t *n, const char *key, const char *value);

#endif
