#include "signer.h"

#include "mem.h"
#include "signer_file.h"

#include <sodium.h>
#include <string.h>

static int has_nothing(struct err *err)
{
	return err_set(err, ERR_WORK, "no guarded memory for a secret key");
}

struct signer *signer_alloc(struct err *err)
{
	struct signer *s = sodium_init() < 0 ? NULL : sodium_malloc(sizeof(*s));

	if (!s)
		(void)has_nothing(err);
	else
		sodium_memzero(s, sizeof(*s));
	return s;
}

void signer_free(struct signer *s)
{
	sodium_free(s); /* which wipes it */
}

int signer_generate(struct signer **out, struct err *err)
{
	unsigned char public[crypto_sign_PUBLICKEYBYTES];
	struct signer *s = signer_alloc(err);

	if (!s)
		return -1;
	randombytes_buf(s->id, sizeof(s->id));
	(void)crypto_sign_keypair(public, s->key);
	*out = s;
	return 0;
}

void signer_public(const struct signer *s, struct minisign_key *key)
{
	memcpy(key->id, s->id, sizeof(key->id));
	(void)crypto_sign_ed25519_sk_to_pk(key->key, s->key);
}

int signer_sign(const struct signer *s, const void *msg, size_t len, const char *untrusted, const char *trusted,
	struct minisign_sig *sig, struct err *err)
{
	unsigned char hash[MINISIGN_HASH];
	unsigned char both[MINISIGN_SIG + MINISIGN_COMMENT_MAX];
	size_t comment = strlen(trusted);

	*sig = (struct minisign_sig){ 0 };
	if (strlen(untrusted) > MINISIGN_COMMENT_MAX || comment > MINISIGN_COMMENT_MAX)
		return err_set(err, ERR_USAGE, "a signature's comment is over %d bytes", MINISIGN_COMMENT_MAX);
	memcpy(sig->id, s->id, sizeof(sig->id));
	memcpy(sig->untrusted, untrusted, strlen(untrusted));
	memcpy(sig->trusted, trusted, comment);

	(void)crypto_generichash(hash, sizeof(hash), msg, len, NULL, 0);
	(void)crypto_sign_detached(sig->sig, NULL, hash, sizeof(hash), s->key);
	memcpy(both, sig->sig, MINISIGN_SIG);
	memcpy(both + MINISIGN_SIG, trusted, comment);
	(void)crypto_sign_detached(sig->global, NULL, both, MINISIGN_SIG + comment, s->key);
	return 0;
}
