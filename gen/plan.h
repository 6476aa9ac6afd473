#ifndef PLAN_H
#define PLAN_H

#include "err.h"
#include "lock.h"
#include "spec.h"
#include "store.h"

#include <stddef.h>
#include <stdint.h>

/* The plan of a bundle's members: what lies where, from which bytes. Members may be added in any order. */

struct plan_member {
	char *path;		/* without the root */
	uint64_t size;		/* bytes */
	unsigned char digest[32];
	int fd;			/* where the bytes are: an open file, from its start; -1: in data or in the store */
	char *data;		/* the bytes in memory; or NULL */
	char *blob;		/* 64 hex, in the store; or NULL */
};

/* A package that becomes part of the root file system of target host; see rootfs.h. */
struct plan_rootfs_part {
	const struct lock_item *item;
};

struct plan {
	struct plan_member *members;	/* sorted by path after plan_finish() */
	size_t n;
	struct plan_rootfs_part *rootfs;
	size_t n_rootfs;
	const struct lock_item **images;	/* become image layouts; see oci_layout.h */
	size_t n_images;
};

/* A member from the store. */
int plan_add_blob(struct plan *p, const char *path, const char *sha256, const struct store *s, struct err *err);
/* A member from memory; the bytes are copied. */
int plan_add_mem(struct plan *p, const char *path, const void *data, size_t len, struct err *err);
/* A member from an open file, which the plan takes over and closes; its digest and size were computed when it was written. */
int plan_add_fd(struct plan *p, const char *path, int fd, uint64_t size, const unsigned char digest[32], struct err *err);
/*
 * A member from a file, hashed now (at most 64 MiB: these are the lab's own texts and programs). A small one is kept in
 * memory, a larger one open: should it change before it is copied, its digest will tell.
 */
int plan_add_file(struct plan *p, const char *path, const char *file, struct err *err);
/* The same from an open descriptor, which the plan takes over also when it fails; file is for messages. */
int plan_add_open(struct plan *p, const char *path, int taken, const char *file, struct err *err);
/* A package for the root file system. */
void plan_add_rootfs(struct plan *p, const struct lock_item *item);
/* An image for the layout of its folder. */
void plan_add_image(struct plan *p, const struct lock_item *item);

/* Sorts, and checks what the format asks: names, no name twice, no name below another, counts, sizes. ERR_USAGE. */
int plan_finish(struct plan *p, const char *root, struct err *err);
void plan_release(struct plan *p);
#define cleanup_plan __attribute__((cleanup(plan_release)))

#endif
