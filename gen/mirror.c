#include "mirror.h"

#include "buf.h"
#include "fs.h"
#include "mem.h"
#include "shape.h"
#include "ytree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define NODES_MAX 1000	/* YAML values in config.yaml */

static const char *find(const struct mirrors *m, const char *host)
{
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->list[i].host, host) == 0)
			return m->list[i].url;
	return NULL;
}

const char *mirrors_find(const struct mirrors *m, const char *host)
{
	return m ? find(m, host) : NULL;
}

void mirrors_release(struct mirrors *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->list[i].host);
		free(m->list[i].url);
	}
	free(m->list);
	*m = (struct mirrors){ 0 };
}

/* A host with or without a port. */
static int is_host(const char *s)
{
	return *s && strlen(s) <= 255 &&
		s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:[]-")] == '\0';
}

/* Logins come from docker's file, never from a URL that is shown in messages. */
static int is_mirror_url(const char *s)
{
	return shape_url(s) && strncmp(s, "file:", 5) != 0 && !strpbrk(s, "?#@");
}

#define SHAPE_MIRROR "a URL such as http://127.0.0.1:5000, without user, password and query"

/* host is len bytes. */
static void add(struct mirrors *m, const char *host, size_t len, const char *url)
{
	size_t end = strlen(url);

	while (end > 0 && url[end - 1] == '/')
		end--;
	m->list = xreallocarray(m->list, m->n + 1, sizeof(*m->list));
	m->list[m->n++] = (struct mirror){ xstrndup(host, len), xstrndup(url, end) };
}

int mirrors_add(struct mirrors *m, const char *text, struct err *err)
{
	const char *equals = strchr(text, '=');
	cleanup_free char *host = equals ? xstrndup(text, (size_t)(equals - text)) : xstrdup("");

	if (!equals || !is_host(host))
		return err_set(err, ERR_USAGE, "--mirror '%s': it must be HOST=URL, as docker.io=http://127.0.0.1:5000", text);
	if (!is_mirror_url(equals + 1))
		return err_set(err, ERR_USAGE, "--mirror '%s': the mirror must be " SHAPE_MIRROR, text);
	if (find(m, host))
		return err_set(err, ERR_USAGE, "--mirror: %s has two mirrors", host);
	if (m->n == MIRRORS_MAX)
		return err_set(err, ERR_USAGE, "--mirror: more than %d mirrors", MIRRORS_MAX);
	add(m, host, strlen(host), equals + 1);
	return 0;
}

static int read_mirrors(const struct ytree *t, const struct ytree_node *node, void *base, struct err *err)
{
	struct mirrors *m = base;

	if (node->type != YTREE_MAP || node->n / 2 > MIRRORS_MAX)
		return ytree_fail(t, node, err, "mirrors must be a mapping of at most %d hosts to URLs", MIRRORS_MAX);
	for (size_t i = 0; i < node->n; i += 2) {
		const struct ytree_node *key = &node->kids[i];
		if (!is_host(key->text))
			return ytree_fail(t, key, err, "'%s' is not a host such as docker.io", key->text);
		if (ytree_text(t, key + 1, key->text, is_mirror_url, SHAPE_MIRROR, err))
			return -1;
		if (!find(m, key->text)) /* the command line goes first */
			add(m, key->text, strlen(key->text), key[1].text);
	}
	return 0;
}

static char *config_file(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (config && *config == '/')
		return xasprintf("%s/labgen/config.yaml", config);
	return home && *home == '/' ? xasprintf("%s/.config/labgen/config.yaml", home) : NULL;
}

int mirrors_load(struct mirrors *m, struct err *err)
{
	static const struct yfield fields[] = { { .key = "mirrors", .type = YF_NODE, .read = read_mirrors }, { 0 } };
	cleanup_free char *file = config_file();
	cleanup_buf struct buf text = BUF_INIT;
	cleanup_ytree struct ytree tree = { 0 };

	if (!file || (access(file, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR)))
		return 0;
	if (fs_slurp(AT_FDCWD, file, MIRROR_FILE_MAX, &text, err) < 0)
		return -1;
	if (text.len == 0)
		return 0;
	if (ytree_parse(&tree, file, text.data, text.len, NODES_MAX, err))
		return -1;
	return ytree_map(&tree, &tree.root, "the configuration", fields, m, err);
}
