#include "image_want.h"

#include "mem.h"

#include <string.h>

#define ROUNDS_MAX 64	/* of looking what is lacking, and fetching it: far more than indexes are deep */

void want_release(struct want *w)
{
	oci_ref_release(&w->ref);
	free(w->text);
	oci_tree_release(&w->tree);
}

void want_trees(struct oci *oci, const struct store *store, struct want *wants, size_t n)
{
	struct oci_job *jobs = xcalloc(n, sizeof(*jobs));
	size_t *which = xcalloc(n, sizeof(*which));

	for (int round = 0; round < ROUNDS_MAX; round++) {
		size_t used = 0;
		for (size_t i = 0; i < n; i++) {
			struct want *w = &wants[i];
			if (w->done || w->failed)
				continue;
			int status = oci_tree_find(store, w->top, w->platform, &w->tree, &w->need, &w->err);
			w->done = status == 0;
			w->failed = status < 0;
			if (status <= 0)
				continue;
			oci_tree_release(&w->tree);
			jobs[used] = (struct oci_job){ .ref = &w->ref, .label = w->text, .blob = w->need.blob, .sha256 = w->need.digest,
				.size = w->need.size };
			which[used++] = i;
		}
		if (used == 0)
			break;
		(void)oci_fetch(oci, jobs, used);
		for (size_t k = 0; k < used; k++)
			if (jobs[k].failed) {
				wants[which[k]].failed = 1;
				wants[which[k]].err = jobs[k].err;
			}
	}
	for (size_t i = 0; i < n; i++)
		if (!wants[i].done && !wants[i].failed)
			wants[i].failed = err_set(&wants[i].err, ERR_WORK, "the store does not keep what is put into it") != 0;
	free(jobs);
	free(which);
}

/* A blob of an image. */
struct piece {
	const struct want *want;
	const struct oci_desc *desc;
	int tried;
	char *label;
};

static size_t count_pieces(const struct want *wants, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += wants[i].done && !wants[i].failed ? 1 + wants[i].tree.n_layers : 0;
	return count;
}

static void list_pieces(const struct want *wants, size_t n, struct piece *pieces)
{
	for (size_t i = 0; i < n; i++) {
		const struct oci_tree *t = &wants[i].tree;
		if (!wants[i].done || wants[i].failed)
			continue;
		for (size_t k = 0; k <= t->n_layers; k++, pieces++) {
			*pieces = (struct piece){ .want = &wants[i], .desc = k == 0 ? &t->config : &t->layers[k - 1] };
			pieces->label = xasprintf("%s %.12s", wants[i].text, pieces->desc->digest);
		}
	}
}

static int by_digest(const void *a, const void *b)
{
	return strcmp(((const struct piece *)a)->desc->digest, ((const struct piece *)b)->desc->digest);
}

/*
 * Of each blob that is missing, the first of the images that was not yet asked in vain: what many images have is fetched once,
 * and one repository that refuses it is not the end. The pieces are sorted by digest. Returns how many jobs there are.
 */
static size_t choose(const struct store *store, struct piece *pieces, size_t n, struct oci_job *jobs, size_t *which)
{
	size_t used = 0;

	for (size_t i = 0, next; i < n; i = next) {
		size_t pick = n;
		for (next = i; next < n && strcmp(pieces[next].desc->digest, pieces[i].desc->digest) == 0; next++)
			if (pick == n && !pieces[next].tried)
				pick = next;
		uint64_t size;
		if (pick == n || (store_has(store, pieces[i].desc->digest, &size) && size == pieces[pick].desc->size))
			continue;
		struct piece *p = &pieces[pick];
		p->tried = 1;
		jobs[used] = (struct oci_job){ .ref = &p->want->ref, .label = p->label, .blob = 1, .sha256 = p->desc->digest,
			.size = p->desc->size };
		which[used++] = pick;
	}
	return used;
}

/* Fails the image with the blob's failure; of several the first counts. */
static void fail_want(struct want *wants, const struct want *which, const struct err *err)
{
	struct want *w = &wants[which - wants];

	if (!w->failed)
		w->err = *err;
	w->failed = 1;
}

void want_pieces(struct oci *oci, const struct store *store, struct want *wants, size_t n)
{
	size_t count = count_pieces(wants, n), used;
	struct piece *pieces = xcalloc(count, sizeof(*pieces));
	struct oci_job *jobs = xcalloc(count, sizeof(*jobs));
	struct err *errs = xcalloc(count, sizeof(*errs));
	size_t *which = xcalloc(count, sizeof(*which));

	list_pieces(wants, n, pieces);
	if (count)
		qsort(pieces, count, sizeof(*pieces), by_digest);
	while ((used = choose(store, pieces, count, jobs, which)) > 0) {
		(void)oci_fetch(oci, jobs, used);
		for (size_t k = 0; k < used; k++)
			if (jobs[k].failed)
				errs[which[k]] = jobs[k].err;
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t size;
		if (!store_has(store, pieces[i].desc->digest, &size) || size != pieces[i].desc->size)
			fail_want(wants, pieces[i].want, &errs[i]);
		free(pieces[i].label);
	}
	free(pieces);
	free(jobs);
	free(errs);
	free(which);
}
