#include "shape.h"

#include "format.h"
#include "hash.h"

#include <string.h>

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static int is_alnum(char c)
{
	return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z');
}

/* len bytes, at least one, the first a letter or digit, the others as well or one of more. */
static int word(const char *s, size_t len, const char *more)
{
	if (len == 0 || !is_alnum(s[0]))
		return 0;
	for (size_t i = 1; i < len; i++)
		if (!is_alnum(s[i]) && !(s[i] && strchr(more, s[i])))
			return 0;
	return 1;
}

static int starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

int shape_lab(const char *s)
{
	return format_word_ok(s, strlen(s), 1);
}

int shape_lab_version(const char *s)
{
	return format_word_ok(s, strlen(s), 0);
}

int shape_name(const char *s)
{
	return format_word_ok(s, strlen(s), 1);
}

int shape_version(const char *s)
{
	return strlen(s) <= 128 && word(s, strlen(s), "._+~-:");
}

int shape_path(const char *s)
{
	return format_path_ok(s, strlen(s));
}

int shape_deep_path(const char *s)
{
	if (strlen(s) > 1000)
		return 0;
	for (;;) {
		size_t part = strcspn(s, "/");
		if (!format_path_ok(s, part))
			return 0;
		if (!s[part])
			return 1;
		s += part + 1;
	}
}

int shape_platform(const char *s)
{
	return format_platform_known(s);
}

int shape_hex64(const char *s)
{
	unsigned char digest[FORMAT_DIGEST];

	return strlen(s) == HASH_HEX && hash_from_hex(s, digest) == 0;
}

static int url_bytes(const char *s)
{
	if (strlen(s) > 2000)
		return 0;
	for (; *s; s++)
		if (*s <= ' ' || *s > '~' || strchr("\"<>\\^`|'", *s))
			return 0;
	return 1;
}

/* A scheme with "://" and something behind it. */
static int has_scheme(const char *s, const char *scheme)
{
	return starts(s, scheme) && s[strlen(scheme)] && url_bytes(s);
}

int shape_http_local(const char *s)
{
	static const char *const hosts[] = { "127.0.0.1", "localhost", "[::1]" };

	if (!has_scheme(s, "http://"))
		return 0;
	s += strlen("http://");
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (starts(s, hosts[i]) && strchr(":/", s[strlen(hosts[i])]))
			return 1;
	return 0;
}

int shape_url(const char *s)
{
	return has_scheme(s, "https://") || has_scheme(s, "file:///") || has_scheme(s, "http://");
}

int shape_any_url(const char *s)
{
	return shape_url(s) || has_scheme(s, "oci://");
}

int shape_git_url(const char *s)
{
	return has_scheme(s, "https://") || has_scheme(s, "file:///") || shape_http_local(s);
}

int shape_repo(const char *s)
{
	return has_scheme(s, "https://") || has_scheme(s, "oci://") || shape_http_local(s);
}

int shape_commit(const char *s)
{
	return strlen(s) <= 128 && word(s, strlen(s), "._+/-") && !strstr(s, "..");
}

int shape_image(const char *s)
{
	size_t len = strlen(s);
	const char *at = strchr(s, '@');
	size_t name = at ? (size_t)(at - s) : len;
	const char *slash = memrchr(s, '/', name);
	const char *last = slash ? slash + 1 : s;
	const char *colon = memchr(last, ':', name - (size_t)(last - s));

	if (len > 300 || !word(s, name, "._/:-") || last == s + name)
		return 0;
	if (colon && (!word(colon + 1, (size_t)(s + name - colon - 1), "._-") || starts(colon, ":latest")))
		return 0;
	if (at)
		return starts(at, "@sha256:") && shape_hex64(at + strlen("@sha256:"));
	return colon != NULL;
}

int shape_deb(const char *s)
{
	size_t len = strlen(s);

	if (len < 2 || len > 100 || !word(s, len, "+.-"))
		return 0;
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			return 0;
	return 1;
}

int shape_deb_version(const char *s)
{
	size_t len = strlen(s);

	return len <= 100 && *s >= '0' && *s <= '9' && word(s, len, ".+-:~");
}

int shape_npm(const char *s)
{
	if (strlen(s) > 214) /* npm's own limit */
		return 0;
	if (s[0] == '@') {
		size_t scope = strcspn(s, "/");
		if (!word(s + 1, scope ? scope - 1 : 0, "._-") || !s[scope])
			return 0;
		s += scope + 1;
	}
	return word(s, strlen(s), "._-");
}

int shape_npm_version(const char *s)
{
	return strlen(s) <= 128 && word(s, strlen(s), "._+-");
}

static int kube_name(const char *s, size_t len)
{
	if (len == 0 || len > 63 || s[0] == '-' || s[len - 1] == '-')
		return 0;
	for (size_t i = 0; i < len; i++)
		if (!is_lower(s[i]) && !is_digit(s[i]) && s[i] != '-')
			return 0;
	return 1;
}

int shape_kube_name(const char *s)
{
	return kube_name(s, strlen(s));
}

/* kind/name: a kind may be qualified, as deployments.apps. */
static int kube_object(const char *s, size_t len)
{
	const char *slash = memchr(s, '/', len);

	if (!slash || !word(s, (size_t)(slash - s), ".-"))
		return 0;
	return kube_name(slash + 1, len - (size_t)(slash + 1 - s));
}

int shape_kube_object(const char *s)
{
	return kube_object(s, strlen(s));
}

int shape_kube_port(const char *s)
{
	size_t len = strcspn(s, ":");

	return kube_object(s, len) && s[len] == ':' && word(s + len + 1, strlen(s + len + 1), "-") && strlen(s + len + 1) <= 15;
}

int shape_kube_version(const char *s)
{
	return s[0] == 'v' && is_digit(s[1]) && strlen(s) <= 32 && word(s, strlen(s), ".+-");
}

int shape_no_bar(const char *s)
{
	return strchr(s, '|') == NULL;
}

int shape_integrity(const char *s)
{
	if (!starts(s, "sha512-") || strlen(s) != strlen("sha512-") + 88 || strcmp(s + strlen(s) - 2, "==") != 0)
		return 0;
	for (const char *p = s + strlen("sha512-"); p[2]; p++)
		if (!is_alnum(*p) && *p != '+' && *p != '/')
			return 0;
	return 1;
}
