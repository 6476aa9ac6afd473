#ifndef KEYRING_H
#define KEYRING_H

#include "err.h"
#include "minisign.h"

#include <stddef.h>

/*
 * The keys that a caller trusts, and what they say of a signed text. A bundle carries one signature; others can
 * countersign it, each with a detached file beside the bundle. Any one of the keys suffices, unless all are wanted.
 */

#define KEYRING_MAX 16	/* keys, and countersignatures */

struct keyring_key {
	struct minisign_key key;
	int vouched;		/* a signature by it was found good */
};

struct keyring {
	struct keyring_key keys[KEYRING_MAX];
	size_t n;
	int all;		/* every key has to vouch */
	char *beside;		/* where countersignatures lie: BESIDE.KEYID.minisig; NULL: none are looked for; owned */
};

/* Adds a key: a file or a key string, see minisign_key_load(). The same key twice counts once. */
int keyring_add(struct keyring *ring, const char *arg, struct err *err);

/*
 * Checks text (len bytes) and the signature file that came with it (sig_text), and reads that into *sig. Good when a
 * trusted key signed it, or countersigned it (which covers the signature file as well), or, with ring->all, when every
 * one did. Sets each key's vouched. ERR_AUTH otherwise.
 */
int keyring_check(struct keyring *ring, const char *text, size_t len, const char *sig_text, size_t sig_len,
	struct minisign_sig *sig, struct err *err);

/*
 * The trusted comment of a countersignature: that of the signature, and its file's SHA-256, so that it covers both.
 * Owned by the caller.
 */
char *keyring_counter_comment(const char *trusted, const char *sig_text, size_t sig_len);

/* The file that key i's countersignature would be, or NULL where none is looked for. Owned by the caller. */
char *keyring_counter_path(const struct keyring *ring, size_t i);

void keyring_release(struct keyring *ring);
#define cleanup_keyring __attribute__((cleanup(keyring_release)))

#endif
