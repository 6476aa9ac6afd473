#ifndef NPM_H
#define NPM_H

#include "err.h"

#include <jansson.h>
#include <stddef.h>

/* npm as the machine has it: its configuration, and its lock file read. */

struct npm_config {
	json_t *all;	/* what "npm config list" says */
};

/* Asks npm for its configuration. Credentials are not among what it tells. */
int npm_config_load(struct npm_config *c, struct err *err);
void npm_config_release(struct npm_config *c);
#define cleanup_npm_config __attribute__((cleanup(npm_config_release)))

/* The value of a key that is a text, borrowed; NULL where it has none. */
const char *npm_config_text(const struct npm_config *c, const char *key);

/* The registry of a package, by its scope, with a '/' at the end; to be freed. ERR_WORK (NULL) where there is none. */
char *npm_registry(const struct npm_config *c, const char *name, struct err *err);

/* Where a registry has the tarball of a version, to be freed: the usual place. */
char *npm_tarball(const char *registry, const char *name, const char *version);

/* The proxy that npm is told to use for a URL; NULL: what the environment says. */
const char *npm_proxy(const struct npm_config *c, const char *url);

#define NPM_LOCKFILE_MAX (64u << 20)	/* bytes of package-lock.json */

/* One package of a closure. */
struct npm_package {
	char *name, *version;
	char *integrity;	/* "sha512-" and base64 */
	char **paths;		/* where it is installed, "node_modules/...": n_paths of them */
	size_t n_paths;
	unsigned platforms;	/* bit i: runs on platforms[i] */
};

struct npm_packages {
	struct npm_package *list;
	size_t n;
};

/*
 * Reads a package-lock.json of version 3. platforms: as "linux/amd64", NULL-terminated, at most 32; what runs on none
 * of them is left out. ERR_WORK names the package that does not come from a registry, or without a sha512.
 */
int npm_lockfile_parse(const char *text, size_t len, char *const *platforms, struct npm_packages *out, struct err *err);

void npm_packages_release(struct npm_packages *p);
#define cleanup_npm_packages __attribute__((cleanup(npm_packages_release)))

#endif
