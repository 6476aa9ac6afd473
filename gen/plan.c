#include "plan.h"

#include "format.h"
#include "fs.h"
#include "hash.h"
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX (64 << 20)	/* bytes of one of the lab's own files */
#define SMALL (256 << 10)	/* bytes of a file that is kept in memory */
#define CHUNK (64u << 10)

static struct plan_member *add_member(struct plan *p, const char *path)
{
	if ((p->n & (p->n - 1)) == 0)
		p->members = xreallocarray(p->members, p->n ? p->n * 2 : 1, sizeof(*p->members));
	struct plan_member *m = &p->members[p->n++];
	*m = (struct plan_member){ .path = xstrdup(path), .fd = -1 };
	return m;
}

int plan_add_blob(struct plan *p, const char *path, const char *sha256, const struct store *s, struct err *err)
{
	unsigned char digest[FORMAT_DIGEST];
	uint64_t size;

	if (strlen(sha256) != HASH_HEX || hash_from_hex(sha256, digest))
		return err_set(err, ERR_USAGE, "%s: '%s' is not a SHA-256", path, sha256);
	if (!store_has(s, sha256, &size))
		return err_set(err, ERR_WORK, "%s: the store lacks %s; run labgen fetch", path, sha256);
	struct plan_member *m = add_member(p, path);
	m->size = size;
	m->blob = xstrdup(sha256);
	memcpy(m->digest, digest, sizeof(digest));
	return 0;
}

int plan_add_mem(struct plan *p, const char *path, const void *data, size_t len, struct err *err)
{
	(void)err;
	struct plan_member *m = add_member(p, path);
	m->size = len;
	m->data = xmalloc(len);
	if (len)
		memcpy(m->data, data, len);
	hash_bytes(m->data, len, m->digest);
	return 0;
}

int plan_add_fd(struct plan *p, const char *path, int fd, uint64_t size, const unsigned char digest[32], struct err *err)
{
	(void)err;
	struct plan_member *m = add_member(p, path);
	m->size = size;
	m->fd = fd;
	memcpy(m->digest, digest, sizeof(m->digest));
	return 0;
}

/* The digest of a file from its start to its end, which must come after size bytes. */
static int hash_file(int fd, const char *file, uint64_t size, unsigned char digest[FORMAT_DIGEST], struct err *err)
{
	cleanup_free unsigned char *chunk = xmalloc(CHUNK);
	cleanup_hash struct hash *hash = hash_new();
	uint64_t at = 0;
	size_t got;

	do {
		if (fs_pread(fd, chunk, CHUNK, at, &got, err))
			return err_wrap(err, "%s", file);
		hash_update(hash, chunk, got);
		at += got;
	} while (got == CHUNK);
	hash_final(hash, digest);
	return at == size ? 0 : err_set(err, ERR_WORK, "%s: changed while it was read", file);
}

int plan_add_open(struct plan *p, const char *path, int taken, const char *file, struct err *err)
{
	cleanup_close int fd = taken;
	cleanup_buf struct buf text = BUF_INIT;
	unsigned char digest[FORMAT_DIGEST];
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_errno(err, "%s: cannot read", file);
	if (S_ISREG(st.st_mode) && st.st_size > SMALL && st.st_size <= FILE_MAX) {
		if (hash_file(fd, file, (uint64_t)st.st_size, digest, err))
			return -1;
		return plan_add_fd(p, path, steal_fd(&fd), (uint64_t)st.st_size, digest, err);
	}
	if (fs_slurp_fd(fd, file, FILE_MAX, &text, err))
		return -1;
	struct plan_member *m = add_member(p, path);
	m->size = text.len;
	hash_bytes(text.data, text.len, m->digest);
	m->data = buf_steal(&text);
	return 0;
}

int plan_add_file(struct plan *p, const char *path, const char *file, struct err *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return err_errno(err, "%s: cannot read", file);
	return plan_add_open(p, path, fd, file, err);
}

void plan_add_rootfs(struct plan *p, const struct lock_item *item)
{
	p->rootfs = xreallocarray(p->rootfs, p->n_rootfs + 1, sizeof(*p->rootfs));
	p->rootfs[p->n_rootfs++].item = item;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct plan_member *)a)->path, ((const struct plan_member *)b)->path);
}

static int check_member(const struct plan_member *m, size_t root_len, struct err *err)
{
	size_t len = strlen(m->path);

	if (!format_path_ok(m->path, len))
		return err_set(err, ERR_USAGE, "'%s' cannot be a member's name: letters, digits and ._+@=~- in parts joined by '/'",
			m->path);
	if (root_len + 1 + len > FORMAT_NAME_MAX)
		return err_set(err, ERR_USAGE, "%s: the name is %zu bytes with its root folder; at most %d", m->path,
			root_len + 1 + len, FORMAT_NAME_MAX);
	if (strcmp(m->path, FORMAT_MANIFEST) == 0 || strcmp(m->path, FORMAT_SIGNATURE) == 0)
		return err_set(err, ERR_USAGE, "%s: this name is the bundle's own", m->path);
	if (m->size > FORMAT_SIZE_MAX)
		return err_set(err, ERR_USAGE, "%s: %llu bytes are more than a member can have: %llu", m->path,
			(unsigned long long)m->size, FORMAT_SIZE_MAX);
	return 0;
}

/* A file cannot also be a folder: looks for each folder of each path among the members. */
static int check_folders(const struct plan *p, const struct plan_member *m, struct err *err)
{
	cleanup_free char *folder = xstrdup(m->path);

	for (char *slash = strrchr(folder, '/'); slash; slash = strrchr(folder, '/')) {
		*slash = '\0';
		struct plan_member key = { .path = folder };
		if (bsearch(&key, p->members, p->n, sizeof(*p->members), by_path))
			return err_set(err, ERR_USAGE, "%s: '%s' is a file, it cannot be a folder as well", m->path, folder);
	}
	return 0;
}

int plan_finish(struct plan *p, const char *root, struct err *err)
{
	size_t root_len = strlen(root);
	uint64_t manifest = 0;

	if (p->n > FORMAT_MEMBERS_MAX)
		return err_set(err, ERR_USAGE, "%zu members are more than a bundle can have: %d", p->n, FORMAT_MEMBERS_MAX);
	if (p->n)
		qsort(p->members, p->n, sizeof(*p->members), by_path);
	for (size_t i = 0; i < p->n; i++) {
		const struct plan_member *m = &p->members[i];
		if (check_member(m, root_len, err))
			return -1;
		if (i > 0 && strcmp(p->members[i - 1].path, m->path) == 0)
			return err_set(err, ERR_USAGE, "%s: two things of the lab would be this member; rename one", m->path);
		if (check_folders(p, m, err))
			return -1;
		manifest += HASH_HEX + 2 + strlen(m->path) + 1;
	}
	if (manifest > FORMAT_MANIFEST_MAX)
		return err_set(err, ERR_USAGE, "the manifest would be %llu bytes; at most %u", (unsigned long long)manifest,
			FORMAT_MANIFEST_MAX);
	return 0;
}

void plan_release(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->members[i].path);
		free(p->members[i].data);
		free(p->members[i].blob);
		if (p->members[i].fd >= 0)
			(void)close(p->members[i].fd);
	}
	free(p->members);
	free(p->rootfs);
	*p = (struct plan){ 0 };
}
