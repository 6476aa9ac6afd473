#include "extract.h"

#include "fs.h"
#include "mem.h"
#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define FILE_BLOCK 4096			/* bytes of disk that even a small file takes */
#define MANIFEST_FLUSH (64u << 10)	/* bytes of manifest written at a time */

struct site {
	int parent;		/* the folder that target is to appear in */
	char *name;		/* target's name there */
	char *work_name;	/* the work folder's */
	int work;
	int has_space;		/* for all that is expected */
};

static void site_release(struct site *s)
{
	if (s->parent >= 0)
		(void)close(s->parent);
	if (s->work >= 0)
		(void)close(s->work);
	free(s->name);
	free(s->work_name);
}

/* What is at target already must be nothing, or an empty folder: rename() takes its place. */
static int check_target(const struct site *s, const char *target, struct err *err)
{
	cleanup_close int fd = openat(s->parent, s->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_set(err, ERR_USAGE, "%s: exists, and is not a folder to be used; choose another name", target);
	int empty = fs_is_empty(fd, err);
	if (empty == 0)
		return err_set(err, ERR_USAGE, "%s: exists and is not empty; choose another name", target);
	return empty < 0 ? err_wrap(err, "%s", target) : 0;
}

/* Whether the work folder's name still means the folder that we hold. */
static int still_there(const struct site *s, const char *name)
{
	struct stat held, named;

	return fstat(s->work, &held) == 0 && fstatat(s->parent, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
		held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

/* Makes the work folder, or takes over and empties the one that a killed call has left. */
static int open_work(struct site *s, struct err *err)
{
	struct stat st;

	if (mkdirat(s->parent, s->work_name, 0700) < 0 && errno != EEXIST)
		return err_errno(err, "%s: cannot make the folder", s->work_name);
	s->work = openat(s->parent, s->work_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->work < 0 || fstat(s->work, &st) < 0)
		return err_errno(err, "%s", s->work_name);
	if (st.st_uid != geteuid())
		return err_set(err, ERR_WORK, "%s: belongs to another user; remove it", s->work_name);
	if (flock(s->work, LOCK_EX | LOCK_NB) < 0 || !still_there(s, s->work_name))
		return err_set(err, ERR_WORK, "%s: another extraction is at work; wait for it", s->work_name);
	if (fchmod(s->work, 0700) < 0)
		return err_errno(err, "%s", s->work_name);
	return fs_empty(s->work, err);
}

static int site_open(struct site *s, const char *target, struct err *err)
{
	cleanup_free char *path = xstrdup(target);
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	s->name = xstrdup(fs_basename(path));
	if (!*s->name || strcmp(s->name, ".") == 0 || strcmp(s->name, "..") == 0)
		return err_set(err, ERR_USAGE, "%s: name a new folder", target);
	s->work_name = xasprintf(".%s.labverify", s->name);
	cleanup_free char *parent = fs_dirname(path);
	s->parent = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->parent < 0)
		return err_errno(err, "%s", parent);
	if (check_target(s, target, err) < 0)
		return -1;
	return open_work(s, err);
}

static int need_space(const struct site *s, uint64_t need, struct err *err)
{
	uint64_t have = fs_free(s->work);

	if (need <= have)
		return 0;
	return err_set(err, ERR_WORK, "%s: needs %llu MiB of free space, has %llu", s->name,
		(unsigned long long)(need >> 20) + 1, (unsigned long long)(have >> 20));
}

static int sink_expect(void *arg, uint64_t total, size_t members, struct err *err)
{
	struct site *s = arg;

	s->has_space = 1;
	return need_space(s, total + (uint64_t)members * FILE_BLOCK, err);
}

static int sink_open(void *arg, const char *path, uint64_t size, struct err *err)
{
	const struct site *s = arg;

	/* A stream's total is not known before: what each member asks is. */
	if (!s->has_space && need_space(s, size, err) < 0)
		return -1;
	int fd = path_create(s->work, path, format_mode(path), err);
	return fd < 0 ? err_wrap(err, "%s: %s", s->name, path) : fd;
}

static int sink_close(void *arg, const char *path, int fd, int good, struct err *err)
{
	const struct site *s = arg;

	(void)good; /* what is not good is never seen under a final name */
	return close(fd) < 0 ? err_errno(err, "%s: %s", s->name, path) : 0;
}

static int write_manifest(const struct bundle *b, int fd, struct err *err)
{
	cleanup_buf struct buf text = BUF_INIT;

	for (size_t i = 0; i < b->manifest.n; i++) {
		manifest_line(&b->manifest.entries[i], &text);
		if (text.len < MANIFEST_FLUSH && i + 1 < b->manifest.n)
			continue;
		if (fs_write(fd, text.data, text.len, err) < 0)
			return -1;
		text.len = 0;
	}
	return 0;
}

static int write_signature(const struct bundle *b, int fd, struct err *err)
{
	cleanup_buf struct buf text = BUF_INIT;

	minisign_sig_text(&b->sig, &text);
	return fs_write(fd, text.data, text.len, err);
}

/* Writes manifest and signature: they parse to what they are written from, so these are the bundle's bytes. */
static int write_leader(struct site *s, const struct bundle *b, const char *path,
	int (*write_text)(const struct bundle *b, int fd, struct err *err), struct err *err)
{
	int fd = sink_open(s, path, 0, err);

	if (fd < 0)
		return -1;
	int status = write_text(b, fd, err);
	if (status < 0)
		err_wrap(err, "%s: %s", s->name, path);
	struct err closing;
	if (sink_close(s, path, fd, status == 0, &closing) < 0 && status == 0) {
		*err = closing;
		status = -1;
	}
	return status;
}

/* Gives the work folder its final name. */
static int finish(struct site *s, const struct bundle *b, struct err *err)
{
	if (write_leader(s, b, FORMAT_MANIFEST, write_manifest, err) < 0 ||
	    write_leader(s, b, FORMAT_SIGNATURE, write_signature, err) < 0)
		return -1;
	if (fchmod(s->work, 0755) < 0 || fsync(s->work) < 0)
		return err_errno(err, "%s", s->work_name);
	/* A rename goes by name: looked at before, so that no stranger's folder gets ours, and after, for the moment between. */
	if (!still_there(s, s->work_name))
		return err_set(err, ERR_AUTH, "%s: was swapped while it was written; nothing was extracted", s->work_name);
	if (renameat(s->parent, s->work_name, s->parent, s->name) < 0)
		return err_errno(err, "%s: cannot be given its name", s->name);
	if (!still_there(s, s->name))
		return err_set(err, ERR_AUTH, "%s: was swapped while it was written; do not use it", s->name);
	if (fsync(s->parent) < 0)
		return err_errno(err, "%s", s->name);
	return 0;
}

static int run(struct site *s, const char *target, struct bundle *b, struct input *in, struct keyring *keys,
	unsigned threads, struct err *err)
{
	const struct bundle_sink sink = { .expect = sink_expect, .open = sink_open, .close = sink_close, .arg = s };

	if (site_open(s, target, err) < 0)
		return -1;
	if (bundle_read(b, in, keys, &sink, threads, err) == 0) {
		if (finish(s, b, err) == 0)
			return 0;
		bundle_release(b);
	}
	struct err ignored;
	if (still_there(s, s->work_name) && fs_empty(s->work, &ignored) == 0)
		(void)unlinkat(s->parent, s->work_name, AT_REMOVEDIR);
	return -1;
}

int extract(const char *target, struct bundle *b, struct input *in, struct keyring *keys, unsigned threads,
	struct err *err)
{
	struct site s = { .parent = -1, .work = -1 };
	int status = run(&s, target, b, in, keys, threads, err);

	site_release(&s);
	return status;
}
