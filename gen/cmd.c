#include "cmd.h"

#include "mem.h"

#include <getopt.h>
#include <string.h>

const struct cmd *const cmds[] = { &cmd_key, &cmd_lock, &cmd_plan, &cmd_fetch, &cmd_bundle, &cmd_split, &cmd_sign, &cmd_diff,
	&cmd_gc, &cmd_store, &cmd_help, NULL };

const struct cmd *cmd_find(const char *name)
{
	for (const struct cmd *const *c = cmds; *c; c++)
		if (strcmp((*c)->name, name) == 0)
			return *c;
	return NULL;
}

#define OPT_HELP 'h'

/* The verb's table as getopt_long() wants it. */
static void getopt_tables(const struct cmd *cmd, struct buf *letters, struct option *longs)
{
	size_t n = 0;

	buf_adds(letters, ":h");
	for (const struct cmd_opt *o = cmd->opts; o && o->name; o++) {
		longs[n++] = (struct option){ o->name, o->arg ? required_argument : no_argument, NULL, o->id };
		if (o->id < 256)
			buf_addf(letters, "%c%s", o->id, o->arg ? ":" : "");
	}
	longs[n++] = (struct option){ "help", no_argument, NULL, OPT_HELP };
	longs[n] = (struct option){ 0 };
}

static const struct cmd_opt *find_opt(const struct cmd *cmd, int id)
{
	for (const struct cmd_opt *o = cmd->opts; o && o->name; o++)
		if (o->id == id)
			return o;
	return NULL;
}

/* An option of the verb's own table: that it is there is the program's business, not the caller's. */
static const struct cmd_opt *own_opt(const struct cmd *cmd, int id)
{
	const struct cmd_opt *o = find_opt(cmd, id);

	if (!o)
		abort();
	return o;
}

static int add_opt(struct cmd_args *out, int id, const char *value, struct err *err)
{
	const struct cmd_opt *o = own_opt(out->cmd, id);

	if (!o->many && cmd_has(out, id))
		return err_set(err, ERR_USAGE, "%s: --%s is here twice", out->cmd->name, o->name);
	if (out->n_opts == CMD_OPTS_MAX)
		return err_set(err, ERR_USAGE, "%s: more than %d options", out->cmd->name, CMD_OPTS_MAX);
	out->opts[out->n_opts].id = id;
	out->opts[out->n_opts++].value = value;
	return 0;
}

static int bad_opt(const struct cmd *cmd, int c, int opt, const char *word, struct err *err)
{
	const struct cmd_opt *known = opt ? find_opt(cmd, opt) : NULL;

	if (c == ':')
		return err_set(err, ERR_USAGE, "%s: %s needs a value%s%s; see labgen help %s", cmd->name, word,
			known ? ": " : "", known ? known->arg : "", cmd->name);
	if (known)
		return err_set(err, ERR_USAGE, "%s: --%s takes no value; see labgen help %s", cmd->name, known->name, cmd->name);
	if (opt)
		return err_set(err, ERR_USAGE, "%s: unknown option -%c; see labgen help %s", cmd->name, opt, cmd->name);
	return err_set(err, ERR_USAGE, "%s: unknown option %s; see labgen help %s", cmd->name, word, cmd->name);
}

static int check_count(const struct cmd_args *out, struct err *err)
{
	const struct cmd *cmd = out->cmd;

	if (out->n_args > cmd->max_args)
		return err_set(err, ERR_USAGE, "%s: '%s' is one argument too many; see labgen help %s", cmd->name,
			out->args[cmd->max_args], cmd->name);
	if (out->n_args < cmd->min_args)
		return err_set(err, ERR_USAGE, "%s: it needs %s; see labgen help %s", cmd->name, cmd->args, cmd->name);
	return 0;
}

int cmd_parse(struct cmd_args *out, const struct cmd *cmd, int argc, char **argv, struct err *err)
{
	cleanup_buf struct buf letters = BUF_INIT;
	struct option longs[32];
	int c;

	*out = (struct cmd_args){ .cmd = cmd };
	getopt_tables(cmd, &letters, longs);
	opterr = 0;
	optind = 0;
	while ((c = getopt_long(argc, argv, letters.data, longs, NULL)) != -1) {
		if (c == OPT_HELP) {
			out->help = 1;
			return 0;
		}
		if (c == '?' || c == ':')
			return bad_opt(cmd, c, optopt, argv[optind > 0 ? optind - 1 : 0], err);
		if (add_opt(out, c, optarg, err))
			return -1;
	}
	out->args = argv + optind;
	out->n_args = argc - optind;
	return check_count(out, err);
}

const char *cmd_value(const struct cmd_args *args, int id)
{
	for (size_t i = args->n_opts; i-- > 0;)
		if (args->opts[i].id == id)
			return args->opts[i].value;
	return NULL;
}

int cmd_has(const struct cmd_args *args, int id)
{
	for (size_t i = 0; i < args->n_opts; i++)
		if (args->opts[i].id == id)
			return 1;
	return 0;
}

int cmd_number(const struct cmd_args *args, int id, int min, int max, int otherwise, int *out, struct err *err)
{
	const char *text = cmd_value(args, id);
	int value = 0;

	*out = otherwise;
	if (!text)
		return 0;
	size_t digits = strspn(text, "0123456789");
	for (size_t i = 0; i < digits && digits < 9; i++)
		value = value * 10 + (text[i] - '0');
	if (digits == 0 || digits >= 9 || text[digits] || value < min || value > max)
		return err_set(err, ERR_USAGE, "%s: --%s must be a number from %d to %d, not '%s'", args->cmd->name,
			own_opt(args->cmd, id)->name, min, max, text);
	*out = value;
	return 0;
}

/* Reads "4000M". Anything larger than max counts as wrong, so that nothing overflows. */
static int read_size(const char *text, uint64_t max, uint64_t *out)
{
	static const char units[] = "KMGT";
	size_t digits = strspn(text, "0123456789");
	const char *unit = text[digits] ? strchr(units, text[digits]) : NULL;
	unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;

	if (digits == 0 || (text[digits] && (!unit || text[digits + 1])))
		return -1;
	*out = 0;
	for (size_t i = 0; i < digits; i++) {
		*out = *out * 10 + (uint64_t)(text[i] - '0');
		if (*out > max >> shift)
			return -1;
	}
	*out <<= shift;
	return 0;
}

int cmd_size(const struct cmd_args *args, int id, uint64_t min, uint64_t max, uint64_t otherwise, uint64_t *out,
	struct err *err)
{
	const char *text = cmd_value(args, id);

	*out = otherwise;
	if (!text || (read_size(text, max, out) == 0 && *out >= min))
		return 0;
	return err_set(err, ERR_USAGE, "%s: --%s must be a size such as 4000M or 2G, from %llu to %llu bytes, not '%s'",
		args->cmd->name, own_opt(args->cmd, id)->name, (unsigned long long)min, (unsigned long long)max, text);
}

int cmd_keys(const struct cmd_args *args, int id, struct keyring *keys, struct err *err)
{
	for (size_t i = 0; i < args->n_opts; i++)
		if (args->opts[i].id == id && keyring_add(keys, args->opts[i].value, err))
			return -1;
	return 0;
}

const char *cmd_labdir(const struct cmd_args *args, struct err *err)
{
	if (args->n_args > 0)
		return args->args[0];
	if (access("lab.yaml", F_OK) == 0)
		return ".";
	(void)err_set(err, ERR_USAGE, "%s: there is no lab.yaml here; name the folder of a lab", args->cmd->name);
	return NULL;
}

int cmd_print(const struct buf *text, struct err *err)
{
	if ((text->len && fwrite(text->data, 1, text->len, stdout) != text->len) || fflush(stdout) != 0)
		return err_errno(err, "cannot write to standard output");
	return 0;
}

void cmd_report(const struct err *err)
{
	(void)err_print(err, "labgen");
}
