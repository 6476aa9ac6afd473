#ifndef NAMED_H
#define NAMED_H

#include "bundle.h"
#include "volumes.h"

/* A bundle as people name it: NAME.tar, or NAME.tar.volumes for its volumes. */
struct named {
	char *path;		/* as given */
	char *stem;		/* NAME.tar */
	struct volumes volumes;	/* n is 0 where it is one file */
	struct input in;
};

/*
 * Opens it; a list of volumes is checked by the keys. Sets where their countersignatures lie. To be released also when it
 * fails. ERR_USAGE for what cannot be read twice.
 */
int named_open(struct named *n, const char *path, struct keyring *keys, struct err *err);

/* Checks all of it, as labverify does. *b is to be released only after success. */
int named_read(struct named *n, struct bundle *b, struct keyring *keys, struct err *err);

void named_release(struct named *n);
#define cleanup_named __attribute__((cleanup(named_release)))

#endif
