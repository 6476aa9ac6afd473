#ifndef EXTRACT_H
#define EXTRACT_H

#include "bundle.h"

/*
 * Checks a bundle and writes its members into the new folder target, which appears whole, when everything was found
 * good, or not at all: work goes on in ".NAME.labverify" beside it, which a later call cleans up if this one is killed.
 * target may exist as an empty folder. *b is set, and to be released, only on success. Errors as bundle_read()'s, and
 * ERR_USAGE for a target that cannot be.
 */
int extract(const char *target, struct bundle *b, struct input *in, struct keyring *keys, unsigned threads,
	struct err *err);

#endif
