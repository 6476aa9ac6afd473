/* What apt and npm answer: addresses of packages, and npm's lock file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "apt.h"
#include "mem.h"
#include "npm.h"

#include <string.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define B64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="

static void test_apt_lines(void **state)
{
	static const char text[] = "Reading package lists...\n"
		"'http://mirror.example/r/redis-server_7.0.15-1%7edeb12u1_amd64.deb' redis-server_5%3a7.0.15-1~deb12u1_amd64.deb 73908 "
		"SHA256:" HEX "\n"
		"'file:/srv/libstdc++6_12_all.deb' libstdc++6_12.2.0-14+deb12u1_amd64.deb 1 SHA256:" HEX "\n";
	cleanup_apt_debs struct apt_debs d = { 0 };
	struct err err = { 0 };

	(void)state;
	if (apt_parse_uris(text, &d, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(d.n, 2);
	assert_string_equal(d.debs[0].name, "redis-server");
	assert_string_equal(d.debs[0].version, "5:7.0.15-1~deb12u1");
	assert_string_equal(d.debs[0].uri, "http://mirror.example/r/redis-server_7.0.15-1%7edeb12u1_amd64.deb");
	assert_int_equal(d.debs[0].size, 73908);
	assert_string_equal(d.debs[0].sha256, HEX);
	assert_string_equal(d.debs[1].name, "libstdc++6");
}

static void test_apt_refusals(void **state)
{
	static const char *const lines[] = {
		"'http://m/x_1_all.deb' x_1_all.deb 1 MD5Sum:0123456789abcdef0123456789abcdef\n",
		"'http://m/x_1_all.deb' x_1_all.deb 1 SHA256:" HEX "0\n",
		"'http://m/x_1_all.deb' x_1_all.deb -1 SHA256:" HEX "\n",
		"'http://m/x_1_all.deb' x_1_all.deb 99999999999999 SHA256:" HEX "\n",
		"'http://m/x_1_all.deb' x_1.deb 1 SHA256:" HEX "\n",
		"'http://m/x_1_all.deb' x__all.deb 1 SHA256:" HEX "\n",
		"'http://m/x_1_all.deb' x_1_all.rpm 1 SHA256:" HEX "\n",
		"'http://m/x_1_all.deb\n",
		"'http://m/x_1_all.deb' x_1_all.deb 1\n",
		"'http://m/x_1_all.deb' x_1_all.deb\n",
		"''\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		cleanup_apt_debs struct apt_debs d = { 0 };
		struct err err = { 0 };
		assert_int_equal(apt_parse_uris(lines[i], &d, &err), -1);
		assert_int_equal(err.code, ERR_WORK);
	}
}

static char *platforms[] = { (char *)"linux/amd64", (char *)"linux/arm64", (char *)"darwin/arm64", NULL };

static char *lockfile(const char *entries)
{
	return xasprintf("{\"lockfileVersion\":3,\"packages\":{\"\":{\"name\":\"lab\"}%s%s}}", *entries ? "," : "", entries);
}

static void parse(const char *entries, struct npm_packages *p)
{
	cleanup_free char *text = lockfile(entries);
	struct err err = { 0 };

	if (npm_lockfile_parse(text, strlen(text), platforms, p, &err) < 0)
		fail_msg("%s: %s", entries, err.msg);
}

#define GOOD "\"version\":\"1.0.0\",\"integrity\":\"sha512-" B64 "\""

static void test_npm_closure(void **state)
{
	cleanup_npm_packages struct npm_packages p = { 0 };

	(void)state;
	parse("\"node_modules/a\":{" GOOD "},"
	      "\"node_modules/@s/b\":{" GOOD ",\"optional\":true,\"resolved\":\"https://r.example/x/@s/b/-/b-1.0.0.tgz\"},"
	      "\"node_modules/@s/b/node_modules/a\":{" GOOD "},"
	      "\"node_modules/alias\":{\"name\":\"real\"," GOOD "},"
	      "\"node_modules/a/node_modules/in\":{\"version\":\"1.0.0\",\"inBundle\":true},"
	      "\"node_modules/two\":{\"version\":\"1.0.0\",\"integrity\":\"sha1-x sha512-" B64 "\"}", &p);
	assert_int_equal(p.n, 4);
	assert_string_equal(p.list[0].name, "a");
	assert_int_equal(p.list[0].n_paths, 2);
	assert_string_equal(p.list[0].paths[1], "node_modules/@s/b/node_modules/a");
	assert_int_equal(p.list[0].platforms, 7);
	assert_string_equal(p.list[1].name, "@s/b");
	assert_string_equal(p.list[2].name, "real");
	assert_string_equal(p.list[2].paths[0], "node_modules/alias");
	assert_string_equal(p.list[3].integrity, "sha512-" B64);
}

static void test_npm_platforms(void **state)
{
	cleanup_npm_packages struct npm_packages p = { 0 };

	(void)state;
	parse("\"node_modules/a\":{" GOOD ",\"os\":[\"linux\"],\"cpu\":[\"x64\"]},"
	      "\"node_modules/b\":{" GOOD ",\"os\":[\"!linux\"]},"
	      "\"node_modules/c\":{" GOOD ",\"os\":[\"win32\"]},"
	      "\"node_modules/d\":{" GOOD ",\"cpu\":[\"arm64\"]},"
	      "\"node_modules/e\":{" GOOD ",\"libc\":[\"musl\"]}", &p);
	assert_int_equal(p.n, 4);
	assert_int_equal(p.list[0].platforms, 1);
	assert_int_equal(p.list[1].platforms, 4);
	assert_string_equal(p.list[2].name, "d");
	assert_int_equal(p.list[2].platforms, 6);
	assert_int_equal(p.list[3].platforms, 4); /* musl is a matter of Linux */
}

static void test_npm_refusals(void **state)
{
	static const char *const entries[] = {
		"\"node_modules/bad\":{\"version\":\"1.0.0\",\"integrity\":\"sha1-x\"}",
		"\"node_modules/bad\":{\"version\":\"1.0.0\"}",
		"\"node_modules/bad\":{\"link\":true}",
		"\"packages/bad\":{" GOOD "}",
		"\"node_modules/../bad\":{" GOOD "}",
		"\"node_modules/bad\":{" GOOD ",\"resolved\":\"git+ssh://git@host/bad.git#0123\"}",
		"\"node_modules/bad\":{" GOOD ",\"resolved\":\"https://host/elsewhere/bad-2.tgz\"}",
		"\"node_modules/bad\":{" GOOD ",\"resolved\":\"file:bad.tgz\"}",
		"\"node_modules/bad\":{\"version\":\"1 0\",\"integrity\":\"sha512-" B64 "\"}",
		"\"node_modules/bad\":{" GOOD "},\"node_modules/x/node_modules/bad\":{\"version\":\"1.0.0\",\"integrity\":\"sha512-B"
			"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		cleanup_npm_packages struct npm_packages p = { 0 };
		cleanup_free char *text = lockfile(entries[i]);
		struct err err = { 0 };
		if (npm_lockfile_parse(text, strlen(text), platforms, &p, &err) == 0)
			fail_msg("taken: %s", entries[i]);
		assert_int_equal(err.code, ERR_WORK);
		assert_non_null(strstr(err.msg, "bad"));
	}
}

static void test_npm_not_a_lockfile(void **state)
{
	static const char *const texts[] = { "", "{", "[]", "{\"lockfileVersion\":1,\"packages\":{}}", "{\"lockfileVersion\":3}",
		"{\"lockfileVersion\":3,\"packages\":[]}", "{\"lockfileVersion\":3,\"packages\":{\"\":{},\"\":{}}}" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cleanup_npm_packages struct npm_packages p = { 0 };
		struct err err = { 0 };
		assert_int_equal(npm_lockfile_parse(texts[i], strlen(texts[i]), platforms, &p, &err), -1);
	}
}

static void test_npm_addresses(void **state)
{
	struct npm_config c = { json_pack("{s:s,s:s,s:n}", "registry", "https://r.example", "@s:registry", "https://s.example/npm/",
		"https-proxy") };
	struct err err = { 0 };
	cleanup_free char *plain = npm_registry(&c, "a", &err);
	cleanup_free char *scoped = npm_registry(&c, "@s/b", &err);
	cleanup_free char *other = npm_registry(&c, "@t/b", &err);
	cleanup_free char *tarball = npm_tarball(scoped, "@s/b", "1.2.3");

	(void)state;
	assert_string_equal(plain, "https://r.example/");
	assert_string_equal(other, "https://r.example/");
	assert_string_equal(tarball, "https://s.example/npm/@s/b/-/b-1.2.3.tgz");
	assert_null(npm_proxy(&c, "https://r.example/"));
	npm_config_release(&c);

	c.all = json_pack("{s:s}", "registry", "ftp://r.example");
	assert_null(npm_registry(&c, "a", &err));
	npm_config_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_apt_lines),
		cmocka_unit_test(test_apt_refusals),
		cmocka_unit_test(test_npm_closure),
		cmocka_unit_test(test_npm_platforms),
		cmocka_unit_test(test_npm_refusals),
		cmocka_unit_test(test_npm_not_a_lockfile),
		cmocka_unit_test(test_npm_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
