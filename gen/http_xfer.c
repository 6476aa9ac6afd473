#include "http_xfer.h"

#include "format.h"
#include "fs.h"
#include "http_known.h"
#include "http_retry.h"
#include "mem.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define CONNECT_S 20		/* seconds to connect */
#define STALL_S 30		/* seconds with less than STALL_BYTES a second end an attempt */
#define STALL_BYTES 512
#define REDIRECTS_MAX 10
#define BUFFER_BYTES 131072
#define IGNORED_MAX 65536	/* bytes of an error page that are read to keep the connection */
#define FREE_MARGIN (1u << 20)	/* bytes to leave on the disk */

static int is_file(const struct xfer *x)
{
	return strncasecmp(x->job->url, "file:", 5) == 0;
}

char *xfer_url(const char *url)
{
	const char *rest = strstr(url, "://");

	if (!rest)
		return xstrdup(url);
	rest += 3;
	size_t host_len = strcspn(rest, "/?#");
	const char *at = memrchr(rest, '@', host_len);
	const char *from = at ? at + 1 : rest;
	return xasprintf("%.*s%.*s", (int)(rest - url), url, (int)strcspn(from, "?#"), from);
}

char *xfer_host(const char *url)
{
	cleanup_free char *plain = xfer_url(url);
	const char *rest = strstr(plain, "://");

	rest = rest ? rest + 3 : plain;
	return xstrndup(rest, strcspn(rest, "/"));
}

/* Ends the attempt from within a callback. */
static size_t stop(struct xfer *x, int spoiled)
{
	x->stopped = 1;
	x->spoiled = spoiled;
	return 0;
}

/* The number behind "name:" of a header line, or -1. */
static int64_t header_number(const char *line, const char *name, const char *skip)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0 || line[len] != ':')
		return -1;
	line += len + 1;
	line += strspn(line, " \t");
	if (strncasecmp(line, skip, strlen(skip)) != 0)
		return -1;
	line += strlen(skip);
	line += strspn(line, " \t");
	if (*line < '0' || *line > '9')
		return -1;
	return (int64_t)strtoll(line, NULL, 10);
}

/* The value of a header line "name: value", without the spaces around it; or NULL. Cuts line. */
static const char *header_value(char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0 || line[len] != ':')
		return NULL;
	line += len + 1;
	line += strspn(line, " \t");
	len = strlen(line);
	while (len > 0 && strchr(" \t\r\n", line[len - 1]))
		line[--len] = '\0';
	return line;
}

/* Keeps what the job wants to know of an answer's header. */
static void note_header(struct http_reply *reply, char *line)
{
	size_t used = strlen(reply->authenticate);
	const char *value;

	if ((value = header_value(line, "Content-Type")))
		(void)snprintf(reply->content_type, sizeof(reply->content_type), "%s", value);
	else if ((value = header_value(line, "Docker-Content-Digest")))
		(void)snprintf(reply->docker_digest, sizeof(reply->docker_digest), "%s", value);
	else if ((value = header_value(line, "Www-Authenticate")))
		(void)snprintf(reply->authenticate + used, sizeof(reply->authenticate) - used, "%s%s", used ? ", " : "", value);
}

static size_t on_header(char *data, size_t size, size_t n, void *arg)
{
	struct xfer *x = arg;
	cleanup_free char *line = xstrndup(data, size * n);

	if (strncmp(line, "HTTP/", 5) == 0) { /* a new answer: after a redirect, of a proxy, or the one that counts */
		const char *space = strchr(line, ' ');
		x->status = space ? strtol(space, NULL, 10) : 0;
		x->content_length = x->range_start = -1;
		if (x->job->reply)
			*x->job->reply = (struct http_reply){ 0 };
		return size * n;
	}
	int64_t length = header_number(line, "Content-Length", "");
	int64_t start = header_number(line, "Content-Range", "bytes");
	if (length >= 0)
		x->content_length = length;
	if (start >= 0)
		x->range_start = start;
	if (x->job->reply)
		note_header(x->job->reply, line);
	return size * n;
}

/* The most bytes that the job takes. */
static uint64_t limit(const struct xfer *x)
{
	return x->job->size ? x->job->size : x->job->max ? x->job->max : FORMAT_SIZE_MAX;
}

/* Whether what the answer promises is what the job expects, and fits on the disk. */
static int check_promise(struct xfer *x)
{
	uint64_t start = x->status == 206 ? x->offset : 0;
	const struct http_job *job = x->job;

	if (x->content_length < 0)
		return 0;
	uint64_t total = start + (uint64_t)x->content_length;
	uint64_t max = limit(x);
	if (job->size && total != job->size) {
		err_set(&x->err, ERR_AUTH, "size differs: %" PRIu64 " bytes are expected, the server has %" PRIu64, job->size, total);
		return stop(x, 1), -1;
	}
	if (total > max) {
		err_set(&x->err, ERR_WORK, "%" PRIu64 " bytes: more than the %" PRIu64 " that are taken", total, max);
		return stop(x, 1), -1;
	}
	uint64_t room = x->mem ? UINT64_MAX : fs_free(store_fd(x->part.store));
	if (room < UINT64_MAX && (uint64_t)x->content_length + FREE_MARGIN > room) {
		err_set(&x->err, ERR_WORK, "the store's disk is full: %s needs %" PRIu64 " bytes more, and %" PRIu64 " are free",
			store_dir(x->part.store), (uint64_t)x->content_length, room);
		return stop(x, 0), -1;
	}
	return 0;
}

/* Begins again from the first byte, with what was there gone. */
static int start_over(struct xfer *x)
{
	if (x->mem)
		x->mem->len = 0;
	else if (part_restart(&x->part, &x->err) < 0)
		return stop(x, 0), -1;
	return 0;
}

/* Once an attempt, when the answer's header has been read: whether its body is what was asked for. */
static int begin_body(struct xfer *x)
{
	x->body = 1;
	if (x->status == 206 && x->range_start != (int64_t)x->offset) { /* another range: a server that gets it wrong */
		x->again = 1;
		return stop(x, 1), -1;
	}
	if (check_promise(x) < 0)
		return -1;
	return x->status != 206 && x->offset > 0 ? start_over(x) : 0;
}

static int answer_ok(const struct xfer *x)
{
	return x->status == 200 || (x->status == 206 && x->offset > 0) || (x->status == 0 && is_file(x));
}

static uint64_t have(const struct xfer *x)
{
	return x->mem ? x->mem->len : x->part.len;
}

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct xfer *x = arg;
	size_t len = size * n;

	if (!answer_ok(x)) {
		x->ignored += len;
		return x->ignored > IGNORED_MAX ? 0 : len;
	}
	if (!x->body && begin_body(x) < 0)
		return 0;
	uint64_t max = limit(x);
	if (len > max - have(x)) {
		err_set(&x->err, x->job->size ? ERR_AUTH : ERR_WORK, x->job->size ?
			"size differs: %" PRIu64 " bytes are expected, and the server sends more" :
			"the server sends more than the %" PRIu64 " bytes that are taken", max);
		return stop(x, 1);
	}
	if (x->mem)
		buf_add(x->mem, data, len);
	else if (part_write(&x->part, data, len, &x->err) < 0)
		return stop(x, 0);
	return len;
}

/* Each of these options exists in the libcurl that we build with; what can fail is memory. */
static void set_options(struct xfer *x, const struct xfer_env *env)
{
	CURL *e = x->easy;
	const char *ca = getenv("SSL_CERT_FILE");
	struct curl_blob blob = { env->ca->data, env->ca->len, CURL_BLOB_NOCOPY };

	curl_easy_reset(e);
	curl_easy_setopt(e, CURLOPT_URL, x->job->url);
	curl_easy_setopt(e, CURLOPT_PRIVATE, x);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->curl_error);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "labgen/" LABGEN_VERSION);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(e, CURLOPT_PIPEWAIT, 1L);
	curl_easy_setopt(e, CURLOPT_BUFFERSIZE, (long)BUFFER_BYTES);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https,file");
	/* What nothing vouches for but the connection it comes by must not be led to one that anybody can write to. */
	int vouched = x->job->sha256 || x->job->sha512 || strncasecmp(x->job->url, "https:", 6) != 0;
	curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, vouched ? "http,https" : "https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 1L); /* credentials stay with the first host: curl's default */
	curl_easy_setopt(e, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
	if (x->job->proxy)
		curl_easy_setopt(e, CURLOPT_PROXY, x->job->proxy);
	if (env->ca->len)
		curl_easy_setopt(e, CURLOPT_CAINFO_BLOB, &blob);
	else if (ca && *ca)
		curl_easy_setopt(e, CURLOPT_CAINFO, ca);
}

static void set_request(struct xfer *x)
{
	char range[32];

	for (const char *const *h = x->job->headers; h && *h; h++)
		x->headers = curl_slist_append(x->headers, *h);
	if (x->headers)
		curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
	if (x->offset > 0) {
		(void)snprintf(range, sizeof(range), "%" PRIu64 "-", x->offset);
		curl_easy_setopt(x->easy, CURLOPT_RANGE, range);
	}
	if (x->job->post)
		curl_easy_setopt(x->easy, CURLOPT_COPYPOSTFIELDS, x->job->post);
}

static void count(struct xfer *x, const struct xfer_env *env)
{
	if (env->progress && !x->mem && have(x) != x->shown) {
		progress_bytes(env->progress, (int64_t)have(x) - (int64_t)x->shown);
		x->shown = have(x);
	}
}

static enum xfer_result finish_good(struct xfer *x)
{
	if (x->mem) {
		x->job->got_size = x->mem->len;
		return XFER_GOOD;
	}
	int old = x->part.resumed > 0;
	if (part_finish(&x->part, x->job, &x->err) == 0) {
		if (x->job->sha512)
			known_add(x->part.store, x->job->sha512, x->job->got_sha256);
		part_close(&x->part);
		return XFER_GOOD;
	}
	part_drop(&x->part);
	/* What an earlier process left may be what is wrong: then everything is asked for once more. */
	return x->err.code == ERR_AUTH && old ? XFER_AGAIN : XFER_FAILED;
}

/* Whether the store has it; with its size at odds with the job's it is an error. */
static enum xfer_result look_in_store(struct xfer *x, const struct xfer_env *env)
{
	struct http_job *job = x->job;
	uint64_t size;

	if (!job->sha256 && job->sha512)
		return known_find(env->store, job->sha512, job->got_sha256, &job->got_size) ? XFER_GOOD : XFER_STARTED;
	if (!job->sha256 || !store_has(env->store, job->sha256, &size))
		return XFER_STARTED;
	if (job->size && job->size != size) {
		err_set(&x->err, ERR_AUTH, "size differs: %" PRIu64 " bytes are expected, sha256 %s has %" PRIu64, job->size,
			job->sha256, size);
		return XFER_FAILED;
	}
	(void)snprintf(job->got_sha256, sizeof(job->got_sha256), "%s", job->sha256);
	job->got_size = size;
	return XFER_GOOD;
}

/* Opens the part. XFER_STARTED: bytes are missing. */
static enum xfer_result open_part(struct xfer *x, const struct xfer_env *env)
{
	enum xfer_result found = look_in_store(x, env);

	if (found != XFER_STARTED)
		return found;
	int status = part_open(&x->part, env->store, x->job, &x->err);
	if (status != 0)
		return status > 0 ? XFER_BUSY : XFER_FAILED;
	found = look_in_store(x, env); /* the one who had the part may have just finished it */
	if (found != XFER_STARTED) {
		part_drop(&x->part);
		return found;
	}
	if ((x->whole || is_file(x) || (x->job->size && x->part.len > x->job->size)) && part_restart(&x->part, &x->err) < 0)
		return XFER_FAILED;
	count(x, env);
	return x->job->size && x->part.len == x->job->size ? finish_good(x) : XFER_STARTED;
}

enum xfer_result xfer_start(struct xfer *x, CURL *easy, const struct xfer_env *env)
{
	if (x->mem) {
		x->mem->len = 0;
	} else {
		enum xfer_result opened = open_part(x, env);
		if (opened != XFER_STARTED)
			return opened;
	}
	x->easy = easy;
	x->headers = NULL;
	x->offset = have(x);
	x->status = 0;
	x->content_length = x->range_start = -1;
	x->body = x->stopped = x->again = x->spoiled = 0;
	x->ignored = 0;
	x->err = (struct err){ 0 };
	x->curl_error[0] = '\0';
	set_options(x, env);
	set_request(x);
	return XFER_STARTED;
}

static void say_unreachable(struct xfer *x, CURLcode rc)
{
	char *effective = NULL;
	long number = 0;

	(void)curl_easy_getinfo(x->easy, CURLINFO_EFFECTIVE_URL, &effective);
	(void)curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &number);
	cleanup_free char *host = xfer_host(effective ? effective : x->job->url);
	if (rc == CURLE_COULDNT_RESOLVE_PROXY)
		err_set(&x->err, ERR_WORK, "cannot resolve the proxy that is set for %s", host);
	else if (rc == CURLE_COULDNT_RESOLVE_HOST)
		err_set(&x->err, ERR_WORK, "cannot resolve %s", host);
	else
		err_set(&x->err, ERR_WORK, "cannot connect to %s: %s", host,
			number ? strerror((int)number) : curl_easy_strerror(rc));
}

/* The transfer itself failed. */
static enum xfer_result finish_curl(struct xfer *x, CURLcode rc)
{
	cleanup_free char *host = xfer_host(x->job->url);

	if (http_unreachable(rc)) {
		say_unreachable(x, rc);
		return XFER_RETRY;
	}
	if (rc == CURLE_PEER_FAILED_VERIFICATION)
		err_set(&x->err, ERR_WORK, "%s: its certificate is not trusted: %s: name a file of authorities in SSL_CERT_FILE", host,
			x->curl_error);
	else if (rc == CURLE_FILE_COULDNT_READ_FILE)
		err_set(&x->err, ERR_WORK, "no such file, or not readable");
	else
		err_set(&x->err, ERR_WORK, "%s", x->curl_error[0] ? x->curl_error : curl_easy_strerror(rc));
	return http_retry_code(rc) ? XFER_RETRY : XFER_FAILED;
}

static enum xfer_result finish_status(struct xfer *x)
{
	if (x->status == 416 && x->offset > 0) { /* the range begins behind the end: what is here is not the beginning of it */
		x->whole = 1;
		return XFER_AGAIN;
	}
	err_set(&x->err, ERR_WORK, "HTTP %ld%s", x->status,
		x->status == 404 || x->status == 410 ? ": it is not there (any more)" :
		x->status == 401 || x->status == 403 ? ": access refused" : "");
	return http_retry_status(x->status) ? XFER_RETRY : XFER_FAILED;
}

static enum xfer_result finish_stopped(struct xfer *x)
{
	if (x->spoiled && !x->mem)
		part_drop(&x->part);
	if (x->again) {
		x->whole = 1;
		return XFER_AGAIN;
	}
	return XFER_FAILED;
}

static enum xfer_result finish_body(struct xfer *x)
{
	if (!x->body && begin_body(x) < 0) /* an empty one */
		return finish_stopped(x);
	if (x->job->size && have(x) < x->job->size) {
		err_set(&x->err, ERR_WORK, "the server ended after %" PRIu64 " of %" PRIu64 " bytes", have(x), x->job->size);
		return XFER_RETRY;
	}
	return finish_good(x);
}

/* Whether the answer came from another host than the one that was asked. */
static int is_elsewhere(const struct xfer *x)
{
	char *effective = NULL;
	cleanup_free char *asked = xfer_host(x->job->url);

	(void)curl_easy_getinfo(x->easy, CURLINFO_EFFECTIVE_URL, &effective);
	cleanup_free char *reached = xfer_host(effective ? effective : "");
	return strcasecmp(asked, reached) != 0;
}

enum xfer_result xfer_finish(struct xfer *x, CURLcode rc, const struct xfer_env *env)
{
	enum xfer_result result;

	count(x, env);
	if (x->job->reply)
		x->job->reply->elsewhere = is_elsewhere(x);
	if (x->stopped)
		result = finish_stopped(x);
	else if (x->ignored <= IGNORED_MAX && rc != CURLE_OK)
		result = finish_curl(x, rc);
	else
		result = answer_ok(x) ? finish_body(x) : finish_status(x);
	if (!x->mem)
		part_close(&x->part);
	curl_slist_free_all(x->headers);
	x->headers = NULL;
	return result;
}
