#ifndef PATH_H
#define PATH_H

#include "err.h"

/* Opening members' paths below a folder, part by part, so that no link on the way leads out of it. */

/*
 * Opens PATH (as format_path_ok() allows) below dirfd for reading. ERR_AUTH where nothing is there, a part of
 * it is a link, or it is no regular file; ERR_WORK where it cannot be opened.
 */
int path_open(int dirfd, const char *path, struct err *err);

/* Makes PATH below dirfd, with its folders, as a new empty file to write: it must not exist. */
int path_create(int dirfd, const char *path, unsigned mode, struct err *err);

#endif
