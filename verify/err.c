#include "err.h"

#include "utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return -1;
}

/* Puts text at a place in the message, as far as there is room. */
static void add(struct err *err, int at, const char *text)
{
	if (at < 0 || at >= ERR_MSG_MAX)
		return;
	size_t len = strlen(text), room = (size_t)(ERR_MSG_MAX - 1 - at);
	if (len > room)
		len = room;
	memcpy(err->msg + at, text, len);
	err->msg[at + (int)len] = '\0';
}

int err_errno(struct err *err, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	err->code = ERR_WORK;
	va_start(ap, fmt);
	int n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	add(err, n, ": ");
	add(err, n + 2, strerror(saved));
	return -1;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	char inner[ERR_MSG_MAX];
	va_list ap;

	memcpy(inner, err->msg, sizeof(inner));
	va_start(ap, fmt);
	int n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	add(err, n, ": ");
	add(err, n + 2, inner);
	return -1;
}

int err_print(const struct err *err, const char *prog)
{
	fprintf(stderr, "%s: ", prog);
	for (const char *p = err->msg; *p;) {
		size_t shown = utf8_shown(p);
		if (shown)
			(void)fwrite(p, 1, shown, stderr);
		else
			fprintf(stderr, "\\x%02x", (unsigned)(unsigned char)*p);
		p += shown ? shown : 1;
	}
	fputc('\n', stderr);
	return err->code == ERR_NONE ? ERR_WORK : (int)err->code;
}
