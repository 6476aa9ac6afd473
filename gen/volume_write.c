#include "volume_write.h"

#include "fs.h"
#include "hash.h"
#include "mem.h"
#include "newfile.h"
#include "volumes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define SUFFIX ".tar"
#define LEADERS 2	/* files besides the volumes: the list and its signature */

struct volume_writer {
	char *stem;	/* as given, for messages */
	const char *name;	/* its last part */
	char *part;	/* the work folder's name */
	int dirfd, work;
	struct volumes v;
	size_t at;	/* the volume that is being written; v.n: all are */
	int fd;		/* it; -1: not begun */
	uint64_t done;	/* its bytes so far */
	struct hash *hash;
	size_t given;	/* files that have their name */
};

static int exists_error(const char *stem, const char *suffix, struct err *err)
{
	return err_set(err, ERR_USAGE, "%s%s: exists already; remove it or choose another name", stem, suffix);
}

int volume_names_check(const char *stem, struct err *err)
{
	const char *name = fs_basename(stem);
	size_t len = strlen(name), end = strlen(SUFFIX);
	cleanup_free char *list = xasprintf("%s%s", stem, VOLUMES_SUFFIX);
	struct stat st;

	if (len <= end || strcmp(name + len - end, SUFFIX) != 0 || !format_path_ok(name, len) ||
		len + 1 + VOLUMES_DIGITS > FORMAT_NAME_MAX)
		return err_set(err, ERR_USAGE, "%s: volumes are named after NAME" SUFFIX ", and NAME is made of A-Z a-z 0-9 . _ + @ = ~ -",
			stem);
	return lstat(list, &st) == 0 ? exists_error(stem, VOLUMES_SUFFIX, err) : 0;
}

/* The name of file i, to be freed: the volumes in order, then the signature, and the list last. */
static char *file_name(const struct volume_writer *w, size_t i)
{
	if (i < w->v.n)
		return xstrdup(w->v.list[i].name);
	return xasprintf("%s%s", w->name, i == w->v.n ? VOLUMES_SUFFIX ".minisig" : VOLUMES_SUFFIX);
}

static int same_file(int dirfd, int work, const char *name)
{
	struct stat a, b;

	return fstatat(dirfd, name, &a, AT_SYMLINK_NOFOLLOW) == 0 && fstatat(work, name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
		a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Whether the work folder's name still means the folder that we hold: its last writer may just have removed it. */
static int still_there(const struct volume_writer *w)
{
	struct stat held, named;

	return fstat(w->work, &held) == 0 && fstatat(w->dirfd, w->part, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
		held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

/* Makes the work folder, or takes over the one that a killed writer left. */
static int lock_work(struct volume_writer *w, struct err *err)
{
	for (;;) {
		if (mkdirat(w->dirfd, w->part, 0700) < 0 && errno != EEXIST)
			return err_errno(err, "%s: cannot make its folder's %s", w->stem, w->part);
		cleanup_close int fd = openat(w->dirfd, w->part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return err_errno(err, "%s: %s beside it is in the way", w->stem, w->part);
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			if (errno != EWOULDBLOCK)
				return err_errno(err, "%s: cannot lock %s", w->stem, w->part);
			return err_set(err, ERR_WORK, "%s: another labgen is writing it now; wait for that one", w->stem);
		}
		w->work = steal_fd(&fd);
		if (still_there(w))
			return 0;
		(void)close(w->work);
		w->work = -1;
	}
}

/*
 * Removes what a killed writer left: in the work folder, and under the names that it gave already. Where it came as far
 * as the list, all of it is there, and stays.
 */
static int take_over(struct volume_writer *w, struct err *err)
{
	cleanup_free char *list = file_name(w, w->v.n + 1);
	int again = openat(w->work, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = again < 0 ? NULL : fdopendir(again);

	if (!dir)
		return err_errno(err, "%s: cannot read %s", w->stem, w->part);
	int whole = same_file(w->dirfd, w->work, list);
	for (struct dirent *e; !whole && (e = readdir(dir));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && same_file(w->dirfd, w->work, e->d_name))
			(void)unlinkat(w->dirfd, e->d_name, 0);
	(void)closedir(dir);
	return fs_empty(w->work, err) ? err_wrap(err, "%s: %s", w->stem, w->part) : 0;
}

static int check_absent(const struct volume_writer *w, struct err *err)
{
	struct stat st;

	for (size_t i = 0; i < w->v.n + LEADERS; i++) {
		cleanup_free char *name = file_name(w, i);
		if (fstatat(w->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return exists_error(w->stem, name + strlen(w->name), err);
	}
	return 0;
}

/* How many volumes, and their names. */
static int lay_out(struct volume_writer *w, uint64_t size, uint64_t volume, struct err *err)
{
	if (size == 0 || volume < FORMAT_VOLUME_MIN)
		return err_set(err, ERR_USAGE, "%s: a volume has at least %u bytes", w->stem, FORMAT_VOLUME_MIN);
	uint64_t n = (size - 1) / volume + 1;
	if (n > FORMAT_VOLUMES_MAX)
		return err_set(err, ERR_USAGE, "%s: %llu bytes in volumes of %llu are %llu volumes, and at most %d can be; make them larger",
			w->stem, (unsigned long long)size, (unsigned long long)volume, (unsigned long long)n, FORMAT_VOLUMES_MAX);
	w->v = (struct volumes){ .size = size, .volume = volume, .n = (size_t)n };
	w->v.list = xcalloc(w->v.n, sizeof(*w->v.list));
	for (size_t i = 0; i < w->v.n; i++)
		(void)snprintf(w->v.list[i].name, sizeof(w->v.list[i].name), "%s.%0*zu", w->name, VOLUMES_DIGITS, i + 1);
	return 0;
}

int volume_writer_open(struct volume_writer **out, const char *stem, uint64_t size, uint64_t volume, struct err *err)
{
	cleanup_volume_writer struct volume_writer *w = xcalloc(1, sizeof(*w));
	cleanup_free char *dir = fs_dirname(stem);

	w->dirfd = w->work = w->fd = -1;
	w->stem = xstrdup(stem);
	w->name = fs_basename(w->stem);
	w->part = xasprintf(".%s.parts", w->name);
	w->hash = hash_new();
	w->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->dirfd < 0)
		return err_errno(err, "%s: cannot open its folder", stem);
	if (lay_out(w, size, volume, err) || lock_work(w, err) || take_over(w, err) || check_absent(w, err) ||
		newfile_space(w->dirfd, stem, size, err))
		return -1;
	*out = steal(&w);
	return 0;
}

static uint64_t volume_size(const struct volume_writer *w)
{
	return w->at + 1 < w->v.n ? w->v.volume : w->v.size - (w->v.n - 1) * w->v.volume;
}

static int create(const struct volume_writer *w, const char *name, struct err *err)
{
	int fd = openat(w->work, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);

	return fd < 0 ? err_errno(err, "%s: cannot make %s", w->stem, name) : fd;
}

static int finish(const struct volume_writer *w, int *fd, const char *name, struct err *err)
{
	if (fsync(*fd) < 0)
		return err_errno(err, "%s: cannot bring %s to the disk", w->stem, name);
	return close(steal_fd(fd)) < 0 ? err_errno(err, "%s: cannot finish %s", w->stem, name) : 0;
}

/* Writes what belongs into the volume that is being written. */
static int put_some(struct volume_writer *w, const void *data, size_t len, struct err *err)
{
	struct volume *volume = &w->v.list[w->at];

	if (w->fd < 0) {
		w->fd = create(w, volume->name, err);
		w->done = 0;
	}
	if (w->fd < 0)
		return -1;
	if (fs_write(w->fd, data, len, err))
		return err_wrap(err, "%s: %s", w->stem, volume->name);
	hash_update(w->hash, data, len);
	w->done += len;
	if (w->done < volume_size(w))
		return 0;
	hash_final(w->hash, volume->digest);
	w->at++;
	return finish(w, &w->fd, volume->name, err);
}

int volume_writer_put(struct volume_writer *w, const void *data, size_t len, struct err *err)
{
	const unsigned char *p = data;

	while (len > 0) {
		if (w->at == w->v.n)
			return err_set(err, ERR_WORK, "%s: more bytes than were announced", w->stem);
		uint64_t room = volume_size(w) - (w->fd < 0 ? 0 : w->done);
		size_t n = room < len ? (size_t)room : len;
		if (put_some(w, p, n, err))
			return -1;
		p += n;
		len -= n;
	}
	return 0;
}

static int check_complete(const struct volume_writer *w, struct err *err)
{
	return w->at == w->v.n ? 0 : err_set(err, ERR_WORK, "%s: fewer bytes than were announced", w->stem);
}

int volume_writer_input(struct volume_writer *w, struct input *in, struct err *err)
{
	cleanup_free char *dir = fs_dirname(w->stem);
	cleanup_free char *work = xasprintf("%s/%s", dir, w->part);
	struct volumes v = w->v;

	v.dir = work;
	return check_complete(w, err) ? -1 : volumes_open(&v, NULL, 0, in, err);
}

static int write_text(const struct volume_writer *w, size_t i, const struct buf *text, struct err *err)
{
	cleanup_free char *name = file_name(w, i);
	cleanup_close int fd = create(w, name, err);

	if (fd < 0)
		return -1;
	if (fs_write(fd, text->data, text->len, err))
		return err_wrap(err, "%s: %s", w->stem, name);
	return finish(w, &fd, name, err);
}

static int write_list(struct volume_writer *w, const struct signer *signer, struct err *err)
{
	cleanup_buf struct buf list = BUF_INIT;
	cleanup_buf struct buf signature = BUF_INIT;
	struct minisign_sig sig;

	volumes_text(&w->v, &list);
	if (signer_sign(signer, list.data, list.len, FORMAT_UNTRUSTED_COMMENT, w->v.head, &sig, err))
		return -1;
	minisign_sig_text(&sig, &signature);
	return write_text(w, w->v.n, &signature, err) || write_text(w, w->v.n + 1, &list, err) ? -1 : 0;
}

/* Gives file i its name, without ever replacing another. */
static int give_name(const struct volume_writer *w, size_t i, struct err *err)
{
	cleanup_free char *name = file_name(w, i);

	if (linkat(w->work, name, w->dirfd, name, 0) == 0)
		return 0;
	/* FAT, which sticks have, knows no second names. */
	int no_links = errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS;
	if (no_links && renameat2(w->work, name, w->dirfd, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno == EEXIST)
		return exists_error(w->stem, name + strlen(w->name), err);
	return err_errno(err, "%s: cannot give %s its name", w->stem, name);
}

static int give_names(struct volume_writer *w, struct err *err)
{
	size_t n = w->v.n + LEADERS;

	while (w->given < n) {
		/* Whoever finds the list finds everything else, also after the power failed. */
		if (w->given + 1 == n && fsync(w->dirfd) < 0)
			break;
		if (give_name(w, w->given, err))
			return -1;
		w->given++;
	}
	if (w->given < n || fsync(w->dirfd) < 0)
		return err_errno(err, "%s: cannot bring its folder to the disk", w->stem);
	return 0;
}

static void take_back(struct volume_writer *w)
{
	while (w->given > 0) {
		cleanup_free char *name = file_name(w, --w->given);
		(void)unlinkat(w->dirfd, name, 0);
	}
}

int volume_writer_commit(struct volume_writer *w, const char *lab, const char *version, const char *platform,
	const struct signer *signer, struct err *err)
{
	if (check_complete(w, err) || volumes_head(w->v.head, lab, version, platform, w->v.size, w->v.volume, err) ||
		write_list(w, signer, err))
		return -1;
	if (give_names(w, err) == 0)
		return 0;
	take_back(w);
	return -1;
}

size_t volume_writer_count(const struct volume_writer *w)
{
	return w->v.n;
}

void volume_writer_free(struct volume_writer *w)
{
	struct err ignored;

	if (!w)
		return;
	if (w->fd >= 0)
		(void)close(w->fd);
	/* Without the lock the work folder is not ours to remove. */
	if (w->work >= 0) {
		if (fs_empty(w->work, &ignored) == 0)
			(void)unlinkat(w->dirfd, w->part, AT_REMOVEDIR);
		(void)close(w->work);
	}
	if (w->dirfd >= 0)
		(void)close(w->dirfd);
	volumes_release(&w->v);
	hash_free(w->hash);
	free(w->stem);
	free(w->part);
	free(w);
}
