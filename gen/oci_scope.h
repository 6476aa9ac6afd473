#ifndef OCI_SCOPE_H
#define OCI_SCOPE_H

#include "err.h"
#include "http.h"
#include "mirror.h"
#include "oci_auth.h"
#include "oci_ref.h"
#include "store.h"

#include <stddef.h>
#include <stdint.h>

/* Where a registry's repositories are, and the leave to read them. Private to oci.c. */

/* Where requests for one repository go, and with which leave. */
struct scope {
	char *host;		/* as references have it */
	char *base;		/* "https://registry-1.docker.io" */
	char *repo;		/* there: with the path of a mirror's URL */
	char *header;		/* "Authorization: ...", or NULL */
	uint64_t since;		/* when the header was made, in ms */
	struct oci_challenge challenge;
	int challenged;		/* a challenge is there that header does not answer yet */
	int pinged;
	struct err err;		/* why nothing can be fetched from here; code ERR_NONE: no reason */
};

struct oci {
	struct http *http;
	struct store *store;
	const struct mirrors *mirrors;
	struct scope **scopes;
	size_t n;
};

/* The scope of a reference's repository: the client's. */
struct scope *scope_find(struct oci *oci, const struct oci_ref *ref);

/*
 * Asks each registry of n scopes once, before anything is fetched, whether it wants a login: otherwise each of hundreds of
 * blobs would be asked for twice. Sets err where it is not reached.
 */
void scopes_ping(struct oci *oci, struct scope *const *scopes, size_t n);

/* Answers the challenges that are open, by logins and tokens; sets err where that fails. */
void scopes_answer(struct oci *oci, struct scope *const *scopes, size_t n);

/*
 * A request was refused with status 401. Afterwards either the scope has a challenge to answer (challenged), and then the
 * request is worth another try, or err says what is missing.
 */
void scope_refused(struct scope *s, const struct http_reply *reply);

/* No proxy reaches this machine's own address better than it does itself. For struct http_job. */
const char *scope_proxy(const char *url);

#endif
