#include "cmd.h"

#include "mem.h"
#include "parallel.h"
#include "progress.h"
#include "store_scan.h"

#include <pthread.h>
#include <string.h>

#define CHUNK (256u << 10)	/* bytes that each thread reads at once */

struct result {
	enum store_health health;
	char *why;	/* it could not be read, or not be removed; or NULL */
};

struct verify {
	const struct store *store;
	const struct store_list *list;
	struct result *results;	/* one a blob */
	struct progress *progress;
	pthread_mutex_t mutex;	/* progress' */
	size_t damaged, failed;
};

/* One that is damaged does not stop the others. */
static int verify_one(void *arg, size_t i, unsigned char *buf, struct err *err)
{
	struct verify *v = arg;
	const struct store_entry *e = &v->list->entries[i];
	struct result *r = &v->results[i];

	if (store_verify_blob(v->store, e->name, buf, CHUNK, &r->health, err))
		r->why = xstrdup(err->msg);
	pthread_mutex_lock(&v->mutex);
	progress_bytes(v->progress, (int64_t)e->size);
	progress_done(v->progress, e->name, e->size);
	progress_tick(v->progress);
	pthread_mutex_unlock(&v->mutex);
	return 0;
}

static void report(struct verify *v)
{
	struct err err;

	for (size_t i = 0; i < v->list->n; i++) {
		struct result *r = &v->results[i];
		if (r->health == STORE_DAMAGED) {
			v->damaged++;
			(void)err_set(&err, ERR_AUTH, "%s: damaged%s", v->list->entries[i].name, r->why ? "" : ", and removed");
			cmd_report(&err);
		}
		if (r->why) {
			v->failed++;
			(void)err_set(&err, ERR_WORK, "%s", r->why);
			cmd_report(&err);
			free(r->why);
		}
	}
}

static int say(const struct verify *v, struct err *err)
{
	cleanup_buf struct buf out = BUF_INIT;
	char size[PROGRESS_SIZE_MAX];

	progress_size(size, v->list->size);
	if (v->damaged)
		return err_set(err, ERR_AUTH, "%s: of %zu blobs, %s, %zu %s damaged; labgen fetch brings again what a lab needs",
			store_dir(v->store), v->list->n, size, v->damaged, v->damaged == 1 ? "was" : "were");
	if (v->failed)
		return err_set(err, ERR_WORK, "%s: of %zu blobs, %zu could not be read", store_dir(v->store), v->list->n, v->failed);
	buf_addf(&out, "%s: %zu blob%s, %s: all good\n", store_dir(v->store), v->list->n, v->list->n == 1 ? "" : "s", size);
	return cmd_print(&out, err);
}

static int run(const struct cmd_args *args, struct err *err)
{
	cleanup_store struct store *store = NULL;
	cleanup_store_list struct store_list list = { 0 };
	cleanup_free struct result *results = NULL;
	struct verify v = { .list = &list, .mutex = PTHREAD_MUTEX_INITIALIZER };

	if (strcmp(args->args[0], "verify") != 0)
		return err_set(err, ERR_USAGE, "store: '%s' is not known; it is: labgen store verify", args->args[0]);
	if (store_open(&store, err) || store_list_blobs(store, &list, err))
		return -1;
	v.store = store;
	results = xcalloc(list.n, sizeof(*results));
	v.results = results;
	v.progress = progress_start("verify", list.n, list.size, cmd_has(args, 'q') || !isatty(STDERR_FILENO));
	int failed = parallel_each(list.n, parallel_processors(), CHUNK, verify_one, &v, err);
	progress_end(v.progress);
	report(&v);
	return failed ? -1 : say(&v, err);
}

static const struct cmd_opt opts[] = {
	CMD_OPT_QUIET,
	{ 0 },
};

const struct cmd cmd_store = {
	.name = "store",
	.args = "verify",
	.summary = "hash all that the store holds, and remove what is damaged",
	.text = "Each damaged blob is named and removed, and the exit status is 3; labgen fetch brings again what a lab needs.",
	.opts = opts,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
