#ifndef OCI_LAYOUT_H
#define OCI_LAYOUT_H

#include "err.h"
#include "plan.h"
#include "source.h"

/*
 * The images of a plan (plan_add_image()) as members. Each folder (images/, kicbase/) is an OCI image layout
 * (image-spec, image-layout.md) in which each blob is once, and an archive for docker load as well:
 *
 *	oci-layout
 *	index.json		each image by the digest that its registry serves, named for containerd (io.containerd.image.name)
 *				as HOST/REPO:TAG and as HOST/REPO@sha256:DIGEST, so that either is found, sorted by name
 *	manifest.json		Docker's: configuration, layers, and the tags
 *	blobs/sha256/...	of the wanted platform alone; an index names others, which are not there
 */
int oci_layout_build(struct ctx *ctx, struct plan *plan, struct err *err);

#endif
