#include "npm.h"

#include "mem.h"
#include "proc.h"

#include <string.h>

#define CONFIG_MAX (1u << 20)	/* bytes of npm's configuration */

int npm_config_load(struct npm_config *c, struct err *err)
{
	static const char *const argv[] = { "npm", "config", "list", "--long", "--json", "--loglevel=error", NULL };
	const struct proc p = { .argv = argv, .out_max = CONFIG_MAX };
	cleanup_buf struct buf text = BUF_INIT;
	json_error_t why;

	c->all = NULL;
	if (proc_run(&p, &text, NULL, err) < 0)
		return err_wrap(err, "npm is needed for npm packages");
	c->all = json_loadb(text.data ? text.data : "", text.len, 0, &why);
	if (!json_is_object(c->all))
		return err_set(err, ERR_WORK, "npm config list: not understood: %s", why.text);
	return 0;
}

void npm_config_release(struct npm_config *c)
{
	json_decref(c->all);
	c->all = NULL;
}

const char *npm_config_text(const struct npm_config *c, const char *key)
{
	const char *text = json_string_value(json_object_get(c->all, key));

	return text && *text ? text : NULL;
}

char *npm_registry(const struct npm_config *c, const char *name, struct err *err)
{
	const char *registry = NULL;

	if (*name == '@') {
		cleanup_free char *key = xasprintf("%.*s:registry", (int)strcspn(name, "/"), name);
		registry = npm_config_text(c, key);
	}
	if (!registry)
		registry = npm_config_text(c, "registry");
	if (!registry || (strncmp(registry, "https://", 8) != 0 && strncmp(registry, "http://", 7) != 0)) {
		(void)err_set(err, ERR_WORK, "npm has no registry that is an https address: see npm config get registry");
		return NULL;
	}
	return xasprintf("%s%s", registry, registry[strlen(registry) - 1] == '/' ? "" : "/");
}

char *npm_tarball(const char *registry, const char *name, const char *version)
{
	const char *slash = strrchr(name, '/');

	return xasprintf("%s%s/-/%s-%s.tgz", registry, name, slash ? slash + 1 : name, version);
}

const char *npm_proxy(const struct npm_config *c, const char *url)
{
	const char *secure = npm_config_text(c, "https-proxy");
	const char *plain = npm_config_text(c, "proxy");

	return strncmp(url, "https:", 6) == 0 && secure ? secure : plain;
}
