#include "oci_scope.h"

#include "mem.h"
#include "oci.h"
#include "oci_cred.h"
#include "progress.h"
#include "shape.h"

#include <sodium.h>
#include <string.h>

#define PING_MAX 65536		/* bytes of what a registry says on /v2/ */
#define TOKEN_FRESH_MS 10000	/* a token that is refused so soon has not expired: it does not suffice */

struct oci *oci_open(struct http *http, struct store *store, const struct mirrors *mirrors)
{
	struct oci *oci = xcalloc(1, sizeof(*oci));

	oci->http = http;
	oci->store = store;
	oci->mirrors = mirrors;
	return oci;
}

static void wipe(char *secret)
{
	if (secret)
		sodium_memzero(secret, strlen(secret));
	free(secret);
}

void oci_close(struct oci *oci)
{
	for (size_t i = 0; i < oci->n; i++) {
		struct scope *s = oci->scopes[i];
		free(s->host);
		free(s->base);
		free(s->repo);
		wipe(s->header);
		oci_challenge_release(&s->challenge);
		free(s);
	}
	free(oci->scopes);
	free(oci);
}

/* Whether a host is this machine itself, where nobody else can read the wire. */
static int is_loopback(const char *host)
{
	cleanup_free char *url = xasprintf("http://%s/", host);

	return shape_http_local(url);
}

char *oci_base_url(const char *host, const struct mirrors *mirrors)
{
	const char *mirror = mirrors_find(mirrors, host);

	if (mirror)
		return xstrdup(mirror);
	if (strcmp(host, "docker.io") == 0)
		return xstrdup("https://registry-1.docker.io");
	return xasprintf("%s://%s", is_loopback(host) ? "http" : "https", host);
}

/* Cuts the path off a URL and returns it without its first '/', to be freed. */
static char *cut_path(char *url)
{
	char *slash = strchr(strstr(url, "://") + 3, '/');
	char *path = xstrdup(slash ? slash + 1 : "");

	if (slash)
		*slash = '\0';
	return path;
}

struct scope *scope_find(struct oci *oci, const struct oci_ref *ref)
{
	cleanup_free char *base = oci_base_url(ref->host, oci->mirrors);
	cleanup_free char *path = cut_path(base);
	cleanup_free char *repo = xasprintf("%s%s%s", path, *path ? "/" : "", ref->repo);

	for (size_t i = 0; i < oci->n; i++)
		if (strcmp(oci->scopes[i]->base, base) == 0 && strcmp(oci->scopes[i]->repo, repo) == 0)
			return oci->scopes[i];
	struct scope *s = xcalloc(1, sizeof(*s));
	/* A mirror is logged in to by its own name. */
	s->host = xstrdup(mirrors_find(oci->mirrors, ref->host) ? strstr(base, "://") + 3 : ref->host);
	s->base = steal(&base);
	s->repo = steal(&repo);
	oci->scopes = xreallocarray(oci->scopes, oci->n + 1, sizeof(struct scope *));
	oci->scopes[oci->n++] = s;
	return s;
}

static int is_plain(const struct scope *s)
{
	return strncmp(s->base, "http://", 7) == 0;
}

const char *scope_proxy(const char *url)
{
	return shape_http_local(url) ? "" : NULL;
}

/* Takes the challenge of a refusal. */
static void take_challenge(struct scope *s, const struct http_reply *reply)
{
	struct oci_challenge c;

	if (oci_challenge_parse(&c, reply->authenticate, &s->err) < 0) {
		(void)err_wrap(&s->err, "%s", s->base);
		return;
	}
	oci_challenge_release(&s->challenge);
	s->challenge = c;
	s->challenged = 1;
}

/* The index of the scope, among n, with the same registry; n where there is none. */
static size_t find_base(const struct scope *const *scopes, size_t n, const char *base)
{
	size_t k = 0;

	while (k < n && strcmp(scopes[k]->base, base) != 0)
		k++;
	return k;
}

/* What a registry's answer on /v2/ says to a scope. */
static void take_ping(struct scope *s, const struct http_job *job)
{
	s->pinged = 1;
	if (job->failed && job->status == 401 && !job->reply->elsewhere)
		take_challenge(s, job->reply);
	else if (job->failed && job->status == 0)
		s->err = job->err; /* it is not reached; whatever status another one gives, its repositories may be open */
}

void scopes_ping(struct oci *oci, struct scope *const *scopes, size_t n)
{
	struct http_job *jobs = xcalloc(n, sizeof(*jobs));
	struct http_reply *replies = xcalloc(n, sizeof(*replies));
	struct buf *texts = xcalloc(n, sizeof(*texts));
	const struct scope **asked = xcalloc(n, sizeof(*asked));
	size_t hosts = 0;

	for (size_t i = 0; i < n; i++) {
		if (scopes[i]->pinged || find_base(asked, hosts, scopes[i]->base) < hosts)
			continue;
		char *url = xasprintf("%s/v2/", scopes[i]->base);
		jobs[hosts] = (struct http_job){ .label = scopes[i]->host, .url = url, .mem = &texts[hosts], .max = PING_MAX,
			.proxy = scope_proxy(url), .reply = &replies[hosts] };
		asked[hosts++] = scopes[i];
	}
	(void)http_fetch(oci->http, jobs, hosts);
	for (size_t i = 0; i < n; i++) {
		size_t k = find_base(asked, hosts, scopes[i]->base);
		if (k < hosts && !scopes[i]->pinged)
			take_ping(scopes[i], &jobs[k]);
	}
	for (size_t k = 0; k < hosts; k++) {
		free((char *)(uintptr_t)jobs[k].url);
		buf_release(&texts[k]);
	}
	free(jobs);
	free(replies);
	free(texts);
	free(asked);
}

/* What a person can do where a login is missing or does not suffice. */
static void say_login(struct scope *s, int has_login, const char *what)
{
	cleanup_free char *file = oci_cred_file();

	if (has_login)
		(void)err_set(&s->err, ERR_WORK, "%s/%s: %s refuses the login for %s in %s: docker login %s renews it", s->host, s->repo,
			what, s->host, file ? file : "docker's file", s->host);
	else
		(void)err_set(&s->err, ERR_WORK, "%s/%s: there is no such image, or %s wants a login, and %s has none for %s: "
			"docker login %s", s->host, s->repo, what, file ? file : "docker's file", s->host, s->host);
}

static void set_header(struct scope *s, char *header)
{
	wipe(s->header);
	s->header = header;
	s->since = progress_now();
	s->challenged = 0;
}

/* A token to be got for a scope. */
struct errand {
	struct scope *scope;
	struct oci_cred cred;
	struct oci_token_ask ask;
	struct buf answer;
	const char *headers[2];
};

/* Prepares the answer to a scope's challenge: returns 1 where a token has to be fetched for it. */
static int prepare(struct scope *s, struct errand *e, struct http_job *job)
{
	if (oci_cred_find(s->host, &e->cred, &s->err) < 0)
		return 0;
	if (!s->challenge.bearer) {
		if (e->cred.secret && !e->cred.identity)
			set_header(s, oci_basic_header(&e->cred));
		else
			say_login(s, 0, "the registry");
		return 0;
	}
	if (oci_token_ask(&e->ask, &s->challenge, s->repo, e->cred.secret ? &e->cred : NULL, is_plain(s), &s->err) < 0) {
		(void)err_wrap(&s->err, "%s", s->base);
		return 0;
	}
	e->scope = s;
	e->headers[0] = e->ask.header;
	*job = (struct http_job){ .label = s->host, .url = e->ask.url, .headers = e->headers, .post = e->ask.post, .mem = &e->answer,
		.max = OCI_TOKEN_MAX, .proxy = scope_proxy(e->ask.url) };
	return 1;
}

static void take_token(struct errand *e, const struct http_job *job)
{
	struct scope *s = e->scope;

	if (job->failed && (job->status == 400 || job->status == 401 || job->status == 403)) {
		say_login(s, e->cred.secret != NULL, "the token server");
		return;
	}
	char *token = NULL;
	if (job->failed)
		s->err = job->err;
	else
		token = oci_token_read(e->answer.data, e->answer.len, &s->err);
	if (!token) {
		(void)err_wrap(&s->err, "%s: token", s->host);
		return;
	}
	set_header(s, xasprintf("Authorization: Bearer %s", token));
	wipe(token);
}

void scopes_answer(struct oci *oci, struct scope *const *scopes, size_t n)
{
	struct errand *errands = xcalloc(n, sizeof(*errands));
	struct http_job *jobs = xcalloc(n, sizeof(*jobs));
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		if (!scopes[i]->challenged || scopes[i]->err.code != ERR_NONE)
			continue;
		if (prepare(scopes[i], &errands[used], &jobs[used]))
			used++;
		else
			oci_cred_release(&errands[used].cred);
	}
	(void)http_fetch(oci->http, jobs, used);
	for (size_t i = 0; i < used; i++) {
		take_token(&errands[i], &jobs[i]);
		oci_cred_release(&errands[i].cred);
		oci_token_ask_release(&errands[i].ask);
		if (errands[i].answer.data)
			sodium_memzero(errands[i].answer.data, errands[i].answer.len);
		buf_release(&errands[i].answer);
	}
	free(errands);
	free(jobs);
}

void scope_refused(struct scope *s, const struct http_reply *reply)
{
	if (s->challenged) /* another request of the same round was refused as well */
		return;
	if (!s->header || progress_now() - s->since >= TOKEN_FRESH_MS) {
		take_challenge(s, reply);
		return;
	}
	struct oci_cred cred = { 0 };
	struct err ignored;
	(void)oci_cred_find(s->host, &cred, &ignored);
	say_login(s, cred.secret != NULL, "the registry");
	oci_cred_release(&cred);
}
