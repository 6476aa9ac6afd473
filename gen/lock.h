#ifndef LOCK_H
#define LOCK_H

#include "buf.h"
#include "err.h"
#include "spec.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The lock, lab.lock: YAML in one fixed spelling (key order, sorting, quoting; no dates), so that the same answers are
 * the same bytes. It holds no registry host for deb and npm artifacts: the address comes from the machine's own
 * configuration at fetch time.
 */

#define LOCK_FORMAT 1
#define LOCK_ITEMS_MAX 20000
#define LOCK_FILE_MAX (16u << 20)	/* bytes */

struct lock_blob {		/* image: a config or a layer */
	char *digest;		/* 64 hex */
	uint64_t size;
	char *media_type;
};

struct lock_platform {		/* image: what one platform needs */
	char *platform;
	char *manifest;		/* 64 hex */
	uint64_t manifest_size;
	struct lock_blob *blobs;	/* config first, then layers */
	size_t n_blobs;
};

/* One artifact. Strings are owned by the lock, NULL where they do not apply. */
struct lock_item {
	char *id;		/* "KIND/NAME", unique: with "@VERSION" and "/OS/ARCH" where the kind has them; sorts the lock */
	const char *kind;	/* static */
	char *name;
	char *version;
	char *platform;		/* "linux/amd64", or NULL: any */
	char *url;		/* file, chart, git */
	char *ref;		/* image: full reference, "docker.io/library/redis:8" */
	char *commit;		/* git, chart from git */
	char *path;		/* chart from git */
	char *member;		/* file: path inside the archive */
	char *to;		/* file: path in the bundle */
	char **paths;		/* npm: where it lies below the root file system, NULL-terminated */
	char *integrity;	/* npm: the registry's "sha512-..." */
	uint64_t size;		/* bytes; 0 is unknown (an image pinned by digest alone) */
	char *sha256;		/* 64 hex; image: the digest that the registry serves for ref */
	char *evidence;		/* who vouched: checksum-file minisign registry chart-index git package-index inline first-seen */
	char *evidence_url;	/* where, or NULL */
	struct lock_platform *platforms;	/* image */
	size_t n_platforms;
};

struct lock {
	char *lab, *version;
	char **platforms;	/* NULL-terminated */
	char **answers;		/* spec_item_ask() of every item that it answers, sorted */
	size_t n_answers;
	struct lock_item *items;	/* sorted by id */
	size_t n_items;
};

/* Reads DIR/lab.lock, as strictly as the spec. ERR_USAGE with file:line:column; a missing file says to run labgen lock. */
int lock_load(struct lock *lock, const char *dir, struct err *err);

/* As lock_load(), from a file of any name. */
int lock_load_file(struct lock *lock, const char *file, struct err *err);

/* As lock_load(), from what people name: a lab's folder, or a file. */
int lock_load_any(struct lock *lock, const char *path, struct err *err);

/* Sorts and writes DIR/lab.lock, whole or not at all. *changed tells whether the bytes are others than before. */
int lock_save(struct lock *lock, const char *dir, int *changed, struct err *err);

/* The text that lock_save() writes. */
void lock_text(struct lock *lock, struct buf *out);

void lock_release(struct lock *lock);
#define cleanup_lock __attribute__((cleanup(lock_release)))

/* Adds an empty item and returns it: valid until the next call. */
struct lock_item *lock_add(struct lock *lock);
void lock_item_release(struct lock_item *item);

/* Whether the lock answers the spec. ERR_WORK and the first differences by name where it does not. */
int lock_answers(const struct lock *lock, const struct spec *spec, struct err *err);

/* Whether the item is needed on that platform. */
int lock_item_on(const struct lock_item *item, const char *platform);

#endif
