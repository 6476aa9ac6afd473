#ifndef OCI_H
#define OCI_H

#include "err.h"
#include "hash.h"
#include "http.h"
#include "mirror.h"
#include "oci_ref.h"
#include "store.h"

#include <stddef.h>
#include <stdint.h>

/*
 * A client of registries: the pull half of the distribution specification 1.1 (github.com/opencontainers/distribution-spec)
 * over http.h. docker.io is spoken to at registry-1.docker.io. Plain http is for this machine's own addresses, and for a
 * mirror whose URL says so. A path in a mirror's URL goes before the repository's name: with docker.io=https://h/p,
 * library/redis is p/library/redis at h.
 */

struct oci;

/* mirrors is borrowed, and may be NULL. */
struct oci *oci_open(struct http *http, struct store *store, const struct mirrors *mirrors);
void oci_close(struct oci *oci);
static inline void oci_closep(struct oci **oci) { if (*oci) oci_close(*oci); }
#define cleanup_oci __attribute__((cleanup(oci_closep)))

/* A manifest, an index or a blob to fetch into the store, and what came of it. Strings are borrowed. */
struct oci_job {
	const struct oci_ref *ref;	/* host and repository of it are meant */
	const char *label;	/* for progress */
	int blob;		/* a blob, not a manifest or an index */
	const char *tag;	/* manifest: by its tag; NULL: by its digest */
	const char *sha256;	/* 64 hex: what it must be; may be NULL with a tag only */
	uint64_t size;		/* expected bytes; 0: not known */

	int failed;		/* result: see err */
	struct err err;
	char got_sha256[HASH_HEX + 1];	/* result */
	uint64_t got_size;
	char media_type[HTTP_WORD_MAX];	/* result: Content-Type; empty where the store had it */
};

/*
 * Fetches all of them, in parallel, with the logins that they need. A failure stops no other; returns how many failed.
 * What came by a tag must have the digest that the registry named for it.
 */
size_t oci_fetch(struct oci *oci, struct oci_job *jobs, size_t n);

/* The URL at which a registry's host is spoken to, without "/v2/". To be freed. */
char *oci_base_url(const char *host, const struct mirrors *mirrors);

#endif
