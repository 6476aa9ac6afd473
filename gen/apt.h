#ifndef APT_H
#define APT_H

#include "err.h"
#include "store.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The machine's own apt, its sources, keys and proxies, against a private state below the store: its own indexes, and a
 * dpkg status that is empty, so that what is installed on the machine makes no difference. Needs no root.
 */

struct apt {
	const struct store *store;
	char *dir;	/* STORE/apt/ARCH */
	char *conf;	/* apt.conf below it */
	int lock;	/* held while it is open: one process at a time */
};

#define APT_INIT { NULL, NULL, NULL, -1 }

/* One package as apt would download it. */
struct apt_deb {
	char *uri, *name, *version;
	uint64_t size;
	char sha256[65];
};

struct apt_debs {
	struct apt_deb *debs;
	size_t n;
};

/* arch: Debian's, as "amd64". origin: only packages of this Release "Origin"; NULL: as the machine is configured. */
int apt_open(struct apt *a, const struct store *store, const char *arch, const char *origin, struct err *err);
void apt_close(struct apt *a);
#define cleanup_apt __attribute__((cleanup(apt_close)))

/* Whether indexes were ever fetched here. */
int apt_has_lists(const struct apt *a);

/* Fetches the indexes, checked against the machine's keys. Any that fails is an error that names its host. */
int apt_update(const struct apt *a, struct err *err);

/*
 * The closure of the packages asks ("name" or "name=version", NULL-terminated). *bad becomes the index of the one that apt
 * complains of, or -1.
 */
int apt_closure(const struct apt *a, char *const *asks, struct apt_debs *out, int *bad, struct err *err);

/* Where these packages ("name=version", NULL-terminated) are: those that apt does not know are missing from out. */
int apt_addresses(const struct apt *a, char *const *asks, struct apt_debs *out, struct err *err);

void apt_debs_release(struct apt_debs *d);
#define cleanup_apt_debs __attribute__((cleanup(apt_debs_release)))

/* The proxy that apt uses for a URL, to be freed: "" for none; NULL where apt is told nothing. */
char *apt_proxy(const struct apt *a, const char *url);

/* Reads the lines of apt-get --print-uris: 'URI' FILE SIZE SHA256:HEX. ERR_WORK for another shape. */
int apt_parse_uris(const char *text, struct apt_debs *out, struct err *err);

#endif
