#ifndef SIGNER_FILE_H
#define SIGNER_FILE_H

#include "err.h"
#include "minisign.h"

#include <sodium.h>

/* Between signer.c and signer_file.c. */

struct signer {
	unsigned char id[MINISIGN_ID];
	unsigned char key[crypto_sign_SECRETKEYBYTES];	/* seed and public key */
};

/* In guarded memory, zero; NULL with err set. */
struct signer *signer_alloc(struct err *err);

#endif
