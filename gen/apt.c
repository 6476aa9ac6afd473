#include "apt.h"

#include "fs.h"
#include "mem.h"
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUT_MAX (16u << 20)	/* bytes that apt may print */
#define ARGS_MAX 4096		/* arguments of one call */

/*
 * Read after the machine's own configuration, so that it has the last word: hooks of other programs are not ours to run,
 * and of the indexes only the packages are wanted.
 */
static const char conf_text[] =
	"#clear APT::Update::Pre-Invoke;\n"
	"#clear APT::Update::Post-Invoke;\n"
	"#clear APT::Update::Post-Invoke-Success;\n"
	"#clear Acquire::IndexTargets::deb::DEP-11;\n"
	"#clear Acquire::IndexTargets::deb::DEP-11-icons;\n"
	"#clear Acquire::IndexTargets::deb::DEP-11-icons-small;\n"
	"#clear Acquire::IndexTargets::deb::DEP-11-icons-hidpi;\n"
	"#clear Acquire::IndexTargets::deb::DEP-11-icons-large;\n"
	"#clear Acquire::IndexTargets::deb::DEP-11-icons-large-hidpi;\n"
	"#clear Acquire::IndexTargets::deb::Contents-deb;\n"
	"#clear Acquire::IndexTargets::deb::CNF;\n"
	"#clear APT::Architectures;\n"
	"#clear APT::Default-Release;\n"
	"#clear APT::NeverAutoRemove;\n"
	"APT::Install-Recommends \"false\";\n"
	"APT::Install-Suggests \"false\";\n"
	"APT::Update::Error-Mode \"any\";\n"
	"APT::Sandbox::User \"root\";\n" /* no change of user: the state is our own */
	"Acquire::Retries \"2\";\n"
	"Acquire::Languages \"none\";\n"
	"Acquire::ForceHash \"SHA256\";\n"
	"Dir::Cache::pkgcache \"\";\n"
	"Dir::Cache::srcpkgcache \"\";\n";

static int write_conf(const struct apt *a, const char *arch, const char *origin, struct err *err)
{
	cleanup_buf struct buf b = BUF_INIT;
	cleanup_free char *preferences = xasprintf("%s/preferences", a->dir);

	buf_adds(&b, conf_text);
	buf_addf(&b, "APT::Architecture \"%s\";\nAPT::Architectures { \"%s\"; };\n", arch, arch);
	buf_addf(&b, "Dir::State \"%s\";\nDir::State::Lists \"%s/lists\";\nDir::State::status \"%s/status\";\n", a->dir, a->dir,
		a->dir);
	buf_addf(&b, "Dir::State::extended_states \"%s/extended_states\";\n", a->dir);
	buf_addf(&b, "Dir::Cache \"%s\";\nDir::Cache::Archives \"%s/archives\";\n", a->dir, a->dir);
	if (origin) {
		cleanup_buf struct buf p = BUF_INIT;
		buf_addf(&p, "Package: *\nPin: release o=%s\nPin-Priority: 1001\n\n", origin);
		buf_adds(&p, "Package: *\nPin: release o=*\nPin-Priority: -1\n");
		if (fs_replace(preferences, p.data, p.len, 0644, err) < 0)
			return -1;
		buf_addf(&b, "Dir::Etc::preferences \"%s\";\nDir::Etc::preferencesparts \"/dev/null\";\n", preferences);
	}
	return fs_replace(a->conf, b.data, b.len, 0644, err);
}

static int make_state(const struct apt *a, struct err *err)
{
	static const char *const folders[] = { "lists/partial", "archives/partial" };
	cleanup_free char *status = xasprintf("%s/status", a->dir);

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		cleanup_free char *path = xasprintf("%s/%s", a->dir, folders[i]);
		if (fs_mkdirs(path, err) < 0)
			return -1;
	}
	return fs_replace(status, "", 0, 0644, err);
}

int apt_open(struct apt *a, const struct store *store, const char *arch, const char *origin, struct err *err)
{
	*a = (struct apt)APT_INIT;
	a->store = store;
	a->dir = xasprintf("%s/apt/%s", store_dir(store), arch);
	a->conf = xasprintf("%s/apt.conf", a->dir);
	if (strpbrk(a->dir, "\"\\;{}\n"))
		return err_set(err, ERR_USAGE, "store %s: apt cannot work in a folder of that name; set LABGEN_STORE", store_dir(store));
	cleanup_free char *lock = xasprintf("%s/labgen.lock", a->dir);
	if (fs_mkdirs(a->dir, err) < 0)
		return -1;
	a->lock = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (a->lock < 0 || flock(a->lock, LOCK_EX) < 0)
		return err_errno(err, "%s", lock);
	if (make_state(a, err) < 0 || write_conf(a, arch, origin, err) < 0)
		return err_wrap(err, "apt");
	return 0;
}

void apt_close(struct apt *a)
{
	if (a->lock >= 0)
		(void)close(a->lock);
	free(a->dir);
	free(a->conf);
	*a = (struct apt)APT_INIT;
}

/* A stamp is written when all of them came, so that a half of them does not count. */
static char *stamp(const struct apt *a)
{
	return xasprintf("%s/complete", a->dir);
}

int apt_has_lists(const struct apt *a)
{
	cleanup_free char *path = stamp(a);

	return access(path, F_OK) == 0;
}

static int run(const struct apt *a, const char *tool, const char *const *fixed, char *const *more, struct buf *out,
	struct buf *log, struct err *err)
{
	cleanup_free const char **argv = xcalloc(ARGS_MAX + 1, sizeof(*argv));
	size_t n = 0;

	argv[n++] = tool;
	argv[n++] = "-c";
	argv[n++] = a->conf;
	while (*fixed)
		argv[n++] = *fixed++;
	for (; more && *more; more++) {
		if (n >= ARGS_MAX)
			return err_set(err, ERR_WORK, "%s: more than %d arguments", tool, ARGS_MAX);
		argv[n++] = *more;
	}
	struct proc p = { .argv = argv, .out_max = OUT_MAX };
	return proc_run(&p, out, log, err);
}

/* The first line of a log that begins with "E: ", without that; to be freed; NULL where there is none. */
static char *first_error(const struct buf *log)
{
	const char *at = log->data;

	while (at && strncmp(at, "E: ", 3) != 0) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return at ? xstrndup(at + 3, strcspn(at + 3, "\n")) : NULL;
}

int apt_update(const struct apt *a, struct err *err)
{
	static const char *const args[] = { "-q", "update", NULL };
	cleanup_buf struct buf log = BUF_INIT;
	cleanup_free char *done = stamp(a);

	if (run(a, "apt-get", args, NULL, NULL, &log, err) < 0) {
		cleanup_free char *why = first_error(&log);
		if (!why)
			return err_wrap(err, "fetching Debian's package indexes");
		return err_set(err, ERR_WORK, "fetching Debian's package indexes: %s: is there a network? Run it again when there is "
			"one; sources and proxies are apt's own, in /etc/apt", why);
	}
	return fs_replace(done, "", 0, 0644, err);
}

/* Whether text names the package of an ask as a word of its own. */
static int names(const char *text, const char *ask)
{
	size_t len = strcspn(ask, "=");

	for (const char *at = text; (at = memmem(at, strlen(at), ask, len)); at += len) {
		int before = at == text || strchr(" '\n", at[-1]) != NULL;
		if (before && (at[len] == '\0' || strchr(" '\n=:", at[len])))
			return 1;
	}
	return 0;
}

static int find_bad(const char *text, char *const *asks)
{
	for (int i = 0; asks[i]; i++)
		if (names(text, asks[i]))
			return i;
	return -1;
}

/* Each ask must be there under its own name: apt would take a pattern or a virtual package for others. */
static int check_asks(char *const *asks, const struct apt_debs *out, int *bad, struct err *err)
{
	for (int i = 0; asks[i]; i++) {
		size_t len = strcspn(asks[i], "="), k = 0;
		while (k < out->n && (strlen(out->debs[k].name) != len || memcmp(out->debs[k].name, asks[i], len) != 0))
			k++;
		if (k == out->n) {
			*bad = i;
			return err_set(err, ERR_WORK, "'%s' is no package of its own in Debian's indexes: name the package that is meant",
				asks[i]);
		}
	}
	return 0;
}

int apt_closure(const struct apt *a, char *const *asks, struct apt_debs *out, int *bad, struct err *err)
{
	static const char *const args[] = { "install", "--print-uris", "-y", "-qq", "--no-install-recommends", "--", NULL };
	cleanup_buf struct buf text = BUF_INIT, log = BUF_INIT;

	*bad = -1;
	if (run(a, "apt-get", args, asks, &text, &log, err) < 0) {
		cleanup_free char *why = first_error(&log);
		if (!why)
			return -1;
		*bad = find_bad(why, asks);
		return err_set(err, ERR_WORK, "apt cannot find or combine the packages: %s", why);
	}
	if (apt_parse_uris(text.data ? text.data : "", out, err) < 0)
		return -1;
	return check_asks(asks, out, bad, err);
}

int apt_addresses(const struct apt *a, char *const *asks, struct apt_debs *out, struct err *err)
{
	static const char *const args[] = { "download", "--print-uris", "-qq", "--", NULL };
	cleanup_buf struct buf text = BUF_INIT, log = BUF_INIT;

	if (run(a, "apt-get", args, asks, &text, &log, err) < 0) {
		cleanup_free char *why = first_error(&log); /* what apt does not find is simply not in its list */
		if (!why || (strncmp(why, "Version ", 8) != 0 && strncmp(why, "Unable to locate", 16) != 0 && !strstr(why, "not found") &&
			strncmp(why, "Can't find", 10) != 0))
			return -1;
	}
	return apt_parse_uris(text.data ? text.data : "", out, err);
}

void apt_debs_release(struct apt_debs *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->debs[i].uri);
		free(d->debs[i].name);
		free(d->debs[i].version);
	}
	free(d->debs);
	*d = (struct apt_debs){ 0 };
}

char *apt_proxy(const struct apt *a, const char *url)
{
	static const char *const args[] = { "dump", "--format", "%f %v%n", "Acquire", NULL };
	cleanup_buf struct buf text = BUF_INIT;
	struct err ignored;
	const char *sep = strstr(url, "://");
	char *found = NULL;

	if (!sep || run(a, "apt-config", args, NULL, &text, NULL, &ignored) < 0)
		return NULL;
	int secure = strncmp(url, "https:", 6) == 0;
	int host_len = (int)strcspn(sep + 3, ":/");
	/* apt.conf(5): a host's own setting goes before the general one, and http's serves for https as well. */
	char *keys[] = { xasprintf("Acquire::http::Proxy "), xasprintf("Acquire::https::Proxy "),
		xasprintf("Acquire::http::Proxy::%.*s ", host_len, sep + 3), xasprintf("Acquire::https::Proxy::%.*s ", host_len, sep + 3) };
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		cleanup_free char *key = keys[i];
		const char *at = text.data && (secure || i % 2 == 0) ? strstr(text.data, key) : NULL;
		if (!at || at[strlen(key)] == '\n')
			continue;
		free(found);
		found = xstrndup(at + strlen(key), strcspn(at + strlen(key), "\n"));
	}
	if (found && strcmp(found, "DIRECT") == 0)
		*found = '\0';
	return found;
}
