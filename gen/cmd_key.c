#include "cmd.h"

#include "mem.h"
#include "password.h"
#include "signer.h"

#include <string.h>

#define OPT_NO_PASSWORD 256
#define OPT_PASSWORD_FILE 257

static int make_key(const struct cmd_args *args, const char *name, struct err *err)
{
	cleanup_signer struct signer *s = NULL;
	cleanup_password char *password = NULL;
	cleanup_buf struct buf out = BUF_INIT;
	char id[MINISIGN_ID_HEX + 1];
	struct minisign_key key;

	/* Before anybody is asked for a password. signer_save() looks again. */
	static const char *const suffixes[] = { ".key", ".pub" };
	for (size_t i = 0; i < 2; i++) {
		cleanup_free char *path = xasprintf("%s%s", name, suffixes[i]);
		if (access(path, F_OK) == 0)
			return err_set(err, ERR_USAGE, "%s: exists already; remove it or choose another name", path);
	}
	if (!cmd_has(args, OPT_NO_PASSWORD) &&
		password_get(&password, cmd_value(args, OPT_PASSWORD_FILE), "Password for the new key: ", 1, err))
		return -1;
	if (signer_generate(&s, err) || signer_save(s, name, password, err))
		return -1;
	signer_public(s, &key);
	minisign_id_hex(key.id, id);
	buf_addf(&out, "key %s: %s.key is secret, keep it; %s.pub is for everybody who checks\n", id, name, name);
	return cmd_print(&out, err);
}

static int run(const struct cmd_args *args, struct err *err)
{
	if (strcmp(args->args[0], "new") != 0)
		return err_set(err, ERR_USAGE, "key: '%s' is not known; it is: labgen key new NAME", args->args[0]);
	if (cmd_has(args, OPT_NO_PASSWORD) && cmd_has(args, OPT_PASSWORD_FILE))
		return err_set(err, ERR_USAGE, "key: --no-password and --password-file exclude each other");
	return make_key(args, args->args[1], err);
}

static const struct cmd_opt opts[] = {
	{ .id = OPT_NO_PASSWORD, .name = "no-password", .help = "do not encrypt the secret key" },
	{ .id = OPT_PASSWORD_FILE, .name = "password-file", .arg = "FILE",
		.help = "take the password from the first line of FILE, instead of asking" },
	{ 0 },
};

const struct cmd cmd_key = {
	.name = "key",
	.args = "new NAME",
	.summary = "make a pair of keys, NAME.key (secret) and NAME.pub",
	.text = "Both are minisign's own formats: stock minisign reads them, and labgen reads minisign's. What exists is never "
		"overwritten.",
	.opts = opts,
	.min_args = 2,
	.max_args = 2,
	.run = run,
};
