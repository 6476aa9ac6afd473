#include "lock.h"

#include "fs.h"
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static const char head[] =
	"# Written by labgen lock: what lab.yaml asks for, pinned. Do not edit; change lab.yaml and run labgen lock again.\n";

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct lock_item *)a)->id, ((const struct lock_item *)b)->id);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_platform(const void *a, const void *b)
{
	return strcmp(((const struct lock_platform *)a)->platform, ((const struct lock_platform *)b)->platform);
}

/* Every text stands in double quotes: one spelling, and never a number, a date or a truth value to another reader. */
static void add_quoted(struct buf *out, const char *s)
{
	buf_addc(out, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c == '"' || c == '\\')
			buf_addf(out, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			buf_addf(out, "\\x%02X", (unsigned)c);
		else
			buf_addc(out, (char)c);
	}
	buf_addc(out, '"');
}

static void add_key(struct buf *out, const char *indent, const char *key, const char *value)
{
	if (!value)
		return;
	buf_addf(out, "%s%s: ", indent, key);
	add_quoted(out, value);
	buf_addc(out, '\n');
}

static void add_list(struct buf *out, const char *indent, const char *key, char *const *list, size_t n)
{
	if (!n)
		return;
	buf_addf(out, "%s%s:\n", indent, key);
	for (size_t i = 0; i < n; i++) {
		buf_addf(out, "%s  - ", indent);
		add_quoted(out, list[i]);
		buf_addc(out, '\n');
	}
}

static void add_size(struct buf *out, const char *indent, const char *key, uint64_t size)
{
	if (size)
		buf_addf(out, "%s%s: %llu\n", indent, key, (unsigned long long)size);
}

static size_t count(char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

static void add_platform(struct buf *out, const struct lock_platform *p)
{
	add_key(out, "      - ", "platform", p->platform);
	add_key(out, "        ", "manifest", p->manifest);
	add_size(out, "        ", "manifest_size", p->manifest_size);
	if (p->n_blobs)
		buf_adds(out, "        blobs:\n");
	for (size_t i = 0; i < p->n_blobs; i++) {
		add_key(out, "          - ", "digest", p->blobs[i].digest);
		add_size(out, "            ", "size", p->blobs[i].size);
		add_key(out, "            ", "media_type", p->blobs[i].media_type);
	}
}

static void add_item(struct buf *out, const struct lock_item *item)
{
	static const char in[] = "    ";

	add_key(out, "  - ", "id", item->id);
	add_key(out, in, "kind", item->kind);
	add_key(out, in, "name", item->name);
	add_key(out, in, "version", item->version);
	add_key(out, in, "platform", item->platform);
	add_key(out, in, "url", item->url);
	add_key(out, in, "ref", item->ref);
	add_key(out, in, "commit", item->commit);
	add_key(out, in, "path", item->path);
	add_key(out, in, "member", item->member);
	add_key(out, in, "to", item->to);
	add_list(out, in, "paths", item->paths, count(item->paths));
	add_key(out, in, "integrity", item->integrity);
	add_size(out, in, "size", item->size);
	add_key(out, in, "sha256", item->sha256);
	add_key(out, in, "evidence", item->evidence);
	add_key(out, in, "evidence_url", item->evidence_url);
	if (item->n_platforms)
		buf_addf(out, "%splatforms:\n", in);
	for (size_t i = 0; i < item->n_platforms; i++)
		add_platform(out, &item->platforms[i]);
}

static void sort(struct lock *lock)
{
	/* An empty list is a null pointer, which qsort() may not be given. */
	if (lock->n_answers)
		qsort(lock->answers, lock->n_answers, sizeof(*lock->answers), by_text);
	if (lock->n_items)
		qsort(lock->items, lock->n_items, sizeof(*lock->items), by_id);
	if (lock->platforms)
		qsort(lock->platforms, count(lock->platforms), sizeof(*lock->platforms), by_text);
	for (size_t i = 0; i < lock->n_items; i++) {
		struct lock_item *item = &lock->items[i];
		if (item->n_platforms)
			qsort(item->platforms, item->n_platforms, sizeof(*item->platforms), by_platform);
		if (item->paths)
			qsort(item->paths, count(item->paths), sizeof(*item->paths), by_text);
	}
}

void lock_text(struct lock *lock, struct buf *out)
{
	sort(lock);
	buf_adds(out, head);
	buf_addf(out, "format: %d\n", LOCK_FORMAT);
	add_key(out, "", "lab", lock->lab);
	add_key(out, "", "version", lock->version);
	add_list(out, "", "platforms", lock->platforms, count(lock->platforms));
	add_list(out, "", "answers", lock->answers, lock->n_answers);
	if (lock->n_items)
		buf_adds(out, "artifacts:\n");
	for (size_t i = 0; i < lock->n_items; i++)
		add_item(out, &lock->items[i]);
}

int lock_save(struct lock *lock, const char *dir, int *changed, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/lab.lock", dir);
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_buf struct buf old = BUF_INIT;
	struct err ignored;

	lock_text(lock, &text);
	if (text.len > LOCK_FILE_MAX)
		return err_set(err, ERR_USAGE, "%s: the lock would be over %u bytes; ask for less", path, LOCK_FILE_MAX);
	for (size_t i = 0; i + 1 < lock->n_items; i++)
		if (strcmp(lock->items[i].id, lock->items[i + 1].id) == 0)
			return err_set(err, ERR_WORK, "%s: two artifacts have the id %s", path, lock->items[i].id);

	/* An unreadable old one is replaced. */
	*changed = fs_slurp(AT_FDCWD, path, LOCK_FILE_MAX, &old, &ignored) || old.len != text.len ||
		memcmp(old.data, text.data, text.len) != 0;
	return *changed ? fs_replace(path, text.data, text.len, 0644, err) : 0;
}
