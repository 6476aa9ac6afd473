#ifndef FOLDER_H
#define FOLDER_H

#include "bundle.h"

/*
 * Checks a folder into which a bundle was extracted: signature, every member's digest, and that there is nothing else.
 * *b is set as by bundle_read() (without offsets), and to be released, only on success.
 */
int folder_check(const char *path, struct bundle *b, struct keyring *keys, unsigned threads, struct err *err);

#endif
