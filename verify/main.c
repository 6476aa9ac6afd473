#include "extract.h"
#include "folder.h"
#include "fs.h"
#include "json.h"
#include "mem.h"
#include "parallel.h"
#include "report.h"
#include "sandbox.h"
#include "volumes.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#define DIRS_MAX 16	/* folders to look for volumes in */

struct options {
	struct keyring keys;
	char *dirs[DIRS_MAX];
	size_t n_dirs;
	const char *target;	/* -C */
	const char *output;	/* -o */
	char *writes;		/* the folder that target or output is to appear in; NULL: nothing is written; owned */
	const char *bundle;
	int json;
	unsigned threads;
};

struct verb {
	const char *name;
	int (*run)(struct options *o, struct err *err);
	const char *args;
	const char *what;
};

static int check(struct options *o, struct err *err);
static int do_extract(struct options *o, struct err *err);
static int list(struct options *o, struct err *err);
static int report(struct options *o, struct err *err);

static const struct verb verbs[] = {
	{ "check", check, "BUNDLE|DIR|- -p PUB [--json]", "prove that every byte is what the signer signed" },
	{ "extract", do_extract, "BUNDLE|- -p PUB -C DIR [--json]", "check, and write the members into the new folder DIR" },
	{ "list", list, "BUNDLE|DIR|- -p PUB [--json]", "check, and list the members" },
	{ "report", report, "BUNDLE|DIR|- -p PUB -o FILE.html|FILE.json", "check, and write the evidence to file" },
};
#define N_VERBS (sizeof(verbs) / sizeof(*verbs))

static const struct option long_options[] = {
	{ "key", required_argument, NULL, 'p' },
	{ "all", no_argument, NULL, 'a' },
	{ "directory", required_argument, NULL, 'C' },
	{ "output", required_argument, NULL, 'o' },
	{ "volumes-in", required_argument, NULL, 'I' },
	{ "threads", required_argument, NULL, 'j' },
	{ "json", no_argument, NULL, 'J' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void help(FILE *f)
{
	fputs("labverify " LABGEN_VERSION ": check a lab bundle at the boundary. No network; nothing unverified is written.\n\n", f);
	for (size_t i = 0; i < N_VERBS; i++)
		fprintf(f, "  labverify %-8s%s\n%20s%s\n", verbs[i].name, verbs[i].args, "", verbs[i].what);
	fputs("\nBUNDLE is NAME.tar, or NAME.tar.volumes for all volumes, or NAME.tar.001 for that volume alone; - is standard input.\n\n"
	      "  -p, --key PUB         a minisign public key: a file, or the key itself; again for more: any one suffices\n"
	      "      --all             every key given has to vouch; countersignatures lie in BUNDLE.KEYID.minisig,\n"
	      "                        those of a folder in DIR.tar.KEYID.minisig\n"
	      "  -C, --directory DIR   extract: the new folder; it appears whole or not at all\n"
	      "  -o, --output FILE     report: HTML, or JSON where the name ends in .json\n"
	      "  -I, --volumes-in DIR  look for volumes in DIR as well; may be given again\n"
	      "  -j, --threads N       threads; by default as many as there are processors\n"
	      "      --json            answer in JSON on standard output, also when the answer is no\n"
	      "  -h, --help            this text\n\n"
	      "Exit status: 0 good; 1 could not work (I/O); 2 wrong usage; 3 not authentic.\n", f);
}

static int print(const struct buf *text, struct err *err)
{
	if (fwrite(text->data, 1, text->len, stdout) != text->len || fflush(stdout) != 0)
		return err_errno(err, "cannot write to standard output");
	return 0;
}

static int ends_in(const char *s, const char *suffix)
{
	size_t len = strlen(s), n = strlen(suffix);

	return len > n && strcmp(s + len - n, suffix) == 0;
}

static int is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Opens NAME.tar, standard input, or the volumes of a list; volumes->n tells which. */
static int open_bundle(struct options *o, struct volumes *volumes, struct input *in, struct err *err)
{
	if (volumes_is_volume(o->bundle))
		return err_set(err, ERR_USAGE, "%s: one volume; name the list, %.*s" VOLUMES_SUFFIX, o->bundle,
			(int)(strlen(o->bundle) - VOLUMES_DIGITS - 1), o->bundle);
	if (ends_in(o->bundle, VOLUMES_SUFFIX)) {
		if (volumes_load(volumes, o->bundle, &o->keys, err) < 0 ||
		    volumes_open(volumes, o->dirs, o->n_dirs, in, err) < 0)
			return -1;
		free(o->keys.beside);
		o->keys.beside = xstrndup(o->bundle, strlen(o->bundle) - strlen(VOLUMES_SUFFIX));
		return 0;
	}
	if (strcmp(o->bundle, "-") != 0)
		o->keys.beside = xstrdup(o->bundle);
	return input_open(in, o->bundle, err);
}

/* The volumes have to be those of the bundle that the list speaks of. */
static int compare_list(struct options *o, const struct volumes *v, struct input *in, struct err *err)
{
	cleanup_bundle struct bundle b = { 0 };
	char head[MINISIGN_COMMENT_MAX + 1];

	if (bundle_peek(&b, in, &o->keys, err) < 0)
		return -1;
	if (volumes_head(head, b.lab, b.version, b.platform, v->size, v->volume, err) < 0 || strcmp(head, v->head) != 0)
		return err_set(err, ERR_AUTH, "%s: the list of another bundle's volumes", o->bundle);
	return 0;
}

static int read_input(struct options *o, const struct volumes *v, struct input *in, struct bundle *b, struct err *err)
{
	if (v->n && compare_list(o, v, in, err) < 0)
		return -1;
	if (o->target)
		return extract(o->target, b, in, &o->keys, o->threads, err);
	return bundle_read(b, in, &o->keys, NULL, o->threads, err);
}

/* All is open: what may still be read is path (or NULL), which is what is to be checked, and countersignatures. */
static void settle(const struct options *o, const char *path)
{
	char *reads[KEYRING_MAX + 1];

	for (size_t i = 0; i < o->keys.n; i++)
		reads[i] = keyring_counter_path(&o->keys, i);
	reads[o->keys.n] = path ? xstrdup(path) : NULL;
	(void)sandbox_settle(o->writes, (const char *const *)reads, o->keys.n + 1);
	for (size_t i = 0; i <= o->keys.n; i++)
		free(reads[i]);
}

/* Checks what was named, all of it; with o->target also extracts it. */
static int read_bundle(struct options *o, struct bundle *b, const char **source, struct err *err)
{
	cleanup_volumes struct volumes volumes = { 0 };
	cleanup_input struct input in = { 0 };
	struct err which;

	if (!o->target && is_folder(o->bundle)) {
		size_t len = strlen(o->bundle);
		while (len > 1 && o->bundle[len - 1] == '/')
			len--;
		o->keys.beside = xasprintf("%.*s.tar", (int)len, o->bundle); /* the bundle that it came out of */
		*source = "extracted folder";
		settle(o, o->bundle);
		return folder_check(o->bundle, b, &o->keys, o->threads, err);
	}
	if (open_bundle(o, &volumes, &in, err) < 0)
		return -1;
	settle(o, NULL);
	*source = volumes.n ? "volumes" : input_is_stream(&in) ? "stream" : "one file";
	if (read_input(o, &volumes, &in, b, err) == 0)
		return 0;
	/* What failed may span volumes: the list's digests tell which of them is at fault. */
	if (volumes.n && err->code == ERR_AUTH && volumes_check(&volumes, &in, o->threads, &which) < 0)
		*err = which;
	return -1;
}

/* Checks, and prints what the verb makes of it. */
static int read_and_print(struct options *o, void (*add)(const struct report *r, struct buf *out), int json_members,
	struct err *err)
{
	cleanup_bundle struct bundle b = { 0 };
	cleanup_buf struct buf out = BUF_INIT;
	struct report r = { .b = &b, .keys = &o->keys };

	if (read_bundle(o, &b, &r.source, err) < 0)
		return -1;
	if (o->json)
		report_json(&r, json_members, &out);
	else
		add(&r, &out);
	return print(&out, err);
}

static int check_one_volume(struct options *o, struct err *err)
{
	cleanup_volumes struct volumes v = { 0 };
	cleanup_buf struct buf out = BUF_INIT;
	size_t number;
	cleanup_free char *list_name = xasprintf("%.*s" VOLUMES_SUFFIX, (int)(strlen(o->bundle) - VOLUMES_DIGITS - 1), o->bundle);
	cleanup_free char *path = xstrdup(list_name);

	/* The list may lie elsewhere: the volume's own folder comes first. */
	for (size_t i = 0; access(path, F_OK) != 0 && i < o->n_dirs; i++) {
		free(path);
		path = xasprintf("%s/%s", o->dirs[i], fs_basename(list_name));
	}
	if (volumes_load(&v, path, &o->keys, err) < 0)
		return -1;
	settle(o, o->bundle);
	if (volumes_check_one(&v, o->bundle, &number, err) < 0)
		return -1;
	if (o->json)
		buf_addf(&out, "{\"verdict\":\"good\",\"volume\":%zu,\"volumes\":%zu}\n", number, v.n);
	else
		buf_addf(&out, "good: volume %zu of %zu\n", number, v.n);
	return print(&out, err);
}

static int check(struct options *o, struct err *err)
{
	if (volumes_is_volume(o->bundle))
		return check_one_volume(o, err);
	return read_and_print(o, report_line, 0, err);
}

static int do_extract(struct options *o, struct err *err)
{
	if (!o->target)
		return err_set(err, ERR_USAGE, "extract: -C DIR is missing: the new folder to extract into");
	return read_and_print(o, report_line, 0, err);
}

static int list(struct options *o, struct err *err)
{
	return read_and_print(o, report_list, 1, err);
}

static int report(struct options *o, struct err *err)
{
	cleanup_bundle struct bundle b = { 0 };
	cleanup_buf struct buf out = BUF_INIT;
	struct report r = { .b = &b, .keys = &o->keys };

	if (!o->output)
		return err_set(err, ERR_USAGE, "report: -o FILE is missing: FILE.html or FILE.json");
	if (read_bundle(o, &b, &r.source, err) < 0)
		return -1;
	if (o->json || ends_in(o->output, ".json"))
		report_json(&r, 1, &out);
	else
		report_html(&r, &out);
	return fs_replace(o->output, out.data, out.len, 0644, err);
}

static int parse_threads(const char *arg, unsigned *threads, struct err *err)
{
	char *end;

	errno = 0;
	long n = strtol(arg, &end, 10);
	if (errno || *end || n < 1 || n > PARALLEL_MAX)
		return err_set(err, ERR_USAGE, "-j %s: a number from 1 to %d", arg, PARALLEL_MAX);
	*threads = (unsigned)n;
	return 0;
}

static int parse_option(struct options *o, int c, struct err *err)
{
	switch (c) {
	case 'p':
		return keyring_add(&o->keys, optarg, err);
	case 'a':
		o->keys.all = 1;
		return 0;
	case 'C':
		o->target = optarg;
		return 0;
	case 'o':
		o->output = optarg;
		return 0;
	case 'I':
		if (o->n_dirs == DIRS_MAX)
			return err_set(err, ERR_USAGE, "--volumes-in: at most %d", DIRS_MAX);
		o->dirs[o->n_dirs++] = optarg;
		return 0;
	case 'j':
		return parse_threads(optarg, &o->threads, err);
	case 'J':
		o->json = 1;
		return 0;
	default:
		return err_set(err, ERR_USAGE, "unknown option, or one without its value; see labverify --help");
	}
}

static int parse(struct options *o, const struct verb *verb, int argc, char **argv, struct err *err)
{
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "p:C:o:I:j:h", long_options, NULL)) != -1) {
		if (c == 'h') {
			help(stdout);
			exit(0);
		}
		if (parse_option(o, c, err) < 0)
			return c == '?' ? err_wrap(err, "%s", argv[optind - 1]) : -1;
	}
	if (argc - optind != 1)
		return err_set(err, ERR_USAGE, "%s: name one bundle; see labverify --help", verb->name);
	o->bundle = argv[optind];
	if (o->target && verb->run != do_extract)
		return err_set(err, ERR_USAGE, "-C goes with extract");
	if (o->output && verb->run != report)
		return err_set(err, ERR_USAGE, "-o goes with report");
	if (o->keys.n == 0)
		return err_set(err, ERR_USAGE, "no key: give the signer's public key with -p; it must have come by another way than the bundle");
	return 0;
}

/* The folder that path, which may end in '/', is in. To be freed. */
static char *folder_above(const char *path)
{
	cleanup_free char *p = xstrdup(path);

	for (size_t len = strlen(p); len > 1 && p[len - 1] == '/';)
		p[--len] = '\0';
	return fs_dirname(p);
}

static int run(int argc, char **argv, struct options *o, struct err *err)
{
	const struct verb *verb = NULL;

	for (size_t i = 0; argc > 1 && i < N_VERBS; i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			verb = &verbs[i];
	if (!verb)
		return err_set(err, ERR_USAGE, "%s: no such verb; there are check, extract, list and report; see labverify --help",
			argc > 1 ? argv[1] : "(none)");
	if (parse(o, verb, argc - 1, argv + 1, err) < 0)
		return -1;
	o->writes = o->target || o->output ? folder_above(o->target ? o->target : o->output) : NULL;
	(void)sandbox_enter(o->writes);
	return verb->run(o, err);
}

static void print_json_error(const struct err *err)
{
	cleanup_buf struct buf out = BUF_INIT;

	buf_addf(&out, "{\"verdict\":\"%s\",\"status\":%d,\"error\":", err->code == ERR_AUTH ? "not authentic" : "not checked", (int)err->code);
	json_quote(&out, err->msg);
	buf_adds(&out, "}\n");
	fputs(out.data, stdout);
}

/*
 * Whoever starts us with a standard descriptor closed would have the next file opened under its number, and messages
 * written into that. What is put in its place can do nothing, so that using it still fails.
 */
static int keep_standard(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = { .threads = parallel_processors() };
	struct err err = { 0 };

	if (keep_standard() < 0)
		return ERR_WORK;
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)) {
		help(stdout);
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		puts("labverify " LABGEN_VERSION);
		return 0;
	}
	umask(022); /* folders of a bundle are as its format has them, whoever extracts it */
	if (sodium_init() < 0) {
		fputs("labverify: libsodium cannot start\n", stderr);
		return ERR_WORK;
	}
	int status = run(argc, argv, &o, &err);
	keyring_release(&o.keys);
	free(o.writes);
	if (status == 0)
		return 0;
	if (o.json)
		print_json_error(&err);
	return err_print(&err, "labverify");
}
