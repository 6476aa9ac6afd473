#include "manifest.h"

#include "hash.h"
#include "mem.h"

#include <string.h>

static int line_parse(struct manifest_entry *e, char *line, size_t len, size_t root_len, struct err *err)
{
	if (len < HASH_HEX + 3 || hash_from_hex(line, e->digest) < 0)
		return err_set(err, ERR_AUTH, "does not begin with 64 lower-case hex digits");
	if (line[HASH_HEX] != ' ' || line[HASH_HEX + 1] != ' ')
		return err_set(err, ERR_AUTH, "no two spaces behind the digest");
	char *path = line + HASH_HEX + 2;
	size_t path_len = len - HASH_HEX - 2;
	if (!format_path_ok(path, path_len))
		return err_set(err, ERR_AUTH, "not a name that the format allows");
	if (root_len + 1 + path_len > FORMAT_NAME_MAX)
		return err_set(err, ERR_AUTH, "name over %d bytes", FORMAT_NAME_MAX);
	e->path = path;
	return 0;
}

static int is_reserved(const char *path)
{
	return strcmp(path, FORMAT_MANIFEST) == 0 || strcmp(path, FORMAT_SIGNATURE) == 0;
}

/*
 * A name may not be a folder of another: no file system could hold both. In bytewise order other names can stand
 * between "a" and "a/b" ("a-b", "a.b"), so every folder part of path is looked up among the entries before it; but for
 * those that it shares with the one just before it: they were looked up then, and what is between comes after them.
 */
static int below_file(const struct manifest *m, char *path)
{
	const char *before = m->n ? m->entries[m->n - 1].path : "";
	size_t shared = 0;

	while (before[shared] && before[shared] == path[shared])
		shared++;
	for (char *slash = strchr(path + shared, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int found = is_reserved(path) || manifest_find(m, path) != NULL;
		*slash = '/';
		if (found)
			return 1;
	}
	return 0;
}

static int entry_add(struct manifest *m, char *line, size_t len, size_t root_len, struct err *err)
{
	struct manifest_entry *e = &m->entries[m->n];

	if (line_parse(e, line, len, root_len, err) < 0)
		return -1;
	if (is_reserved(e->path))
		return err_set(err, ERR_AUTH, "%s: the manifest cannot list itself or its signature", e->path);
	if (m->n > 0) {
		int order = strcmp(m->entries[m->n - 1].path, e->path);
		if (order == 0)
			return err_set(err, ERR_AUTH, "%s: listed twice", e->path);
		if (order > 0)
			return err_set(err, ERR_AUTH, "%s: out of order", e->path);
	}
	if (below_file(m, line + HASH_HEX + 2))
		return err_set(err, ERR_AUTH, "%s: lies below another member", e->path);
	m->n++;
	return 0;
}

static int text_check(const char *text, size_t len, size_t *lines, struct err *err)
{
	if (len == 0)
		return err_set(err, ERR_AUTH, "empty");
	if (len > FORMAT_MANIFEST_MAX)
		return err_set(err, ERR_AUTH, "over %u bytes", FORMAT_MANIFEST_MAX);
	if (text[len - 1] != '\n')
		return err_set(err, ERR_AUTH, "no newline at the end");
	*lines = 0;
	for (size_t i = 0; i < len; i++)
		*lines += text[i] == '\n';
	if (*lines > FORMAT_MEMBERS_MAX)
		return err_set(err, ERR_AUTH, "%zu members; at most %d", *lines, FORMAT_MEMBERS_MAX);
	return 0;
}

int manifest_parse(struct manifest *m, char *text, size_t len, size_t root_len, struct err *err)
{
	cleanup_manifest struct manifest made = { .text = text };
	size_t lines = 0;

	*m = (struct manifest){ 0 };
	if (text_check(text, len, &lines, err) < 0)
		return -1;
	made.entries = xcalloc(lines, sizeof(*made.entries));
	for (char *line = text; line < text + len;) {
		char *end = memchr(line, '\n', (size_t)(text + len - line));
		*end = '\0';
		if (entry_add(&made, line, (size_t)(end - line), root_len, err) < 0)
			return err_wrap(err, "line %zu", made.n + 1);
		line = end + 1;
	}
	*m = made;
	made = (struct manifest){ 0 };
	return 0;
}

void manifest_line(const struct manifest_entry *entry, struct buf *out)
{
	char hex[HASH_HEX + 1];

	hash_to_hex(entry->digest, hex);
	buf_add(out, hex, HASH_HEX);
	buf_adds(out, "  ");
	buf_adds(out, entry->path);
	buf_addc(out, '\n');
}

void manifest_release(struct manifest *m)
{
	free(m->entries);
	free(m->text);
	*m = (struct manifest){ 0 };
}

static int by_path(const void *key, const void *entry)
{
	return strcmp(key, ((const struct manifest_entry *)entry)->path);
}

const struct manifest_entry *manifest_find(const struct manifest *m, const char *path)
{
	return m->n ? bsearch(path, m->entries, m->n, sizeof(*m->entries), by_path) : NULL;
}
