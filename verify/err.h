#ifndef ERR_H
#define ERR_H

/* How an operation failed: a code, which becomes the exit status, and one line of text. */

enum err_code {
	ERR_NONE = 0,
	ERR_WORK = 1,	/* could not work: I/O, network, a tool that failed */
	ERR_USAGE = 2,	/* the call or an input file is wrong */
	ERR_AUTH = 3,	/* not authentic: signature, digest or format */
};

#define ERR_MSG_MAX 1024	/* bytes, with the final NUL; longer text is cut */

struct err {
	enum err_code code;
	char msg[ERR_MSG_MAX];
};

/* Sets code and text, replacing what was there. Returns -1, so that a caller can return it. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set() with ERR_WORK, and ": " and the text of errno behind it. Returns -1. */
int err_errno(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Puts text and ": " before what is there; the code stays. Returns -1. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Prints "PROG: MESSAGE\n" to standard error. Bytes that could steer a terminal, or a reader, are shown as \xNN (see
 * utf8.h): messages quote names that came from outside. Returns the exit status for the code.
 */
int err_print(const struct err *err, const char *prog);

#endif
