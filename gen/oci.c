#include "oci.h"

#include "mem.h"
#include "oci_doc.h"
#include "oci_scope.h"

#include <string.h>

#define ROUNDS_MAX 1000	/* each but the first follows a token that has expired */

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
		.headers = e->headers, .proxy = scope_proxy(e->url), .max = job->blob ? 0 : OCI_DOC_MAX, .reply = &e->reply };
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
	scope_refused(s, &e->reply);
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

/* The scopes of the pending jobs, each once, into open. Returns how many. */
static size_t list_open(struct scope *const *scopes, const char *pending, size_t n, struct scope **open)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		while (k < used && open[k] != scopes[i])
			k++;
		if (!pending[i] || k < used)
			continue;
		scopes[i]->err = (struct err){ 0 }; /* another time it may go better */
		open[used++] = scopes[i];
	}
	return used;
}

static size_t count_pending(const char *pending, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += (size_t)pending[i];
	return count;
}

size_t oci_fetch(struct oci *oci, struct oci_job *jobs, size_t n)
{
	struct scope **scopes = xcalloc(n, sizeof(*scopes)), **open = xcalloc(n, sizeof(*open));
	char *pending = xcalloc(n, 1);
	size_t failed = 0;

	for (size_t i = 0; i < n; i++) {
		jobs[i].failed = 0;
		scopes[i] = scope_find(oci, jobs[i].ref);
		pending[i] = !in_store(oci, &jobs[i]);
	}
	size_t used = list_open(scopes, pending, n, open);
	for (int round = 0; count_pending(pending, n) && round < ROUNDS_MAX; round++) {
		scopes_ping(oci, open, used);
		scopes_answer(oci, open, used);
		fetch_round(oci, jobs, scopes, pending, n);
	}
	for (size_t i = 0; i < n; i++)
		failed += (size_t)(jobs[i].failed != 0);
	free(scopes);
	free(open);
	free(pending);
	return failed;
}
