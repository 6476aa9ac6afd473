#include "cmd.h"

#include "bundle.h"
#include "bundle_write.h"
#include "mem.h"
#include "members.h"
#include "progress.h"
#include "volume_write.h"
#include "volumes.h"
#include "work.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define OPT_KEY 'k'
#define OPT_OUTPUT 'o'
#define OPT_VOLUME_SIZE 's'

/* The platform of this machine, or NULL where no bundle can be for it. */
static const char *host_platform(void)
{
	struct utsname u;

	if (uname(&u) < 0)
		return NULL;
	int arm = strcmp(u.machine, "aarch64") == 0 || strcmp(u.machine, "arm64") == 0;
	if (strcmp(u.sysname, "Linux") == 0)
		return arm ? "linux/arm64" : strcmp(u.machine, "x86_64") == 0 ? "linux/amd64" : NULL;
	return strcmp(u.sysname, "Darwin") == 0 && arm ? "darwin/arm64" : NULL;
}

static int choose_platform(const struct work *w, const struct cmd_args *args, const char *one[2], struct err *err)
{
	const struct spec_item all = { 0 };
	const char *host = host_platform();

	if (cmd_value(args, 'p'))
		return work_platforms(w, args, one, err) ? 0 : -1;
	if (!host || !spec_item_on(&w->spec, &all, host))
		return err_set(err, ERR_USAGE, "bundle: %s is not for this machine's platform; name one with --platform",
			w->spec.file);
	one[0] = host;
	one[1] = NULL;
	return 0;
}

/* What is wrong with the output is said before anything is fetched; bundle_write() looks again. */
static int check_output(const char *out, uint64_t volume, struct err *err)
{
	struct stat st;

	if (volume)
		return volume_names_check(out, err);
	if (lstat(out, &st) == 0)
		return err_set(err, ERR_USAGE, "%s: exists already; remove it or choose another name", out);
	return 0;
}

static int needs(const char *value, const char *option, struct err *err)
{
	return value ? 0 : err_set(err, ERR_USAGE, "bundle: it needs %s; see labgen help bundle", option);
}

static int say(const char *out, const struct bundle_facts *facts, struct err *err)
{
	cleanup_buf struct buf text = BUF_INIT;
	char size[PROGRESS_SIZE_MAX];

	progress_size(size, facts->size);
	buf_addf(&text, "%s%s: %zu members, %s", out, facts->volumes ? VOLUMES_SUFFIX : "", facts->members, size);
	if (facts->volumes)
		buf_addf(&text, " in %zu volume%s", facts->volumes, facts->volumes == 1 ? "" : "s");
	buf_addf(&text, ", bundle id %s\n", facts->id);
	return cmd_print(&text, err);
}

/* Fetches, plans and writes, for the one platform. */
static int make_bundle(struct work *w, const char *const *platform, const struct signer *signer, const char *out,
	uint64_t volume, struct bundle_facts *facts, struct err *err)
{
	cleanup_plan struct plan plan = { 0 };
	char root[FORMAT_ROOT_MAX + 1], comment[MINISIGN_COMMENT_MAX + 1];

	if (bundle_name(root, comment, w->spec.lab, w->spec.version, platform[0], err) || work_net(w, err) ||
		work_fetch(w, platform, err))
		return -1;
	w->ctx.platform = platform[0];
	w->ctx.http = NULL;
	if (members_plan(&w->ctx, &w->lock, root, &plan, err))
		return -1;
	const struct bundle_job job = { .lab = w->spec.lab, .version = w->spec.version, .platform = platform[0],
		.plan = &plan, .signer = signer, .store = w->store, .out = out, .volume = volume,
		.quiet = w->quiet };
	return bundle_write(&job, facts, err);
}

static int run(const struct cmd_args *args, struct err *err)
{
	const char *out = cmd_value(args, OPT_OUTPUT), *key = cmd_value(args, OPT_KEY);
	cleanup_work struct work w = { 0 };
	cleanup_signer struct signer *signer = NULL;
	struct bundle_facts facts;
	const char *platform[2];
	uint64_t volume;

	if (needs(out, "--output FILE", err) || needs(key, "--key FILE", err) ||
		cmd_size(args, OPT_VOLUME_SIZE, FORMAT_VOLUME_MIN, CMD_VOLUME_MAX, 0, &volume, err) ||
		work_lock(&w, args, err) || choose_platform(&w, args, platform, err) || check_output(out, volume, err) ||
		signer_load(&signer, key, cmd_value(args, CMD_OPT_PASSWORD_FILE), err) ||
		make_bundle(&w, platform, signer, out, volume, &facts, err))
		return -1;
	return say(out, &facts, err);
}

static const struct cmd_opt opts[] = {
	{ .id = OPT_OUTPUT, .name = "output", .arg = "FILE", .help = "the bundle to write, as lab.tar; it must not exist" },
	CMD_OPTS_KEY,
	CMD_OPT_VOLUME_SIZE,
	{ .id = 'p', .name = "platform", .arg = "OS/ARCH", .help = "for this platform of the lab's (this machine's)" },
	WORK_OPT_MIRROR,
	CMD_OPT_JOBS,
	CMD_OPT_QUIET,
	{ 0 },
};

const struct cmd cmd_bundle = {
	.name = "bundle",
	.args = "[LABDIR]",
	.summary = "write the signed bundle of a lab",
	.text = "First fetches what the store lacks. The same lab, platform and key give the same file, byte for byte, on any "
		"machine. It appears whole under its name, or not at all.\n\n"
		"With --volume-size it is cut into volumes for media that hold no file so large, with a signed list, "
		"FILE.volumes. labverify takes the list for the bundle, and checks each volume alone as well; joined, they are "
		"the bundle.",
	.opts = opts,
	.max_args = 1,
	.run = run,
};
