#ifndef OCI_CRED_H
#define OCI_CRED_H

#include "err.h"

#include <stddef.h>

/*
 * Logins to registries, from docker's configuration file ($DOCKER_CONFIG/config.json, else ~/.docker/config.json) and the
 * credential helpers that it names (docker-credential-NAME): github.com/docker/docker-credential-helpers.
 */

#define OCI_CRED_FILE_MAX (1u << 20)	/* bytes of the file */
#define OCI_CRED_HELPER_MAX 65536	/* bytes of a helper's answer */

struct oci_cred {
	char *user;
	char *secret;	/* a password, or with identity a token to be exchanged; NULL: there is no login for the host */
	int identity;
};

/*
 * Finds the login for a registry's host ("docker.io", "127.0.0.1:5000"). That there is none is no error: then secret is
 * NULL. ERR_USAGE for a malformed file, ERR_WORK for a helper that fails.
 */
int oci_cred_find(const char *host, struct oci_cred *cred, struct err *err);

/* Wipes and frees. */
void oci_cred_release(struct oci_cred *cred);
#define cleanup_oci_cred __attribute__((cleanup(oci_cred_release)))

/* Where the file is, to be freed. NULL where the environment names no place. */
char *oci_cred_file(void);

/* As oci_cred_find(), in the text of such a file. */
int oci_cred_in(const char *text, size_t len, const char *host, struct oci_cred *cred, struct err *err);

/* Reads what a helper wrote: {"Username": ..., "Secret": ...}. */
int oci_cred_answer(const char *text, size_t len, struct oci_cred *cred, struct err *err);

#endif
