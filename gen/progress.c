#include "progress.h"

#include "mem.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 200	/* between two showings of the line */
#define RATE_MS 3000	/* the rate is that of about this long */

struct progress {
	const char *verb;
	size_t things, done;
	uint64_t bytes, got;
	int terminal, quiet;
	uint64_t start, shown;		/* ms */
	uint64_t rate_at, rate_got;	/* where the rate's stretch of time began */
	double rate;			/* bytes a second */
	int line;			/* there is a line to write over */
};

uint64_t progress_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void progress_size(char out[PROGRESS_SIZE_MAX], uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double v = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		(void)snprintf(out, PROGRESS_SIZE_MAX, "%u B", (unsigned)bytes);
		return;
	}
	for (; v >= 1023.95 && i + 1 < sizeof(units) / sizeof(units[0]); i++)
		v /= 1024;
	(void)snprintf(out, PROGRESS_SIZE_MAX, "%.1f %s", v, units[i]);
}

struct progress *progress_start(const char *verb, size_t things, uint64_t bytes, int quiet)
{
	struct progress *p = xcalloc(1, sizeof(*p));
	const char *term = getenv("TERM");

	p->verb = verb;
	p->things = things;
	p->bytes = bytes;
	p->quiet = quiet;
	p->terminal = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
	p->start = p->rate_at = progress_now();
	return p;
}

void progress_bytes(struct progress *p, int64_t n)
{
	p->got += (uint64_t)n;
}

/* Writes over the line, or takes it away. */
static void line_clear(struct progress *p)
{
	if (p->line)
		fputs("\r\033[K", stderr);
	p->line = 0;
}

static void rate_update(struct progress *p, uint64_t now)
{
	uint64_t ms = now - p->rate_at;

	if (ms < TICK_MS)
		return;
	double latest = p->got > p->rate_got ? (double)(p->got - p->rate_got) * 1000 / (double)ms : 0;
	double weight = ms >= RATE_MS ? 1 : (double)ms / RATE_MS;
	p->rate = p->rate > 0 ? p->rate * (1 - weight) + latest * weight : latest;
	p->rate_at = now;
	p->rate_got = p->got;
}

static void line_show(struct progress *p)
{
	char got[PROGRESS_SIZE_MAX], all[PROGRESS_SIZE_MAX], rate[PROGRESS_SIZE_MAX];

	progress_size(got, p->got);
	progress_size(all, p->bytes);
	progress_size(rate, (uint64_t)p->rate);
	fprintf(stderr, "\r%s: %zu of %zu, %s", p->verb, p->done, p->things, got);
	if (p->bytes)
		fprintf(stderr, " of %s", all);
	fprintf(stderr, ", %s/s", rate);
	if (p->bytes > p->got && p->rate > 1) {
		uint64_t left = (uint64_t)((double)(p->bytes - p->got) / p->rate);
		fprintf(stderr, ", %" PRIu64 ":%02u left", left / 60, (unsigned)(left % 60));
	}
	fputs("\033[K", stderr);
	(void)fflush(stderr);
	p->line = 1;
}

void progress_tick(struct progress *p)
{
	uint64_t now = progress_now();

	if (p->quiet || !p->terminal || now - p->shown < TICK_MS)
		return;
	rate_update(p, now);
	line_show(p);
	p->shown = now;
}

void progress_done(struct progress *p, const char *label, uint64_t size)
{
	char text[PROGRESS_SIZE_MAX];

	p->done++;
	if (p->quiet || p->terminal)
		return;
	progress_size(text, size);
	fprintf(stderr, "%s: %s (%s)\n", p->verb, label, text);
}

void progress_note(struct progress *p, const char *fmt, ...)
{
	va_list ap;

	if (p->quiet)
		return;
	line_clear(p);
	fprintf(stderr, "%s: ", p->verb);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void progress_end(struct progress *p)
{
	char got[PROGRESS_SIZE_MAX];

	line_clear(p);
	if (!p->quiet && p->terminal && p->done) {
		uint64_t ms = progress_now() - p->start;
		progress_size(got, p->got);
		fprintf(stderr, "%s: %zu of %zu, %s in %" PRIu64 ".%u s\n", p->verb, p->done, p->things, got, ms / 1000,
			(unsigned)(ms % 1000 / 100));
	}
	free(p);
}
