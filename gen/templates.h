#ifndef TEMPLATES_H
#define TEMPLATES_H

#include <stddef.h>

/* The files of templates/, embedded in the program: what every bundle carries, by target. */

struct template {
	const char *path;	/* below templates/, as "host/lib/services.sh" */
	const char *data;
	size_t len;
};

extern const struct template templates[];	/* sorted by path */
extern const size_t templates_n;

#endif
