#ifndef REPORT_H
#define REPORT_H

#include "buf.h"
#include "bundle.h"
#include "keyring.h"

/*
 * What labverify says of a bundle that it found good: for people, for programs, and as the evidence that is filed. All
 * of it is a function of the bundle and the keys: no date, no host, no path.
 */

struct report {
	const struct bundle *b;
	const struct keyring *keys;
	const char *source;	/* how it was checked, as "one file", "volumes", "extracted folder", "stream" */
};

/* One line: lab, version, platform, members, bytes, signer, bundle id. */
void report_line(const struct report *r, struct buf *out);

/* The same as one line of JSON; with_members adds an array of path, size and sha256. */
void report_json(const struct report *r, int with_members, struct buf *out);

/* Members as text: a line each of digest, size and path, behind a head of a few lines. */
void report_list(const struct report *r, struct buf *out);

/* A self-contained page: no script, no outside reference; light and dark; prints on A4. */
void report_html(const struct report *r, struct buf *out);

#endif
