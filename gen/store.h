#ifndef STORE_H
#define STORE_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The store: verified blobs by SHA-256, in $LABGEN_STORE, else $XDG_CACHE_HOME/labgen, else ~/.cache/labgen.
 *
 *	blobs/sha256/AB/ABCD...   a blob, read-only, complete and verified: nothing else ever has such a name
 *	part/                     unfinished downloads, kept for resuming
 *	known/                   which blob has a SHA-512: hints
 *	tmp/                      work files; what no living process holds is removed when the store is opened
 *	apt/ARCH/                 apt's state for the deb kind
 *
 * Any number of processes may share a store.
 */

struct store;

/* Opens the store and makes what is missing. */
int store_open(struct store **out, struct err *err);
void store_close(struct store *s);
static inline void store_closep(struct store **s) { if (*s) store_close(*s); }
#define cleanup_store __attribute__((cleanup(store_closep)))

/*
 * Has the store to itself until it is closed: another labgen that comes waits. ERR_WORK where one is at work in it now:
 * whoever has a store open shares a lock on its folder, so nothing that it has just made, and counts on, is taken away.
 */
int store_alone(const struct store *s, struct err *err);

/* The store's folder. */
const char *store_dir(const struct store *s);

/* An open descriptor of the store's folder, which stays the store's: for openat() of "part/...". */
int store_fd(const struct store *s);

/* Whether a blob is there; *size (may be NULL) is its size in bytes. sha256 is 64 hex. */
int store_has(const struct store *s, const char *sha256, uint64_t *size);

/* Opens a blob for reading. ERR_WORK where it is missing, and says to run labgen fetch. */
int store_blob(const struct store *s, const char *sha256, struct err *err);

/* The path of a blob, to be freed. */
char *store_path(const struct store *s, const char *sha256);

/* Opens a new, empty work file for reading and writing that has no name any more: it goes with its descriptor. */
int store_tmpfile(const struct store *s, struct err *err);

/*
 * Makes a work folder below tmp/; *path (to be freed) is its absolute path. It is kept while the descriptor that is
 * returned is open; the caller removes it with store_tmpdir_drop(), or else the next store_open() does.
 */
int store_tmpdir(const struct store *s, char **path, struct err *err);
void store_tmpdir_drop(const struct store *s, const char *path, int fd);

/*
 * Moves a finished file (below the store's folder, its digest already computed over what was written) to its place as a
 * blob: fsync, mode 0444, rename.
 */
int store_adopt(const struct store *s, const char *path, const char *sha256, struct err *err);

/* Puts bytes of memory into the store. Writes their digest as 64 hex and a NUL into sha256. */
int store_put(const struct store *s, const void *data, size_t len, char sha256[65], struct err *err);

/* Removes a blob that was found to be damaged. */
void store_drop(const struct store *s, const char *sha256);

#endif
