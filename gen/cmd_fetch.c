#include "cmd.h"

#include "work.h"

static int run(const struct cmd_args *args, struct err *err)
{
	cleanup_work struct work w = { 0 };
	cleanup_buf struct buf out = BUF_INIT;
	const char *one[2];
	const char *const *platforms;

	if (work_lock(&w, args, err) || !(platforms = work_platforms(&w, args, one, err)) || work_net(&w, err) ||
		work_fetch(&w, platforms, err))
		return -1;
	buf_addf(&out, "the store has all of %s/lab.lock%s%s\n", w.spec.dir, platforms == one ? " for " : "",
		platforms == one ? one[0] : "");
	return cmd_print(&out, err);
}

static const struct cmd_opt opts[] = {
	WORK_OPT_PLATFORM,
	WORK_OPT_MIRROR,
	CMD_OPT_JOBS,
	CMD_OPT_QUIET,
	{ 0 },
};

const struct cmd cmd_fetch = {
	.name = "fetch",
	.args = "[LABDIR]",
	.summary = "bring what lab.lock names into the store",
	.text = "Interrupted, it goes on where it was when it is run again. Nothing is kept whose digest is not the pinned one. An "
		"artifact that fails does not stop the others; all failures are listed at the end.",
	.opts = opts,
	.max_args = 1,
	.run = run,
};
