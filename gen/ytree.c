#include "ytree.h"

#include "mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <yaml.h>

struct reader {
	struct ytree *tree;
	yaml_parser_t parser;
	struct err *err;
};

int ytree_fail(const struct ytree *t, const struct ytree_node *node, struct err *err, const char *fmt, ...)
{
	char text[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(err, ERR_USAGE, "%s:%d:%d: %s", t->file, node->line, node->column, text);
}

static void node_release(struct ytree_node *node)
{
	for (size_t i = 0; i < node->n; i++)
		node_release(&node->kids[i]);
	free(node->kids);
	free(node->text);
}

void ytree_release(struct ytree *t)
{
	node_release(&t->root);
	free(t->file);
	*t = (struct ytree){ 0 };
}

void texts_free(char **texts)
{
	for (char **p = texts; p && *p; p++)
		free(*p);
	free(texts);
}

static struct ytree_node at(const yaml_event_t *event)
{
	return (struct ytree_node){
		.line = (int)event->start_mark.line + 1,
		.column = (int)event->start_mark.column + 1,
	};
}

static int next(struct reader *r, yaml_event_t *event)
{
	if (yaml_parser_parse(&r->parser, event))
		return 0;
	const yaml_mark_t *mark = &r->parser.problem_mark;
	const char *problem = r->parser.problem ? r->parser.problem : "unreadable";
	if (r->parser.error == YAML_READER_ERROR)
		return err_set(r->err, ERR_USAGE, "%s: byte %zu: not YAML in UTF-8: %s", r->tree->file,
			r->parser.problem_offset, problem);
	return err_set(r->err, ERR_USAGE, "%s:%zu:%zu: not YAML: %s", r->tree->file, mark->line + 1, mark->column + 1,
		problem);
}

/* C0 and C1 controls and DEL: no value needs one, and each could break a line or steer a terminal further on. */
static int has_control(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		unsigned char after = i + 1 < len ? (unsigned char)s[i + 1] : 0xff;
		if (c < 0x20 || c == 0x7f || (c == 0xc2 && after < 0xa0))
			return 1;
	}
	return 0;
}

static int plain_node(struct reader *r, const struct ytree_node *node, const unsigned char *anchor,
	const unsigned char *tag)
{
	if (anchor)
		return ytree_fail(r->tree, node, r->err, "an anchor (&%s) is not allowed here; write the value out", anchor);
	if (tag)
		return ytree_fail(r->tree, node, r->err, "a tag (%s) is not allowed here; remove it", tag);
	if (++r->tree->nodes > r->tree->nodes_max)
		return ytree_fail(r->tree, node, r->err, "the file holds too much: more than %zu values",
			r->tree->nodes_max);
	return 0;
}

static int read_scalar(struct reader *r, const yaml_event_t *event, struct ytree_node *node)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;

	if (plain_node(r, node, event->data.scalar.anchor, event->data.scalar.tag))
		return -1;
	if (has_control(value, len))
		return ytree_fail(r->tree, node, r->err,
			"a line break or another control character is not allowed in a value");
	node->type = YTREE_TEXT;
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node->text = xstrndup(value, len);
	return 0;
}

static int read_node(struct reader *r, const yaml_event_t *event, struct ytree_node *node, int depth);

static struct ytree_node *add_kid(struct ytree_node *node)
{
	if (node->n == node->cap) {
		node->cap = node->cap ? node->cap * 2 : 8;
		node->kids = xreallocarray(node->kids, node->cap, sizeof(*node->kids));
	}
	struct ytree_node *kid = &node->kids[node->n++];
	*kid = (struct ytree_node){ 0 };
	return kid;
}

static int check_key(struct reader *r, const struct ytree_node *map)
{
	const struct ytree_node *key = &map->kids[map->n - 1];

	if (key->type != YTREE_TEXT)
		return ytree_fail(r->tree, key, r->err, "a key must be a word");
	for (size_t i = 0; i + 1 < map->n; i += 2)
		if (strcmp(map->kids[i].text, key->text) == 0)
			return ytree_fail(r->tree, key, r->err, "key '%s' is here twice: first in line %d; remove one",
				key->text, map->kids[i].line);
	if (map->n > 2 * YTREE_KEYS_MAX)
		return ytree_fail(r->tree, key, r->err, "too many keys: at most %d", YTREE_KEYS_MAX);
	return 0;
}

/* The kids of a list or mapping, to its end event. */
static int read_kids(struct reader *r, struct ytree_node *node, yaml_event_type_t end, int depth)
{
	for (;;) {
		yaml_event_t event;
		if (next(r, &event))
			return -1;
		if (event.type == end) {
			yaml_event_delete(&event);
			return 0;
		}
		int bad = read_node(r, &event, add_kid(node), depth + 1);
		yaml_event_delete(&event);
		if (bad || (node->type == YTREE_MAP && node->n % 2 == 1 && check_key(r, node)))
			return -1;
	}
}

static int read_node(struct reader *r, const yaml_event_t *event, struct ytree_node *node, int depth)
{
	*node = at(event);
	if (depth > YTREE_DEPTH_MAX)
		return ytree_fail(r->tree, node, r->err, "nested too deeply: at most %d levels", YTREE_DEPTH_MAX);
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(r, event, node);
	case YAML_SEQUENCE_START_EVENT:
		node->type = YTREE_LIST;
		if (plain_node(r, node, event->data.sequence_start.anchor, event->data.sequence_start.tag))
			return -1;
		return read_kids(r, node, YAML_SEQUENCE_END_EVENT, depth);
	case YAML_MAPPING_START_EVENT:
		node->type = YTREE_MAP;
		if (plain_node(r, node, event->data.mapping_start.anchor, event->data.mapping_start.tag))
			return -1;
		return read_kids(r, node, YAML_MAPPING_END_EVENT, depth);
	case YAML_ALIAS_EVENT:
		return ytree_fail(r->tree, node, r->err, "an alias (*%s) is not allowed here; write the value out",
			event->data.alias.anchor);
	default:
		return ytree_fail(r->tree, node, r->err, "not a value");
	}
}

/* Takes the next event, which must be of that type; where it is not, says what is wrong with the file. */
static int expect(struct reader *r, yaml_event_type_t type, const char *otherwise)
{
	yaml_event_t event;

	if (next(r, &event))
		return -1;
	int ok = event.type == type;
	struct ytree_node node = at(&event);
	int directives = type == YAML_DOCUMENT_START_EVENT && ok &&
		(event.data.document_start.version_directive ||
			event.data.document_start.tag_directives.start != event.data.document_start.tag_directives.end);
	yaml_event_delete(&event);
	if (directives)
		return ytree_fail(r->tree, &node, r->err, "a %%directive is not allowed here; remove it");
	return ok ? 0 : ytree_fail(r->tree, &node, r->err, "%s", otherwise);
}

static int read_file(struct reader *r)
{
	yaml_event_t event;

	if (expect(r, YAML_STREAM_START_EVENT, "not YAML") || expect(r, YAML_DOCUMENT_START_EVENT, "the file is empty") ||
		next(r, &event))
		return -1;
	int bad = read_node(r, &event, &r->tree->root, 1);
	yaml_event_delete(&event);
	if (bad || expect(r, YAML_DOCUMENT_END_EVENT, "not YAML"))
		return -1;
	return expect(r, YAML_STREAM_END_EVENT, "a second document is not allowed; remove what follows '---'");
}

int ytree_parse(struct ytree *t, const char *file, const char *text, size_t len, size_t nodes_max, struct err *err)
{
	struct reader r = { .tree = t, .err = err };

	*t = (struct ytree){ .file = xstrdup(file), .nodes_max = nodes_max };
	if (!yaml_parser_initialize(&r.parser)) {
		ytree_release(t);
		return err_set(err, ERR_WORK, "%s: out of memory", file);
	}
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	int failed = read_file(&r);
	yaml_parser_delete(&r.parser);
	if (failed)
		ytree_release(t);
	return failed;
}

const struct ytree_node *ytree_get(const struct ytree_node *map, const char *key)
{
	for (size_t i = 0; map->type == YTREE_MAP && i + 1 < map->n; i += 2)
		if (strcmp(map->kids[i].text, key) == 0)
			return &map->kids[i + 1];
	return NULL;
}
