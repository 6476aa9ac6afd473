#include "spec.h"

#include "buf.h"
#include "mem.h"

#include <string.h>

static void add_pair(struct buf *b, const char *key, const char *value)
{
	if (value)
		buf_addf(b, " %s=%s", key, value);
}

char *spec_item_ask(const struct spec *spec, const struct spec_item *item)
{
	struct buf b = BUF_INIT;

	buf_addf(&b, "%s %s", item->kind, item->name);
	if (item->version)
		buf_addf(&b, "@%s", item->version);
	add_pair(&b, "url", item->url);
	add_pair(&b, "checksum", item->checksum);
	add_pair(&b, "minisign", item->minisign);
	for (size_t i = 0; i < item->n_sha256; i++)
		buf_addf(&b, " sha256:%s=%s", item->sha256[i].key, item->sha256[i].value);
	add_pair(&b, "repo", item->repo);
	add_pair(&b, "commit", item->commit);
	add_pair(&b, "path", item->path);
	add_pair(&b, "member", item->member);
	add_pair(&b, "to", item->to);
	if (strcmp(item->kind, "deb") == 0)
		add_pair(&b, "origin", spec->deb_origin);
	for (char **p = item->platforms; p && *p; p++)
		buf_addf(&b, "%s%s", p == item->platforms ? " platforms=" : ",", *p);
	return buf_steal(&b);
}

/* The value of a variable whose name has len bytes, into out. Returns -1 where there is no such variable here. */
static int variable(struct buf *out, const struct spec_item *item, const char *name, size_t len, const char *platform,
	const char *url)
{
	const char *slash = strchr(platform, '/');

	if (len == 7 && memcmp(name, "version", len) == 0 && item->version)
		buf_adds(out, item->version);
	else if (len == 2 && memcmp(name, "os", len) == 0)
		buf_add(out, platform, slash ? (size_t)(slash - platform) : strlen(platform));
	else if (len == 4 && memcmp(name, "arch", len) == 0)
		buf_adds(out, slash ? slash + 1 : "");
	else if (len == 3 && memcmp(name, "url", len) == 0 && url)
		buf_adds(out, url);
	else
		return -1;
	return 0;
}

char *spec_expand(const struct spec *spec, const struct spec_item *item, const char *text, const char *platform,
	const char *url, struct err *err)
{
	cleanup_buf struct buf out = BUF_INIT;

	for (;;) {
		const char *dollar = strstr(text, "${");
		if (!dollar)
			break;
		buf_add(&out, text, (size_t)(dollar - text));
		const char *name = dollar + 2;
		size_t len = strcspn(name, "}");
		if (!name[len] || variable(&out, item, name, len, platform, url)) {
			(void)err_set(err, ERR_USAGE, "%s:%d:%d: %s '%s': unknown variable '${%.*s'; known are ${version}, ${os}, "
				"${arch}%s", spec->file, item->line, item->column, item->kind, item->name,
				(int)(name[len] ? len + 1 : len), name, url ? " and ${url}" : "");
			return NULL;
		}
		text = name + len + 1;
	}
	buf_adds(&out, text);
	return buf_steal(&out);
}
