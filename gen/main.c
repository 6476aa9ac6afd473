#include "cmd.h"

#include "mem.h"

#include <string.h>

static int run_verb(int argc, char **argv, struct err *err)
{
	const struct cmd *cmd = cmd_find(argv[0]);
	struct cmd_args args;
	cleanup_buf struct buf out = BUF_INIT;

	if (!cmd)
		return err_set(err, ERR_USAGE, "there is no command '%s'; labgen help lists them", argv[0]);
	if (cmd_parse(&args, cmd, argc, argv, err))
		return -1;
	if (!args.help)
		return cmd->run(&args, err);
	cmd_help_one(cmd, &out);
	return cmd_print(&out, err);
}

static int run(int argc, char **argv, struct err *err)
{
	cleanup_buf struct buf out = BUF_INIT;

	if (argc < 2)
		return err_set(err, ERR_USAGE, "no command given; labgen help lists them");
	if (strcmp(argv[1], "--version") == 0 && argc == 2) {
		buf_adds(&out, "labgen " LABGEN_VERSION "\n");
		return cmd_print(&out, err);
	}
	if ((strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) && argc == 2) {
		cmd_help_all(&out);
		return cmd_print(&out, err);
	}
	return run_verb(argc - 1, argv + 1, err);
}

int main(int argc, char **argv)
{
	struct err err = { 0 };

	return run(argc, argv, &err) ? err_print(&err, "labgen") : 0;
}
