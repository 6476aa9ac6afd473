#include "store.h"

#include "fs.h"
#include "hash.h"
#include "mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_TRIES 100	/* names tried for a work file before giving up */

struct store {
	char *dir;	/* absolute */
	int fd;
};

/* The folder that the environment names, to be freed; NULL where it names none. */
static char *store_where(void)
{
	const char *own = getenv("LABGEN_STORE");
	const char *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");

	if (own && *own)
		return xstrdup(own);
	if (cache && *cache == '/') /* the XDG base directory specification: a relative path is to be ignored */
		return xasprintf("%s/labgen", cache);
	return home && *home == '/' ? xasprintf("%s/.cache/labgen", home) : NULL;
}

/* "blobs/sha256/AB/ABCD..." of a digest */
static char *blob_name(const char *sha256)
{
	return xasprintf("blobs/sha256/%.2s/%.64s", sha256, sha256);
}

/*
 * Takes the lock of a work file or folder without waiting. Returns its descriptor, or -1 where a living process holds
 * it or it is no such thing.
 */
static int lock_stale(int tmp, const char *name)
{
	int fd = openat(tmp, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* Removes the work files that dead processes left. What cannot be removed is left for the next time. */
static void clean_tmp(const struct store *s)
{
	struct err ignored;
	int fd = openat(s->fd, "tmp", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *e; dir && (e = readdir(dir));) {
		if (e->d_name[0] == '.')
			continue;
		cleanup_close int held = lock_stale(dirfd(dir), e->d_name);
		if (held >= 0)
			(void)fs_remove(dirfd(dir), e->d_name, &ignored);
	}
	if (dir)
		(void)closedir(dir);
}

static int make_folders(const struct store *s, struct err *err)
{
	static const char *const folders[] = { "blobs", "blobs/sha256", "part", "tmp", "apt" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdirat(s->fd, folders[i], 0777) < 0 && errno != EEXIST)
			return err_errno(err, "store %s: cannot make the folder %s", s->dir, folders[i]);
	return 0;
}

int store_open(struct store **out, struct err *err)
{
	cleanup_free char *where = store_where();

	if (!where)
		return err_set(err, ERR_USAGE, "no place for the store: set LABGEN_STORE, XDG_CACHE_HOME or HOME to an absolute path");
	if (fs_mkdirs(where, err) < 0)
		return err_wrap(err, "store");

	cleanup_store struct store *s = xcalloc(1, sizeof(*s));
	s->fd = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->fd < 0)
		return err_errno(err, "store %s", where);
	/* See store_alone(). Where a file system has no locks, that one refuses. */
	while (flock(s->fd, LOCK_SH) < 0 && errno == EINTR)
		;
	s->dir = realpath(where, NULL);
	if (!s->dir)
		return err_errno(err, "store %s", where);
	if (make_folders(s, err) < 0)
		return -1;
	clean_tmp(s);
	*out = steal(&s);
	return 0;
}

int store_alone(const struct store *s, struct err *err)
{
	if (flock(s->fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return err_errno(err, "store %s: cannot lock it", s->dir);
	return err_set(err, ERR_WORK, "store %s: another labgen uses it now; run this again when that has ended", s->dir);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s->dir);
	free(s);
}

const char *store_dir(const struct store *s)
{
	return s->dir;
}

int store_fd(const struct store *s)
{
	return s->fd;
}

int store_has(const struct store *s, const char *sha256, uint64_t *size)
{
	cleanup_free char *name = blob_name(sha256);
	struct stat st;

	if (fstatat(s->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (size)
		*size = (uint64_t)st.st_size;
	return 1;
}

int store_blob(const struct store *s, const char *sha256, struct err *err)
{
	cleanup_free char *name = blob_name(sha256);
	int fd = openat(s->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_WORK, "not in the store %s: %s: run labgen fetch", s->dir, sha256);
	return fd < 0 ? err_errno(err, "%s/%s", s->dir, name) : fd;
}

char *store_path(const struct store *s, const char *sha256)
{
	cleanup_free char *name = blob_name(sha256);

	return xasprintf("%s/%s", s->dir, name);
}

/* A name below tmp/ that this process has not used yet. */
static char *work_name(void)
{
	static atomic_uint count;

	return xasprintf("tmp/%ld-%u", (long)getpid(), atomic_fetch_add(&count, 1));
}

/*
 * Makes a file or folder below tmp/ and locks it. Between the making and the locking another process may have taken it
 * for a dead one's and removed it: then it has no name any more, and the next one is tried.
 */
static int work_make(const struct store *s, int folder, char **name, struct err *err)
{
	for (int i = 0; i < NAME_TRIES; i++) {
		cleanup_free char *try = work_name();
		cleanup_close int fd = -1;
		struct stat st;

		if (folder) {
			if (mkdirat(s->fd, try, 0700) == 0)
				fd = openat(s->fd, try, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		} else {
			fd = openat(s->fd, try, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		}
		if (fd < 0 && (errno == EEXIST || errno == ENOENT))
			continue;
		if (fd < 0 || flock(fd, LOCK_EX) < 0) {
			(void)err_errno(err, "store %s: cannot make a work file", s->dir);
			return -1;
		}
		if (fstatat(s->fd, try, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		*name = steal(&try);
		return steal_fd(&fd);
	}
	(void)err_set(err, ERR_WORK, "store %s: no name is free for a work file", s->dir);
	return -1;
}

int store_tmpfile(const struct store *s, struct err *err)
{
	int fd = openat(s->fd, "tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	cleanup_free char *name = NULL; /* a file system without nameless files */
	fd = work_make(s, 0, &name, err);
	if (fd >= 0)
		(void)unlinkat(s->fd, name, 0);
	return fd;
}

int store_tmpdir(const struct store *s, char **path, struct err *err)
{
	cleanup_free char *name = NULL;
	int fd = work_make(s, 1, &name, err);

	if (fd >= 0)
		*path = xasprintf("%s/%s", s->dir, name);
	return fd;
}

void store_tmpdir_drop(const struct store *s, const char *path, int fd)
{
	struct err ignored; /* what stays is removed by the next store_open() */
	cleanup_free char *name = xasprintf("tmp/%s", fs_basename(path));

	(void)fs_remove(s->fd, name, &ignored);
	if (fd >= 0)
		(void)close(fd);
}

int store_adopt(const struct store *s, const char *path, const char *sha256, struct err *err)
{
	cleanup_free char *name = blob_name(sha256);
	cleanup_free char *folder = xasprintf("blobs/sha256/%.2s", sha256);
	cleanup_close int fd = openat(s->fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	/*
	 * The file's bytes are on the disk before it has its name. The name itself may be lost with the power: then the blob
	 * is missing, and is fetched again.
	 */
	if (fd < 0 || fsync(fd) < 0 || fchmod(fd, 0444) < 0)
		return err_errno(err, "%s/%s: cannot finish", s->dir, path);
	if (mkdirat(s->fd, folder, 0777) < 0 && errno != EEXIST)
		return err_errno(err, "%s/%s: cannot make the folder", s->dir, folder);
	if (renameat(s->fd, path, s->fd, name) < 0)
		return err_errno(err, "%s/%s: cannot rename", s->dir, path);
	return 0;
}

int store_put(const struct store *s, const void *data, size_t len, char sha256[65], struct err *err)
{
	unsigned char digest[FORMAT_DIGEST];
	cleanup_free char *name = NULL;

	hash_bytes(data, len, digest);
	hash_to_hex(digest, sha256);
	if (store_has(s, sha256, NULL))
		return 0;
	cleanup_close int fd = work_make(s, 0, &name, err);
	if (fd < 0)
		return -1;
	if (fs_write(fd, data, len, err) < 0 || store_adopt(s, name, sha256, err) < 0) {
		(void)unlinkat(s->fd, name, 0);
		return err_wrap(err, "store %s", s->dir);
	}
	return 0;
}

void store_drop(const struct store *s, const char *sha256)
{
	cleanup_free char *name = blob_name(sha256);

	(void)unlinkat(s->fd, name, 0);
}
