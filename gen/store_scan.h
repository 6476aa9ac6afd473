#ifndef STORE_SCAN_H
#define STORE_SCAN_H

#include "err.h"
#include "store.h"

#include <stddef.h>
#include <stdint.h>

/* Looking through all of a store: for gc and store verify. */

struct store_entry {
	char name[80];		/* of a blob: its digest, 64 hex; else the file's name */
	uint64_t size;		/* bytes */
};

struct store_list {
	struct store_entry *entries;	/* sorted by name */
	size_t n;
	uint64_t size;		/* bytes of all */
};

#define cleanup_store_list __attribute__((cleanup(store_list_release)))
void store_list_release(struct store_list *list);

/* All that bears a blob's name, whatever it is. */
int store_list_blobs(const struct store *s, struct store_list *list, struct err *err);

/* The files of a folder of the store's, as "part", which need not be there. */
int store_list_folder(const struct store *s, const char *folder, struct store_list *list, struct err *err);

/* Removes a file below the store's folder; one that is gone already is fine. */
int store_remove(const struct store *s, const char *path, struct err *err);

enum store_health { STORE_GOOD, STORE_DAMAGED, STORE_GONE };

/*
 * Hashes a blob. One that is damaged is removed, and nothing else: not what another process has put in its place
 * meanwhile. buf has size bytes to read through. ERR_WORK where it cannot be read.
 */
int store_verify_blob(const struct store *s, const char *sha256, unsigned char *buf, size_t size,
	enum store_health *health, struct err *err);

#endif
