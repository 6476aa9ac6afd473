#include "oci_auth.h"

#include "buf.h"
#include "mem.h"
#include "shape.h"

#include <jansson.h>
#include <sodium.h>
#include <string.h>
#include <strings.h>

/* RFC 9110, 5.6.2 */
static int is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c && strchr("!#$%&'*+-.^_`|~/", c)); /* '/' is for a token68 */
}

static size_t token_len(const char *s)
{
	size_t n = 0;

	while (is_token_char(s[n]))
		n++;
	return n;
}

static const char *skip(const char *s, const char *what)
{
	return s + strspn(s, what);
}

/* The value of a parameter: a token, or a text in quotes. Returns where it ends, or NULL. */
static const char *take_value(const char *s, struct buf *out)
{
	if (*s != '"') {
		size_t len = strcspn(s, ", \t"); /* a token by the RFC, but URLs occur, and a token68 of another scheme ends in '=' */
		buf_add(out, s, len);
		return s + len;
	}
	for (s++; *s && *s != '"'; s++) {
		if (*s == '\\' && s[1])
			s++;
		buf_addc(out, *s);
	}
	return *s == '"' ? s + 1 : NULL;
}

static void set_parameter(struct oci_challenge *c, const char *name, size_t len, struct buf *value)
{
	struct {
		const char *name;
		char **to;
	} known[] = { { "realm", &c->realm }, { "service", &c->service }, { "scope", &c->scope } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].name) == len && strncasecmp(known[i].name, name, len) == 0 && !*known[i].to)
			*known[i].to = buf_steal(value);
}

static int parse(struct oci_challenge *c, const char *s, struct err *err)
{
	int in_bearer = 0;

	for (s = skip(s, " \t,"); *s; s = skip(s, " \t,")) {
		cleanup_buf struct buf value = BUF_INIT;
		const char *word = s;
		size_t len = token_len(s);
		if (len == 0)
			return err_set(err, ERR_WORK, "the registry's challenge is malformed");
		s = skip(s + len, " \t");
		if (*s != '=') { /* a scheme */
			in_bearer = !c->bearer && len == 6 && strncasecmp(word, "Bearer", len) == 0;
			c->bearer |= in_bearer;
			c->basic |= len == 5 && strncasecmp(word, "Basic", len) == 0;
			continue;
		}
		s = take_value(skip(s + 1, " \t"), &value);
		if (!s)
			return err_set(err, ERR_WORK, "the registry's challenge is malformed: a quote is not closed");
		if (in_bearer)
			set_parameter(c, word, len, &value);
	}
	return c->basic || c->bearer ? 0 : err_set(err, ERR_WORK, "the registry wants another login than labgen knows (Basic, Bearer)");
}

int oci_challenge_parse(struct oci_challenge *c, const char *text, struct err *err)
{
	*c = (struct oci_challenge){ 0 };
	int status = parse(c, text, err);
	if (status < 0)
		oci_challenge_release(c);
	return status;
}

void oci_challenge_release(struct oci_challenge *c)
{
	free(c->realm);
	free(c->service);
	free(c->scope);
	*c = (struct oci_challenge){ 0 };
}

/* application/x-www-form-urlencoded */
static void add_pair(struct buf *out, const char *key, const char *value)
{
	buf_addf(out, "%s%s=", out->len ? "&" : "", key);
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;
		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr("-._~", c))
			buf_addc(out, (char)c);
		else
			buf_addf(out, "%%%02X", (unsigned)c);
	}
}

static int check_realm(const struct oci_challenge *c, int plain, struct err *err)
{
	if (!c->realm || !shape_url(c->realm) || strncmp(c->realm, "file:", 5) == 0)
		return err_set(err, ERR_WORK, "the registry names no server to get a token from");
	if (strncmp(c->realm, "https://", 8) != 0 && !plain && !shape_http_local(c->realm))
		return err_set(err, ERR_WORK, "the registry sends to %s for a token, over a wire that anybody can read: refused", c->realm);
	return 0;
}

int oci_token_ask(struct oci_token_ask *ask, const struct oci_challenge *c, const char *repo, const struct oci_cred *cred,
	int plain, struct err *err)
{
	cleanup_free char *own = xasprintf("repository:%s:pull", repo);
	cleanup_buf struct buf form = BUF_INIT;

	*ask = (struct oci_token_ask){ 0 };
	if (check_realm(c, plain, err) < 0)
		return -1;
	int identity = cred && cred->identity;
	if (identity) {
		add_pair(&form, "grant_type", "refresh_token");
		add_pair(&form, "client_id", "labgen");
	}
	if (c->service)
		add_pair(&form, "service", c->service);
	add_pair(&form, "scope", c->scope && *c->scope ? c->scope : own);
	if (identity) {
		add_pair(&form, "refresh_token", cred->secret);
		ask->url = xstrdup(c->realm);
		ask->post = buf_steal(&form);
		return 0;
	}
	ask->url = xasprintf("%s%c%s", c->realm, strchr(c->realm, '?') ? '&' : '?', form.data);
	ask->header = cred && cred->secret ? oci_basic_header(cred) : NULL;
	return 0;
}

static void wipe(char *secret)
{
	if (secret)
		sodium_memzero(secret, strlen(secret));
	free(secret);
}

void oci_token_ask_release(struct oci_token_ask *ask)
{
	free(ask->url);
	wipe(ask->header);
	wipe(ask->post);
	*ask = (struct oci_token_ask){ 0 };
}

static const char *token_text(const json_t *root, const char *key)
{
	const json_t *value = json_object_get(root, key);
	const char *text = json_string_value(value);

	if (!text || !*text || strlen(text) != json_string_length(value))
		return NULL;
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~') /* it becomes part of a header */
			return NULL;
	return text;
}

char *oci_token_read(const char *text, size_t len, struct err *err)
{
	json_t *root = len <= OCI_TOKEN_MAX ? json_loadb(text ? text : "", len, 0, NULL) : NULL;
	const char *token = token_text(root, "token");

	if (!token)
		token = token_text(root, "access_token");
	char *copy = token ? xstrdup(token) : NULL;
	if (!copy)
		(void)err_set(err, ERR_WORK, "the token server's answer holds no token");
	json_decref(root);
	return copy;
}

char *oci_basic_header(const struct oci_cred *cred)
{
	char *both = xasprintf("%s:%s", cred->user ? cred->user : "", cred->secret);
	size_t len = strlen(both), size = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
	char *text = xmalloc(size);

	(void)sodium_bin2base64(text, size, (const unsigned char *)both, len, sodium_base64_VARIANT_ORIGINAL);
	char *header = xasprintf("Authorization: Basic %s", text);
	wipe(both);
	wipe(text);
	return header;
}
