#include "http.h"

#include "fs.h"
#include "http_retry.h"
#include "http_xfer.h"
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

#define POLL_MS 200		/* the longest wait before the progress is shown anew */
#define BUSY_MS 250		/* between two looks at a part that another process has */
#define PROGRESS_BYTES (1u << 20)	/* bytes further that make an attempt count as none */
#define CA_MAX (16u << 20)	/* bytes of all authorities */
#define JOBS_MAX 64

/* A host that nothing could reach: what else is asked of it need not wait as long to fail. */
struct dead_host {
	char *name;
	struct err err;
};

struct http {
	struct store *store;
	CURLM *multi;
	CURL *easy[JOBS_MAX];	/* n_free of them free, at the front */
	size_t n_easy, n_free;
	int quiet;
	uint64_t backoff;	/* ms */
	struct buf ca;
	struct progress *progress;
	struct dead_host *dead;
	size_t n_dead;
};

int http_open(struct http **out, struct store *store, int jobs, int quiet, struct err *err)
{
	if (jobs < 1 || jobs > JOBS_MAX)
		return err_set(err, ERR_USAGE, "%d downloads at once: from 1 to %d are possible", jobs, JOBS_MAX);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, ERR_WORK, "libcurl cannot start");

	struct http *h = xcalloc(1, sizeof(*h));
	h->store = store;
	h->quiet = quiet;
	h->backoff = http_backoff_base();
	h->multi = curl_multi_init();
	for (; h->n_easy < (size_t)jobs; h->n_easy++)
		if (!(h->easy[h->n_easy] = curl_easy_init()))
			break;
	h->n_free = h->n_easy;
	if (!h->multi || h->n_easy < (size_t)jobs) {
		http_close(h);
		return err_set(err, ERR_WORK, "libcurl cannot start");
	}
	(void)curl_multi_setopt(h->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)jobs);
	*out = h;
	return 0;
}

static void dead_release(struct http *h)
{
	for (size_t i = 0; i < h->n_dead; i++)
		free(h->dead[i].name);
	free(h->dead);
	h->dead = NULL;
	h->n_dead = 0;
}

void http_close(struct http *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n_easy; i++)
		curl_easy_cleanup(h->easy[i]);
	curl_multi_cleanup(h->multi);
	dead_release(h);
	buf_release(&h->ca);
	free(h);
	curl_global_cleanup();
}

/* The file of authorities that is used unless one is added. */
static const char *usual_ca(void)
{
	const char *ca = getenv("SSL_CERT_FILE");

	return ca && *ca ? ca : curl_version_info(CURLVERSION_NOW)->cainfo;
}

int http_add_ca(struct http *h, const char *file, struct err *err)
{
	const char *usual = usual_ca();

	if (usual && strcmp(usual, file) == 0)
		return 0;
	if (h->ca.len == 0 && usual && fs_slurp(AT_FDCWD, usual, CA_MAX, &h->ca, err) < 0)
		return err_wrap(err, "authorities");
	buf_addc(&h->ca, '\n');
	if (fs_slurp(AT_FDCWD, file, CA_MAX, &h->ca, err) < 0)
		return err_wrap(err, "authorities");
	return 0;
}

static const struct dead_host *dead_find(const struct http *h, const char *url)
{
	cleanup_free char *host = xfer_host(url);

	for (size_t i = 0; i < h->n_dead; i++)
		if (strcmp(h->dead[i].name, host) == 0)
			return &h->dead[i];
	return NULL;
}

static void dead_add(struct http *h, const char *url, const struct err *err)
{
	if (dead_find(h, url))
		return;
	h->dead = xreallocarray(h->dead, h->n_dead + 1, sizeof(*h->dead));
	h->dead[h->n_dead].name = xfer_host(url);
	h->dead[h->n_dead++].err = *err;
}

static void fail(struct xfer *x, int unreachable)
{
	cleanup_free char *url = xfer_url(x->job->url);

	x->job->failed = 1;
	x->job->err = x->err;
	x->job->status = x->status;
	if (!unreachable) /* else its host is what matters, and is named */
		err_wrap(&x->job->err, "%s", url);
	x->state = XFER_DONE;
}

/* Whether the host that was not reached is the URL's own, and not one that it was sent to. */
static int own_host_unreachable(const struct xfer *x, CURLcode rc)
{
	char *effective = NULL;

	if (!http_unreachable(rc) || curl_easy_getinfo(x->easy, CURLINFO_EFFECTIVE_URL, &effective) != CURLE_OK || !effective)
		return 0;
	cleanup_free char *asked = xfer_host(x->job->url);
	cleanup_free char *reached = xfer_host(effective);
	return strcmp(asked, reached) == 0;
}

/* What a person can do about a host that is not reached. */
static void add_hint(struct err *err)
{
	cleanup_free char *said = xstrdup(err->msg);

	(void)err_set(err, err->code, "%s: is there a network? Run it again when there is one; where a proxy is needed, set https_proxy", said);
}

/* Another try after a while, or the end of it. */
static void retry(struct http *h, struct xfer *x, CURLcode rc, int64_t retry_after)
{
	int no_name = rc == CURLE_COULDNT_RESOLVE_HOST || rc == CURLE_COULDNT_RESOLVE_PROXY;
	unsigned limit = no_name ? HTTP_ATTEMPTS_RESOLVE : HTTP_ATTEMPTS;
	uint64_t chance = 0;

	if (x->shown >= x->best + PROGRESS_BYTES) {
		x->best = x->shown;
		x->failed = 0;
	}
	if (++x->failed >= limit) {
		if (http_unreachable(rc))
			add_hint(&x->err);
		if (own_host_unreachable(x, rc))
			dead_add(h, x->job->url, &x->err);
		fail(x, http_unreachable(rc));
		return;
	}
	if (getrandom(&chance, sizeof(chance), 0) < 0)
		chance = 0; /* then the waits are only less spread */
	uint64_t wait = http_backoff(h->backoff, x->failed, chance, retry_after);
	x->wake = progress_now() + wait;
	x->state = XFER_WAITING;
	if (h->progress)
		progress_note(h->progress, "%s: %s: try %u of %u in %" PRIu64 ".%u s", x->job->label ? x->job->label : x->job->url,
			x->err.msg, x->failed + 1, limit, wait / 1000, (unsigned)(wait % 1000 / 100));
}

static void settle(struct http *h, struct xfer *x, enum xfer_result result, CURLcode rc)
{
	curl_off_t after = 0;

	switch (result) {
	case XFER_STARTED:
		x->state = XFER_RUNNING;
		break;
	case XFER_BUSY:
		x->state = XFER_WAITING;
		x->wake = progress_now() + BUSY_MS;
		break;
	case XFER_AGAIN:
		x->state = XFER_WAITING;
		x->wake = 0;
		break;
	case XFER_GOOD:
		x->state = XFER_DONE;
		if (h->progress && !x->mem)
			progress_done(h->progress, x->job->label ? x->job->label : x->job->url, x->job->got_size);
		break;
	case XFER_RETRY:
		(void)curl_easy_getinfo(x->easy, CURLINFO_RETRY_AFTER, &after);
		retry(h, x, rc, after);
		break;
	case XFER_FAILED:
		fail(x, 0);
		break;
	}
}

/* Starts one that may start, with a free handle. */
static void start(struct http *h, struct xfer *x, const struct xfer_env *env)
{
	const struct dead_host *dead = dead_find(h, x->job->url);

	if (dead && !(x->job->sha256 && store_has(h->store, x->job->sha256, NULL))) {
		x->err = dead->err;
		fail(x, 1);
		return;
	}
	CURL *easy = h->easy[h->n_free - 1];
	settle(h, x, xfer_start(x, easy, env), CURLE_OK);
	if (x->state != XFER_RUNNING)
		return;
	h->n_free--;
	if (curl_multi_add_handle(h->multi, easy) != CURLM_OK) {
		x->stopped = 1;
		err_set(&x->err, ERR_WORK, "libcurl cannot begin");
		h->easy[h->n_free++] = easy;
		settle(h, x, xfer_finish(x, CURLE_OK, env), CURLE_OK);
	}
}

/* Starts what can start. Returns when the next waiting one wakes, in ms from now. */
static uint64_t start_all(struct http *h, struct xfer *xs, size_t n, const struct xfer_env *env)
{
	uint64_t now = progress_now(), next = POLL_MS;

	for (size_t i = 0; i < n && h->n_free > 0; i++) {
		if (xs[i].state == XFER_WAITING && xs[i].wake <= now)
			start(h, &xs[i], env);
		if (xs[i].state == XFER_WAITING) {
			uint64_t in = xs[i].wake > now ? xs[i].wake - now : 0;
			next = in < next ? in : next;
		}
	}
	return next;
}

/* Ends the attempts that curl has ended. Returns how many. */
static size_t finish_all(struct http *h, const struct xfer_env *env)
{
	size_t n = 0;
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(h->multi, &left))) {
		struct xfer *x = NULL;
		CURL *easy = msg->easy_handle;
		CURLcode rc = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&x);
		(void)curl_multi_remove_handle(h->multi, easy);
		settle(h, x, xfer_finish(x, rc, env), rc);
		h->easy[h->n_free++] = easy;
		n++;
	}
	return n;
}

static size_t not_done(const struct xfer *xs, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += xs[i].state != XFER_DONE;
	return count;
}

static void run(struct http *h, struct xfer *xs, size_t n)
{
	struct xfer_env env = { h->store, h->progress, &h->ca };
	int running;

	while (not_done(xs, n) > 0) {
		uint64_t next = start_all(h, xs, n, &env);
		(void)curl_multi_perform(h->multi, &running);
		size_t finished = finish_all(h, &env);
		if (h->progress)
			progress_tick(h->progress);
		if (finished == 0 && not_done(xs, n) > 0) /* else the next ones can start at once */
			(void)curl_multi_poll(h->multi, NULL, 0, (int)next, NULL);
	}
	dead_release(h);
}

/* Whether the disk has room for all that is known to be missing. */
static int check_room(const struct http *h, const struct http_job *jobs, size_t n, struct err *err)
{
	uint64_t need = 0, room = fs_free(store_fd(h->store));
	char needed[PROGRESS_SIZE_MAX], there[PROGRESS_SIZE_MAX];

	for (size_t i = 0; i < n; i++)
		if (!jobs[i].mem && (!jobs[i].sha256 || !store_has(h->store, jobs[i].sha256, NULL)))
			need += jobs[i].size;
	if (need <= room)
		return 0;
	progress_size(needed, need);
	progress_size(there, room);
	return err_set(err, ERR_WORK, "the store's disk is too full: %s needs %s, and %s are free", store_dir(h->store), needed,
		there);
}

static size_t fetch_all(struct http *h, struct http_job *jobs, struct xfer *xs, size_t n)
{
	size_t failed = 0, missing = 0;
	uint64_t bytes = 0;
	int known = 1;

	for (size_t i = 0; i < n; i++) {
		if (jobs[i].mem || (jobs[i].sha256 && store_has(h->store, jobs[i].sha256, NULL)))
			continue;
		missing++;
		bytes += jobs[i].size;
		known = known && jobs[i].size > 0;
	}
	if (missing)
		h->progress = progress_start("fetch", missing, known ? bytes : 0, h->quiet);
	run(h, xs, n);
	if (missing)
		progress_end(h->progress);
	h->progress = NULL;
	for (size_t i = 0; i < n; i++)
		failed += (size_t)jobs[i].failed;
	return failed;
}

size_t http_fetch(struct http *h, struct http_job *jobs, size_t n)
{
	struct err err = { 0 };
	int room = check_room(h, jobs, n, &err);
	struct xfer *xs = xcalloc(n, sizeof(*xs));

	for (size_t i = 0; i < n; i++) {
		jobs[i].failed = room < 0;
		jobs[i].err = err;
		xs[i].job = &jobs[i];
		xs[i].mem = jobs[i].mem;
		xs[i].part = (struct part)PART_INIT;
	}
	size_t failed = room < 0 ? n : fetch_all(h, jobs, xs, n);
	free(xs);
	return failed;
}

int http_get(struct http *h, const char *url, const char *const *headers, const char *proxy, size_t max, struct buf *out,
	struct err *err)
{
	struct http_job job = { .url = url, .headers = headers, .proxy = proxy, .mem = out, .max = max };
	struct xfer *x = xcalloc(1, sizeof(*x));

	x->job = &job;
	x->part = (struct part)PART_INIT;
	x->mem = out;
	run(h, x, 1);
	free(x);
	if (!job.failed)
		return 0;
	*err = job.err;
	return -1;
}
