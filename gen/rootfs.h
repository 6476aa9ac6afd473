#ifndef ROOTFS_H
#define ROOTFS_H

#include "err.h"
#include "plan.h"
#include "source.h"

/*
 * Derives the root file system of target host from the plan's packages (plan->rootfs) and the templates below
 * host/rootfs/, and adds it as the member rootfs.tar: the same bytes from the same packages.
 */
int rootfs_build(struct ctx *ctx, struct plan *plan, struct err *err);

#endif
