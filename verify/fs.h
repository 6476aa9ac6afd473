#ifndef FS_H
#define FS_H

#include "buf.h"
#include "err.h"

#include <stdint.h>
#include <sys/types.h>

/* Reads and writes that finish what they start: over short counts and EINTR. All sizes are in bytes. */

/* Writes all of it. */
int fs_write(int fd, const void *data, size_t len, struct err *err);

/* Reads until len bytes or the end; *got is what was read. */
int fs_read(int fd, void *data, size_t len, size_t *got, struct err *err);

/* As fs_read(), from an offset. */
int fs_pread(int fd, void *data, size_t len, uint64_t offset, size_t *got, struct err *err);

/*
 * Reads a whole regular file of at most max bytes below dirfd (or AT_FDCWD); symbolic links are followed. ERR_USAGE where
 * it is larger, or no regular file.
 */
int fs_slurp(int dirfd, const char *path, size_t max, struct buf *out, struct err *err);

/* As fs_slurp() from an open descriptor; name is for messages. */
int fs_slurp_fd(int fd, const char *name, size_t max, struct buf *out, struct err *err);

/*
 * Writes a file whole or not at all: under a temporary name in the same folder, fsync, then rename over path.
 * mode is cut by nothing: the umask does not count.
 */
int fs_replace(const char *path, const void *data, size_t len, mode_t mode, struct err *err);

/* Makes a folder and those above it (0777 less the umask); what exists is fine. */
int fs_mkdirs(const char *path, struct err *err);

/* Removes what path names below dirfd, with all it holds; links are not followed; nothing there is fine. */
int fs_remove(int dirfd, const char *path, struct err *err);

/* Removes all that the folder fd holds, which stays open and stays itself. */
int fs_empty(int fd, struct err *err);

/* 1: the folder fd holds nothing; 0: it holds something; -1: that cannot be told. */
int fs_is_empty(int fd, struct err *err);

/* Bytes that an ordinary user can still write to the file system of the folder fd. UINT64_MAX where it cannot be told. */
uint64_t fs_free(int fd);

/* The folder part of a path ("." where it has none), to be freed. */
char *fs_dirname(const char *path);

/* The part behind the last '/'. */
const char *fs_basename(const char *path);

#endif
