#ifndef OCI_AUTH_H
#define OCI_AUTH_H

#include "err.h"
#include "oci_cred.h"

#include <stddef.h>

/*
 * How a registry wants to be spoken to: the challenge of its 401 (RFC 9110, 11.6.1) and the tokens of the distribution
 * project's token authentication (distribution.github.io/distribution/spec/auth/token).
 */

#define OCI_TOKEN_MAX 65536	/* bytes of a token server's answer */

struct oci_challenge {
	int basic, bearer;
	char *realm, *service, *scope;	/* bearer: or NULL */
};

/*
 * Reads the value of Www-Authenticate, with one challenge or several. Schemes other than Basic and Bearer are passed over.
 * ERR_WORK where there is none of these two, or it is malformed. Released after success only.
 */
int oci_challenge_parse(struct oci_challenge *c, const char *text, struct err *err);
void oci_challenge_release(struct oci_challenge *c);

/* How a token is asked for. */
struct oci_token_ask {
	char *url;
	char *header;	/* "Authorization: Basic ...", or NULL */
	char *post;	/* a form: with an identity token; or NULL */
};

/*
 * The request for a token to read repo, with credentials (or none). plain: the registry itself is spoken to without TLS,
 * so that its token server may be as well. ERR_WORK where the challenge names no token server that can be used.
 */
int oci_token_ask(struct oci_token_ask *ask, const struct oci_challenge *c, const char *repo, const struct oci_cred *cred,
	int plain, struct err *err);
void oci_token_ask_release(struct oci_token_ask *ask);

/* Reads a token server's answer; the token, to be freed, or NULL with err set. */
char *oci_token_read(const char *text, size_t len, struct err *err);

/* "Authorization: Basic ...", to be freed. */
char *oci_basic_header(const struct oci_cred *cred);

#endif
