#ifndef OCI_REF_H
#define OCI_REF_H

#include "err.h"
#include "hash.h"

#include <stddef.h>

/*
 * References to images, by the grammar of github.com/distribution/reference: HOST/REPOSITORY:TAG@DIGEST. A short name is
 * what Docker takes it for: "redis:8" is docker.io/library/redis:8. The digest is always a SHA-256.
 */

#define OCI_REPO_MAX 255	/* bytes of host, '/' and repository */
#define OCI_TAG_MAX 128

struct oci_ref {
	char *host;		/* "docker.io", "127.0.0.1:5000" */
	char *repo;		/* "library/redis" */
	char *tag;		/* or NULL */
	char digest[HASH_HEX + 1];	/* empty: none */
};

/* Reads a reference. ERR_USAGE where it is none, or has neither tag nor digest. Released after success only. */
int oci_ref_parse(struct oci_ref *ref, const char *text, struct err *err);

/* Reads HOST/REPOSITORY without tag and digest, as a chart's oci:// has it (without the scheme). */
int oci_ref_parse_name(struct oci_ref *ref, const char *text, struct err *err);

void oci_ref_release(struct oci_ref *ref);
#define cleanup_oci_ref __attribute__((cleanup(oci_ref_release)))

/* The whole reference, written out: "docker.io/library/redis:8@sha256:...". To be freed. */
char *oci_ref_text(const struct oci_ref *ref);

/* "docker.io/library/redis". To be freed. */
char *oci_ref_name(const struct oci_ref *ref);

/*
 * Reads "sha256:" and exactly 64 lower-case hex digits, and nothing else, into hex: no other text of a digest is ever
 * used for anything. Returns 0 or -1.
 */
int oci_digest_parse(const char *text, char hex[HASH_HEX + 1]);

#endif
