#ifndef CHECKSUM_H
#define CHECKSUM_H

#include "err.h"

#include <stddef.h>

#define CHECKSUM_FILE_MAX (1u << 20)	/* bytes of a checksum file */

/*
 * Finds the SHA-256 of the file name (without folders) in the text of a checksum file: lines "HASH  name" and
 * "HASH *name" as sha256sum writes them, "SHA256 (name) = HASH" as BSD's tools do, where name may have folders before
 * it; or nothing but one digest. Writes 64 lower-case hex digits and a NUL. Other lines are passed over. ERR_WORK where
 * there is none for name, or several that differ.
 */
int checksum_find(const char *text, size_t len, const char *name, char hex[65], struct err *err);

#endif
