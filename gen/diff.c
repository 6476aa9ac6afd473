#include "diff.h"

#include "hash.h"
#include "mem.h"

#include <string.h>

const char *const diff_labels[] = { "url", "ref", "commit", "path", "member", "to", "paths", "integrity", "evidence",
	"evidence_url", "platforms", NULL };

/* Texts one a line, to be freed; NULL where there are none. */
static char *join(char *const *texts, size_t n)
{
	cleanup_buf struct buf b = BUF_INIT;

	for (size_t i = 0; i < n; i++)
		buf_addf(&b, "%s%s", i ? "\n" : "", texts[i]);
	return n ? buf_steal(&b) : NULL;
}

static size_t count(char *const *texts)
{
	size_t n = 0;

	while (texts && texts[n])
		n++;
	return n;
}

/* An image's content by platform: every digest of it. *size grows by what it takes. */
static char *platforms_text(const struct lock_item *item, uint64_t *size)
{
	cleanup_buf struct buf b = BUF_INIT;

	for (size_t i = 0; i < item->n_platforms; i++) {
		const struct lock_platform *p = &item->platforms[i];
		buf_addf(&b, "%s %s\n", p->platform, p->manifest);
		*size += p->manifest_size;
		for (size_t k = 0; k < p->n_blobs; k++) {
			buf_addf(&b, "%s %s\n", p->blobs[k].digest, p->blobs[k].media_type ? p->blobs[k].media_type : "");
			*size += p->blobs[k].size;
		}
	}
	return item->n_platforms ? buf_steal(&b) : NULL;
}

static char *copy(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static void thing_of_item(struct diff_thing *t, const struct lock_item *item)
{
	const char *const texts[] = { item->url, item->ref, item->commit, item->path, item->member, item->to };
	size_t n = 0;

	t->name = xasprintf("%s/%s%s%s", item->kind, item->name, item->platform ? "/" : "", item->platform ? item->platform : "");
	t->version = item->version;
	t->size = item->size;
	(void)snprintf(t->digest, sizeof(t->digest), "%s", item->sha256 ? item->sha256 : "");
	/* In the order of diff_labels. */
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		t->fields[n++] = copy(texts[i]);
	t->fields[n++] = join(item->paths, count(item->paths));
	t->fields[n++] = copy(item->integrity);
	t->fields[n++] = copy(item->evidence);
	t->fields[n++] = copy(item->evidence_url);
	t->fields[n++] = platforms_text(item, &t->size);
}

void diff_side_lock(struct diff_side *side, const struct lock *lock)
{
	*side = (struct diff_side){ .lab = lock->lab, .version = lock->version, .n = lock->n_items };
	side->platforms = join(lock->platforms, count(lock->platforms));
	side->asks = join(lock->answers, lock->n_answers);
	for (char *p = side->platforms; p && *p; p++)
		*p = *p == '\n' ? ' ' : *p;
	side->things = xcalloc(side->n, sizeof(*side->things));
	for (size_t i = 0; i < side->n; i++) {
		thing_of_item(&side->things[i], &lock->items[i]);
		side->size += side->things[i].size;
	}
}

void diff_side_bundle(struct diff_side *side, const struct bundle *b)
{
	*side = (struct diff_side){ .lab = b->lab, .version = b->version, .platforms = xstrdup(b->platform), .n = b->manifest.n,
		.size = b->total };
	side->things = xcalloc(side->n, sizeof(*side->things));
	for (size_t i = 0; i < side->n; i++) {
		side->things[i].name = xstrdup(b->manifest.entries[i].path);
		side->things[i].size = b->sizes[i];
		hash_to_hex(b->manifest.entries[i].digest, side->things[i].digest);
	}
}

void diff_side_release(struct diff_side *side)
{
	for (size_t i = 0; i < side->n; i++) {
		free(side->things[i].name);
		for (size_t k = 0; k < DIFF_FIELDS_MAX; k++)
			free(side->things[i].fields[k]);
	}
	free(side->things);
	free(side->platforms);
	free(side->asks);
	*side = (struct diff_side){ 0 };
}

static int compare(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int by_name(const void *a, const void *b)
{
	const struct diff_thing *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : compare(x->version, y->version);
}

void diff_pair_what(const struct diff_pair *p, const char *sep, struct buf *out)
{
	const struct diff_thing *a = p->old, *b = p->new;
	size_t start = out->len;

	if (compare(a->version, b->version) != 0)
		buf_adds(out, "version");
	if (strcmp(a->digest, b->digest) != 0)
		buf_addf(out, "%sdigest", out->len > start ? sep : "");
	if (a->size != b->size)
		buf_addf(out, "%ssize", out->len > start ? sep : "");
	for (size_t i = 0; diff_labels[i]; i++)
		if (compare(a->fields[i], b->fields[i]) != 0)
			buf_addf(out, "%s%s", out->len > start ? sep : "", diff_labels[i]);
}

static void add_pair(struct diff *d, const struct diff_thing *old, const struct diff_thing *new)
{
	struct diff_pair p = { old, new };
	cleanup_buf struct buf what = BUF_INIT;

	if (old && new) {
		diff_pair_what(&p, ",", &what);
		if (what.len == 0) {
			d->same++;
			return;
		}
	}
	d->pairs[d->n++] = p;
}

/* All of one name: n of the old, m of the new, each sorted by version. */
static void compare_group(struct diff *d, const struct diff_thing *old, size_t n, const struct diff_thing *new, size_t m)
{
	cleanup_free const struct diff_thing **rest_old = xcalloc(n, sizeof(*rest_old));
	cleanup_free const struct diff_thing **rest_new = xcalloc(m, sizeof(*rest_new));
	size_t i = 0, k = 0, left = 0, right = 0;

	while (i < n || k < m) {
		int order = i == n ? 1 : k == m ? -1 : compare(old[i].version, new[k].version);
		if (order == 0)
			add_pair(d, &old[i++], &new[k++]);
		else if (order < 0)
			rest_old[left++] = &old[i++];
		else
			rest_new[right++] = &new[k++];
	}
	for (i = 0; i < left || i < right; i++)
		add_pair(d, i < left ? rest_old[i] : NULL, i < right ? rest_new[i] : NULL);
}

static size_t group_end(const struct diff_side *side, size_t i, const char *name)
{
	while (i < side->n && strcmp(side->things[i].name, name) == 0)
		i++;
	return i;
}

void diff_make(struct diff *d, struct diff_side *old, struct diff_side *new)
{
	size_t i = 0, k = 0;

	*d = (struct diff){ .old = old, .new = new };
	d->pairs = xcalloc(old->n + new->n, sizeof(*d->pairs));
	qsort(old->things, old->n, sizeof(*old->things), by_name);
	qsort(new->things, new->n, sizeof(*new->things), by_name);
	while (i < old->n || k < new->n) {
		const char *name = i == old->n ? new->things[k].name : k == new->n ? old->things[i].name :
			strcmp(old->things[i].name, new->things[k].name) <= 0 ? old->things[i].name : new->things[k].name;
		size_t i_end = group_end(old, i, name), k_end = group_end(new, k, name);
		compare_group(d, old->things + i, i_end - i, new->things + k, k_end - k);
		i = i_end;
		k = k_end;
	}
}

void diff_release(struct diff *d)
{
	free(d->pairs);
	*d = (struct diff){ 0 };
}

int diff_equal(const struct diff *d)
{
	return d->n == 0 && compare(d->old->lab, d->new->lab) == 0 && compare(d->old->version, d->new->version) == 0 &&
		compare(d->old->platforms, d->new->platforms) == 0 && compare(d->old->asks, d->new->asks) == 0;
}
