#include "buf.h"

#include "mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

char *buf_reserve(struct buf *b, size_t len)
{
	if (len > SIZE_MAX - b->len - 1)
		len = SIZE_MAX - b->len - 1; /* the allocation below fails, cleanly */
	size_t need = b->len + len + 1;
	if (need > b->cap) {
		size_t cap = b->cap > SIZE_MAX / 2 ? need : b->cap * 2;
		b->cap = cap > need ? cap : need;
		b->data = xreallocarray(b->data, b->cap, 1);
	}
	b->data[b->len] = '\0';
	return b->data + b->len;
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	char *to = buf_reserve(b, len);

	if (len)
		memcpy(to, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		fputs("cannot format text\n", stderr);
		_exit(1); /* text that is silently left out could be the part that matters */
	}
	char *to = buf_reserve(b, (size_t)n);
	va_start(ap, fmt);
	(void)vsnprintf(to, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void buf_release(struct buf *b)
{
	free(b->data);
	*b = (struct buf)BUF_INIT;
}

char *buf_steal(struct buf *b)
{
	(void)buf_reserve(b, 0);
	char *s = b->data;
	*b = (struct buf)BUF_INIT;
	return s;
}
