#include "folder.h"

#include "fs.h"
#include "hash.h"
#include "mem.h"
#include "parallel.h"
#include "path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDER_CHUNK (256u << 10)	/* bytes read at a time */

struct visit {
	const char *name;	/* the folder's, for messages */
	int fd;
	struct bundle *b;
};

static int hash_fd(int fd, unsigned char *buf, unsigned char digest[FORMAT_DIGEST], uint64_t *size, struct err *err)
{
	cleanup_hash struct hash *h = hash_new();
	size_t got;

	*size = 0;
	do {
		if (fs_read(fd, buf, FOLDER_CHUNK, &got, err) < 0)
			return -1;
		hash_update(h, buf, got);
		*size += got;
	} while (got > 0);
	hash_final(h, digest);
	return 0;
}

static int check_member(void *arg, size_t i, unsigned char *buf, struct err *err)
{
	const struct visit *v = arg;
	const struct manifest_entry *e = &v->b->manifest.entries[i];
	unsigned char digest[FORMAT_DIGEST];
	cleanup_close int fd = path_open(v->fd, e->path, err);

	if (fd < 0)
		return err_wrap(err, "%s: %s", v->name, e->path);
	if (hash_fd(fd, buf, digest, &v->b->sizes[i], err) < 0)
		return err_wrap(err, "%s: %s", v->name, e->path);
	if (memcmp(digest, e->digest, sizeof(digest)) != 0)
		return err_set(err, ERR_AUTH, "%s: %s: digest differs", v->name, e->path);
	return 0;
}

static int is_member(const struct visit *v, const char *path)
{
	return strcmp(path, FORMAT_MANIFEST) == 0 || strcmp(path, FORMAT_SIGNATURE) == 0 ||
		manifest_find(&v->b->manifest, path) != NULL;
}

/* Whether some member lies below the folder prefix "a/b/". */
static int holds_member(const struct visit *v, const char *prefix, size_t len)
{
	const struct manifest *m = &v->b->manifest;
	size_t low = 0, high = m->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strncmp(m->entries[middle].path, prefix, len) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < m->n && strncmp(m->entries[low].path, prefix, len) == 0;
}

static int walk_folder(const struct visit *v, int fd, char *path, size_t len, struct err *err);

static int walk_entry(const struct visit *v, int parent, char *path, size_t len, const char *name, struct err *err)
{
	struct stat st;
	size_t n = strlen(name);

	if (len + n + 1 > FORMAT_NAME_MAX)
		return err_set(err, ERR_AUTH, "%s: %s%s: not in the manifest", v->name, path, name);
	memcpy(path + len, name, n + 1);
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(err, "%s: %s", v->name, path);
	if (!S_ISDIR(st.st_mode))
		return is_member(v, path) ? 0 : err_set(err, ERR_AUTH, "%s: %s: not in the manifest", v->name, path);

	path[len + n] = '/';
	path[len + n + 1] = '\0';
	if (!holds_member(v, path, len + n + 1))
		return err_set(err, ERR_AUTH, "%s: %s: not in the manifest", v->name, path);
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "%s: %s", v->name, path);
	return walk_folder(v, fd, path, len + n + 1, err);
}

/* Looks for what no member accounts for. Takes fd over. Depth is bounded: each folder leads to a member. */
static int walk_folder(const struct visit *v, int fd, char *path, size_t len, struct err *err)
{
	DIR *dir = fdopendir(fd);
	int status = 0;

	if (!dir) {
		(void)close(fd);
		return err_errno(err, "%s: %s", v->name, path);
	}
	for (struct dirent *e; status == 0 && (errno = 0, e = readdir(dir));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
			path[len] = '\0';
			status = walk_entry(v, dirfd(dir), path, len, e->d_name, err);
		}
	if (status == 0 && errno) /* a folder that cannot be read to its end may hold anything */
		status = err_errno(err, "%s: %s", v->name, path);
	(void)closedir(dir);
	return status;
}

/* Reads manifest or signature, which no more than a member may be a link. */
static int slurp(const struct visit *v, const char *path, size_t max, struct buf *out, struct err *err)
{
	cleanup_close int fd = path_open(v->fd, path, err);

	if (fd < 0)
		return err_wrap(err, "not an extracted bundle: %s", path);
	if (fs_slurp_fd(fd, path, max, out, err) == 0)
		return 0;
	if (err->code == ERR_USAGE) /* of a size that no bundle's has */
		err->code = ERR_AUTH;
	return -1;
}

static int identify(const struct visit *v, struct keyring *keys, struct err *err)
{
	cleanup_buf struct buf text = BUF_INIT, sig = BUF_INIT;

	if (slurp(v, FORMAT_MANIFEST, FORMAT_MANIFEST_MAX, &text, err) < 0 ||
	    slurp(v, FORMAT_SIGNATURE, FORMAT_SIGNATURE_MAX, &sig, err) < 0)
		return -1;
	size_t len = text.len;
	return bundle_identify(v->b, buf_steal(&text), len, sig.data, sig.len, keys, err);
}

int folder_check(const char *path, struct bundle *b, struct keyring *keys, unsigned threads, struct err *err)
{
	char at[FORMAT_NAME_MAX + 2] = "";
	cleanup_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct visit v = { .name = path, .fd = fd, .b = b };

	*b = (struct bundle){ 0 };
	if (fd < 0)
		return err_errno(err, "%s", path);
	if (identify(&v, keys, err) < 0)
		return err_wrap(err, "%s", path);
	b->sizes = xcalloc(b->manifest.n, sizeof(*b->sizes));
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int status = again < 0 ? err_errno(err, "%s", path) : walk_folder(&v, again, at, 0, err);
	if (status == 0)
		status = parallel_each(b->manifest.n, threads, FOLDER_CHUNK, check_member, &v, err);
	for (size_t i = 0; status == 0 && i < b->manifest.n; i++)
		b->total += b->sizes[i];
	if (status < 0)
		bundle_release(b);
	return status;
}
