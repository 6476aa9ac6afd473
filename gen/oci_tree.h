#ifndef OCI_TREE_H
#define OCI_TREE_H

#include "err.h"
#include "oci_doc.h"
#include "store.h"

#include <stddef.h>
#include <stdint.h>

/*
 * What an image is made of on one platform, found in the store by digests alone: from the digest that its registry serves,
 * an index or a manifest, by way of nested indexes, to the configuration and the layers. A pure function of these bytes.
 */

#define OCI_BESIDES_MAX 10	/* documents besides the image's own */
#define OCI_DEPTH_MAX 3		/* indexes in indexes: how deep */

struct oci_tree {
	struct oci_desc top;		/* an index, or the manifest itself */
	struct oci_desc manifest;
	struct oci_desc config;
	struct oci_desc *layers;
	size_t n_layers;
	/*
	 * Documents besides these that an engine on the platform opens while it imports top: indexes in it, and manifests for
	 * older machines that it could run as well (containerd: 386 on amd64, arm on arm64). Without them the import fails.
	 */
	struct oci_desc besides[OCI_BESIDES_MAX];
	size_t n_besides;
};

/* What the store lacks before it can be told. */
struct oci_need {
	char digest[HASH_HEX + 1];
	uint64_t size;		/* 0: not known */
	int blob;		/* a blob, not a manifest or an index */
};

/*
 * Finds the tree of the image with the digest top (64 hex) for a platform such as linux/amd64. Returns 0; 1 where the store
 * lacks something, which need says; -1 where it is no image that can be used, or not for that platform. A file of the store
 * that is damaged is removed from it, and so lacking. The tree is to be released in each case.
 */
int oci_tree_find(const struct store *store, const char *top, const char *platform, struct oci_tree *tree,
	struct oci_need *need, struct err *err);
void oci_tree_release(struct oci_tree *tree);
#define cleanup_oci_tree __attribute__((cleanup(oci_tree_release)))

#endif
