#include "cmd.h"

#include "mem.h"
#include "named.h"
#include "parallel.h"
#include "progress.h"
#include "signer.h"
#include "volume_write.h"

#define OPT_VOLUME_SIZE 's'

struct split {
	struct named from;
	struct keyring keys;	/* the signer's own */
	struct signer *signer;
	struct volume_writer *to;
	const char *out;
	struct bundle b;
};

static void split_release(struct split *s)
{
	volume_writer_free(s->to);
	bundle_release(&s->b);
	named_release(&s->from);
	keyring_release(&s->keys);
	signer_free(s->signer);
}

static int copy(struct split *s, int quiet, struct err *err)
{
	cleanup_free unsigned char *buf = xmalloc(INPUT_CHUNK);
	struct progress *progress = progress_start("split", 1, s->from.in.size, quiet || !isatty(STDERR_FILENO));
	const unsigned char *data;
	size_t len = 1;
	int failed = 0;

	for (uint64_t at = 0; !failed && at < s->from.in.size && len > 0; at += len) {
		failed = input_next(&s->from.in, at, INPUT_CHUNK, buf, &data, &len, err) ||
			volume_writer_put(s->to, data, len, err);
		progress_bytes(progress, failed ? 0 : (int64_t)len);
		progress_tick(progress);
	}
	if (!failed)
		progress_done(progress, s->out, s->from.in.size);
	progress_end(progress);
	return failed ? -1 : 0;
}

/* What was written is what is checked, and then signed: no byte gets in between. */
static int check_copy(struct split *s, struct err *err)
{
	cleanup_input struct input in = { 0 };
	cleanup_bundle struct bundle again = { 0 };
	struct err source;

	if (volume_writer_input(s->to, &in, err))
		return -1;
	if (bundle_read(&s->b, &in, &s->keys, NULL, parallel_processors(), err) == 0)
		return 0;
	/* Most often it is the source that is at fault, and it has a name that people know. */
	if (bundle_read(&again, &s->from.in, &s->keys, NULL, parallel_processors(), &source) == 0)
		return err_wrap(err, "%s: the copy", s->out);
	*err = source;
	return -1;
}

/* The bundle must be of the same signer as the list will be, or checking them would take two keys. */
static int open_source(struct split *s, const char *path, struct err *err)
{
	cleanup_bundle struct bundle b = { 0 };

	s->keys.n = 1;
	signer_public(s->signer, &s->keys.keys[0].key);
	if (named_open(&s->from, path, &s->keys, err))
		return -1;
	free(s->keys.beside);
	s->keys.beside = NULL;
	return bundle_peek(&b, &s->from.in, &s->keys, err) ? err_wrap(err, "%s", path) : 0;
}

static int do_split(struct split *s, const struct cmd_args *args, uint64_t volume, struct err *err)
{
	const char *path = args->args[0];

	if (signer_load(&s->signer, cmd_value(args, 'k'), cmd_value(args, CMD_OPT_PASSWORD_FILE), err) ||
		open_source(s, path, err))
		return -1;
	s->out = cmd_value(args, 'o') ? cmd_value(args, 'o') : s->from.stem;
	if (volume_names_check(s->out, err) || volume_writer_open(&s->to, s->out, s->from.in.size, volume, err) ||
		copy(s, cmd_has(args, 'q'), err) || check_copy(s, err))
		return -1;
	return volume_writer_commit(s->to, s->b.lab, s->b.version, s->b.platform, s->signer, err);
}

static int run(const struct cmd_args *args, struct err *err)
{
	__attribute__((cleanup(split_release))) struct split s = { 0 };
	cleanup_buf struct buf text = BUF_INIT;
	uint64_t volume;

	if (!cmd_value(args, 'k') || !cmd_value(args, OPT_VOLUME_SIZE))
		return err_set(err, ERR_USAGE, "split: it needs --volume-size SIZE and --key FILE; see labgen help split");
	if (cmd_size(args, OPT_VOLUME_SIZE, FORMAT_VOLUME_MIN, CMD_VOLUME_MAX, 0, &volume, err) ||
		do_split(&s, args, volume, err))
		return -1;
	buf_addf(&text, "%s" VOLUMES_SUFFIX ": %zu volume%s\n", s.out, volume_writer_count(s.to),
		volume_writer_count(s.to) == 1 ? "" : "s");
	return cmd_print(&text, err);
}

static const struct cmd_opt opts[] = {
	CMD_OPT_VOLUME_SIZE,
	CMD_OPTS_KEY,
	{ .id = 'o', .name = "output", .arg = "FILE", .help = "name the volumes after FILE, as /media/stick/lab.tar, instead of BUNDLE" },
	CMD_OPT_QUIET,
	{ 0 },
};

const struct cmd cmd_split = {
	.name = "split",
	.args = "BUNDLE",
	.summary = "cut a bundle into volumes, with their signed list",
	.text = "The key must be the one that signed the bundle. What was written is checked, as labverify does, before the list is "
		"signed; the volumes and the list appear together or not at all, and the bundle stays as it is. BUNDLE is "
		"NAME.tar, or NAME.tar.volumes to cut it anew (with --output).",
	.opts = opts,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
