/* References to images: what Docker takes each for, and what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mem.h"
#include "oci_ref.h"

#include <string.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* The distribution project's own examples (reference/normalize_test.go), and more. */
static void names_are_what_docker_takes_them_for(void **state)
{
	static const char *const pairs[][2] = {
		{ "redis:8", "docker.io/library/redis:8" },
		{ "library/redis:8", "docker.io/library/redis:8" },
		{ "docker.io/redis:8", "docker.io/library/redis:8" },
		{ "index.docker.io/redis:8", "docker.io/library/redis:8" },
		{ "grafana/loki:3.7.6", "docker.io/grafana/loki:3.7.6" },
		{ "docker.io/fluent/fluent-bit:5.1.1", "docker.io/fluent/fluent-bit:5.1.1" },
		{ "localhost/a:1", "localhost/a:1" },
		{ "localhost:5000/a:1", "localhost:5000/a:1" },
		{ "127.0.0.1:5000/a/b:1", "127.0.0.1:5000/a/b:1" },
		{ "registry.k8s.io/coredns/coredns:v1.13.1", "registry.k8s.io/coredns/coredns:v1.13.1" },
		{ "gcr.io/k8s-minikube/kicbase:v0.0.50@sha256:" HEX, "gcr.io/k8s-minikube/kicbase:v0.0.50@sha256:" HEX },
		{ "redis@sha256:" HEX, "docker.io/library/redis@sha256:" HEX },
		{ "foo_bar/a__b-c.d--e:_1.2-3", "docker.io/foo_bar/a__b-c.d--e:_1.2-3" },
		{ "Host/a:1", "Host/a:1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct oci_ref ref;
		struct err err = { 0 };
		if (oci_ref_parse(&ref, pairs[i][0], &err) < 0)
			fail_msg("%s: %s", pairs[i][0], err.msg);
		cleanup_free char *text = oci_ref_text(&ref);
		assert_string_equal(text, pairs[i][1]);
		struct oci_ref again;
		assert_int_equal(oci_ref_parse(&again, text, &err), 0);
		cleanup_free char *same = oci_ref_text(&again);
		assert_string_equal(same, text);
		oci_ref_release(&again);
		oci_ref_release(&ref);
	}
}

static void refused(const char *text, const char *why)
{
	struct oci_ref ref;
	struct err err = { 0 };

	if (oci_ref_parse(&ref, text, &err) == 0)
		fail_msg("'%s' was taken", text);
	assert_int_equal(err.code, ERR_USAGE);
	if (!strstr(err.msg, why))
		fail_msg("'%s': %s", text, err.msg);
}

static void what_is_no_reference_is_refused(void **state)
{
	(void)state;
	refused("", "not the name of an image's repository");
	refused("redis", "neither a tag nor a digest");
	refused("Redis:8", "not the name of an image's repository");
	refused("a//b:1", "not the name of an image's repository");
	refused("a/../b:1", "not the name of an image's repository");
	refused("a.host/..:1", "not the name of an image's repository");
	refused("a.host/-a:1", "not the name of an image's repository");
	refused("a.host/a-:1", "not the name of an image's repository");
	refused("a.host/a..b:1", "not the name of an image's repository");
	refused("a.host/a___b:1", "not the name of an image's repository");
	refused("a.host/a/:1", "not the name of an image's repository");
	refused("a.host/a b:1", "not the name of an image's repository");
	refused("-a.host/a:1", "not the name of a registry");
	refused("a..host/a:1", "not the name of a registry");
	refused("a.host:x/a:1", "not the name of a registry");
	refused("a.host:/a:1", "not the name of a registry");
	refused("a.host:123456/a:1", "not the name of a registry");
	refused("user@a.host/a:1", "not a digest");
	refused("redis:", "not a tag");
	refused("redis:-1", "not a tag");
	refused("redis:8/9", "neither a tag nor a digest"); /* a host with a port */
	refused("redis:8 9", "not a tag");
	refused("redis:8\n", "not a tag");
}

static void too_long_is_refused(void **state)
{
	char text[1000], tag[140];

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text + 300, ":1", 3);
	refused(text, "over 255 bytes");
	memset(text, 'a', sizeof(text));
	memcpy(text + 900, ":1", 3);
	refused(text, "over 384 bytes");
	memset(tag, 'a', sizeof(tag));
	memcpy(tag, "a:", 2);
	tag[131] = '\0';
	refused(tag, "not a tag");
	tag[130] = '\0';
	struct oci_ref ref;
	struct err err;
	assert_int_equal(oci_ref_parse(&ref, tag, &err), 0);
	oci_ref_release(&ref);
}

/* CVE-2024-3727 and its like: nothing but sha256: and exactly 64 lower-case digits is a digest. */
static void only_a_sha256_is_a_digest(void **state)
{
	static const char *const bad[] = { "", "sha256:", HEX, "sha256:" HEX "0", "sha256:../../../../etc/passwd", "SHA256:" HEX,
		"sha512:" HEX HEX, "sha256:" HEX "/", "sha256:" HEX "\n", " sha256:" HEX, "sha256::" HEX,
		"sha256:0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
		"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde",
		"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeg" };
	char hex[HASH_HEX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cleanup_free char *ref = xasprintf("redis@%s", bad[i]);
		assert_int_equal(oci_digest_parse(bad[i], hex), -1);
		refused(ref, "not a digest");
	}
	assert_int_equal(oci_digest_parse("sha256:" HEX, hex), 0);
	assert_string_equal(hex, HEX);
}

static void a_name_alone_has_neither_tag_nor_digest(void **state)
{
	struct oci_ref ref;
	struct err err;

	(void)state;
	assert_int_equal(oci_ref_parse_name(&ref, "ghcr.io/grafana/helm-charts/loki", &err), 0);
	assert_string_equal(ref.host, "ghcr.io");
	assert_string_equal(ref.repo, "grafana/helm-charts/loki");
	oci_ref_release(&ref);
	assert_int_equal(oci_ref_parse_name(&ref, "ghcr.io/a:1", &err), -1);
	assert_int_equal(oci_ref_parse_name(&ref, "ghcr.io/a@sha256:" HEX, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_what_docker_takes_them_for),
		cmocka_unit_test(what_is_no_reference_is_refused),
		cmocka_unit_test(too_long_is_refused),
		cmocka_unit_test(only_a_sha256_is_a_digest),
		cmocka_unit_test(a_name_alone_has_neither_tag_nor_digest),
	};

	return cmocka_run_group_tests_name("oci_ref", tests, NULL, NULL);
}
