#ifndef SIGNER_H
#define SIGNER_H

#include "err.h"
#include "minisign.h"

#include <stddef.h>

/*
 * A secret key, in minisign's own file format (jedisct1.github.io/minisign, "File formats"): encrypted by a password, or
 * as "minisign -G -W" writes it. It is kept in guarded memory that is wiped in the end.
 */

struct signer;

/* A new key. */
int signer_generate(struct signer **out, struct err *err);

/*
 * Reads a key file. Where it is encrypted, the password comes from password_file, or is asked for on the terminal.
 * ERR_USAGE where it is no secret key, is damaged, or the password is another.
 */
int signer_load(struct signer **out, const char *file, const char *password_file, struct err *err);

void signer_free(struct signer *s);
static inline void signer_freep(struct signer **s) { signer_free(*s); }
#define cleanup_signer __attribute__((cleanup(signer_freep)))

/*
 * Writes NAME.key (mode 0600) and NAME.pub, or neither; neither may exist. Encrypted by password; NULL: not encrypted.
 */
int signer_save(const struct signer *s, const char *name, const char *password, struct err *err);

/* Its public half. */
void signer_public(const struct signer *s, struct minisign_key *key);

/* Signs a message, prehashed, with both comments. ERR_USAGE where a comment is too long. */
int signer_sign(const struct signer *s, const void *msg, size_t len, const char *untrusted, const char *trusted,
	struct minisign_sig *sig, struct err *err);

#endif
