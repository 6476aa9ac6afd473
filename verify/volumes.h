#ifndef VOLUMES_H
#define VOLUMES_H

#include "buf.h"
#include "err.h"
#include "format.h"
#include "input.h"
#include "keyring.h"

#include <stddef.h>
#include <stdint.h>

/*
 * A bundle cut into volumes, for media that hold no file so large: NAME.tar.001, NAME.tar.002, ... of one size, the last
 * of what is left; and the list NAME.tar.volumes with its signature NAME.tar.volumes.minisig. The list:
 *
 *	labgen volumes 1 lab=LAB version=VERSION platform=PLATFORM size=BYTES volume=BYTES
 *	<64 lower-case hex><two spaces>NAME.tar.001
 *	...
 *
 * The first line is also the signature's trusted comment. Without our programs: tail -n +2 NAME.tar.volumes | sha256sum -c
 */

#define VOLUMES_SUFFIX ".volumes"
#define VOLUMES_DIGITS 3
#define VOLUMES_LIST_MAX (512u << 10)	/* bytes of a list */

struct volume {
	char name[FORMAT_NAME_MAX + 1];
	unsigned char digest[FORMAT_DIGEST];
};

struct volumes {
	char head[MINISIGN_COMMENT_MAX + 1];	/* the first line */
	uint64_t size;		/* bytes of the whole bundle */
	uint64_t volume;	/* bytes of each volume but the last */
	struct volume *list;
	size_t n;
	char *dir;		/* the folder that the list lies in */
};

/* Reads the list's text. ERR_AUTH with "line N: why". Tells nothing of who made it: see volumes_load(). */
int volumes_parse(struct volumes *v, const char *text, size_t len, struct err *err);

/* Writes the list's text; volumes_parse() reads just what this writes. */
void volumes_text(const struct volumes *v, struct buf *out);

/* The first line for these words and sizes. ERR_USAGE as bundle_name(). */
int volumes_head(char head[MINISIGN_COMMENT_MAX + 1], const char *lab, const char *version, const char *platform,
	uint64_t size, uint64_t volume, struct err *err);

/* Reads NAME.tar.volumes and checks its signature by the keys. Countersignatures lie beside it. */
int volumes_load(struct volumes *v, const char *path, struct keyring *keys, struct err *err);

/*
 * Opens all volumes as one input, each found in the list's folder or the first of dirs (n_dirs) that has it. ERR_AUTH
 * naming every one that is missing or of a wrong size.
 */
int volumes_open(const struct volumes *v, char *const *dirs, size_t n_dirs, struct input *in, struct err *err);

/* Hashes the volumes of an input on so many threads. ERR_AUTH naming the first that the list does not account for. */
int volumes_check(const struct volumes *v, struct input *in, unsigned threads, struct err *err);

/*
 * Checks one volume alone: path's last part says which. *number (from 1) is its place.
 */
int volumes_check_one(const struct volumes *v, const char *path, size_t *number, struct err *err);

/* Whether path ends as a volume does, ".001" to ".999", behind ".tar". */
int volumes_is_volume(const char *path);

void volumes_release(struct volumes *v);
#define cleanup_volumes __attribute__((cleanup(volumes_release)))

#endif
