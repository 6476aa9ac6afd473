#include "store_scan.h"

#include "fs.h"
#include "hash.h"
#include "mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define BLOBS "blobs/sha256"

void store_list_release(struct store_list *list)
{
	free(list->entries);
	*list = (struct store_list){ 0 };
}

/* name fits: see name_ok(). */
static void add(struct store_list *list, const char *name, uint64_t size)
{
	if ((list->n & (list->n - 1)) == 0)
		list->entries = xreallocarray(list->entries, list->n ? list->n * 2 : 1, sizeof(*list->entries));
	struct store_entry *e = &list->entries[list->n++];
	memcpy(e->name, name, strlen(name) + 1);
	e->size = size;
	list->size += size;
}

/* Whether name is that of a blob in the folder of these two digits; any name will do where there are none. */
static int name_ok(const char *name, const char *digits)
{
	unsigned char digest[FORMAT_DIGEST];

	if (!digits)
		return name[0] != '.' && strlen(name) < sizeof(((struct store_entry *)0)->name);
	return strlen(name) == HASH_HEX && hash_from_hex(name, digest) == 0 && strncmp(name, digits, 2) == 0;
}

static int list_folder(const struct store *s, const char *folder, const char *digits, struct store_list *list,
	struct err *err)
{
	int fd = openat(store_fd(s), folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct stat st;

	if (!dir && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (!dir) {
		(void)err_errno(err, "%s/%s", store_dir(s), folder);
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	int status = 0;
	for (struct dirent *e; (errno = 0, e = readdir(dir));)
		if (name_ok(e->d_name, digits) && fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			!S_ISDIR(st.st_mode))
			add(list, e->d_name, (uint64_t)st.st_size);
	if (errno)
		status = err_errno(err, "%s/%s: cannot read the folder", store_dir(s), folder);
	(void)closedir(dir);
	return status;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct store_entry *)a)->name, ((const struct store_entry *)b)->name);
}

static void sort(struct store_list *list)
{
	if (list->n)
		qsort(list->entries, list->n, sizeof(*list->entries), by_name);
}

int store_list_folder(const struct store *s, const char *folder, struct store_list *list, struct err *err)
{
	*list = (struct store_list){ 0 };
	if (list_folder(s, folder, NULL, list, err)) {
		store_list_release(list);
		return -1;
	}
	sort(list);
	return 0;
}

int store_list_blobs(const struct store *s, struct store_list *list, struct err *err)
{
	*list = (struct store_list){ 0 };
	for (unsigned i = 0; i < 256; i++) {
		char digits[3], folder[sizeof(BLOBS) + 3];
		(void)snprintf(digits, sizeof(digits), "%02x", i);
		(void)snprintf(folder, sizeof(folder), BLOBS "/%s", digits);
		if (list_folder(s, folder, digits, list, err)) {
			store_list_release(list);
			return -1;
		}
	}
	sort(list);
	return 0;
}

int store_remove(const struct store *s, const char *path, struct err *err)
{
	if (unlinkat(store_fd(s), path, 0) == 0 || errno == ENOENT)
		return 0;
	return err_errno(err, "%s/%s: cannot remove", store_dir(s), path);
}

static int hash_fd(int fd, unsigned char *buf, size_t size, unsigned char digest[FORMAT_DIGEST], struct err *err)
{
	cleanup_hash struct hash *h = hash_new();
	size_t got;

	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	do {
		if (fs_read(fd, buf, size, &got, err))
			return -1;
		hash_update(h, buf, got);
	} while (got == size);
	hash_final(h, digest);
	return 0;
}

/* Removes what has this name if it is still the file that was looked at. */
static int remove_same(const struct store *s, const char *path, const struct stat *seen, struct err *err)
{
	struct stat now;

	if (fstatat(store_fd(s), path, &now, AT_SYMLINK_NOFOLLOW) < 0 || now.st_dev != seen->st_dev || now.st_ino != seen->st_ino)
		return 0;
	return store_remove(s, path, err);
}

int store_verify_blob(const struct store *s, const char *sha256, unsigned char *buf, size_t size,
	enum store_health *health, struct err *err)
{
	cleanup_free char *path = xasprintf(BLOBS "/%.2s/%s", sha256, sha256);
	unsigned char digest[FORMAT_DIGEST];
	char hex[HASH_HEX + 1];
	struct stat st;

	*health = STORE_GONE;
	if (fstatat(store_fd(s), path, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	cleanup_close int fd = openat(store_fd(s), path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	/* A link is no blob, whatever it leads to. */
	int linked = fd < 0 && errno == ELOOP;
	if (!linked && (fd < 0 || fstat(fd, &st) < 0))
		return err_errno(err, "%s/%s", store_dir(s), path);
	if (!linked && S_ISREG(st.st_mode)) {
		if (hash_fd(fd, buf, size, digest, err))
			return err_wrap(err, "%s/%s", store_dir(s), path);
		hash_to_hex(digest, hex);
		*health = STORE_GOOD;
		if (strcmp(hex, sha256) == 0)
			return 0;
	}
	*health = STORE_DAMAGED;
	return remove_same(s, path, &st, err);
}
