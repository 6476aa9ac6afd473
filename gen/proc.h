#ifndef PROC_H
#define PROC_H

#include "buf.h"
#include "err.h"

#include <stddef.h>

/* Other programs, run with their arguments as they are: no shell. */

struct proc {
	const char *const *argv;	/* argv[0] is looked up in PATH; NULL-terminated */
	const char *const *env;		/* "NAME=value" besides what this process has, NULL-terminated; or NULL */
	const char *dir;		/* where it runs; NULL: here */
	size_t out_max;			/* bytes of standard output that are taken */
	const char *in;			/* its standard input; NULL: empty */
};

/*
 * Runs a program to its end with LC_ALL=C. out (may be NULL) gets its standard output, more
 * than out_max bytes of it are an error. Fails where it cannot be started, or ends with another status than 0: the
 * message has the last of what it wrote to standard error, as does log (may be NULL) with all of it up to 64 KiB.
 */
int proc_run(const struct proc *p, struct buf *out, struct buf *log, struct err *err);

#endif
