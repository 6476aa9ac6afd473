#include "lock.h"

#include "mem.h"
#include "ytree.h"

#include <string.h>

void lock_item_release(struct lock_item *item)
{
	char *const texts[] = { item->id, item->name, item->version, item->platform, item->url, item->ref, item->commit,
		item->path, item->member, item->to, item->integrity, item->sha256, item->evidence, item->evidence_url };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free(texts[i]);
	texts_free(item->paths);
	for (size_t i = 0; i < item->n_platforms; i++) {
		struct lock_platform *p = &item->platforms[i];
		free(p->platform);
		free(p->manifest);
		for (size_t k = 0; k < p->n_blobs; k++) {
			free(p->blobs[k].digest);
			free(p->blobs[k].media_type);
		}
		free(p->blobs);
	}
	free(item->platforms);
	*item = (struct lock_item){ 0 };
}

void lock_release(struct lock *lock)
{
	free(lock->lab);
	free(lock->version);
	texts_free(lock->platforms);
	for (size_t i = 0; i < lock->n_answers; i++)
		free(lock->answers[i]);
	free(lock->answers);
	for (size_t i = 0; i < lock->n_items; i++)
		lock_item_release(&lock->items[i]);
	free(lock->items);
	*lock = (struct lock){ 0 };
}

struct lock_item *lock_add(struct lock *lock)
{
	/* Grown by halves again: a large lock is read without copying it a thousand times. */
	if ((lock->n_items & (lock->n_items - 1)) == 0)
		lock->items = xreallocarray(lock->items, lock->n_items ? lock->n_items * 2 : 1, sizeof(*lock->items));
	struct lock_item *item = &lock->items[lock->n_items++];
	*item = (struct lock_item){ 0 };
	return item;
}

const char *lock_node_platform(const char *platform)
{
	return strcmp(platform, "darwin/arm64") == 0 ? "linux/arm64" : platform;
}

int lock_item_on(const struct lock_item *item, const char *platform)
{
	if (item->platform)
		return strcmp(item->platform, platform) == 0;
	for (size_t i = 0; i < item->n_platforms; i++)
		if (strcmp(item->platforms[i].platform, lock_node_platform(platform)) == 0)
			return 1;
	return item->n_platforms == 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t texts_count(char *const *texts)
{
	size_t n = 0;

	while (texts && texts[n])
		n++;
	return n;
}

static char *platforms_text(char *const *platforms)
{
	cleanup_buf struct buf b = BUF_INIT;
	size_t n = texts_count(platforms);
	cleanup_free char **sorted = xcalloc(n, sizeof(*sorted));

	for (size_t i = 0; i < n; i++)
		sorted[i] = platforms[i];
	qsort(sorted, n, sizeof(*sorted), by_text);
	for (size_t i = 0; i < n; i++)
		buf_addf(&b, "%s%s", i ? ", " : "", sorted[i]);
	return buf_steal(&b);
}

static int differs(struct err *err, const struct spec *spec, const char *what, const char *is, const char *wanted)
{
	return err_set(err, ERR_WORK, "%s/lab.lock no longer answers lab.yaml: it is for %s %s, not %s; run labgen lock %s",
		spec->dir, what, is, wanted, spec->dir);
}

/* "kind name" of an ask, which is enough to know it by. */
static int short_ask(const char *ask)
{
	const char *space = strchr(ask, ' ');

	return space ? (int)(space - ask + 1 + (ptrdiff_t)strcspn(space + 1, " ")) : (int)strlen(ask);
}

/* Names what one side has and the other has not; both are sorted. */
static void compare_asks(char *const *asked, size_t n, char *const *answered, size_t m, struct buf *out)
{
	enum { SHOWN = 3 };
	size_t i = 0, k = 0, differences = 0;

	while (i < n || k < m) {
		int order = i == n ? 1 : k == m ? -1 : strcmp(asked[i], answered[k]);
		if (order != 0 && differences++ < SHOWN)
			buf_addf(out, "%s%.*s %s", out->len ? "; " : "", short_ask(order < 0 ? asked[i] : answered[k]),
				order < 0 ? asked[i] : answered[k], order < 0 ? "is not in it as asked for" :
				"is in it and no longer asked for so");
		i += order <= 0;
		k += order >= 0;
	}
	if (differences > SHOWN)
		buf_addf(out, "; and %zu more", differences - SHOWN);
}

int lock_answers(const struct lock *lock, const struct spec *spec, struct err *err)
{
	cleanup_free char *has = platforms_text(lock->platforms);
	cleanup_free char *wants = platforms_text(spec->platforms);
	cleanup_free char **asks = xcalloc(spec->n_items, sizeof(*asks));
	cleanup_buf struct buf found = BUF_INIT;

	if (strcmp(lock->lab, spec->lab) != 0)
		return differs(err, spec, "lab", lock->lab, spec->lab);
	if (strcmp(lock->version, spec->version) != 0)
		return differs(err, spec, "version", lock->version, spec->version);
	if (strcmp(has, wants) != 0)
		return differs(err, spec, "platforms", has, wants);

	for (size_t i = 0; i < spec->n_items; i++)
		asks[i] = spec_item_ask(spec, &spec->items[i]);
	qsort(asks, spec->n_items, sizeof(*asks), by_text);
	compare_asks(asks, spec->n_items, lock->answers, lock->n_answers, &found);
	for (size_t i = 0; i < spec->n_items; i++)
		free(asks[i]);
	if (found.len)
		return err_set(err, ERR_WORK, "%s/lab.lock no longer answers lab.yaml: %s; run labgen lock %s", spec->dir,
			found.data, spec->dir);
	return 0;
}
