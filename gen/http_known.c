#include "http_known.h"

#include "fs.h"
#include "hash.h"
#include "mem.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 65536
#define SHA512_BYTES 64
#define SHA512_TEXT 89	/* its base64 and a NUL */

static char *note_name(const char *sha512)
{
	unsigned char digest[FORMAT_DIGEST];
	char hex[HASH_HEX + 1];

	hash_bytes(sha512, strlen(sha512), digest);
	hash_to_hex(digest, hex);
	return xasprintf("known/sha512-%s", hex);
}

static int hash_both(int fd, EVP_MD_CTX *md, char sha256[65], char sha512[SHA512_TEXT], uint64_t *size)
{
	cleanup_hash struct hash *h = hash_new();
	unsigned char digest[SHA512_BYTES];
	char chunk[CHUNK];
	struct err ignored;
	size_t got;

	*size = 0;
	if (EVP_DigestInit_ex(md, EVP_sha512(), NULL) != 1)
		return -1;
	do {
		if (fs_read(fd, chunk, sizeof(chunk), &got, &ignored) < 0 || EVP_DigestUpdate(md, chunk, got) != 1)
			return -1;
		hash_update(h, chunk, got);
		*size += got;
	} while (got == sizeof(chunk));
	if (EVP_DigestFinal_ex(md, digest, NULL) != 1)
		return -1;
	(void)EVP_EncodeBlock((unsigned char *)sha512, digest, sizeof(digest));
	hash_final(h, digest);
	hash_to_hex(digest, sha256);
	return 0;
}

int known_find(const struct store *store, const char *sha512, char sha256[65], uint64_t *size)
{
	cleanup_free char *name = note_name(sha512);
	cleanup_buf struct buf note = BUF_INIT;
	unsigned char digest[FORMAT_DIGEST];
	char got_sha512[SHA512_TEXT], got_sha256[65];
	struct err ignored;

	if (fs_slurp(store_fd(store), name, HASH_HEX, &note, &ignored) < 0 || note.len != HASH_HEX ||
		hash_from_hex(note.data, digest) < 0)
		return 0;
	cleanup_close int fd = store_blob(store, note.data, &ignored);
	EVP_MD_CTX *md = fd < 0 ? NULL : EVP_MD_CTX_new();
	int hashed = md ? hash_both(fd, md, got_sha256, got_sha512, size) : -1;
	EVP_MD_CTX_free(md);
	if (hashed < 0 || strcmp(got_sha512, sha512) != 0 || strcmp(got_sha256, note.data) != 0)
		return 0;
	memcpy(sha256, got_sha256, sizeof(got_sha256));
	return 1;
}

void known_add(const struct store *store, const char *sha512, const char *sha256)
{
	cleanup_free char *name = note_name(sha512);
	struct err ignored;

	(void)mkdirat(store_fd(store), "known", 0777);
	cleanup_close int fd = openat(store_fd(store), name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd >= 0)
		(void)fs_write(fd, sha256, HASH_HEX, &ignored);
}
