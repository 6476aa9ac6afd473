#include "members_lab.h"

#include "format.h"
#include "mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 8		/* folders in each other */

struct walk {
	struct plan *plan;
	const char *dir;	/* the lab's folder, for messages */
};

static int add_entry(struct walk *w, int dirfd, const char *name, const char *path, int depth, struct err *err);

static int check_name(const struct walk *w, const char *name, const char *path, struct err *err)
{
	if (name[0] == '.' || name[strlen(name) - 1] == '~')
		return err_set(err, ERR_USAGE, "%s/%s: a hidden or left-over file; remove it, or rename it if students need it",
			w->dir, path);
	if (!format_path_ok(path, strlen(path)))
		return err_set(err, ERR_USAGE, "%s/%s: this name cannot be in a bundle; use letters, digits and ._+@=~-", w->dir,
			path);
	return 0;
}

static void closedirp(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

/* All that a folder holds; takes fd over. The plan is sorted in the end, so the order here does not matter. */
static int add_folder(struct walk *w, int fd, const char *path, int depth, struct err *err)
{
	__attribute__((cleanup(closedirp))) DIR *d = fdopendir(fd);

	if (!d) {
		(void)close(fd);
		return err_errno(err, "%s/%s: cannot list", w->dir, path);
	}
	for (;;) {
		errno = 0;
		const struct dirent *e = readdir(d);
		if (!e)
			return errno ? err_errno(err, "%s/%s: cannot list", w->dir, path) : 0;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		cleanup_free char *child = xasprintf("%s/%s", path, e->d_name);
		if (check_name(w, e->d_name, child, err) || add_entry(w, fd, e->d_name, child, depth + 1, err))
			return -1;
	}
}

static int add_file(struct walk *w, int fd, const char *path, struct err *err)
{
	cleanup_free char *shown = xasprintf("%s/%s", w->dir, path);

	return plan_add_open(w->plan, path, fd, shown, err);
}

static int add_entry(struct walk *w, int dirfd, const char *name, const char *path, int depth, struct err *err)
{
	cleanup_close int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 && errno == ENOENT && depth == 0)
		return 0; /* none of them has to be there */
	if (fd < 0 && errno == ELOOP)
		return err_set(err, ERR_USAGE, "%s/%s: a symbolic link; a bundle holds plain files: put a copy there", w->dir, path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, "%s/%s: cannot read", w->dir, path);
	if (depth > DEPTH_MAX)
		return err_set(err, ERR_USAGE, "%s/%s: more than %d folders in each other", w->dir, path, DEPTH_MAX);
	if (S_ISDIR(st.st_mode))
		return add_folder(w, steal_fd(&fd), path, depth, err);
	if (S_ISREG(st.st_mode))
		return add_file(w, steal_fd(&fd), path, err);
	return err_set(err, ERR_USAGE, "%s/%s: neither a file nor a folder; remove it", w->dir, path);
}

int members_add_lab(struct plan *plan, const char *dir, struct err *err)
{
	static const char *const carried[] = { "README.html", "checks", "guide", "manifests", "services", "values" };
	struct walk w = { .plan = plan, .dir = dir };
	cleanup_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, "%s: cannot open the lab's folder", dir);
	for (size_t i = 0; i < sizeof(carried) / sizeof(carried[0]); i++)
		if (add_entry(&w, fd, carried[i], carried[i], 0, err))
			return -1;
	return 0;
}
