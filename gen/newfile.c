#include "newfile.h"

#include "fs.h"
#include "mem.h"
#include "progress.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static int exists_error(const char *path, struct err *err)
{
	return err_set(err, ERR_USAGE, "%s: exists already; remove it or choose another name", path);
}

/* Whether the name still means the file that is open: its last writer may have renamed it before we got the lock. */
static int still_named(const struct newfile *f)
{
	struct stat open_one, named;

	return fstat(f->fd, &open_one) == 0 && fstatat(f->dirfd, f->part, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
		open_one.st_dev == named.st_dev && open_one.st_ino == named.st_ino;
}

static int open_part(struct newfile *f, mode_t mode, struct err *err)
{
	struct stat st;

	for (;;) {
		f->fd = openat(f->dirfd, f->part, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, mode);
		if (f->fd < 0)
			return err_errno(err, "%s: cannot write its folder's %s", f->path, f->part);
		if (fstat(f->fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink > 1)
			return err_set(err, ERR_WORK, "%s: %s beside it is not a plain file; remove it", f->path, f->part);
		if (flock(f->fd, LOCK_EX | LOCK_NB) < 0) {
			if (errno != EWOULDBLOCK)
				return err_errno(err, "%s: cannot lock %s", f->path, f->part);
			return err_set(err, ERR_WORK, "%s: another labgen is writing it now; wait for that one", f->path);
		}
		if (still_named(f))
			break;
		(void)close(f->fd);
		f->fd = -1;
	}
	return 0;
}

/* Without the lock, the part file is not ours to remove. */
static void let_go(struct newfile *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
}

int newfile_open(struct newfile *f, const char *path, mode_t mode, struct err *err)
{
	cleanup_free char *dir = fs_dirname(path);
	const char *name = fs_basename(path);
	struct stat st;

	*f = (struct newfile)NEWFILE_INIT;
	if (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_set(err, ERR_USAGE, "'%s' is not a file's name", path);
	f->path = xstrdup(path);
	f->name = xstrdup(name);
	f->part = xasprintf(".%s.part", name);
	f->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dirfd < 0)
		return err_errno(err, "%s: cannot open its folder", path);
	if (fstatat(f->dirfd, f->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return exists_error(path, err);
	if (open_part(f, mode, err)) {
		let_go(f);
		return -1;
	}
	if (ftruncate(f->fd, 0) < 0)
		return err_errno(err, "%s: cannot empty %s", path, f->part);
	return 0;
}

/* A rename that never replaces; where the file system has none, a second name and then the removal of the first. */
static int give_name(struct newfile *f)
{
	if (renameat2(f->dirfd, f->part, f->dirfd, f->name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (linkat(f->dirfd, f->part, f->dirfd, f->name, 0) < 0)
		return -1;
	return unlinkat(f->dirfd, f->part, 0);
}

int newfile_commit(struct newfile *f, struct err *err)
{
	if (fsync(f->fd) < 0)
		return err_errno(err, "%s: cannot bring it to the disk", f->path);
	if (give_name(f) < 0)
		return errno == EEXIST ? exists_error(f->path, err) : err_errno(err, "%s: cannot give it its name", f->path);
	int fd = steal_fd(&f->fd);
	if (close(fd) < 0)
		return err_errno(err, "%s: cannot finish", f->path);
	if (fsync(f->dirfd) < 0)
		return err_errno(err, "%s: cannot bring its folder to the disk", f->path);
	return 0;
}

void newfile_release(struct newfile *f)
{
	if (f->fd >= 0)
		(void)unlinkat(f->dirfd, f->part, 0);
	let_go(f);
	if (f->dirfd >= 0)
		(void)close(f->dirfd);
	free(f->path);
	free(f->name);
	free(f->part);
	*f = (struct newfile)NEWFILE_INIT;
}

int newfile_space(int dirfd, const char *path, uint64_t size, struct err *err)
{
	uint64_t available = fs_free(dirfd);
	char wanted[PROGRESS_SIZE_MAX], has[PROGRESS_SIZE_MAX];

	if (available >= size)
		return 0;
	progress_size(wanted, size);
	progress_size(has, available);
	return err_set(err, ERR_WORK, "%s: the bundle needs %s, and only %s are free there; make room or write it elsewhere",
		path, wanted, has);
}
