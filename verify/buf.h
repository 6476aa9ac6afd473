#ifndef BUF_H
#define BUF_H

#include <stddef.h>

/* A growing string of bytes; data is always followed by a NUL that len does not count. Start from BUF_INIT. */
struct buf {
	char *data;
	size_t len;
	size_t cap;
};

#define BUF_INIT { NULL, 0, 0 }
#define cleanup_buf __attribute__((cleanup(buf_release)))

void buf_add(struct buf *b, const void *data, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Makes room for len more bytes behind the end and gives their address; the caller adds what it wrote to b->len. */
char *buf_reserve(struct buf *b, size_t len);
/* Frees the memory and makes it empty again. */
void buf_release(struct buf *b);
/* Hands the string to the caller, who frees it; never NULL; the buffer is empty again. */
char *buf_steal(struct buf *b);

#endif
