#include "blobread.h"

#include "fs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static la_ssize_t on_read(struct archive *a, void *arg, const void **data)
{
	struct blobread *r = arg;
	struct err err;
	size_t got;

	if (fs_read(r->fd, r->chunk, sizeof(r->chunk), &got, &err) < 0) {
		archive_set_error(a, errno, "%s", err.msg);
		return -1;
	}
	hash_update(r->hash, r->chunk, got);
	*data = r->chunk;
	return (la_ssize_t)got;
}

int blobread_open(struct blobread *r, struct archive *a, const struct store *store, const char *sha256, struct err *err)
{
	r->store = store;
	r->sha256 = sha256;
	r->hash = NULL;
	r->fd = store_blob(store, sha256, err);
	if (r->fd < 0)
		return -1;
	r->hash = hash_new();
	if (archive_read_open(a, r, NULL, on_read, NULL) != ARCHIVE_OK)
		return err_set(err, ERR_WORK, "cannot read the archive: %s", archive_error_string(a));
	return 0;
}

int blobread_finish(struct blobread *r, struct err *err)
{
	unsigned char digest[FORMAT_DIGEST];
	char hex[HASH_HEX + 1];
	struct err reading;
	size_t got;

	if (r->fd < 0)
		return -1;
	do {
		if (fs_read(r->fd, r->chunk, sizeof(r->chunk), &got, &reading) < 0)
			return *err = reading, -1;
		hash_update(r->hash, r->chunk, got);
	} while (got == sizeof(r->chunk));
	hash_final(r->hash, digest);
	hash_to_hex(digest, hex);
	if (strcmp(hex, r->sha256) == 0)
		return 0;
	store_drop(r->store, r->sha256);
	return err_set(err, ERR_AUTH, "damaged in the store: sha256 %s is expected, it has %s; it was removed: run labgen fetch",
		r->sha256, hex);
}

void blobread_release(struct blobread *r)
{
	if (r->fd >= 0)
		(void)close(r->fd);
	hash_free(r->hash);
	r->fd = -1;
	r->hash = NULL;
}
