#include "oci_doc.h"

#include "format.h"
#include "mem.h"
#include "oci_ref.h"

#include <jansson.h>
#include <string.h>

#define OCI_TYPE_INDEX "application/vnd.oci.image.index.v1+json"
#define OCI_TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define DOCKER_TYPE_INDEX "application/vnd.docker.distribution.manifest.list.v2+json"
#define DOCKER_TYPE_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"

const char oci_accept[] = "Accept: " OCI_TYPE_INDEX ", " DOCKER_TYPE_INDEX ", " OCI_TYPE_MANIFEST ", " DOCKER_TYPE_MANIFEST;

static const char *const doc_types[] = { OCI_TYPE_INDEX, DOCKER_TYPE_INDEX, OCI_TYPE_MANIFEST, DOCKER_TYPE_MANIFEST, NULL };

static const char *const config_types[] = { "application/vnd.oci.image.config.v1+json",
	"application/vnd.docker.container.image.v1+json", NULL };

static const char *const layer_types[] = { "application/vnd.oci.image.layer.v1.tar",
	"application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.oci.image.layer.v1.tar+zstd",
	"application/vnd.docker.image.rootfs.diff.tar", "application/vnd.docker.image.rootfs.diff.tar.gzip",
	"application/vnd.docker.image.rootfs.diff.tar.zstd", NULL };

static const char *find(const char *const *words, const char *s)
{
	for (; *words; words++)
		if (strcmp(*words, s) == 0)
			return *words;
	return NULL;
}

int oci_is_index(const char *media_type)
{
	return strcmp(media_type, OCI_TYPE_INDEX) == 0 || strcmp(media_type, DOCKER_TYPE_INDEX) == 0;
}

int oci_is_manifest(const char *media_type)
{
	return strcmp(media_type, OCI_TYPE_MANIFEST) == 0 || strcmp(media_type, DOCKER_TYPE_MANIFEST) == 0;
}

void oci_desc_release(struct oci_desc *desc)
{
	free(desc->media_type);
	free(desc->os);
	free(desc->arch);
	free(desc->variant);
	*desc = (struct oci_desc){ 0 };
}

void oci_desc_copy(struct oci_desc *to, const struct oci_desc *from)
{
	*to = *from;
	to->media_type = from->media_type ? xstrdup(from->media_type) : NULL;
	to->os = from->os ? xstrdup(from->os) : NULL;
	to->arch = from->arch ? xstrdup(from->arch) : NULL;
	to->variant = from->variant ? xstrdup(from->variant) : NULL;
}

void oci_doc_release(struct oci_doc *doc)
{
	oci_desc_release(&doc->config);
	for (size_t i = 0; i < doc->n; i++)
		oci_desc_release(&doc->list[i]);
	free(doc->list);
	*doc = (struct oci_doc){ 0 };
}

/* Printable ASCII without quotes, spaces or bars: it goes into the lock and into messages. */
static int word_ok(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len > OCI_WORD_MAX)
		return 0;
	for (; *s; s++)
		if (*s <= ' ' || *s > '~' || strchr("\"'\\|<>`", *s))
			return 0;
	return 1;
}

/* A text of an object into *out, to be freed. What is not there stays NULL unless it is needed. */
static int take_word(const json_t *object, const char *what, const char *key, int needed, char **out, struct err *err)
{
	const json_t *value = json_object_get(object, key);

	if (!value && !needed)
		return 0;
	if (!json_is_string(value) || (json_string_length(value) == 0 && needed))
		return err_set(err, ERR_WORK, "%s has no text '%s'", what, key);
	const char *text = json_string_value(value);
	if (*text && !word_ok(text))
		return err_set(err, ERR_WORK, "%s has a '%s' that cannot be one", what, key);
	*out = *text ? xstrdup(text) : NULL;
	return 0;
}

static int take_platform(const json_t *object, struct oci_desc *desc, struct err *err)
{
	const json_t *platform = json_object_get(object, "platform");

	if (!platform || json_is_null(platform))
		return 0;
	if (!json_is_object(platform))
		return err_set(err, ERR_WORK, "an entry's platform is not an object");
	if (take_word(platform, "a platform", "os", 0, &desc->os, err) < 0 ||
		take_word(platform, "a platform", "architecture", 0, &desc->arch, err) < 0)
		return -1;
	return take_word(platform, "a platform", "variant", 0, &desc->variant, err);
}

static int take_desc(const json_t *object, const char *what, struct oci_desc *desc, struct err *err)
{
	const json_t *digest = json_object_get(object, "digest"), *size = json_object_get(object, "size");

	if (!json_is_object(object))
		return err_set(err, ERR_WORK, "%s is not an object", what);
	if (take_word(object, what, "mediaType", 1, &desc->media_type, err) < 0)
		return -1;
	if (!json_is_string(digest) || strlen(json_string_value(digest)) != json_string_length(digest) ||
		oci_digest_parse(json_string_value(digest), desc->digest) < 0)
		return err_set(err, ERR_WORK, "%s has no digest of the form sha256: and 64 hex digits", what);
	if (!json_is_integer(size) || json_integer_value(size) <= 0 ||
		(unsigned long long)json_integer_value(size) > FORMAT_SIZE_MAX)
		return err_set(err, ERR_WORK, "%s has no size from 1 to %llu", what, FORMAT_SIZE_MAX);
	desc->size = (uint64_t)json_integer_value(size);
	return take_platform(object, desc, err);
}

static int take_list(const json_t *list, const char *key, const char *what, size_t max, struct oci_doc *doc, struct err *err)
{
	if (!json_is_array(list))
		return err_set(err, ERR_WORK, "it has no list '%s'", key);
	size_t n = json_array_size(list);
	if (n > max)
		return err_set(err, ERR_WORK, "it has %zu %s, and at most %zu are taken", n, key, max);
	doc->list = xcalloc(n, sizeof(*doc->list));
	for (; doc->n < n; doc->n++)
		if (take_desc(json_array_get(list, doc->n), what, &doc->list[doc->n], err) < 0) {
			oci_desc_release(&doc->list[doc->n]);
			return -1;
		}
	return 0;
}

/* The media type that the document says it has; where it says none (OCI's may), what its members make it. */
static int take_type(const json_t *root, struct oci_doc *doc, struct err *err)
{
	const json_t *said = json_object_get(root, "mediaType"), *version = json_object_get(root, "schemaVersion");
	int lists = json_object_get(root, "manifests") != NULL, layers = json_object_get(root, "layers") != NULL;

	if (json_is_integer(version) && json_integer_value(version) == 1)
		return err_set(err, ERR_WORK, "it is of Docker's old manifest schema 1, which no current engine takes: ask its publisher "
			"for a current one, or choose a later tag");
	if (!json_is_integer(version) || json_integer_value(version) != 2)
		return err_set(err, ERR_WORK, "it is no image manifest: schemaVersion is not 2");
	if (lists && layers) /* one reader could take it for an index, and another for a manifest */
		return err_set(err, ERR_WORK, "it has both layers and manifests, so it is neither a manifest nor an index");
	if (said && !json_is_string(said))
		return err_set(err, ERR_WORK, "its mediaType is not a text");
	doc->type = lists ? OCI_INDEX : OCI_MANIFEST;
	doc->media_type = said ? find(doc_types, json_string_value(said)) : lists ? OCI_TYPE_INDEX : OCI_TYPE_MANIFEST;
	if (!doc->media_type)
		return err_set(err, ERR_WORK, "its media type '%.*s' is none of an image's", OCI_WORD_MAX, json_string_value(said));
	if (oci_is_index(doc->media_type) != lists)
		return err_set(err, ERR_WORK, "it is not what its media type says: %s", doc->media_type);
	return 0;
}

static json_t *load(const char *text, size_t len, size_t max, struct err *err)
{
	json_error_t why;

	if (len > max) {
		(void)err_set(err, ERR_WORK, "it has %zu bytes, and at most %zu are taken", len, max);
		return NULL;
	}
	json_t *root = json_loadb(text ? text : "", len, JSON_REJECT_DUPLICATES, &why);
	if (!root)
		(void)err_set(err, ERR_WORK, "it is not JSON: %s (line %d)", why.text, why.line);
	else if (!json_is_object(root))
		(void)err_set(err, ERR_WORK, "it is not a JSON object");
	if (root && !json_is_object(root)) {
		json_decref(root);
		return NULL;
	}
	return root;
}

int oci_doc_parse(struct oci_doc *doc, const char *text, size_t len, struct err *err)
{
	json_t *root = load(text, len, OCI_DOC_MAX, err);

	*doc = (struct oci_doc){ 0 };
	if (!root)
		return -1;
	int status = take_type(root, doc, err);
	if (status == 0 && doc->type == OCI_INDEX) {
		status = take_list(json_object_get(root, "manifests"), "manifests", "an entry", OCI_ENTRIES_MAX, doc, err);
	} else if (status == 0) {
		status = take_desc(json_object_get(root, "config"), "config", &doc->config, err);
		if (status == 0)
			status = take_list(json_object_get(root, "layers"), "layers", "a layer", OCI_LAYERS_MAX, doc, err);
	}
	json_decref(root);
	if (status < 0)
		oci_doc_release(doc);
	return status;
}

static int check_layer(const struct oci_desc *layer, struct err *err)
{
	const char *type = layer->media_type;

	if (strstr(type, "nondistributable") || strstr(type, ".foreign."))
		return err_set(err, ERR_WORK, "layer sha256:%s is foreign (%s): its licence keeps it on its maker's own servers, so that it "
			"cannot be carried in a bundle; choose an image without it", layer->digest, type);
	if (strstr(type, "+encrypted"))
		return err_set(err, ERR_WORK, "layer sha256:%s is encrypted (%s): without its key nobody can run it", layer->digest, type);
	if (!find(layer_types, type))
		return err_set(err, ERR_WORK, "layer sha256:%s has the media type %s, which is not that of an image's layer",
			layer->digest, type);
	return 0;
}

int oci_doc_check_image(const struct oci_doc *doc, struct err *err)
{
	if (doc->type != OCI_MANIFEST)
		return err_set(err, ERR_WORK, "it is an index, not an image");
	if (!find(config_types, doc->config.media_type))
		return err_set(err, ERR_WORK, "it is not an image: its configuration is a %s", doc->config.media_type);
	if (doc->config.size > OCI_CONFIG_MAX)
		return err_set(err, ERR_WORK, "its configuration is over %u bytes", OCI_CONFIG_MAX);
	for (size_t i = 0; i < doc->n; i++)
		if (check_layer(&doc->list[i], err) < 0)
			return -1;
	return 0;
}

int oci_config_platform(const char *text, size_t len, char **os, char **arch, struct err *err)
{
	json_t *root = load(text, len, OCI_CONFIG_MAX, err);

	*os = *arch = NULL;
	if (!root)
		return -1;
	int status = take_word(root, "the configuration", "os", 1, os, err);
	if (status == 0)
		status = take_word(root, "the configuration", "architecture", 1, arch, err);
	json_decref(root);
	if (status < 0) {
		free(*os);
		free(*arch);
		*os = *arch = NULL;
	}
	return status;
}
