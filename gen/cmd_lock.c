#include "cmd.h"

#include "mem.h"
#include "resolve.h"
#include "work.h"

#include <errno.h>
#include <string.h>

#define OPT_CHECK 256
#define OPT_UPDATE 'u'

/* The lock that was. Without one *has is 0; one that cannot be read is an error where items are to be taken from it. */
static int load_old(struct work *w, int *has, struct err *err)
{
	cleanup_free char *file = xasprintf("%s/lab.lock", w->spec.dir);

	*has = 0;
	if (access(file, F_OK) && errno == ENOENT)
		return 0;
	if (lock_load(&w->lock, w->spec.dir, err))
		return err_wrap(err, "the lock that is to be renewed (remove it to begin without)");
	*has = 1;
	return 0;
}

static size_t get_updates(const struct cmd_args *args, char *updates[CMD_OPTS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < args->n_opts; i++)
		if (args->opts[i].id == OPT_UPDATE)
			updates[n++] = (char *)args->opts[i].value;
	return n;
}

static int say(const char *dir, size_t n, const char *what, struct err *err)
{
	cleanup_buf struct buf out = BUF_INIT;

	buf_addf(&out, "%s/lab.lock: %zu artifact%s, %s\n", dir, n, n == 1 ? "" : "s", what);
	return cmd_print(&out, err);
}

static int run(const struct cmd_args *args, struct err *err)
{
	cleanup_work struct work w = { 0 };
	cleanup_lock struct lock lock = { 0 };
	char *updates[CMD_OPTS_MAX];
	size_t n_updates = get_updates(args, updates);
	int has_old, changed;

	if (cmd_has(args, OPT_CHECK)) {
		if (n_updates)
			return err_set(err, ERR_USAGE, "lock: --check and --update exclude each other");
		return work_lock(&w, args, err) ? -1 : say(w.spec.dir, w.lock.n_items, "answers lab.yaml", err);
	}
	if (work_spec(&w, args, err) || load_old(&w, &has_old, err) || work_net(&w, err) ||
		resolve(&w.ctx, has_old ? &w.lock : NULL, updates, n_updates, &lock, err) ||
		lock_save(&lock, w.spec.dir, &changed, err))
		return -1;
	return say(w.spec.dir, lock.n_items, changed ? "written" : "unchanged", err);
}

static const struct cmd_opt opts[] = {
	{ .id = OPT_CHECK, .name = "check", .help = "only tell whether lab.lock answers lab.yaml; needs no network" },
	{ .id = OPT_UPDATE, .name = "update", .arg = "NAME", .many = 1,
		.help = "resolve only this item (or kind) anew, and keep the other answers; may be given again" },
	WORK_OPT_MIRROR,
	CMD_OPT_JOBS,
	CMD_OPT_QUIET,
	{ 0 },
};

const struct cmd cmd_lock = {
	.name = "lock",
	.args = "[LABDIR]",
	.summary = "resolve what lab.yaml asks for, and pin it in lab.lock",
	.text = "Each artifact is pinned by its digest, with who vouched for it. The same answers are the same bytes. Without "
		"--update everything is resolved anew.\n\n"
		"Where something is asked for as before and has other bytes under the same version and address, nothing is written "
		"and the exit status is 3: a tag was moved or a file replaced. --update NAME accepts it.",
	.opts = opts,
	.max_args = 1,
	.run = run,
};
