#ifndef YTREE_H
#define YTREE_H

#include "err.h"

#include <stddef.h>

/*
 * A strict YAML file as a tree, read with libyaml: one document, no anchors, aliases or tags, no key twice, no control
 * characters. And the typed reading of its mappings by tables of fields. Every error is an ERR_USAGE
 * "FILE:LINE:COLUMN: what, why".
 */

#define YTREE_DEPTH_MAX 12	/* mappings and lists in each other */
#define YTREE_KEYS_MAX 64	/* keys of a mapping */
#define YTREE_TEXTS_MAX 4096	/* texts in a list of them */

enum ytree_type { YTREE_TEXT, YTREE_LIST, YTREE_MAP };

struct ytree_node {
	enum ytree_type type;
	int quoted;		/* text: written in quotes or as a block */
	char *text;		/* text: without NUL or other control characters */
	struct ytree_node *kids;	/* list: its elements; map: key, value, key, value, ... */
	size_t n;		/* how many kids */
	size_t cap;
	int line, column;	/* from 1 */
};

struct ytree {
	char *file;		/* for messages */
	struct ytree_node root;
	size_t nodes, nodes_max;
};

/* Reads text; file is its name for messages. nodes_max: how many nodes at most. */
int ytree_parse(struct ytree *t, const char *file, const char *text, size_t len, size_t nodes_max, struct err *err);
void ytree_release(struct ytree *t);
#define cleanup_ytree __attribute__((cleanup(ytree_release)))

/* ERR_USAGE "FILE:LINE:COLUMN: ..." for a node. Returns -1. */
int ytree_fail(const struct ytree *t, const struct ytree_node *node, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The value of a mapping's key, or NULL. */
const struct ytree_node *ytree_get(const struct ytree_node *map, const char *key);

/*
 * One key of a mapping and where its value goes. The member at offset is, by type:
 *	YF_TEXT		char *, owned; check (may be NULL) says whether the text has the shape that is described
 *	YF_INT		int, from min to max
 *	YF_SIZE		uint64_t
 *	YF_TEXTS	char **, owned and NULL-terminated, each as YF_TEXT
 *	YF_NODE		read() decides; base is the struct; without it the caller reads the value afterwards
 */
enum yfield_type { YF_TEXT, YF_INT, YF_SIZE, YF_TEXTS, YF_NODE };

struct yfield {
	const char *key;
	enum yfield_type type;
	int required;
	size_t offset;
	int (*check)(const char *text);
	const char *shape;	/* of YF_TEXT, YF_TEXTS: as "a path such as bin/helm" */
	int min, max;		/* YF_INT */
	int (*read)(const struct ytree *t, const struct ytree_node *node, void *base, struct err *err);
};


/*
 * Reads a mapping by its table: an unknown key (with the one that was probably meant, or all that would be right), a
 * missing key, another type or shape is an error. what names the mapping, as "a file". What was set before an error is
 * the caller's to release.
 */
int ytree_map(const struct ytree *t, const struct ytree_node *map, const char *what, const struct yfield *fields,
	void *base, struct err *err);

/* Whether the node is a text with that shape, and not empty, null or a bare truth value; key names it. */
int ytree_text(const struct ytree *t, const struct ytree_node *node, const char *key, int (*check)(const char *),
	const char *shape, struct err *err);

/* A list of texts as YF_TEXTS has it, none twice. */
int ytree_texts(const struct ytree *t, const struct ytree_node *node, const char *key, int (*check)(const char *),
	const char *shape, char ***out, struct err *err);

/* ERR_USAGE where the node is not a list; key names it. */
int ytree_list(const struct ytree *t, const struct ytree_node *node, const char *key, struct err *err);

/* Frees a NULL-terminated list of strings. */
void texts_free(char **texts);

#endif
