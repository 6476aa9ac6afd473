#ifndef MIRROR_H
#define MIRROR_H

#include "err.h"

#include <stddef.h>

/*
 * Mirrors: where to go instead of a host. From --mirror HOST=URL, and from $XDG_CONFIG_HOME/labgen/config.yaml (else
 * ~/.config/labgen/config.yaml):
 *
 *	mirrors:
 *	  docker.io: http://127.0.0.1:5000
 *
 * What comes from a mirror is held against the same digests; only lock believes a mirror what a tag means.
 */

#define MIRRORS_MAX 64
#define MIRROR_FILE_MAX 65536	/* bytes of config.yaml */

struct mirror {
	char *host;	/* "docker.io", with its port where it has one */
	char *url;	/* "http://127.0.0.1:5000" or with a path behind it; without a '/' at the end */
};

struct mirrors {
	struct mirror *list;
	size_t n;
};

/* Adds "HOST=URL". ERR_USAGE where it is no such thing, or the host has a mirror already. */
int mirrors_add(struct mirrors *m, const char *text, struct err *err);

/* Adds what config.yaml names for other hosts than m has. That there is no such file is fine. */
int mirrors_load(struct mirrors *m, struct err *err);

/* The URL for a host, or NULL. */
const char *mirrors_find(const struct mirrors *m, const char *host);

void mirrors_release(struct mirrors *m);

#endif
