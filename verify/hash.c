/*
 * SHA256_*() itself, and not EVP_*() above it, which OpenSSL 3 would rather have: EVP first reads openssl.cnf, or the file
 * that $OPENSSL_CONF names, and loads the modules that it lists. A verifier lets nobody choose how it hashes. And without
 * it the one-file labverify is a fifth of the size, with no dlopen() or getaddrinfo() in it.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "hash.h"

#include "mem.h"

#include <openssl/sha.h>

struct hash {
	SHA256_CTX ctx;
};

/* Each of these returns 1, always: they compute, and ask for nothing. */
struct hash *hash_new(void)
{
	struct hash *h = xmalloc(sizeof(*h));

	(void)SHA256_Init(&h->ctx);
	return h;
}

void hash_free(struct hash *h)
{
	free(h);
}

void hash_update(struct hash *h, const void *data, size_t len)
{
	(void)SHA256_Update(&h->ctx, data, len);
}

void hash_final(struct hash *h, unsigned char digest[FORMAT_DIGEST])
{
	(void)SHA256_Final(digest, &h->ctx);
	(void)SHA256_Init(&h->ctx);
}

void hash_bytes(const void *data, size_t len, unsigned char digest[FORMAT_DIGEST])
{
	SHA256_CTX ctx;

	(void)SHA256_Init(&ctx);
	(void)SHA256_Update(&ctx, data, len);
	(void)SHA256_Final(digest, &ctx);
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
