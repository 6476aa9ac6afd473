#include "oci.h"

#include "mem.h"
#include "oci_auth.h"
#include "oci_cred.h"
#include "oci_doc.h"
#include "progress.h"
#include "shape.h"

#include <sodium.h>
#include <string.h>

#define PING_MAX 65536		/* bytes of what a registry says on /v2/ */
#define TOKEN_FRESH_MS 10000	/* a token that is refused so soon has not expired: it does not suffice */
#define ROUNDS_MAX 1000

/* Where requests for one repository go, and with which leave. */
struct scope {
	char *host;		/* as references have it */
	char *base;		/* "https://registry-1.docker.io" */
	char *repo;		/* there: with the path of a mirror's URL */
	char *header;		/* "Authorization: ...", or NULL */
	uint64_t since;		/* when the header was made, in ms */
	struct oci_challenge challenge;
	int challenged;		/* a challenge is there that header does not answer yet */
	int pinged;
	struct err err;		/* why nothing can be fetched from here; code ERR_NONE: no reason */
};

struct oci {
	struct http *http;
	struct store *store;
	const struct mirrors *mirrors;
	struct scope **scopes;
	size_t n;
};

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

static struct scope *find_scope(struct oci *oci, const struct oci_ref *ref)
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

/* No proxy reaches this machine's own address better than it does itself. */
static const char *proxy_for(const char *url)
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

/*
 * Asks each registry once, before anything is fetched, whether it wants a login: otherwise each of hundreds of blobs would be
 * asked for twice.
 */
static void ping(struct oci *oci, struct scope *const *scopes, size_t n)
{
	struct http_job *jobs = xcalloc(n, sizeof(*jobs));
	struct http_reply *replies = xcalloc(n, sizeof(*replies));
	struct buf *texts = xcalloc(n, sizeof(*texts));
	const struct scope **asked = xcalloc(n, sizeof(*asked));
	size_t hosts = 0;

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		while (k < hosts && strcmp(asked[k]->base, scopes[i]->base) != 0)
			k++;
		if (k < hosts || scopes[i]->pinged)
			continue;
		char *url = xasprintf("%s/v2/", scopes[i]->base);
		jobs[hosts] = (struct http_job){ .label = scopes[i]->host, .url = url, .mem = &texts[hosts], .max = PING_MAX,
			.proxy = proxy_for(url), .reply = &replies[hosts] };
		asked[hosts++] = scopes[i];
	}
	(void)http_fetch(oci->http, jobs, hosts);
	for (size_t i = 0; i < n; i++) {
		struct scope *s = scopes[i];
		size_t k = 0;
		while (k < hosts && strcmp(asked[k]->base, s->base) != 0)
			k++;
		if (k == hosts || s->pinged)
			continue;
		s->pinged = 1;
		if (jobs[k].failed && jobs[k].status == 401 && !replies[k].elsewhere)
			take_challenge(s, &replies[k]);
		else if (jobs[k].failed && jobs[k].status == 0)
			s->err = jobs[k].err; /* it is not reached; whatever status another one gives, its repositories may be open */
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
		.max = OCI_TOKEN_MAX, .proxy = proxy_for(e->ask.url) };
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

/* Answers the challenges that are open, by logins and tokens. */
static void answer(struct oci *oci, struct scope *const *scopes, size_t n)
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

/* One job of a round, on its way through http_fetch(). */
struct errand_http {
	char *url;
	const char *headers[3];
	struct http_reply reply;
};

static void to_http(const struct oci_job *job, const struct scope *s, struct errand_http *e, struct http_job *http)
{
	size_t n = 0;

	if (job->tag)
		e->url = xasprintf("%s/v2/%s/manifests/%s", s->base, s->repo, job->tag);
	else
		e->url = xasprintf("%s/v2/%s/%s/sha256:%s", s->base, s->repo, job->blob ? "blobs" : "manifests", job->sha256);
	if (!job->blob)
		e->headers[n++] = oci_accept;
	if (s->header)
		e->headers[n++] = s->header;
	*http = (struct http_job){ .label = job->label, .url = e->url, .sha256 = job->sha256, .size = job->size,
		.headers = e->headers, .proxy = proxy_for(e->url), .max = job->blob ? 0 : OCI_DOC_MAX, .reply = &e->reply };
}

/* By a tag, the registry says what it means by it: what came must be that. */
static void check_digest(struct oci_job *job, const struct http_reply *reply)
{
	char said[HASH_HEX + 1];

	if (!job->tag || !*reply->docker_digest)
		return;
	if (oci_digest_parse(reply->docker_digest, said) < 0)
		job->failed = err_set(&job->err, ERR_AUTH, "the registry names the digest '%.100s', which is not a SHA-256",
			reply->docker_digest) != 0;
	else if (strcmp(said, job->got_sha256) != 0)
		job->failed = err_set(&job->err, ERR_AUTH, "digest differs: the registry says sha256:%s, and sent sha256:%s", said,
			job->got_sha256) != 0;
}

/* Takes a job's result. Returns 1 where it is to be tried again, with a new answer to a challenge. */
static int from_http(struct oci_job *job, struct scope *s, const struct errand_http *e, const struct http_job *http)
{
	job->failed = http->failed;
	job->err = http->err;
	job->got_size = http->got_size;
	memcpy(job->got_sha256, http->got_sha256, sizeof(job->got_sha256));
	memcpy(job->media_type, e->reply.content_type, sizeof(job->media_type));
	job->media_type[strcspn(job->media_type, "; \t")] = '\0';
	if (!http->failed) {
		check_digest(job, &e->reply);
		return 0;
	}
	if (http->status != 401 || e->reply.elsewhere)
		return 0;
	if (s->challenged) /* another job of this round had the same answer */
		return 1;
	if (s->header && progress_now() - s->since < TOKEN_FRESH_MS) {
		struct oci_cred cred = { 0 };
		struct err ignored;
		(void)oci_cred_find(s->host, &cred, &ignored);
		say_login(s, cred.secret != NULL, "the registry");
		oci_cred_release(&cred);
	} else {
		take_challenge(s, &e->reply);
	}
	if (s->err.code != ERR_NONE)
		job->err = s->err;
	return s->challenged;
}

/* Fetches those that are pending, once. */
static void fetch_round(struct oci *oci, struct oci_job *jobs, struct scope *const *scopes, char *pending, size_t n)
{
	struct http_job *https = xcalloc(n, sizeof(*https));
	struct errand_http *errands = xcalloc(n, sizeof(*errands));
	size_t *which = xcalloc(n, sizeof(*which)), used = 0;

	for (size_t i = 0; i < n; i++) {
		if (!pending[i])
			continue;
		if (scopes[i]->err.code != ERR_NONE) {
			jobs[i].failed = 1;
			jobs[i].err = scopes[i]->err;
			pending[i] = 0;
			continue;
		}
		to_http(&jobs[i], scopes[i], &errands[used], &https[used]);
		which[used++] = i;
	}
	(void)http_fetch(oci->http, https, used);
	for (size_t k = 0; k < used; k++) {
		size_t i = which[k];
		pending[i] = (char)from_http(&jobs[i], scopes[i], &errands[k], &https[k]);
		free(errands[k].url);
	}
	free(https);
	free(errands);
	free(which);
}

/* Whether the store has it already, so that its registry need not be asked for anything. */
static int in_store(const struct oci *oci, struct oci_job *job)
{
	uint64_t size;

	if (job->tag || !store_has(oci->store, job->sha256, &size) || (job->size && job->size != size))
		return 0;
	memcpy(job->got_sha256, job->sha256, HASH_HEX + 1);
	job->got_size = size;
	return 1;
}

size_t oci_fetch(struct oci *oci, struct oci_job *jobs, size_t n)
{
	struct scope **scopes = xcalloc(n, sizeof(struct scope *));
	char *pending = xcalloc(n, 1);
	size_t left = 0, failed = 0, used = 0;

	struct scope **open = xcalloc(n, sizeof(struct scope *)); /* each of them once */
	for (size_t i = 0; i < n; i++) {
		jobs[i].failed = 0;
		scopes[i] = find_scope(oci, jobs[i].ref);
		pending[i] = !in_store(oci, &jobs[i]);
		left += (size_t)pending[i];
		size_t k = 0;
		while (k < used && open[k] != scopes[i])
			k++;
		if (pending[i] && k == used)
			open[used++] = scopes[i];
	}
	for (size_t k = 0; k < used; k++)
		open[k]->err = (struct err){ 0 };
	for (int round = 0; left && round < ROUNDS_MAX; round++) {
		ping(oci, open, used);
		answer(oci, open, used);
		fetch_round(oci, jobs, scopes, pending, n);
		left = 0;
		for (size_t i = 0; i < n; i++)
			left += (size_t)pending[i];
	}
	for (size_t i = 0; i < n; i++)
		failed += (size_t)(jobs[i].failed != 0);
	free(scopes);
	free(open);
	free(pending);
	return failed;
}
