#include "hash.h"

#include "mem.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

struct hash {
	EVP_MD_CTX *ctx;
};

/* libcrypto fails here only where it has no memory or no SHA-256: neither leaves anything to do. */
static void must(int ok)
{
	if (ok != 1) {
		fputs("libcrypto cannot compute SHA-256\n", stderr);
		_exit(1);
	}
}

void hash_init(void)
{
	must(OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL));
	must(OSSL_LIB_CTX_get0_global_default() != NULL); /* it is used unchecked later */
}

struct hash *hash_new(void)
{
	struct hash *h = xmalloc(sizeof(*h));

	h->ctx = EVP_MD_CTX_new();
	must(h->ctx != NULL);
	must(EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL));
	return h;
}

void hash_free(struct hash *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

void hash_update(struct hash *h, const void *data, size_t len)
{
	must(EVP_DigestUpdate(h->ctx, data, len));
}

void hash_final(struct hash *h, unsigned char digest[FORMAT_DIGEST])
{
	must(EVP_DigestFinal_ex(h->ctx, digest, NULL));
	must(EVP_DigestInit_ex(h->ctx, NULL, NULL));
}

void hash_bytes(const void *data, size_t len, unsigned char digest[FORMAT_DIGEST])
{
	must(EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL));
}

void hash_to_hex(const unsigned char digest[FORMAT_DIGEST], char hex[HASH_HEX + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < FORMAT_DIGEST; i++) {
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	hex[HASH_HEX] = '\0';
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int hash_from_hex(const char *hex, unsigned char digest[FORMAT_DIGEST])
{
	for (size_t i = 0; i < FORMAT_DIGEST; i++) {
		int high = nibble(hex[2 * i]);
		if (high < 0)
			return -1;
		int low = nibble(hex[2 * i + 1]);
		if (low < 0)
			return -1;
		digest[i] = (unsigned char)(high << 4 | low);
	}
	return 0;
}
