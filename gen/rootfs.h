#ifndef ROOTFS_H
#define ROOTFS_H

#include "err.h"
#include "plan.h"
#include "source.h"

/*
 * The member rootfs.tar: the root file system of target host, made of all deb and npm items of plan->rootfs. A pure
 * function of them and of the files that labgen itself brings (templates/host/rootfs/, which go before a package's):
 * the packages' files in the order of the items' ids, owner 0:0, one constant time, no device files. Maintainer scripts
 * and install scripts never run. npm packages lie in /opt/npm.
 */
int rootfs_build(struct ctx *ctx, struct plan *plan, struct err *err);

#endif
