#ifndef BUNDLE_H
#define BUNDLE_H

#include "err.h"
#include "format.h"
#include "input.h"
#include "keyring.h"
#include "manifest.h"

#include <stdint.h>

/* Reading a bundle: one pass in which every byte is compared with what the signed manifest predicts. See format.h. */

struct bundle {
	char root[FORMAT_ROOT_MAX + 1];
	char lab[FORMAT_WORD_MAX + 1];
	char version[FORMAT_WORD_MAX + 1];
	char platform[FORMAT_WORD_MAX + 1];
	unsigned char id[FORMAT_DIGEST];	/* bundle id */
	struct minisign_sig sig;
	struct manifest manifest;
	uint64_t *sizes;	/* bytes of each member of the manifest */
	uint64_t *offsets;	/* where its content begins */
	uint64_t total;		/* bytes of all members of the manifest */
};

/* Where the content of members goes while it is hashed. Members come from several threads at once. */
struct bundle_sink {
	/* Called once before the first member of a bundle that is not a stream; may refuse, as for want of space. */
	int (*expect)(void *arg, uint64_t total, size_t members, struct err *err);
	/* Gives a descriptor that content is written to, or -1 with err set. */
	int (*open)(void *arg, const char *path, uint64_t size, struct err *err);
	/* Takes the descriptor back, whether or not all went well (good). */
	int (*close)(void *arg, const char *path, int fd, int good, struct err *err);
	void *arg;
};

/*
 * Reads and checks a whole bundle; with a sink, hands it each member's content (which is only then trustworthy when
 * this returns 0). Works with threads threads (at least 1) where the input can be read at any offset. ERR_AUTH with the
 * member and the offset where anything is not authentic. *b is to be released only after success.
 */
int bundle_read(struct bundle *b, struct input *in, struct keyring *keys, const struct bundle_sink *sink,
	unsigned threads, struct err *err);

/*
 * Reads and checks the first two members alone: who the bundle is, before anything of it is used. Not for a stream.
 * *b is to be released only after success.
 */
int bundle_peek(struct bundle *b, struct input *in, struct keyring *keys, struct err *err);

/*
 * Checks signature and manifest alone, which the caller read by other means (an extracted folder): sets everything of
 * *b but sizes and offsets. text (from malloc) belongs to b from the call on, also when it fails.
 */
int bundle_identify(struct bundle *b, char *text, size_t len, const char *sig_text, size_t sig_len,
	struct keyring *keys, struct err *err);

void bundle_release(struct bundle *b);
#define cleanup_bundle __attribute__((cleanup(bundle_release)))

/*
 * The root "LAB-VERSION-OS-ARCH" and the signature's trusted comment of a bundle. ERR_USAGE where a word or the
 * platform is not one that the format allows.
 */
int bundle_name(char root[FORMAT_ROOT_MAX + 1], char comment[MINISIGN_COMMENT_MAX + 1], const char *lab,
	const char *version, const char *platform, struct err *err);

#endif
