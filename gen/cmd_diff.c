#include "cmd.h"

#include "diff.h"
#include "mem.h"
#include "named.h"

#include <string.h>
#include <sys/stat.h>

#define OPT_JSON 256

/* One of the two that are compared. */
struct subject {
	struct lock lock;
	struct bundle bundle;
	struct diff_side side;
};

static void subject_release(struct subject *s)
{
	diff_side_release(&s->side);
	lock_release(&s->lock);
	bundle_release(&s->bundle);
}
#define cleanup_subject __attribute__((cleanup(subject_release)))
#define cleanup_diff __attribute__((cleanup(diff_release)))

/* A lab's folder, or a file that is called a lock. */
static int is_lock(const char *path)
{
	size_t len = strlen(path);
	struct stat st;

	return (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) || (len >= 5 && strcmp(path + len - 5, ".lock") == 0);
}

static int load_lock(struct subject *s, const char *path, struct err *err)
{
	if (lock_load_any(&s->lock, path, err))
		return -1;
	diff_side_lock(&s->side, &s->lock);
	return 0;
}

static int load_bundle(struct subject *s, const char *path, const struct cmd_args *args, struct err *err)
{
	cleanup_keyring struct keyring keys = { 0 };
	cleanup_named struct named n = { 0 };

	if (cmd_keys(args, 'p', &keys, err) || named_open(&n, path, &keys, err) || named_read(&n, &s->bundle, &keys, err))
		return -1;
	diff_side_bundle(&s->side, &s->bundle);
	return 0;
}

/* Both must be of one sort, and keys go with bundles alone. */
static int check_sorts(const struct cmd_args *args, int *locks, struct err *err)
{
	*locks = is_lock(args->args[0]);
	if (*locks != is_lock(args->args[1]))
		return err_set(err, ERR_USAGE, "diff: %s is a lock and %s is not; compare two locks or two bundles",
			args->args[*locks ? 0 : 1], args->args[*locks ? 1 : 0]);
	if (*locks && cmd_has(args, 'p'))
		return err_set(err, ERR_USAGE, "diff: --pub goes with bundles; a lock is not signed");
	if (!*locks && !cmd_has(args, 'p'))
		return err_set(err, ERR_USAGE, "diff: bundles are compared after they are verified: name the signer's key with --pub");
	return 0;
}

static int run(const struct cmd_args *args, struct err *err)
{
	cleanup_subject struct subject old = { 0 };
	cleanup_subject struct subject new = { 0 };
	cleanup_diff struct diff d = { 0 };
	cleanup_buf struct buf out = BUF_INIT;
	struct subject *const subjects[] = { &old, &new };
	int locks;

	if (check_sorts(args, &locks, err))
		return -1;
	for (int i = 0; i < 2; i++)
		if (locks ? load_lock(subjects[i], args->args[i], err) : load_bundle(subjects[i], args->args[i], args, err))
			return -1;
	diff_make(&d, &old.side, &new.side);
	if (!cmd_has(args, OPT_JSON))
		diff_text(&d, &out);
	else if (diff_json(&d, &out, err))
		return -1;
	return cmd_print(&out, err);
}

static const struct cmd_opt opts[] = {
	{ .id = 'p', .name = "pub", .arg = "PUB", .many = 1,
		.help = "bundles: a public key, a file or the key itself; may be given again: any one suffices for each bundle" },
	{ .id = OPT_JSON, .name = "json", .help = "for programs" },
	{ 0 },
};

const struct cmd cmd_diff = {
	.name = "diff",
	.args = "OLD NEW",
	.summary = "tell what differs between two locks, or two bundles",
	.text = "OLD and NEW are labs' folders or lock files (NAME.lock), or two bundles (NAME.tar, or NAME.tar.volumes), which are "
		"verified first. What was added, removed or changed is named, a line each, with versions and sizes, and totals "
		"in the end. Of bundles, members are compared, not who signed them.\n\n"
		"The exit status is 0 whether or not anything differs: it says \"no differences\" where nothing does, and --json "
		"has \"equal\".",
	.opts = opts,
	.min_args = 2,
	.max_args = 2,
	.run = run,
};
