#ifndef HASH_H
#define HASH_H

#include "err.h"
#include "format.h"

#include <stddef.h>
#include <stdint.h>

/* SHA-256 (FIPS 180-4) by libcrypto, which uses the processor's instructions where it has them. */

#define HASH_HEX (2 * FORMAT_DIGEST)	/* digits of a digest written out */

struct hash;	/* a running SHA-256 */

struct hash *hash_new(void);
void hash_free(struct hash *h);
static inline void hash_freep(struct hash **h) { hash_free(*h); }
#define cleanup_hash __attribute__((cleanup(hash_freep)))

void hash_update(struct hash *h, const void *data, size_t len);
/* Gives the digest and makes h ready for the next message. */
void hash_final(struct hash *h, unsigned char digest[FORMAT_DIGEST]);

/* The digest of len bytes. */
void hash_bytes(const void *data, size_t len, unsigned char digest[FORMAT_DIGEST]);

/* Writes a digest as 64 lower-case hex digits and a NUL. */
void hash_to_hex(const unsigned char digest[FORMAT_DIGEST], char hex[HASH_HEX + 1]);

/* Reads exactly 64 lower-case hex digits (what follows them is not looked at). Returns 0, or -1 for anything else. */
int hash_from_hex(const char *hex, unsigned char digest[FORMAT_DIGEST]);

#endif
