#ifndef OCI_DOC_H
#define OCI_DOC_H

#include "err.h"
#include "hash.h"

#include <stddef.h>
#include <stdint.h>

/*
 * What registries describe images with: manifests and indexes of the OCI image specification 1.1
 * (github.com/opencontainers/image-spec) and of Docker's image manifest version 2, schema 2. Read strictly: a digest is a
 * SHA-256 of exactly the right shape, and every size and count has a limit.
 */

#define OCI_DOC_MAX (4u << 20)		/* bytes of a manifest or an index: what the distribution specification asks for */
#define OCI_CONFIG_MAX (8u << 20)	/* bytes of an image's configuration */
#define OCI_LAYERS_MAX 500		/* layers of an image; with the rest of its blobs fewer than a lock takes */
#define OCI_ENTRIES_MAX 1000		/* entries of an index */
#define OCI_WORD_MAX 256		/* bytes of a media type, of an architecture */

/* What an Accept header asks for: each of these, and so no manifest of schema 1. */
extern const char oci_accept[];

/* One blob as a document describes it. */
struct oci_desc {
	char *media_type;
	char digest[HASH_HEX + 1];
	uint64_t size;		/* bytes, over 0 */
	char *os, *arch, *variant;	/* entry of an index: its platform; or NULL */
};

enum oci_doc_type { OCI_MANIFEST, OCI_INDEX };

struct oci_doc {
	enum oci_doc_type type;
	const char *media_type;	/* static: one of the four */
	struct oci_desc config;	/* manifest */
	struct oci_desc *list;	/* manifest: layers; index: entries */
	size_t n;
};

/*
 * Reads a manifest or an index of len bytes. ERR_WORK and why where it is neither, or of schema 1, or exceeds a limit.
 * Released after success only.
 */
int oci_doc_parse(struct oci_doc *doc, const char *text, size_t len, struct err *err);
void oci_doc_release(struct oci_doc *doc);
#define cleanup_oci_doc __attribute__((cleanup(oci_doc_release)))

void oci_desc_release(struct oci_desc *desc);
void oci_desc_copy(struct oci_desc *to, const struct oci_desc *from);

/*
 * Whether a manifest is an image's that every container engine runs: its configuration and layers have the media types of
 * images, and none is foreign (kept elsewhere, not to be passed on) or encrypted. ERR_WORK says what is wrong.
 */
int oci_doc_check_image(const struct oci_doc *doc, struct err *err);

/* Whether a media type is an index's; a manifest's. */
int oci_is_index(const char *media_type);
int oci_is_manifest(const char *media_type);

/* Reads os and architecture of an image's configuration; both to be freed. */
int oci_config_platform(const char *text, size_t len, char **os, char **arch, struct err *err);

#endif
