#include "http_part.h"

#include "fs.h"
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 65536	/* bytes read at once */
#define SHA512_BYTES 64
#define SHA512_TEXT 89	/* its base64 and a NUL */

static char *part_name(const struct http_job *job)
{
	unsigned char digest[FORMAT_DIGEST];
	char hex[HASH_HEX + 1];
	const char *text = job->sha512 ? job->sha512 : job->url;

	if (job->sha256)
		return xasprintf("part/sha256-%.64s", job->sha256);
	hash_bytes(text, strlen(text), digest);
	hash_to_hex(digest, hex);
	return xasprintf("part/%s-%s", job->sha512 ? "sha512" : "url", hex);
}

static void hash_start(struct part *p, int sha512)
{
	hash_free(p->sha256);
	EVP_MD_CTX_free(p->sha512);
	p->sha256 = hash_new();
	p->sha512 = sha512 ? EVP_MD_CTX_new() : NULL;
	if (p->sha512 && EVP_DigestInit_ex(p->sha512, EVP_sha512(), NULL) != 1) {
		EVP_MD_CTX_free(p->sha512);
		p->sha512 = NULL;
	}
}

static int hash_more(struct part *p, const void *data, size_t len, struct err *err)
{
	hash_update(p->sha256, data, len);
	if (p->sha512 && EVP_DigestUpdate(p->sha512, data, len) != 1)
		return err_set(err, ERR_WORK, "libcrypto cannot compute SHA-512");
	p->len += len;
	return 0;
}

/* Hashes what the file holds already. */
static int hash_there(struct part *p, struct err *err)
{
	char chunk[CHUNK];
	size_t got;

	do {
		if (fs_read(p->fd, chunk, sizeof(chunk), &got, err) < 0 || hash_more(p, chunk, got, err) < 0)
			return -1;
	} while (got == sizeof(chunk));
	p->resumed = p->len;
	return 0;
}

/*
 * Opens and locks. While one waits for the lock the other may have finished, and moved the file to the blobs: only a
 * file that still has its name may be written.
 */
static int open_locked(struct part *p, struct err *err)
{
	struct stat there, mine;

	for (;;) {
		cleanup_close int fd = openat(store_fd(p->store), p->name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0)
			return err_errno(err, "%s/%s", store_dir(p->store), p->name);
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			if (errno == EWOULDBLOCK)
				return 1;
			return err_errno(err, "%s/%s: cannot lock", store_dir(p->store), p->name);
		}
		if (fstat(fd, &mine) == 0 && fstatat(store_fd(p->store), p->name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
			mine.st_ino == there.st_ino && mine.st_dev == there.st_dev) {
			p->fd = steal_fd(&fd);
			return 0;
		}
	}
}

int part_open(struct part *p, const struct store *store, const struct http_job *job, struct err *err)
{
	p->store = store;
	p->name = part_name(job);
	int status = open_locked(p, err);
	if (status == 0) {
		hash_start(p, job->sha512 != NULL);
		if (job->sha512 && !p->sha512)
			status = err_set(err, ERR_WORK, "libcrypto cannot compute SHA-512");
		else
			status = job->sha256 || job->sha512 ? hash_there(p, err) : part_restart(p, err);
	}
	if (status != 0)
		part_close(p);
	return status;
}

int part_restart(struct part *p, struct err *err)
{
	if (ftruncate(p->fd, 0) < 0 || lseek(p->fd, 0, SEEK_SET) < 0)
		return err_errno(err, "%s/%s: cannot empty it", store_dir(p->store), p->name);
	hash_start(p, p->sha512 != NULL);
	p->len = p->resumed = 0;
	return 0;
}

int part_write(struct part *p, const void *data, size_t len, struct err *err)
{
	if (fs_write(p->fd, data, len, err) < 0)
		return err_wrap(err, "%s/%s", store_dir(p->store), p->name);
	return hash_more(p, data, len, err);
}

static int check_sha512(struct part *p, const struct http_job *job, struct err *err)
{
	unsigned char digest[SHA512_BYTES];
	unsigned char text[SHA512_TEXT];

	if (!job->sha512)
		return 0;
	if (EVP_DigestFinal_ex(p->sha512, digest, NULL) != 1)
		return err_set(err, ERR_WORK, "libcrypto cannot compute SHA-512");
	(void)EVP_EncodeBlock(text, digest, sizeof(digest));
	if (strcmp((char *)text, job->sha512) != 0)
		return err_set(err, ERR_AUTH, "digest differs: sha512-%s is expected, what arrived has sha512-%s", job->sha512,
			(char *)text);
	return 0;
}

int part_finish(struct part *p, struct http_job *job, struct err *err)
{
	unsigned char digest[FORMAT_DIGEST];

	hash_final(p->sha256, digest);
	hash_to_hex(digest, job->got_sha256);
	job->got_size = p->len;
	if (job->size && job->size != p->len)
		return err_set(err, ERR_AUTH, "size differs: %" PRIu64 " bytes are expected, what arrived has %" PRIu64,
			job->size, p->len);
	if (job->sha256 && strcmp(job->sha256, job->got_sha256) != 0)
		return err_set(err, ERR_AUTH, "digest differs: sha256 %s is expected, what arrived has %s", job->sha256,
			job->got_sha256);
	if (check_sha512(p, job, err) < 0)
		return -1;
	return store_adopt(p->store, p->name, job->got_sha256, err);
}

void part_close(struct part *p)
{
	if (p->fd >= 0)
		(void)close(p->fd);
	free(p->name);
	hash_free(p->sha256);
	EVP_MD_CTX_free(p->sha512);
	*p = (struct part)PART_INIT;
}

void part_drop(struct part *p)
{
	if (p->fd >= 0)
		(void)unlinkat(store_fd(p->store), p->name, 0);
	part_close(p);
}
