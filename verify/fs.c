#include "fs.h"

#include "mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DEPTH_MAX 128	/* folders within folders that fs_remove() follows */

int fs_write(int fd, const void *data, size_t len, struct err *err)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot write");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int fs_read(int fd, void *data, size_t len, size_t *got, struct err *err)
{
	char *p = data;

	*got = 0;
	while (*got < len) {
		ssize_t n = read(fd, p + *got, len - *got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot read");
		if (n == 0)
			break;
		*got += (size_t)n;
	}
	return 0;
}

int fs_pread(int fd, void *data, size_t len, uint64_t offset, size_t *got, struct err *err)
{
	char *p = data;

	*got = 0;
	while (*got < len) {
		ssize_t n = pread(fd, p + *got, len - *got, (off_t)(offset + *got));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, "cannot read");
		if (n == 0)
			break;
		*got += (size_t)n;
	}
	return 0;
}

int fs_slurp_fd(int fd, const char *name, size_t max, struct buf *out, struct err *err)
{
	struct stat st;
	size_t got;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "%s", name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_USAGE, "%s: not a regular file", name);
	if ((uint64_t)st.st_size > max)
		return err_set(err, ERR_USAGE, "%s: over %zu bytes", name, max);
	/* One byte more than its size, so that a file which grows meanwhile is noticed, and is not cut without a word. */
	size_t want = (size_t)st.st_size + 1;
	char *to = buf_reserve(out, want);
	if (fs_read(fd, to, want, &got, err) < 0)
		return err_wrap(err, "%s", name);
	if (got != want - 1)
		return err_set(err, ERR_WORK, "%s: changed while it was read", name);
	out->len += got;
	out->data[out->len] = '\0';
	return 0;
}

int fs_slurp(int dirfd, const char *path, size_t max, struct buf *out, struct err *err)
{
	cleanup_close int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return err_errno(err, "%s", path);
	return fs_slurp_fd(fd, path, max, out, err);
}

static int sync_dir(const char *dir, struct err *err)
{
	cleanup_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, "%s", dir);
	return 0;
}

static int write_out(int fd, const void *data, size_t len, mode_t mode, struct err *err)
{
	if (fs_write(fd, data, len, err) < 0)
		return -1;
	if (fchmod(fd, mode) < 0 || fsync(fd) < 0)
		return err_errno(err, "cannot finish");
	return 0;
}

int fs_replace(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
	cleanup_free char *temp = xasprintf("%s.XXXXXX", path);
	cleanup_free char *dir = fs_dirname(path);
	int fd = mkostemp(temp, O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, "%s: cannot make a file beside it", path);
	int status = write_out(fd, data, len, mode, err);
	if (close(fd) < 0 && status == 0)
		status = err_errno(err, "cannot finish");
	if (status == 0 && rename(temp, path) < 0)
		status = err_errno(err, "cannot rename");
	if (status < 0) {
		(void)unlink(temp);
		return err_wrap(err, "%s", path);
	}
	return sync_dir(dir, err);
}

int fs_mkdirs(const char *path, struct err *err)
{
	cleanup_free char *p = xstrdup(path);

	for (char *slash = p + 1; *p;) {
		slash = strchr(slash, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(p, 0777) < 0 && errno != EEXIST)
			return err_errno(err, "%s: cannot make the folder", p);
		if (!slash)
			break;
		*slash++ = '/';
	}
	return 0;
}

static int remove_in(int dirfd, const char *name, int depth, struct err *err);

static int remove_entries(int fd, int depth, struct err *err)
{
	DIR *dir = fdopendir(fd);

	if (!dir) {
		(void)close(fd);
		return err_errno(err, "cannot read the folder");
	}
	int status = 0;
	for (struct dirent *e; status == 0 && (errno = 0, e = readdir(dir));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			status = remove_in(dirfd(dir), e->d_name, depth + 1, err);
	if (status == 0 && errno)
		status = err_errno(err, "cannot read the folder");
	(void)closedir(dir);
	return status;
}

static int remove_in(int dirfd, const char *name, int depth, struct err *err)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_errno(err, "%s: cannot remove", name);
	if (depth > DEPTH_MAX)
		return err_set(err, ERR_WORK, "%s: folders too deep to remove", name);
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "%s: cannot remove", name);
	if (remove_entries(fd, depth, err) < 0)
		return err_wrap(err, "%s", name);
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_errno(err, "%s: cannot remove", name);
	return 0;
}

int fs_remove(int dirfd, const char *path, struct err *err)
{
	return remove_in(dirfd, path, 0, err);
}

int fs_empty(int fd, struct err *err)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return again < 0 ? err_errno(err, "cannot read the folder") : remove_entries(again, 0, err);
}

int fs_is_empty(int fd, struct err *err)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = again < 0 ? NULL : fdopendir(again);

	if (!dir) {
		if (again >= 0)
			(void)close(again);
		return err_errno(err, "cannot read the folder");
	}
	int empty = 1;
	for (struct dirent *e; empty == 1 && (errno = 0, e = readdir(dir));)
		empty = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
	if (empty == 1 && errno)
		empty = err_errno(err, "cannot read the folder");
	(void)closedir(dir);
	return empty;
}

uint64_t fs_free(int fd)
{
	struct statvfs v;

	if (fstatvfs(fd, &v) < 0)
		return UINT64_MAX;
	return (uint64_t)v.f_bavail * v.f_frsize;
}

char *fs_dirname(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

const char *fs_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
