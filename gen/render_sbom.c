#include "render.h"

#include "hash.h"
#include "mem.h"

#include <jansson.h>
#include <sodium.h>
#include <string.h>

/* Package URLs (github.com/package-url/purl-spec): all but unreserved characters as %XX. */
static void add_escaped(struct buf *out, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("-._~", c))
			buf_addc(out, (char)c);
		else
			buf_addf(out, "%%%02X", (unsigned)c);
	}
}

static void add_lower(struct buf *out, const char *s)
{
	for (; *s; s++)
		buf_addc(out, (char)(*s >= 'A' && *s <= 'Z' ? *s - 'A' + 'a' : *s));
}

/* The name's last part, as purl wants it for images; the rest and the tag go behind the '?'. */
static void add_image_purl(struct buf *out, const struct lock_item *item)
{
	cleanup_free char *repository = xstrndup(item->ref, strcspn(item->ref, "@"));
	char *slash = strrchr(repository, '/');
	char *colon = strchr(slash ? slash : repository, ':');

	if (colon)
		*colon = '\0';
	buf_adds(out, "pkg:oci/");
	add_lower(out, slash ? slash + 1 : repository);
	buf_addf(out, "@sha256%%3A%s?repository_url=", item->sha256);
	add_escaped(out, repository);
	if (colon) {
		buf_adds(out, "&tag=");
		add_escaped(out, colon + 1);
	}
}

static char *purl(const struct spec *spec, const struct lock_item *item)
{
	struct buf b = BUF_INIT;

	if (strcmp(item->kind, "image") == 0 && item->ref) {
		add_image_purl(&b, item);
		return buf_steal(&b);
	}
	if (strcmp(item->kind, "deb") == 0) {
		buf_adds(&b, "pkg:deb/");
		add_lower(&b, spec->deb_origin && !strchr(spec->deb_origin, ' ') ? spec->deb_origin : "debian");
		buf_addc(&b, '/');
		add_escaped(&b, item->name);
	} else if (strcmp(item->kind, "npm") == 0) {
		const char *slash = strchr(item->name, '/');
		cleanup_free char *scope = slash ? xstrndup(item->name, (size_t)(slash - item->name)) : NULL;
		buf_adds(&b, "pkg:npm/");
		if (scope) {
			add_escaped(&b, scope);
			buf_addc(&b, '/');
		}
		add_escaped(&b, slash ? slash + 1 : item->name);
	} else {
		buf_adds(&b, "pkg:generic/");
		add_escaped(&b, item->name);
	}
	if (item->version || item->commit) {
		buf_addc(&b, '@');
		add_escaped(&b, item->version ? item->version : item->commit);
	}
	const char *arch = item->platform ? strchr(item->platform, '/') : NULL;
	if (strcmp(item->kind, "deb") == 0 && arch)
		buf_addf(&b, "?arch=%s", arch + 1);
	return buf_steal(&b);
}

static const char *component_type(const char *kind)
{
	if (strcmp(kind, "image") == 0)
		return "container";
	return strcmp(kind, "deb") == 0 || strcmp(kind, "npm") == 0 ? "library" : "application";
}

/* npm's integrity, "sha512-" and base64, as hex; or NULL. */
static char *integrity_hex(const char *integrity)
{
	unsigned char digest[64];
	size_t got = 0;

	if (!integrity || strncmp(integrity, "sha512-", 7) != 0 ||
		sodium_base642bin(digest, sizeof(digest), integrity + 7, strlen(integrity + 7), NULL, &got, NULL,
			sodium_base64_VARIANT_ORIGINAL) != 0 || got != sizeof(digest))
		return NULL;
	char *hex = xmalloc(2 * sizeof(digest) + 1);
	(void)sodium_bin2hex(hex, 2 * sizeof(digest) + 1, digest, sizeof(digest));
	return hex;
}

/* jansson wants UTF-8; what is not NULL is set. */
static void set(json_t *object, const char *key, const char *value)
{
	if (value)
		(void)json_object_set_new(object, key, json_string(value));
}

static json_t *hash_object(const char *alg, const char *content)
{
	return json_pack("{s:s, s:s}", "alg", alg, "content", content);
}

static json_t *component(const struct spec *spec, const struct lock_item *item)
{
	json_t *c = json_object(), *hashes = json_array();
	cleanup_free char *url = purl(spec, item);
	cleanup_free char *sha512 = integrity_hex(item->integrity);

	set(c, "type", component_type(item->kind));
	set(c, "bom-ref", item->id);
	set(c, "name", item->name);
	set(c, "version", item->version ? item->version : item->commit);
	(void)json_array_append_new(hashes, hash_object("SHA-256", item->sha256));
	if (sha512)
		(void)json_array_append_new(hashes, hash_object("SHA-512", sha512));
	(void)json_object_set_new(c, "hashes", hashes);
	set(c, "purl", url);
	if (item->url)
		(void)json_object_set_new(c, "externalReferences",
			json_pack("[{s:s, s:s}]", "type", strncmp(item->kind, "git", 3) == 0 ? "vcs" : "distribution", "url",
				item->url));
	return c;
}

/* RFC 9562's version 8: its bits are ours to choose, so they come from what the document says. */
static char *serial(const struct spec *spec, const char *platform, const char *components)
{
	unsigned char d[FORMAT_DIGEST];
	cleanup_free char *text = xasprintf("%s %s %s %s", spec->lab, spec->version, platform, components);

	hash_bytes(text, strlen(text), d);
	d[6] = (unsigned char)((d[6] & 0x0f) | 0x80);
	d[8] = (unsigned char)((d[8] & 0x3f) | 0x80);
	return xasprintf("urn:uuid:%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", d[0], d[1], d[2],
		d[3], d[4], d[5], d[6], d[7], d[8], d[9], d[10], d[11], d[12], d[13], d[14], d[15]);
}

static json_t *document(const struct spec *spec, const char *platform, json_t *components)
{
	cleanup_free char *text = json_dumps(components, JSON_COMPACT);
	cleanup_free char *urn = text ? serial(spec, platform, text) : NULL;

	if (!urn)
		return NULL;
	return json_pack("{s:s, s:s, s:s, s:i, s:{s:{s:[{s:s, s:s, s:s}]}, s:{s:s, s:s, s:s, s:s}}, s:O}",
		"bomFormat", "CycloneDX", "specVersion", "1.5", "serialNumber", urn, "version", 1,
		"metadata", "tools", "components", "type", "application", "name", "labgen", "version", LABGEN_VERSION,
		"component", "type", "application", "bom-ref", "lab", "name", spec->lab, "version", spec->version,
		"components", components);
}

int render_sbom(const struct spec *spec, const struct lock *lock, const char *platform, struct buf *out, struct err *err)
{
	json_t *components = json_array();

	for (size_t i = 0; i < lock->n_items; i++)
		if (lock_item_on(&lock->items[i], platform))
			(void)json_array_append_new(components, component(spec, &lock->items[i]));
	json_t *doc = document(spec, platform, components);
	cleanup_free char *text = doc ? json_dumps(doc, JSON_INDENT(1)) : NULL;
	json_decref(components);
	json_decref(doc);
	if (!text)
		return err_set(err, ERR_WORK, "cannot write the bill of materials");
	buf_adds(out, text);
	buf_addc(out, '\n');
	return 0;
}
