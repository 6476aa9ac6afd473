/* Manifests and indexes: what registries serve is read, and everything else refused with its reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"
#include "mem.h"
#include "oci_doc.h"

#include <string.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DESC(type, size) "{\"mediaType\":\"" type "\",\"digest\":\"sha256:" HEX "\",\"size\":" size "}"
#define CONFIG DESC("application/vnd.oci.image.config.v1+json", "7")
#define LAYER "application/vnd.oci.image.layer.v1.tar"
#define MANIFEST(config, layers) "{\"schemaVersion\":2,\"config\":" config ",\"layers\":[" layers "]}"

static void refused(const char *text, const char *why)
{
	cleanup_oci_doc struct oci_doc doc = { 0 };
	struct err err = { 0 };

	int status = oci_doc_parse(&doc, text, strlen(text), &err);
	if (status == 0)
		status = oci_doc_check_image(&doc, &err);
	if (status == 0)
		fail_msg("taken: %.200s", text);
	if (!strstr(err.msg, why))
		fail_msg("%.200s: %s", text, err.msg);
}

static void taken(const char *text, enum oci_doc_type type, size_t n)
{
	cleanup_oci_doc struct oci_doc doc = { 0 };
	struct err err = { 0 };

	if (oci_doc_parse(&doc, text, strlen(text), &err) < 0 || (type == OCI_MANIFEST && oci_doc_check_image(&doc, &err) < 0))
		fail_msg("%s: %s", text, err.msg);
	assert_int_equal(doc.type, type);
	assert_int_equal(doc.n, n);
}

static void images_of_both_kinds_are_read(void **state)
{
	(void)state;
	taken(MANIFEST(CONFIG, ""), OCI_MANIFEST, 0);
	taken(MANIFEST(CONFIG, DESC(LAYER, "1") "," DESC(LAYER "+gzip", "2") "," DESC(LAYER "+zstd", "3")), OCI_MANIFEST, 3);
	taken("{\"schemaVersion\":2,\"mediaType\":\"application/vnd.docker.distribution.manifest.v2+json\",\"config\":"
		DESC("application/vnd.docker.container.image.v1+json", "7") ",\"layers\":["
		DESC("application/vnd.docker.image.rootfs.diff.tar.gzip", "9") "]}", OCI_MANIFEST, 1);
	/* What is not known is passed over: the specification grows. */
	taken("{\"schemaVersion\":2,\"subject\":{\"x\":[]},\"annotations\":{\"a\":\"b\"},\"new\":7,\"config\":" CONFIG
		",\"layers\":[]}", OCI_MANIFEST, 0);
	taken("{\"schemaVersion\":2,\"manifests\":[]}", OCI_INDEX, 0);
	taken("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"x/y\",\"digest\":\"sha256:" HEX "\",\"size\":1,\"platform\":"
		"{\"os\":\"linux\",\"architecture\":\"arm64\",\"variant\":\"v8\",\"os.version\":\"1\"}}]}", OCI_INDEX, 1);
}

static void a_platform_is_read(void **state)
{
	static const char text[] = "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.docker.distribution.manifest.list.v2+json\","
		"\"manifests\":[{\"mediaType\":\"a/b\",\"digest\":\"sha256:" HEX "\",\"size\":12,\"platform\":"
		"{\"os\":\"linux\",\"architecture\":\"arm64\",\"variant\":\"v8\"}},{\"mediaType\":\"a/b\",\"digest\":\"sha256:" HEX
		"\",\"size\":12}]}";
	cleanup_oci_doc struct oci_doc doc = { 0 };
	struct err err;

	(void)state;
	assert_int_equal(oci_doc_parse(&doc, text, strlen(text), &err), 0);
	assert_string_equal(doc.list[0].os, "linux");
	assert_string_equal(doc.list[0].arch, "arm64");
	assert_string_equal(doc.list[0].variant, "v8");
	assert_string_equal(doc.list[0].digest, HEX);
	assert_int_equal(doc.list[0].size, 12);
	assert_null(doc.list[1].os);
	assert_true(oci_is_index(doc.media_type));
}

static void what_is_no_image_is_refused(void **state)
{
	(void)state;
	refused("", "not JSON");
	refused("{", "not JSON");
	refused("[]", "not a JSON object");
	refused("{}", "schemaVersion");
	refused("{\"schemaVersion\":\"2\"}", "schemaVersion");
	refused("{\"schemaVersion\":1,\"fsLayers\":[]}", "schema 1");
	refused("{\"schemaVersion\":2,\"schemaVersion\":1}", "not JSON");
	refused("{\"schemaVersion\":2}", "config is not an object");
	refused("{\"schemaVersion\":2,\"config\":" CONFIG "}", "no list 'layers'");
	refused("{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":{}}", "no list 'layers'");
	refused("{\"schemaVersion\":2,\"manifests\":{}}", "no list 'manifests'");
	refused("{\"schemaVersion\":2,\"mediaType\":\"a/b\",\"config\":" CONFIG ",\"layers\":[]}", "none of an image's");
	refused("{\"schemaVersion\":2,\"mediaType\":7,\"config\":" CONFIG ",\"layers\":[]}", "not a text");
	/* CVE-2021-41190: one document that is both, for two readers. */
	refused("{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[],\"manifests\":[]}", "both layers and manifests");
	refused("{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"config\":" CONFIG ",\"layers\":[]}",
		"not what its media type says");
	refused(MANIFEST("7", ""), "config is not an object");
	refused(MANIFEST(DESC("application/vnd.cncf.helm.config.v1+json", "7"), ""), "not an image");
	refused(MANIFEST(DESC("application/vnd.oci.image.config.v1+json", "9000000"), ""), "configuration is over");
	refused(MANIFEST(CONFIG, DESC("application/vnd.cncf.helm.chart.content.v1.tar+gzip", "7")), "not that of an image's layer");
	refused(MANIFEST(CONFIG, DESC(LAYER "+gzip+encrypted", "7")), "encrypted");
	refused(MANIFEST(CONFIG, DESC("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "7")), "foreign");
	refused(MANIFEST(CONFIG, DESC("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "7")), "foreign");
	refused("{\"schemaVersion\":2,\"manifests\":[]}", "an index, not an image");
}

static void bad_descriptors_are_refused(void **state)
{
	(void)state;
	refused(MANIFEST(CONFIG, "7"), "a layer is not an object");
	refused(MANIFEST(CONFIG, "{\"digest\":\"sha256:" HEX "\",\"size\":1}"), "no text 'mediaType'");
	refused(MANIFEST(CONFIG, "{\"mediaType\":\"a b\",\"digest\":\"sha256:" HEX "\",\"size\":1}"), "'mediaType' that cannot be");
	refused(MANIFEST(CONFIG, "{\"mediaType\":\"a\\u001b[2J\",\"digest\":\"sha256:" HEX "\",\"size\":1}"), "cannot be");
	refused(MANIFEST(CONFIG, "{\"mediaType\":\"a\",\"size\":1}"), "no digest");
	refused(MANIFEST(CONFIG, "{\"mediaType\":\"a\",\"digest\":7,\"size\":1}"), "no digest");
	refused(MANIFEST(CONFIG, "{\"mediaType\":\"a\",\"digest\":\"sha256:../../x\",\"size\":1}"), "no digest");
	refused(MANIFEST(CONFIG, "{\"mediaType\":\"a\",\"digest\":\"sha512:" HEX HEX "\",\"size\":1}"), "no digest");
	refused(MANIFEST(CONFIG, "{\"mediaType\":\"a\",\"digest\":\"sha256:" HEX "\\u0000\",\"size\":1}"), "not JSON");
	refused(MANIFEST(CONFIG, DESC("a", "0")), "no size");
	refused(MANIFEST(CONFIG, DESC("a", "-1")), "no size");
	refused(MANIFEST(CONFIG, DESC("a", "1.5")), "no size");
	refused(MANIFEST(CONFIG, DESC("a", "8589934592")), "no size");
	refused(MANIFEST(CONFIG, DESC("a", "18446744073709551617")), "not JSON");
	refused(MANIFEST(CONFIG, "{\"mediaType\":\"a\",\"digest\":\"sha256:" HEX "\",\"size\":\"1\"}"), "no size");
	refused("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"a\",\"digest\":\"sha256:" HEX "\",\"size\":1,\"platform\":[]}]}",
		"platform is not an object");
	refused("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"a\",\"digest\":\"sha256:" HEX
		"\",\"size\":1,\"platform\":{\"os\":7}}]}", "no text 'os'");
}

static char *many(const char *head, const char *one, size_t n)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, head);
	for (size_t i = 0; i < n; i++)
		buf_addf(&b, "%s%s", i ? "," : "", one);
	buf_adds(&b, "]}");
	return buf_steal(&b);
}

static void too_much_is_refused(void **state)
{
	(void)state;
	cleanup_free char *layers = many("{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[", DESC(LAYER, "1"), OCI_LAYERS_MAX);
	taken(layers, OCI_MANIFEST, OCI_LAYERS_MAX);
	cleanup_free char *more = many("{\"schemaVersion\":2,\"config\":" CONFIG ",\"layers\":[", DESC(LAYER, "1"), OCI_LAYERS_MAX + 1);
	refused(more, "at most 500");
	cleanup_free char *entries = many("{\"schemaVersion\":2,\"manifests\":[", DESC("a/b", "1"), OCI_ENTRIES_MAX + 1);
	refused(entries, "at most 1000");
	cleanup_free char *big = xmalloc(OCI_DOC_MAX + 2);
	memset(big, ' ', OCI_DOC_MAX + 1);
	big[OCI_DOC_MAX + 1] = '\0';
	refused(big, "at most 4194304 are taken");
	/* Deeper than any document is: jansson's own limit, and no stack that overflows. */
	memset(big, '[', 1 << 20);
	memcpy(big + (1 << 20), "", 1);
	refused(big, "not JSON");
}

static void a_configuration_tells_its_platform(void **state)
{
	static const char good[] = "{\"architecture\":\"arm64\",\"os\":\"linux\",\"x\":{}}";
	static const char *const bad[] = { "", "7", "{}", "{\"os\":\"linux\"}", "{\"os\":\"linux\",\"architecture\":\"\"}",
		"{\"os\":1,\"architecture\":\"amd64\"}", "{\"os\":\"lin ux\",\"architecture\":\"amd64\"}" };
	char *os, *arch;
	struct err err;

	(void)state;
	assert_int_equal(oci_config_platform(good, strlen(good), &os, &arch, &err), 0);
	assert_string_equal(os, "linux");
	assert_string_equal(arch, "arm64");
	free(os);
	free(arch);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(oci_config_platform(bad[i], strlen(bad[i]), &os, &arch, &err), -1);
}

/* No prefix of a document, and no change of one byte, does more than be refused or be read. */
static void damaged_documents_do_no_harm(void **state)
{
	static const char text[] = MANIFEST(CONFIG, DESC(LAYER, "1"));
	char copy[sizeof(text)];
	struct err err;

	(void)state;
	for (size_t len = 0; len < strlen(text); len++) {
		struct oci_doc doc;
		assert_int_equal(oci_doc_parse(&doc, text, len, &err), -1);
	}
	for (size_t i = 0; i < strlen(text); i++)
		for (int bit = 0; bit < 8; bit++) {
			struct oci_doc doc;
			memcpy(copy, text, sizeof(text));
			copy[i] = (char)(copy[i] ^ (1 << bit));
			if (oci_doc_parse(&doc, copy, strlen(text), &err) == 0)
				oci_doc_release(&doc);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_of_both_kinds_are_read),
		cmocka_unit_test(a_platform_is_read),
		cmocka_unit_test(what_is_no_image_is_refused),
		cmocka_unit_test(bad_descriptors_are_refused),
		cmocka_unit_test(too_much_is_refused),
		cmocka_unit_test(a_configuration_tells_its_platform),
		cmocka_unit_test(damaged_documents_do_no_harm),
	};

	return cmocka_run_group_tests_name("oci_doc", tests, NULL, NULL);
}
