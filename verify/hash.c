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

/* A lower-case hex digit's value and 1; 0: it is none. */
static const unsigned char nibbles[256] = {
	['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6, ['6'] = 7, ['7'] = 8, ['8'] = 9, ['9'] = 10,
	['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

int hash_from_hex(const char *hex, unsigned char digest[FORMAT_DIGEST])
{
	for (size_t i = 0; i < FORMAT_DIGEST; i++) {
		unsigned high = nibbles[(unsigned char)hex[2 * i]];
		if (!high)
			return -1;
		unsigned low = nibbles[(unsigned char)hex[2 * i + 1]];
		if (!low)
			return -1;
		digest[i] = (unsigned char)((high - 1) << 4 | (low - 1));
	}
	return 0;
}
