#include "ytree.h"

#include "buf.h"
#include "mem.h"

#include <stdint.h>
#include <string.h>

/* How many letters to change, add or drop to make b out of a (Levenshtein); 99 where they are long. */
static int distance(const char *a, const char *b)
{
	enum { MAX = 32 };
	int row[MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > MAX || lb > MAX)
		return 99;
	for (size_t j = 0; j <= lb; j++)
		row[j] = (int)j;
	for (size_t i = 1; i <= la; i++) {
		int diagonal = row[0];
		row[0] = (int)i;
		for (size_t j = 1; j <= lb; j++) {
			int best = diagonal + (a[i - 1] != b[j - 1]);
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[lb];
}

static int unknown_key(const struct ytree *t, const struct ytree_node *key, const char *what,
	const struct yfield *fields, struct err *err)
{
	const char *close = NULL;
	int best = 3;
	cleanup_buf struct buf all = BUF_INIT;

	for (const struct yfield *f = fields; f->key; f++) {
		int d = distance(key->text, f->key);
		if (d < best && d < (int)strlen(f->key)) {
			best = d;
			close = f->key;
		}
		buf_addf(&all, "%s%s", f == fields ? "" : ", ", f->key);
	}
	if (close)
		return ytree_fail(t, key, err, "unknown key '%s' in %s; did you mean '%s'?", key->text, what, close);
	return ytree_fail(t, key, err, "unknown key '%s' in %s; known are %s", key->text, what, all.data ? all.data : "none");
}

static const char *type_name(const struct ytree_node *node)
{
	return node->type == YTREE_LIST ? "a list" : node->type == YTREE_MAP ? "a mapping" : "a text";
}

static int is_null(const struct ytree_node *node)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL" };

	for (size_t i = 0; !node->quoted && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(node->text, words[i]) == 0)
			return 1;
	return 0;
}

static int is_truth(const struct ytree_node *node)
{
	static const char *const words[] = { "true", "True", "TRUE", "false", "False", "FALSE", "yes", "Yes", "YES", "no",
		"No", "NO", "on", "On", "ON", "off", "Off", "OFF" };

	for (size_t i = 0; !node->quoted && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(node->text, words[i]) == 0)
			return 1;
	return 0;
}

int ytree_text(const struct ytree *t, const struct ytree_node *node, const char *key, int (*check)(const char *),
	const char *shape, struct err *err)
{
	const char *want = shape ? shape : "a text";

	if (node->type != YTREE_TEXT)
		return ytree_fail(t, node, err, "%s must be %s, not %s", key, want, type_name(node));
	if (is_null(node) || !node->text[0])
		return ytree_fail(t, node, err, "%s has no value; it must be %s", key, want);
	if (is_truth(node))
		return ytree_fail(t, node, err, "%s must be %s, not a truth value; put it in quotes if it is meant as text", key,
			want);
	if (check && !check(node->text))
		return ytree_fail(t, node, err, "%s must be %s, not '%s'", key, want, node->text);
	return 0;
}

int ytree_list(const struct ytree *t, const struct ytree_node *node, const char *key, struct err *err)
{
	if (node->type == YTREE_LIST)
		return 0;
	if (node->type == YTREE_TEXT && is_null(node))
		return ytree_fail(t, node, err, "%s has no value; it must be a list", key);
	return ytree_fail(t, node, err, "%s must be a list, not %s", key, type_name(node));
}

int ytree_texts(const struct ytree *t, const struct ytree_node *node, const char *key, int (*check)(const char *),
	const char *shape, char ***out, struct err *err)
{
	if (ytree_list(t, node, key, err))
		return -1;
	if (node->n == 0)
		return ytree_fail(t, node, err, "%s is empty; leave it out or name one", key);
	if (node->n > YTREE_TEXTS_MAX)
		return ytree_fail(t, node, err, "%s holds too many: at most %d", key, YTREE_TEXTS_MAX);
	for (size_t i = 0; i < node->n; i++) {
		if (ytree_text(t, &node->kids[i], key, check, shape, err))
			return -1;
		for (size_t k = 0; k < i; k++)
			if (strcmp(node->kids[k].text, node->kids[i].text) == 0)
				return ytree_fail(t, &node->kids[i], err, "%s: '%s' is here twice; remove one", key,
					node->kids[i].text);
	}
	*out = xcalloc(node->n + 1, sizeof(**out));
	for (size_t i = 0; i < node->n; i++)
		(*out)[i] = xstrdup(node->kids[i].text);
	return 0;
}

/* Digits, without sign or leading zeros, at most max. */
static int read_number(const struct ytree *t, const struct ytree_node *node, const char *key, uint64_t min, uint64_t max,
	uint64_t *out, struct err *err)
{
	uint64_t value = 0;
	int ok = node->type == YTREE_TEXT && !node->quoted && node->text[0] && strlen(node->text) <= 18 &&
		!(node->text[0] == '0' && node->text[1]);

	for (const char *p = node->text; ok && *p; p++) {
		ok = *p >= '0' && *p <= '9';
		value = value * 10 + (uint64_t)(*p - '0');
	}
	if (!ok || value < min || value > max)
		return ytree_fail(t, node, err, "%s must be a whole number from %llu to %llu, not %s%s%s", key,
			(unsigned long long)min, (unsigned long long)max,
			node->type == YTREE_TEXT ? (node->quoted ? "the text '" : "'") : type_name(node),
			node->type == YTREE_TEXT ? node->text : "", node->type == YTREE_TEXT ? "'" : "");
	*out = value;
	return 0;
}

static int read_field(const struct ytree *t, const struct ytree_node *node, const struct yfield *f, void *base,
	struct err *err)
{
	char *to = (char *)base + f->offset;
	uint64_t number = 0;

	switch (f->type) {
	case YF_TEXT:
		if (ytree_text(t, node, f->key, f->check, f->shape, err))
			return -1;
		*(char **)(void *)to = xstrdup(node->text);
		return 0;
	case YF_INT:
		if (read_number(t, node, f->key, (uint64_t)f->min, (uint64_t)f->max, &number, err))
			return -1;
		*(int *)(void *)to = (int)number;
		return 0;
	case YF_SIZE:
		return read_number(t, node, f->key, 0, 999999999999999999, (uint64_t *)(void *)to, err);
	case YF_TEXTS:
		return ytree_texts(t, node, f->key, f->check, f->shape, (char ***)(void *)to, err);
	case YF_NODE:
		return f->read ? f->read(t, node, base, err) : 0;
	}
	return 0;
}

static const struct yfield *find_field(const struct yfield *fields, const char *key)
{
	for (const struct yfield *f = fields; f->key; f++)
		if (strcmp(f->key, key) == 0)
			return f;
	return NULL;
}

int ytree_map(const struct ytree *t, const struct ytree_node *map, const char *what, const struct yfield *fields,
	void *base, struct err *err)
{
	if (map->type != YTREE_MAP)
		return ytree_fail(t, map, err, "%s must be a mapping (key: value), not %s", what, type_name(map));
	/* All keys first: a wrong key is more often the cause of a missing one than the other way round. */
	for (size_t i = 0; i < map->n; i += 2)
		if (!find_field(fields, map->kids[i].text))
			return unknown_key(t, &map->kids[i], what, fields, err);
	for (size_t i = 0; i < map->n; i += 2) {
		const struct yfield *f = find_field(fields, map->kids[i].text);
		if (f && read_field(t, &map->kids[i + 1], f, base, err))
			return -1;
	}
	for (const struct yfield *f = fields; f->key; f++)
		if (f->required && !ytree_get(map, f->key))
			return ytree_fail(t, map, err, "%s lacks the key '%s'", what, f->key);
	return 0;
}
