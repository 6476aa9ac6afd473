#include "cmd.h"

#include "fs.h"
#include "hash.h"
#include "lock.h"
#include "mem.h"
#include "progress.h"
#include "store_scan.h"

#include <limits.h>
#include <string.h>

#define OPT_DRY_RUN 'n'

/* The digests that locks name. */
struct needed {
	char (*digests)[HASH_HEX + 1];	/* sorted, once all are here */
	size_t n, cap;
};

static void need(struct needed *set, const char *digest)
{
	if (!digest)
		return;
	if (set->n == set->cap) {
		set->cap = set->cap ? set->cap * 2 : 64;
		set->digests = xreallocarray(set->digests, set->cap, sizeof(*set->digests));
	}
	(void)snprintf(set->digests[set->n++], sizeof(*set->digests), "%s", digest);
}

static int by_digest(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int is_needed(const struct needed *set, const char *digest)
{
	return set->n && bsearch(digest, set->digests, set->n, sizeof(*set->digests), by_digest) != NULL;
}

static void need_item(struct needed *set, const struct lock_item *item)
{
	need(set, item->sha256);
	for (size_t i = 0; i < item->n_platforms; i++) {
		need(set, item->platforms[i].manifest);
		for (size_t k = 0; k < item->platforms[i].n_blobs; k++)
			need(set, item->platforms[i].blobs[k].digest);
	}
}

/* Every lock has to be readable, or what it names would be lost. */
static int need_all(struct needed *set, const struct cmd_args *args, struct err *err)
{
	for (int i = 0; i < args->n_args; i++) {
		cleanup_lock struct lock lock = { 0 };
		if (lock_load_any(&lock, args->args[i], err))
			return -1;
		for (size_t k = 0; k < lock.n_items; k++)
			need_item(set, &lock.items[k]);
	}
	if (set->n)
		qsort(set->digests, set->n, sizeof(*set->digests), by_digest);
	return 0;
}

struct gc {
	const struct store *store;
	struct needed needed;
	int dry, quiet;
	size_t kept, gone, parts;
	uint64_t kept_size, gone_size, parts_size;
	struct buf out;
};

static void gc_release(struct gc *g)
{
	free(g->needed.digests);
	buf_release(&g->out);
}

static int sweep_blobs(struct gc *g, struct err *err)
{
	cleanup_store_list struct store_list list = { 0 };
	char size[PROGRESS_SIZE_MAX];

	if (store_list_blobs(g->store, &list, err))
		return -1;
	for (size_t i = 0; i < list.n; i++) {
		const struct store_entry *e = &list.entries[i];
		cleanup_free char *path = xasprintf("blobs/sha256/%.2s/%s", e->name, e->name);
		if (is_needed(&g->needed, e->name)) {
			g->kept++;
			g->kept_size += e->size;
			continue;
		}
		if (!g->dry && store_remove(g->store, path, err))
			return -1;
		g->gone++;
		g->gone_size += e->size;
		progress_size(size, e->size);
		if (!g->quiet)
			buf_addf(&g->out, "%s %10s  %s\n", g->dry ? "would remove" : "removed", size, e->name);
	}
	return 0;
}

/* Unfinished downloads: nobody is at them, and a needed one goes on where it was. */
static int sweep_parts(struct gc *g, struct err *err)
{
	static const char prefix[] = "sha256-";
	cleanup_store_list struct store_list list = { 0 };

	if (store_list_folder(g->store, "part", &list, err))
		return -1;
	for (size_t i = 0; i < list.n; i++) {
		const struct store_entry *e = &list.entries[i];
		cleanup_free char *path = xasprintf("part/%s", e->name);
		if (strncmp(e->name, prefix, strlen(prefix)) == 0 && is_needed(&g->needed, e->name + strlen(prefix)))
			continue;
		if (!g->dry && store_remove(g->store, path, err))
			return -1;
		g->parts++;
		g->parts_size += e->size;
	}
	return 0;
}

/* Hints at blobs that are no longer there: see http_known.h. */
static int sweep_known(struct gc *g, struct err *err)
{
	cleanup_store_list struct store_list list = { 0 };

	if (store_list_folder(g->store, "known", &list, err))
		return -1;
	for (size_t i = 0; i < list.n; i++) {
		cleanup_free char *path = xasprintf("known/%s", list.entries[i].name);
		cleanup_buf struct buf note = BUF_INIT;
		struct err ignored;
		if (fs_slurp(store_fd(g->store), path, HASH_HEX, &note, &ignored) == 0 && note.len == HASH_HEX &&
			is_needed(&g->needed, note.data))
			continue;
		if (!g->dry && store_remove(g->store, path, err))
			return -1;
	}
	return 0;
}

static void add_totals(struct gc *g)
{
	char kept[PROGRESS_SIZE_MAX], gone[PROGRESS_SIZE_MAX], parts[PROGRESS_SIZE_MAX];

	progress_size(kept, g->kept_size);
	progress_size(gone, g->gone_size);
	progress_size(parts, g->parts_size);
	buf_addf(&g->out, "%s: %s %zu blob%s, %s, and %zu unfinished download%s, %s; kept %zu, %s\n", store_dir(g->store),
		g->dry ? "would remove" : "removed", g->gone, g->gone == 1 ? "" : "s", gone, g->parts, g->parts == 1 ? "" : "s",
		parts, g->kept, kept);
}

static int run(const struct cmd_args *args, struct err *err)
{
	cleanup_store struct store *store = NULL;
	__attribute__((cleanup(gc_release))) struct gc g = { .dry = cmd_has(args, OPT_DRY_RUN), .quiet = cmd_has(args, 'q') };

	if (store_open(&store, err) || (!g.dry && store_alone(store, err)) || need_all(&g.needed, args, err))
		return -1;
	g.store = store;
	int failed = sweep_blobs(&g, err) || sweep_parts(&g, err) || sweep_known(&g, err);
	if (!failed)
		add_totals(&g);
	struct err printing;
	if (cmd_print(&g.out, &printing) && !failed) {
		*err = printing;
		return -1;
	}
	return failed ? -1 : 0;
}

static const struct cmd_opt opts[] = {
	{ .id = OPT_DRY_RUN, .name = "dry-run", .help = "only tell what would be removed" },
	{ .id = 'q', .name = "quiet", .help = "only the total" },
	{ 0 },
};

const struct cmd cmd_gc = {
	.name = "gc",
	.args = "LABDIR...",
	.summary = "shrink the store to what the locks of these labs need",
	.text = "Name every lab that is to be kept (its folder, or a NAME.lock): all other blobs and unfinished downloads are removed, "
		"and a lab that is not named fetches anew. apt's state stays. It does nothing while another labgen uses the store.",
	.opts = opts,
	.min_args = 1,
	.max_args = INT_MAX,
	.run = run,
};
