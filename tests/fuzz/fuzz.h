#ifndef FUZZ_H
#define FUZZ_H

/*
 * What the fuzz targets share. A target does more than not crash: it states what has to hold of every input that is
 * accepted, and FUZZ_MUST() ends the run with the line that did not hold.
 */

#include "buf.h"
#include "mem.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_MUST(holds) \
	do { \
		if (!(holds)) { \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds); \
			abort(); \
		} \
	} while (0)

/* The input as a row of choices: once it is used up, every further one is 0. */
struct fuzz_in {
	const uint8_t *data;
	size_t left;
};

static inline unsigned fuzz_byte(struct fuzz_in *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->data++;
}

static inline unsigned fuzz_word(struct fuzz_in *in)
{
	unsigned high = fuzz_byte(in);

	return high << 8 | fuzz_byte(in);
}

/* Whether the text written anew is the text that was read, byte for byte. */
static inline int fuzz_same(const struct buf *again, const uint8_t *data, size_t size)
{
	return again->len == size && (size == 0 || memcmp(again->data, data, size) == 0);
}

#endif
