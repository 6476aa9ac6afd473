#ifndef BUNDLE_WRITE_H
#define BUNDLE_WRITE_H

#include "err.h"
#include "hash.h"
#include "plan.h"
#include "signer.h"
#include "store.h"

#include <stddef.h>
#include <stdint.h>

/* Writing a bundle, format 1: see format.h. */

struct bundle_job {
	const char *lab, *version, *platform;
	const struct plan *plan;	/* finished */
	const struct signer *signer;
	const struct store *store;	/* where the plan's blobs are */
	const char *out;		/* the file to write, which must not exist */
	uint64_t volume;		/* bytes of each volume OUT.001, ...; 0: one file */
	int quiet;			/* no progress */
};

struct bundle_facts {
	char id[HASH_HEX + 1];	/* bundle id */
	uint64_t size;		/* bytes of the file */
	size_t volumes;		/* 0: one file */
	size_t members;		/* without manifest and signature */
};

/*
 * Writes it, whole or not at all. Each member is read once, and hashed while it is copied; where one is not what the
 * plan says, ERR_AUTH names it, and a blob is dropped from the store so that it is fetched anew. A full disk is noticed
 * before anything is written, where the file system tells how full it is.
 */
int bundle_write(const struct bundle_job *job, struct bundle_facts *facts, struct err *err);

#endif
