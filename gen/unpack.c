#include "unpack.h"

#include "fs.h"
#include "mem.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#define CHUNK 65536
#define ENTRIES_MAX 1000000

static void close_reader(struct archive **a)
{
	if (*a)
		(void)archive_read_free(*a);
}

static int fail(struct archive *a, const char *name, struct err *err)
{
	const char *why = archive_error_string(a);

	return err_set(err, ERR_WORK, "%s: cannot read the archive: %s", name, why ? why : "damaged");
}

/* The name without "./" before it. */
static const char *plain(const char *path)
{
	while (path && path[0] == '.' && path[1] == '/')
		path += 2;
	return path;
}

static int find(struct archive *a, const char *name, const char *member, struct err *err)
{
	struct archive_entry *entry;

	for (unsigned n = 0; n < ENTRIES_MAX; n++) {
		int r = archive_read_next_header(a, &entry);
		if (r == ARCHIVE_EOF)
			break;
		if (r < ARCHIVE_WARN)
			return fail(a, name, err);
		const char *path = plain(archive_entry_pathname(entry));
		if (!path || strcmp(path, plain(member)) != 0)
			continue;
		if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry))
			return err_set(err, ERR_WORK, "%s: '%s' in it is not a regular file", name, member);
		return 0;
	}
	return err_set(err, ERR_WORK, "%s: no file '%s' in it", name, member);
}

static int copy(struct archive *a, const char *name, int to, uint64_t *size, unsigned char digest[FORMAT_DIGEST],
	struct err *err)
{
	cleanup_hash struct hash *h = hash_new();
	char chunk[CHUNK];
	la_ssize_t n;

	*size = 0;
	while ((n = archive_read_data(a, chunk, sizeof(chunk))) > 0) {
		*size += (uint64_t)n;
		if (*size > FORMAT_SIZE_MAX)
			return err_set(err, ERR_WORK, "%s: the file in it is over %llu bytes", name, FORMAT_SIZE_MAX);
		if (fs_write(to, chunk, (size_t)n, err) < 0)
			return -1;
		hash_update(h, chunk, (size_t)n);
	}
	if (n < 0)
		return fail(a, name, err);
	hash_final(h, digest);
	return 0;
}

int unpack_member(const struct store *store, int archive, const char *name, const char *member, uint64_t *size,
	unsigned char digest[FORMAT_DIGEST], struct err *err)
{
	__attribute__((cleanup(close_reader))) struct archive *a = archive_read_new();
	cleanup_close int to = -1;

	if (!a || archive_read_support_filter_gzip(a) < ARCHIVE_WARN || archive_read_support_filter_xz(a) < ARCHIVE_WARN ||
		archive_read_support_filter_zstd(a) < ARCHIVE_WARN || archive_read_support_filter_bzip2(a) < ARCHIVE_WARN ||
		archive_read_support_format_tar(a) < ARCHIVE_WARN || archive_read_support_format_zip(a) < ARCHIVE_WARN)
		return err_set(err, ERR_WORK, "libarchive cannot read archives here");
	if (archive_read_open_fd(a, archive, CHUNK) != ARCHIVE_OK)
		return fail(a, name, err);
	if (find(a, name, member, err) < 0)
		return -1;
	to = store_tmpfile(store, err);
	if (to < 0)
		return -1;
	if (copy(a, name, to, size, digest, err) < 0)
		return -1;
	return steal_fd(&to);
}
