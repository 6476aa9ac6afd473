#include "bundle_write.h"

#include "bundle.h"
#include "fs.h"
#include "manifest.h"
#include "mem.h"
#include "newfile.h"
#include "progress.h"
#include "ustar.h"
#include "volume_write.h"

#include <fcntl.h>
#include <string.h>

#define CHUNK (1u << 20)	/* bytes of the one buffer that everything passes through */

struct writer {
	const struct bundle_job *job;
	const char *root;
	struct newfile file;	/* where it goes, */
	struct volume_writer *volumes;	/* or there */
	unsigned char *buf;	/* CHUNK bytes, len of them waiting to be written */
	size_t len;
	struct hash *hash;
	struct progress *progress;
};

static int write_out(struct writer *w, struct err *err)
{
	if (w->volumes)
		return volume_writer_put(w->volumes, w->buf, w->len, err);
	return fs_write(w->file.fd, w->buf, w->len, err) ? err_wrap(err, "%s", w->job->out) : 0;
}

static int flush(struct writer *w, struct err *err)
{
	if (write_out(w, err))
		return -1;
	progress_bytes(w->progress, (int64_t)w->len);
	progress_tick(w->progress);
	w->len = 0;
	return 0;
}

/* What is still free in the buffer, which is never nothing. */
static int room(struct writer *w, size_t *n, struct err *err)
{
	if (w->len == CHUNK && flush(w, err))
		return -1;
	*n = CHUNK - w->len;
	return 0;
}

static int put(struct writer *w, const void *data, size_t len, struct err *err)
{
	const unsigned char *p = data;

	while (len > 0) {
		size_t n;
		if (room(w, &n, err))
			return -1;
		n = n < len ? n : len;
		memcpy(w->buf + w->len, p, n);
		w->len += n;
		p += n;
		len -= n;
	}
	return 0;
}

static int put_zeros(struct writer *w, size_t len, struct err *err)
{
	static const unsigned char zeros[2 * FORMAT_BLOCK];

	return put(w, zeros, len, err);
}

/* Copies a file's content and hashes it on the way: exactly size bytes, and then its end. */
static int put_file(struct writer *w, int fd, uint64_t size, const char *path, struct err *err)
{
	uint64_t at = 0;
	size_t n, got;
	char beyond;

	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	while (at < size) {
		if (room(w, &n, err))
			return -1;
		n = size - at < n ? (size_t)(size - at) : n;
		if (fs_pread(fd, w->buf + w->len, n, at, &got, err))
			return err_wrap(err, "%s", path);
		if (got < n)
			return err_set(err, ERR_AUTH, "%s: its source ends at byte %llu of %llu", path,
				(unsigned long long)(at + got), (unsigned long long)size);
		hash_update(w->hash, w->buf + w->len, n);
		w->len += n;
		at += n;
	}
	if (fs_pread(fd, &beyond, 1, size, &got, err))
		return err_wrap(err, "%s", path);
	return got ? err_set(err, ERR_AUTH, "%s: its source is longer than %llu bytes", path, (unsigned long long)size) : 0;
}

static int put_content(struct writer *w, const struct plan_member *m, struct err *err)
{
	unsigned char digest[FORMAT_DIGEST];

	if (m->data) {
		hash_update(w->hash, m->data, (size_t)m->size);
		if (put(w, m->data, (size_t)m->size, err))
			return -1;
	} else {
		cleanup_close int blob = m->blob ? store_blob(w->job->store, m->blob, err) : -1;
		if ((m->blob && blob < 0) || put_file(w, m->blob ? blob : m->fd, m->size, m->path, err))
			return -1;
	}
	hash_final(w->hash, digest);
	if (memcmp(digest, m->digest, sizeof(digest)) != 0)
		return err_set(err, ERR_AUTH, "%s: its digest differs from the plan's", m->path);
	return 0;
}

static int put_member(struct writer *w, const struct plan_member *m, struct err *err)
{
	unsigned char header[FORMAT_BLOCK];

	if (ustar_member(header, w->root, m->path, m->size, err) || put(w, header, sizeof(header), err))
		return -1;
	if (put_content(w, m, err) == 0)
		return put_zeros(w, ustar_padding(m->size), err);
	if (err->code == ERR_AUTH && m->blob) {
		store_drop(w->job->store, m->blob);
		return err_wrap(err, "a damaged blob was removed from the store; run labgen fetch and again: %s", m->blob);
	}
	return -1;
}

static int put_small(struct writer *w, const char *path, const struct buf *text, struct err *err)
{
	unsigned char header[FORMAT_BLOCK];

	if (ustar_member(header, w->root, path, text->len, err) || put(w, header, sizeof(header), err) ||
		put(w, text->data, text->len, err))
		return -1;
	return put_zeros(w, ustar_padding(text->len), err);
}

static uint64_t in_archive(uint64_t size)
{
	return FORMAT_BLOCK + size + ustar_padding(size);
}

/* The bytes of the whole archive. Encodes each header once, so that none can fail when gigabytes are written. */
static int archive_size(const struct plan *plan, const char *root, size_t manifest, size_t signature, uint64_t *size,
	struct err *err)
{
	unsigned char header[FORMAT_BLOCK];

	*size = in_archive(manifest) + in_archive(signature) + 2 * FORMAT_BLOCK;
	for (size_t i = 0; i < plan->n; i++) {
		if (ustar_member(header, root, plan->members[i].path, plan->members[i].size, err))
			return -1;
		*size += in_archive(plan->members[i].size);
	}
	return 0;
}

static void manifest_text(const struct plan *plan, struct buf *out)
{
	for (size_t i = 0; i < plan->n; i++) {
		struct manifest_entry entry = { .path = plan->members[i].path };
		memcpy(entry.digest, plan->members[i].digest, sizeof(entry.digest));
		manifest_line(&entry, out);
	}
}

static int put_all(struct writer *w, const struct buf *manifest, const struct buf *signature, struct err *err)
{
	const struct plan *plan = w->job->plan;

	if (put_small(w, FORMAT_MANIFEST, manifest, err) || put_small(w, FORMAT_SIGNATURE, signature, err))
		return -1;
	for (size_t i = 0; i < plan->n; i++)
		if (put_member(w, &plan->members[i], err))
			return -1;
	if (put_zeros(w, 2 * FORMAT_BLOCK, err))
		return -1;
	return flush(w, err);
}

static int sign(const struct bundle_job *job, const struct buf *manifest, const char *comment, struct buf *out,
	struct err *err)
{
	struct minisign_sig sig;

	if (signer_sign(job->signer, manifest->data, manifest->len, FORMAT_UNTRUSTED_COMMENT, comment, &sig, err))
		return -1;
	minisign_sig_text(&sig, out);
	return 0;
}

static int open_output(struct writer *w, uint64_t size, struct err *err)
{
	if (w->job->volume)
		return volume_writer_open(&w->volumes, w->job->out, size, w->job->volume, err);
	if (newfile_open(&w->file, w->job->out, 0666, err))
		return -1;
	return newfile_space(w->file.dirfd, w->job->out, size, err);
}

/* Nobody watches a bundle being written line by line: progress is for terminals. */
static int write_all(struct writer *w, uint64_t size, const struct buf *manifest, const struct buf *signature,
	struct err *err)
{
	w->progress = progress_start("bundle", 1, size, w->job->quiet || !isatty(STDERR_FILENO));
	int failed = put_all(w, manifest, signature, err);
	if (!failed)
		progress_done(w->progress, w->job->out, size);
	progress_end(w->progress);
	return failed;
}

static int commit(struct writer *w, struct err *err)
{
	const struct bundle_job *job = w->job;

	if (w->volumes)
		return volume_writer_commit(w->volumes, job->lab, job->version, job->platform, job->signer, err);
	return newfile_commit(&w->file, err);
}

static int write_bundle(const struct bundle_job *job, const char *root, uint64_t size, const struct buf *manifest,
	const struct buf *signature, size_t *volumes, struct err *err)
{
	cleanup_free unsigned char *buf = xmalloc(CHUNK);
	cleanup_hash struct hash *hash = hash_new();
	struct writer w = { .job = job, .root = root, .file = NEWFILE_INIT, .buf = buf, .hash = hash };
	int failed = open_output(&w, size, err) || write_all(&w, size, manifest, signature, err) || commit(&w, err);

	*volumes = w.volumes ? volume_writer_count(w.volumes) : 0;
	volume_writer_free(w.volumes);
	newfile_release(&w.file);
	return failed ? -1 : 0;
}

int bundle_write(const struct bundle_job *job, struct bundle_facts *facts, struct err *err)
{
	char root[FORMAT_ROOT_MAX + 1], comment[MINISIGN_COMMENT_MAX + 1];
	unsigned char id[FORMAT_DIGEST];
	cleanup_buf struct buf manifest = BUF_INIT;
	cleanup_buf struct buf signature = BUF_INIT;

	manifest_text(job->plan, &manifest);
	if (bundle_name(root, comment, job->lab, job->version, job->platform, err) ||
		sign(job, &manifest, comment, &signature, err) ||
		archive_size(job->plan, root, manifest.len, signature.len, &facts->size, err) ||
		write_bundle(job, root, facts->size, &manifest, &signature, &facts->volumes, err))
		return -1;
	hash_bytes(manifest.data, manifest.len, id);
	hash_to_hex(id, facts->id);
	facts->members = job->plan->n;
	return 0;
}
