#ifndef MINISIGN_H
#define MINISIGN_H

#include "buf.h"
#include "err.h"

#include <stddef.h>

/*
 * minisign's public keys and signatures (jedisct1.github.io/minisign, "File formats"). Only prehashed signatures
 * ("ED": Ed25519 over the BLAKE2b-512 of the message) are taken: one algorithm, one mode.
 */

#define MINISIGN_ID 8		/* bytes of a key id */
#define MINISIGN_ID_HEX 16	/* digits of a key id as minisign prints it */
#define MINISIGN_PUBLIC 32	/* bytes of an Ed25519 public key */
#define MINISIGN_HASH 64	/* bytes of the message's BLAKE2b-512 */
#define MINISIGN_SIG 64		/* bytes of an Ed25519 signature */
#define MINISIGN_COMMENT_MAX 256	/* bytes of a comment */
#define MINISIGN_KEY_MAX 1024	/* bytes of a public key file */

struct minisign_key {
	unsigned char id[MINISIGN_ID];
	unsigned char key[MINISIGN_PUBLIC];
};

struct minisign_sig {
	unsigned char id[MINISIGN_ID];
	unsigned char sig[MINISIGN_SIG];	/* over the message's BLAKE2b-512 */
	unsigned char global[MINISIGN_SIG];	/* over sig and the trusted comment */
	char untrusted[MINISIGN_COMMENT_MAX + 1];
	char trusted[MINISIGN_COMMENT_MAX + 1];
};

/*
 * Reads a public key from text: the 56 characters of base64 alone, or a key file (an untrusted comment and that line).
 * ERR_USAGE and why where it is neither.
 */
int minisign_key_parse(struct minisign_key *key, const char *text, size_t len, struct err *err);

/* minisign_key_parse() of arg itself where it is a key string, else of the file that it names. */
int minisign_key_load(struct minisign_key *key, const char *arg, struct err *err);

/* The id as minisign prints it: 16 upper-case hex digits and a NUL. */
void minisign_id_hex(const unsigned char id[MINISIGN_ID], char hex[MINISIGN_ID_HEX + 1]);

/*
 * Reads a signature file, strictly: four lines, each ended by one "\n", base64 in its one canonical spelling, comments
 * of printable ASCII and tabs (minisign's own default has those). ERR_AUTH and why where a byte is otherwise. So every
 * byte of an accepted file but the untrusted comment's is covered; the callers here compare that one as well.
 */
int minisign_sig_parse(struct minisign_sig *sig, const char *text, size_t len, struct err *err);

/* Adds the text of a signature file: minisign_sig_parse() reads just what this writes. */
void minisign_sig_text(const struct minisign_sig *sig, struct buf *out);

/*
 * Checks both signatures by key over a message of len bytes. ERR_AUTH: another key's, or not valid.
 */
int minisign_check(const struct minisign_sig *sig, const struct minisign_key *key, const void *msg, size_t len,
	struct err *err);

/* As minisign_check() for a message of which the caller computed the BLAKE2b-512: one too large for memory. */
int minisign_check_hash(const struct minisign_sig *sig, const struct minisign_key *key,
	const unsigned char hash[MINISIGN_HASH], struct err *err);

#endif
