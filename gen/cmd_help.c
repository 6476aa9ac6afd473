#include "cmd.h"

#include "mem.h"

#include <string.h>

static const char about[] =
	"labgen writes a lab down once: a spec (lab.yaml) becomes a lock (lab.lock: every file pinned by digest), the lock "
	"becomes a signed bundle, one file that holds everything, to be carried to where there is no network. There labverify "
	"checks it and lab runs it.";

struct pair {
	const char *name, *text;
};

static const struct pair statuses[] = {
	{ "0", "done" },
	{ "1", "could not work: the network, the disk, a lock that no longer answers its spec" },
	{ "2", "the call or an input file is wrong" },
	{ "3", "not authentic: a digest or signature that does not match" },
};

static const struct pair variables[] = {
	{ "LABGEN_STORE", "the store's folder; else $XDG_CACHE_HOME/labgen, else ~/.cache/labgen" },
	{ "http_proxy, https_proxy, no_proxy", "proxies for downloads" },
	{ "XDG_CONFIG_HOME", "labgen/config.yaml below it (else ~/.config) names mirrors, as --mirror does" },
	{ "DOCKER_CONFIG", "the folder of docker's config.json (else ~/.docker), for logins to registries" },
	{ "SSL_CERT_FILE, SSL_CERT_DIR", "certificate authorities for downloads" },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define WIDTH 78

/* Text broken into lines of at most WIDTH columns, each indented. */
static void add_wrapped(struct buf *out, const char *text, size_t indent)
{
	size_t column = 0;

	while (*text) {
		size_t word = strcspn(text, " \n");
		if (column && column + 1 + word > WIDTH) {
			buf_addc(out, '\n');
			column = 0;
		}
		if (!column) {
			buf_addf(out, "%*s", (int)indent, "");
			column = indent;
		} else {
			buf_addc(out, ' ');
			column++;
		}
		buf_add(out, text, word);
		column += word;
		text += word;
		if (text[0] == '\n' && text[1] == '\n') {
			buf_adds(out, "\n\n");
			column = 0;
		}
		text += strspn(text, " \n");
	}
	buf_addc(out, '\n');
}

/* "-j, --jobs N" */
static char *opt_name(const struct cmd_opt *o)
{
	cleanup_free char *letter = o->id < 256 ? xasprintf("-%c, ", o->id) : xstrdup("    ");

	return xasprintf("%s--%s%s%s", letter, o->name, o->arg ? " " : "", o->arg ? o->arg : "");
}

static void add_two_columns(struct buf *out, const char *left, size_t width, const char *right)
{
	cleanup_buf struct buf text = BUF_INIT;

	add_wrapped(&text, right, width + 4);
	if (strlen(left) > width)
		buf_addf(out, "  %s\n%s", left, text.data);
	else
		buf_addf(out, "  %-*s  %s", (int)width, left, text.data + width + 4);
}

static void add_synopsis(struct buf *out, const struct cmd *cmd)
{
	buf_addf(out, "labgen %s%s%s%s", cmd->name, cmd->args[0] ? " " : "", cmd->args, cmd->opts ? " [OPTION...]" : "");
}

void cmd_help_one(const struct cmd *cmd, struct buf *out)
{
	buf_adds(out, "Usage: ");
	add_synopsis(out, cmd);
	buf_addf(out, "\n%s.\n", cmd->summary);
	if (cmd->text) {
		buf_addc(out, '\n');
		add_wrapped(out, cmd->text, 0);
	}
	if (cmd->opts)
		buf_adds(out, "\nOptions:\n");
	for (const struct cmd_opt *o = cmd->opts; o && o->name; o++) {
		cleanup_free char *name = opt_name(o);
		add_two_columns(out, name, 26, o->help);
	}
}

static void add_pairs(struct buf *out, const char *title, const struct pair *pairs, size_t n, size_t width)
{
	buf_addf(out, "\n%s:\n", title);
	for (size_t i = 0; i < n; i++)
		add_two_columns(out, pairs[i].name, width, pairs[i].text);
}

void cmd_help_all(struct buf *out)
{
	buf_adds(out, "Usage: labgen COMMAND [ARGUMENT...]\n\n");
	add_wrapped(out, about, 0);
	buf_adds(out, "\nCommands:\n");
	for (const struct cmd *const *c = cmds; *c; c++)
		add_two_columns(out, (*c)->name, 8, (*c)->summary);
	buf_adds(out, "\nlabgen help COMMAND tells more of each; labgen --version its version.\n");
	add_pairs(out, "Exit status", statuses, COUNT(statuses), 3);
	add_pairs(out, "Environment", variables, COUNT(variables), 33);
}

/* Text as troff wants it: a backslash, a dash and a dot at a line's start mean something else there. */
static void add_troff(struct buf *out, const char *text)
{
	int start = 1;

	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			buf_adds(out, "\\&");
		start = *text == '\n';
		if (*text == '\\')
			buf_adds(out, "\\e");
		else if (*text == '-')
			buf_adds(out, "\\-");
		else if (text[0] == '\n' && text[1] == '\n')
			buf_adds(out, "\n.PP"), start = 0;
		else
			buf_addc(out, *text);
	}
	buf_addc(out, '\n');
}

static void add_term(struct buf *out, const char *term, const char *text)
{
	buf_adds(out, ".TP\n.B ");
	add_troff(out, term);
	add_troff(out, text);
}

static void man_cmd(const struct cmd *cmd, struct buf *out)
{
	cleanup_buf struct buf synopsis = BUF_INIT;

	add_synopsis(&synopsis, cmd);
	buf_adds(out, ".SS ");
	add_troff(out, synopsis.data);
	cleanup_free char *sentence = xasprintf("%s.", cmd->summary);
	add_troff(out, sentence);
	if (cmd->text) {
		buf_adds(out, ".PP\n");
		add_troff(out, cmd->text);
	}
	for (const struct cmd_opt *o = cmd->opts; o && o->name; o++) {
		cleanup_free char *name = opt_name(o);
		add_term(out, name + strspn(name, " "), o->help);
	}
}

void cmd_man(struct buf *out)
{
	buf_adds(out, ".TH LABGEN 1 \"\" \"labgen " LABGEN_VERSION "\" \"Commands\"\n"
		".SH NAME\nlabgen \\- make signed bundles of labs for rooms without a network\n"
		".SH SYNOPSIS\n.B labgen\n.I COMMAND\n[ARGUMENT...]\n.SH DESCRIPTION\n");
	add_troff(out, about);
	buf_adds(out, ".SH COMMANDS\n");
	for (const struct cmd *const *c = cmds; *c; c++)
		man_cmd(*c, out);
	buf_adds(out, ".SH EXIT STATUS\n");
	for (size_t i = 0; i < COUNT(statuses); i++)
		add_term(out, statuses[i].name, statuses[i].text);
	buf_adds(out, ".SH ENVIRONMENT\n");
	for (size_t i = 0; i < COUNT(variables); i++)
		add_term(out, variables[i].name, variables[i].text);
	buf_adds(out, ".SH SEE ALSO\n.BR labverify (1),\n.BR minisign (1)\n");
}

#define OPT_MAN 256

static int run(const struct cmd_args *args, struct err *err)
{
	cleanup_buf struct buf out = BUF_INIT;
	const struct cmd *about_cmd = args->n_args ? cmd_find(args->args[0]) : NULL;

	if (args->n_args && !about_cmd)
		return err_set(err, ERR_USAGE, "help: there is no command '%s'; labgen help lists them", args->args[0]);
	if (cmd_has(args, OPT_MAN))
		cmd_man(&out);
	else if (about_cmd)
		cmd_help_one(about_cmd, &out);
	else
		cmd_help_all(&out);
	return cmd_print(&out, err);
}

static const struct cmd_opt opts[] = {
	{ .id = OPT_MAN, .name = "man", .help = "print the man page, in troff: labgen help --man | man -l -" },
	{ 0 },
};

const struct cmd cmd_help = {
	.name = "help",
	.args = "[COMMAND]",
	.summary = "tell what there is, or more of one command",
	.opts = opts,
	.max_args = 1,
	.run = run,
};
