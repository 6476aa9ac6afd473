#ifndef PASSWORD_H
#define PASSWORD_H

#include "err.h"

#define PASSWORD_MAX 1024	/* bytes, with the NUL: minisign's own limit */

/*
 * A password, from the first line of file, or, where that is NULL, asked for on the terminal (/dev/tty, nothing shown; a
 * signal gives the terminal back before it does its work). twice: asked a second time and compared. It is in guarded
 * memory and ends with a NUL: password_free() wipes it. An empty one is an ERR_USAGE.
 */
int password_get(char **out, const char *file, const char *prompt, int twice, struct err *err);

void password_free(char **password);
#define cleanup_password __attribute__((cleanup(password_free)))

#endif
