#ifndef HTTP_KNOWN_H
#define HTTP_KNOWN_H

#include "store.h"

#include <stdint.h>

/*
 * Which blob has a SHA-512, for what is pinned by that alone: notes below the store's folder known/. A note is only a
 * hint: the blob is hashed both ways before it is taken for what is asked for.
 */

/* Finds the blob whose SHA-512 is that (standard base64). Returns whether there is one. */
int known_find(const struct store *store, const char *sha512, char sha256[65], uint64_t *size);

/* Notes a blob's SHA-512. That it fails does no harm. */
void known_add(const struct store *store, const char *sha512, const char *sha256);

#endif
