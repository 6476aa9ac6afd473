#include "oci_cred.h"

#include "buf.h"
#include "fs.h"
#include "mem.h"
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sodium.h>
#include <string.h>

#define HUB "docker.io"
#define HUB_KEY "https://index.docker.io/v1/" /* as docker has always named it in its file */

void oci_cred_release(struct oci_cred *cred)
{
	if (cred->secret)
		sodium_memzero(cred->secret, strlen(cred->secret));
	free(cred->user);
	free(cred->secret);
	*cred = (struct oci_cred){ 0 };
}

char *oci_cred_file(void)
{
	const char *dir = getenv("DOCKER_CONFIG"), *home = getenv("HOME");

	if (dir && *dir)
		return xasprintf("%s/config.json", dir);
	return home && *home ? xasprintf("%s/.docker/config.json", home) : NULL;
}

/* Whether a key of the file, which may be a URL, is that host's. */
static int key_is(const char *key, const char *host)
{
	static const char *const hub[] = { HUB, "index.docker.io", "registry-1.docker.io", NULL };
	const char *rest = strstr(key, "://");

	rest = rest ? rest + 3 : key;
	cleanup_free char *name = xstrndup(rest, strcspn(rest, "/"));
	if (strcmp(name, host) == 0)
		return 1;
	for (size_t i = 0; strcmp(host, HUB) == 0 && hub[i]; i++)
		if (strcmp(name, hub[i]) == 0)
			return 1;
	return 0;
}

/* The value for a host: of the key that is exactly it, or else of one that is a URL of it. */
static json_t *for_host(const json_t *object, const char *host)
{
	json_t *exact = json_object_get(object, strcmp(host, HUB) == 0 ? HUB_KEY : host), *value;
	const char *key;

	if (exact)
		return exact;
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
		if (key_is(key, host))
			return value;
	return NULL;
}

static const char *text_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	const char *text = json_string_value(value);

	return text && *text && strlen(text) == json_string_length(value) ? text : NULL;
}

/* "user:password" in base64 */
static int take_auth(const char *auth, const char *host, struct oci_cred *cred, struct err *err)
{
	size_t max = strlen(auth), len = 0;
	char *both = xcalloc(max + 1, 1);
	int bad = sodium_base642bin((unsigned char *)both, max, auth, max, " \r\n", &len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0;
	char *colon = bad ? NULL : memchr(both, ':', len);

	if (colon) {
		*colon = '\0';
		cred->user = xstrdup(both);
		cred->secret = xstrdup(colon + 1); /* ends before a NUL that docker may put there */
	}
	sodium_memzero(both, max);
	free(both);
	return colon ? 0 : err_set(err, ERR_USAGE, "'auth' of %s is not base64 of user:password; docker login %s writes it anew", host,
		host);
}

static int take_entry(const json_t *entry, const char *host, struct oci_cred *cred, struct err *err)
{
	const char *identity = text_of(entry, "identitytoken"), *auth = text_of(entry, "auth");
	const char *user = text_of(entry, "username"), *password = text_of(entry, "password");

	if (auth && take_auth(auth, host, cred, err) < 0)
		return -1;
	if (!auth && user && password) {
		cred->user = xstrdup(user);
		cred->secret = xstrdup(password);
	}
	if (identity) {
		oci_cred_release(cred);
		cred->secret = xstrdup(identity);
		cred->identity = 1;
	}
	return 0;
}

int oci_cred_answer(const char *text, size_t len, struct oci_cred *cred, struct err *err)
{
	json_t *root = json_loadb(text ? text : "", len, 0, NULL);
	const char *user = text_of(root, "Username"), *secret = text_of(root, "Secret");

	*cred = (struct oci_cred){ 0 };
	if (secret) {
		cred->identity = user && strcmp(user, "<token>") == 0;
		cred->user = user ? xstrdup(user) : NULL;
		cred->secret = xstrdup(secret);
	}
	json_decref(root);
	return secret ? 0 : err_set(err, ERR_WORK, "its answer holds no Secret");
}

/* A helper's name is part of a program's name: no path. */
static int helper_ok(const char *name)
{
	return strlen(name) <= 64 && name[0] != '-' && name[0] != '.' &&
		name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == '\0';
}

static int ask_helper(const char *name, const char *host, struct oci_cred *cred, struct err *err)
{
	cleanup_free char *program = xasprintf("docker-credential-%s", name);
	const char *const argv[] = { program, "get", NULL };
	const struct proc proc = { .argv = argv, .out_max = OCI_CRED_HELPER_MAX,
		.in = strcmp(host, HUB) == 0 ? HUB_KEY : host };
	cleanup_buf struct buf out = BUF_INIT;

	if (!helper_ok(name))
		return err_set(err, ERR_USAGE, "'%.64s' cannot be the name of a credential helper", name);
	int status = proc_run(&proc, &out, NULL, err);
	if (status < 0 && out.data && strstr(out.data, "credentials not found"))
		status = 0; /* the helpers' protocol says so on standard output, and fails */
	else if (status == 0)
		status = oci_cred_answer(out.data, out.len, cred, err) < 0 ? err_wrap(err, "%s", program) : 0;
	if (out.data)
		sodium_memzero(out.data, out.len);
	return status;
}

static int find_in(const json_t *root, const char *host, struct oci_cred *cred, struct err *err)
{
	const char *helper = json_string_value(for_host(json_object_get(root, "credHelpers"), host));
	const char *store = text_of(root, "credsStore");

	if (!helper)
		helper = store;
	if (helper && *helper && ask_helper(helper, host, cred, err) < 0)
		return -1;
	if (cred->secret)
		return 0;
	const json_t *entry = for_host(json_object_get(root, "auths"), host);
	return entry ? take_entry(entry, host, cred, err) : 0;
}

int oci_cred_in(const char *text, size_t len, const char *host, struct oci_cred *cred, struct err *err)
{
	json_error_t why;
	json_t *root = json_loadb(text ? text : "", len, 0, &why);

	*cred = (struct oci_cred){ 0 };
	if (!json_is_object(root)) {
		json_decref(root);
		return err_set(err, ERR_USAGE, "it is not docker's JSON: %s (line %d)", root ? "no object" : why.text, why.line);
	}
	int status = find_in(root, host, cred, err);
	json_decref(root);
	if (status < 0)
		oci_cred_release(cred);
	return status;
}

int oci_cred_find(const char *host, struct oci_cred *cred, struct err *err)
{
	cleanup_free char *file = oci_cred_file();
	cleanup_buf struct buf text = BUF_INIT;

	*cred = (struct oci_cred){ 0 };
	if (!file || (access(file, F_OK) < 0 && errno == ENOENT))
		return 0;
	if (fs_slurp(AT_FDCWD, file, OCI_CRED_FILE_MAX, &text, err) < 0)
		return -1;
	int status = oci_cred_in(text.data, text.len, host, cred, err);
	if (text.data)
		sodium_memzero(text.data, text.len);
	return status < 0 ? err_wrap(err, "%s", file) : 0;
}
