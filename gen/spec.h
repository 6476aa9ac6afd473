#ifndef SPEC_H
#define SPEC_H

#include "err.h"

#include <stddef.h>

/*
 * The spec, lab.yaml, read with libyaml, strictly: an unknown or repeated key, a wrong type, a missing value is an
 * ERR_USAGE "lab.yaml:LINE:COLUMN: what, why". All strings are owned by the spec; a string that was not given is NULL.
 */

struct spec_kv {
	char *key;
	char *value;
};

/* One thing to pin. Which members are set depends on the kind; the others are NULL or 0. */
struct spec_item {
	const char *kind;	/* "file", "image", "chart", "git", "deb", "npm": static */
	char *name;		/* file, chart, git, deb, npm: its name; image: the reference as written */
	char *version;		/* file, chart; npm: behind the '@', may be NULL */
	int line, column;	/* where it stands, from 1 */

	char *url;		/* file: with ${version} ${os} ${arch}; git: the repository */
	char *checksum;		/* file: URL of a checksum file, with ${url} as well */
	char *minisign;		/* file: public key string of an upstream that signs */
	struct spec_kv *sha256;	/* file: digests given inline, key is a platform or "all" */
	size_t n_sha256;
	char *member;		/* file: path inside the archive, with the same variables */
	char *to;		/* file: member's path in the bundle; git: folder in the bundle;
				   image: "kicbase" for the cluster's base image */

	char *repo;		/* chart: https://... or oci://...; NULL where it comes from git */
	char *commit;		/* chart from git, git: commit or tag */
	char *path;		/* chart from git: folder in the tree */
	char *values;		/* chart: file in the lab's folder */
	char *release;		/* chart */
	char *wait;		/* chart: what up waits for, as "deploy/grafana" */
	int order;		/* chart */

	char **platforms;	/* NULL: all of the lab's; else NULL-terminated: only these */
};

struct spec_manifest {
	char *path;		/* in the lab's folder */
	int order;
	char *wait;		/* as "deploy/minio", or NULL */
};

struct spec_port {
	char *name;
	int local;		/* TCP port on 127.0.0.1 */
	char *to;		/* target minikube: "svc/grafana:3000"; else NULL */
	char *url;		/* what a person opens, or NULL */
};

struct spec_cluster {
	int memory;		/* MiB */
	int cpus;
	char *kubernetes, *runtime, *namespace, *base_image;
};

struct spec {
	char *file;		/* path of lab.yaml, for messages */
	char *dir;		/* the lab's folder */
	char *lab, *version;
	struct spec_kv *title;	/* key is a language, as "en" */
	size_t n_title;
	char *target;		/* "minikube" or "host" */
	char **platforms;	/* NULL-terminated */
	int has_cluster;
	struct spec_cluster cluster;
	char *deb_origin;	/* packages.deb_origin: take packages of this Release "Origin" only; or NULL */
	struct spec_item *items; /* files, charts, images, git, deb, npm, in this order and then as written */
	size_t n_items;
	struct spec_manifest *manifests;
	size_t n_manifests;
	struct spec_port *ports;
	size_t n_ports;
};

/* Reads DIR/lab.yaml. */
int spec_load(struct spec *spec, const char *dir, struct err *err);
void spec_release(struct spec *spec);
#define cleanup_spec __attribute__((cleanup(spec_release)))

/* Whether the item is wanted on that platform. */
int spec_item_on(const struct spec *spec, const struct spec_item *item, const char *platform);

/*
 * One line that holds everything of an item on which its pins depend; the lock records which of them it answers, and
 * lock --check compares. Owned by the caller. As "npm redis-commander@0.9.0".
 */
char *spec_item_ask(const struct spec *spec, const struct spec_item *item);

/*
 * Replaces ${version}, ${os}, ${arch} of the item and platform, and ${url} where url is not NULL. Owned by the caller.
 * ERR_USAGE with file:line:column for any other variable.
 */
char *spec_expand(const struct spec *spec, const struct spec_item *item, const char *text, const char *platform,
	const char *url, struct err *err);

#endif
