#include "oci_ref.h"

#include "mem.h"

#include <string.h>

#define DOCKER_HOST "docker.io"

static int is_low(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static int is_alnum(char c)
{
	return is_low(c) || (c >= 'A' && c <= 'Z');
}

/* What may stand between the letters and digits of a repository's part: ".", "_", "__" or dashes. Returns its length. */
static size_t separator(const char *s, size_t len)
{
	size_t n = 0;

	if (s[0] == '.')
		return 1;
	if (s[0] == '_')
		return len > 1 && s[1] == '_' ? 2 : 1;
	while (n < len && s[n] == '-')
		n++;
	return n;
}

static int part_ok(const char *s, size_t len)
{
	size_t i = 0;

	if (len == 0 || !is_low(s[0]) || !is_low(s[len - 1]))
		return 0;
	while (i < len) {
		if (is_low(s[i])) {
			i++;
			continue;
		}
		size_t n = separator(s + i, len - i);
		if (n == 0 || i + n >= len || !is_low(s[i + n]))
			return 0;
		i += n;
	}
	return 1;
}

static int repo_ok(const char *s, size_t len)
{
	for (;;) {
		const char *slash = memchr(s, '/', len);
		size_t part = slash ? (size_t)(slash - s) : len;
		if (!part_ok(s, part))
			return 0;
		if (!slash)
			return 1;
		s += part + 1;
		len -= part + 1;
	}
}

/* A name of letters, digits, inner dashes and dots, and a port. */
static int host_ok(const char *s, size_t len)
{
	const char *colon = memchr(s, ':', len);
	size_t name = colon ? (size_t)(colon - s) : len;

	if (name == 0 || !is_alnum(s[0]) || !is_alnum(s[name - 1]))
		return 0;
	for (size_t i = 0; i < name; i++)
		if (!is_alnum(s[i]) && s[i] != '-' && (s[i] != '.' || s[i + 1] == '.'))
			return 0;
	if (!colon)
		return 1;
	size_t digits = len - name - 1;
	for (size_t i = 0; i < digits; i++)
		if (colon[1 + i] < '0' || colon[1 + i] > '9')
			return 0;
	return digits >= 1 && digits <= 5;
}

static int tag_ok(const char *s, size_t len)
{
	if (len == 0 || len > OCI_TAG_MAX || (!is_alnum(s[0]) && s[0] != '_'))
		return 0;
	for (size_t i = 1; i < len; i++)
		if (!is_alnum(s[i]) && !(s[i] && strchr("_.-", s[i])))
			return 0;
	return 1;
}

int oci_digest_parse(const char *text, char hex[HASH_HEX + 1])
{
	unsigned char digest[FORMAT_DIGEST];

	if (strncmp(text, "sha256:", 7) != 0 || strlen(text + 7) != HASH_HEX || hash_from_hex(text + 7, digest) < 0)
		return -1;
	memcpy(hex, text + 7, HASH_HEX + 1);
	return 0;
}

/* Whether the part before the first '/' names a host, and is not the first part of a repository at Docker's. */
static int names_host(const char *s, size_t len)
{
	if (len == 9 && memcmp(s, "localhost", 9) == 0)
		return 1;
	for (size_t i = 0; i < len; i++)
		if (s[i] == '.' || s[i] == ':' || (s[i] >= 'A' && s[i] <= 'Z'))
			return 1;
	return 0;
}

/* Host and repository of the first len bytes of text. */
static int parse_name(struct oci_ref *ref, const char *text, size_t len, struct err *err)
{
	const char *slash = memchr(text, '/', len);
	size_t host = slash ? (size_t)(slash - text) : 0;
	const char *repo = text;

	if (host && names_host(text, host)) {
		if (!host_ok(text, host))
			return err_set(err, ERR_USAGE, "'%.*s' is not the name of a registry", (int)host, text);
		ref->host = xstrndup(text, host);
		repo = slash + 1;
		len -= host + 1;
		if (strcmp(ref->host, "index.docker.io") == 0) {
			free(ref->host);
			ref->host = xstrdup(DOCKER_HOST);
		}
	} else {
		ref->host = xstrdup(DOCKER_HOST);
	}
	if (!repo_ok(repo, len))
		return err_set(err, ERR_USAGE, "'%.*s' is not the name of an image's repository: lower-case letters, digits, single "
			"'.', '_' and '-' between them, in parts joined by '/'", (int)len, repo);
	int official = strcmp(ref->host, DOCKER_HOST) == 0 && !memchr(repo, '/', len);
	ref->repo = xasprintf("%s%.*s", official ? "library/" : "", (int)len, repo);
	if (strlen(ref->host) + 1 + strlen(ref->repo) > OCI_REPO_MAX)
		return err_set(err, ERR_USAGE, "the name is over %d bytes", OCI_REPO_MAX);
	return 0;
}

static int parse(struct oci_ref *ref, const char *text, struct err *err)
{
	const char *at = strchr(text, '@');
	size_t len = at ? (size_t)(at - text) : strlen(text);
	const char *slash = memrchr(text, '/', len);
	const char *last = slash ? slash + 1 : text;
	const char *colon = memchr(last, ':', len - (size_t)(last - text));

	if (len > OCI_REPO_MAX + OCI_TAG_MAX + 1)
		return err_set(err, ERR_USAGE, "the reference is over %d bytes", OCI_REPO_MAX + OCI_TAG_MAX + 1);
	if (at && oci_digest_parse(at + 1, ref->digest) < 0)
		return err_set(err, ERR_USAGE, "'%.100s' is not a digest: sha256: and 64 lower-case hex digits", at + 1);
	if (colon) {
		size_t tag = len - (size_t)(colon + 1 - text);
		if (!tag_ok(colon + 1, tag))
			return err_set(err, ERR_USAGE, "'%.*s' is not a tag", (int)tag, colon + 1);
		ref->tag = xstrndup(colon + 1, tag);
		len = (size_t)(colon - text);
	}
	return parse_name(ref, text, len, err);
}

int oci_ref_parse(struct oci_ref *ref, const char *text, struct err *err)
{
	*ref = (struct oci_ref){ 0 };
	int status = parse(ref, text, err);
	if (status == 0 && !ref->tag && !*ref->digest)
		status = err_set(err, ERR_USAGE, "it has neither a tag nor a digest");
	if (status < 0) {
		oci_ref_release(ref);
		return err_wrap(err, "image '%.100s'", text);
	}
	return 0;
}

int oci_ref_parse_name(struct oci_ref *ref, const char *text, struct err *err)
{
	*ref = (struct oci_ref){ 0 };
	int status = parse(ref, text, err);
	if (status == 0 && (ref->tag || *ref->digest))
		status = err_set(err, ERR_USAGE, "a tag or a digest does not belong here");
	if (status < 0) {
		oci_ref_release(ref);
		return err_wrap(err, "'%.100s'", text);
	}
	return 0;
}

void oci_ref_release(struct oci_ref *ref)
{
	free(ref->host);
	free(ref->repo);
	free(ref->tag);
	*ref = (struct oci_ref){ 0 };
}

char *oci_ref_name(const struct oci_ref *ref)
{
	return xasprintf("%s/%s", ref->host, ref->repo);
}

char *oci_ref_text(const struct oci_ref *ref)
{
	return xasprintf("%s/%s%s%s%s%s", ref->host, ref->repo, ref->tag ? ":" : "", ref->tag ? ref->tag : "",
		*ref->digest ? "@sha256:" : "", ref->digest);
}
