#include "path.h"

#include "format.h"
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#if defined(__linux__) && __has_include(<linux/openat2.h>)
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

/* Sets err from errno: what is there is not what a bundle extracts to (ERR_AUTH), or it cannot be told. */
static int fail(const char *what, struct err *err)
{
	int structural = errno == ENOENT || errno == ELOOP || errno == ENOTDIR || errno == ENXIO;

	err_errno(err, "%s", what);
	if (structural)
		err->code = ERR_AUTH;
	return -1;
}

/*
 * Opens the folder of path's last part, and makes it and those above it where make is set. *last is that part. The
 * folder is a new descriptor, also where it is dirfd itself.
 */
static int folder_of(int dirfd, const char *path, int make, const char **last, struct err *err)
{
	cleanup_close int at = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
	char part[FORMAT_NAME_MAX + 1];

	if (at < 0)
		return err_errno(err, "%s", path);
	for (const char *slash; (slash = strchr(path, '/')); path = slash + 1) {
		size_t len = (size_t)(slash - path);
		if (len >= sizeof(part))
			return err_set(err, ERR_WORK, "%s: name too long", path);
		memcpy(part, path, len);
		part[len] = '\0';
		int next = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0 && errno == ENOENT && make) {
			/* another thread may be first */
			if (mkdirat(at, part, 0755) < 0 && errno != EEXIST)
				return err_errno(err, "%s: cannot make the folder", part);
			next = openat(at, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		}
		if (next < 0)
			return fail("cannot open its folder", err);
		(void)close(at);
		at = next;
	}
	*last = path;
	return steal_fd(&at);
}

int path_open(int dirfd, const char *path, struct err *err)
{
	struct stat st;
	const char *last;
	cleanup_close int folder = folder_of(dirfd, path, 0, &last, err);

	if (folder < 0)
		return -1;
	cleanup_close int fd = openat(folder, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail("cannot open", err);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_AUTH, "not a regular file");
	return steal_fd(&fd);
}

/*
 * Makes the file in one call, where the kernel can itself see to it that no link is followed and nothing above dirfd
 * reached. -1 where it cannot, or the call fails: going part by part makes the folders, or tells what is wrong.
 */
static int create_beneath(int dirfd, const char *path, int flags)
{
#ifdef RESOLVE_BENEATH
	const struct open_how how = {
		.flags = (unsigned)flags, .mode = 0600,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
#else
	(void)dirfd;
	(void)path;
	(void)flags;
	return -1;
#endif
}

static int create_by_parts(int dirfd, const char *path, int flags, struct err *err)
{
	const char *last;
	cleanup_close int folder = folder_of(dirfd, path, 1, &last, err);

	if (folder < 0)
		return -1;
	int fd = openat(folder, last, flags, 0600);
	return fd < 0 ? err_errno(err, "cannot create") : fd;
}

int path_create(int dirfd, const char *path, unsigned mode, struct err *err)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	cleanup_close int fd = create_beneath(dirfd, path, flags);

	if (fd < 0)
		fd = create_by_parts(dirfd, path, flags, err);
	if (fd < 0)
		return -1;
	if (fchmod(fd, mode) < 0)
		return err_errno(err, "cannot create");
	return steal_fd(&fd);
}
