#ifndef CMD_H
#define CMD_H

#include "buf.h"
#include "err.h"
#include "keyring.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The verbs of labgen. One file a verb; the table in cmd.c is the only list of them: calls, help and the man page all
 * come from it.
 */

#define CMD_OPTS_MAX 256	/* options of one call */

struct cmd_opt {
	int id;			/* its letter, or a number from 256 where it has none */
	const char *name;	/* long, without the dashes */
	const char *arg;	/* what it takes, as "FILE"; or NULL */
	const char *help;
	int many;		/* may be given more than once */
};

struct cmd_args;

struct cmd {
	const char *name;
	const char *args;	/* what follows it, without the options: "LABDIR" */
	const char *summary;	/* one line */
	const char *text;	/* paragraphs separated by an empty line, or NULL */
	const struct cmd_opt *opts;	/* ends with a NULL name */
	int min_args, max_args;
	int (*run)(const struct cmd_args *args, struct err *err);
};

/* A call, taken apart. */
struct cmd_args {
	const struct cmd *cmd;
	struct {
		int id;
		const char *value;
	} opts[CMD_OPTS_MAX];
	size_t n_opts;
	char *const *args;	/* NULL-terminated */
	int n_args;
	int help;		/* --help was there */
};

/* NULL-terminated. */
extern const struct cmd *const cmds[];

const struct cmd *cmd_find(const char *name);

/* Takes argv apart; argv[0] is the verb. ERR_USAGE. */
int cmd_parse(struct cmd_args *out, const struct cmd *cmd, int argc, char **argv, struct err *err);

/* The value of an option; NULL where it was not given. */
const char *cmd_value(const struct cmd_args *args, int id);
int cmd_has(const struct cmd_args *args, int id);

/* A number from min to max, or otherwise where the option was not given. */
int cmd_number(const struct cmd_args *args, int id, int min, int max, int otherwise, int *out, struct err *err);

/*
 * A size in bytes from min to max: digits, and K, M, G or T behind them for powers of 1024. otherwise where the option was
 * not given.
 */
int cmd_size(const struct cmd_args *args, int id, uint64_t min, uint64_t max, uint64_t otherwise, uint64_t *out,
	struct err *err);

/* Adds the public keys that an option names. */
int cmd_keys(const struct cmd_args *args, int id, struct keyring *keys, struct err *err);

/* The lab's folder: the first argument, else "." where it holds a lab.yaml. NULL with err set. */
const char *cmd_labdir(const struct cmd_args *args, struct err *err);

/* Prints one error of several; the verb then returns one more for all, which main() prints. */
void cmd_report(const struct err *err);

/* Prints to standard output, whole. */
int cmd_print(const struct buf *text, struct err *err);

/* Help: of all, of one, and as a man page in troff. */
void cmd_help_all(struct buf *out);
void cmd_help_one(const struct cmd *cmd, struct buf *out);
void cmd_man(struct buf *out);

extern const struct cmd cmd_bundle, cmd_diff, cmd_fetch, cmd_gc, cmd_help, cmd_key, cmd_lock, cmd_plan, cmd_sign, cmd_split,
	cmd_store;

/* Options that several verbs have. */
#define CMD_OPT_JOBS { .id = 'j', .name = "jobs", .arg = "N", .help = "how many downloads at once, from 1 to 64 (8)" }
#define CMD_OPT_QUIET { .id = 'q', .name = "quiet", .help = "no progress" }
#define CMD_OPT_PASSWORD_FILE 1000
#define CMD_OPTS_KEY \
	{ .id = 'k', .name = "key", .arg = "FILE", .help = "the secret key to sign with, as NAME.key" }, \
	{ .id = CMD_OPT_PASSWORD_FILE, .name = "password-file", .arg = "FILE", \
		.help = "take the key's password from the first line of FILE, instead of asking" }
#define CMD_OPT_PUB { .id = 'p', .name = "pub", .arg = "PUB", .many = 1, \
	.help = "a public key that the bundle must be signed with: a file, or the key itself; may be given again" }
#define CMD_OPT_VOLUME_SIZE { .id = 's', .name = "volume-size", .arg = "SIZE", \
	.help = "cut it into volumes FILE.001, FILE.002, ... of this size, as 4000M (K, M, G, T are powers of 1024; FAT32 " \
		"takes less than 4G)" }
#define CMD_VOLUME_MAX (1ull << 50)	/* bytes */
#define CMD_JOBS_MAX 64
#define CMD_JOBS 8

#endif
