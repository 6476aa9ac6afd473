#ifndef MEMBERS_H
#define MEMBERS_H

#include "err.h"
#include "lock.h"
#include "plan.h"
#include "source.h"

/*
 * Makes the whole, finished plan of a bundle for ctx->platform: the lab script and its parts from the templates, lab.env,
 * lab.lock, sbom.cdx.json, labverify, the files of the lab's own folder, and what the artifacts become. root is the
 * bundle's root folder. Needs no network; all artifacts must be in the store. lock has to outlive the plan.
 */
int members_plan(struct ctx *ctx, struct lock *lock, const char *root, struct plan *plan, struct err *err);


#endif
