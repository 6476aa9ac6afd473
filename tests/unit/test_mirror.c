/* Mirrors, from the command line and from config.yaml. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs.h"
#include "mem.h"
#include "mirror.h"
#include "oci.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static char dir[] = "/tmp/test_mirror.XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	cleanup_free char *path = xasprintf("%s/labgen", dir);
	return mkdir(path, 0755) || setenv("XDG_CONFIG_HOME", dir, 1);
}

static int remove_dir(void **state)
{
	struct err err;

	(void)state;
	return fs_remove(AT_FDCWD, dir, &err);
}

static void options_are_read(void **state)
{
	static const char *const bad[] = { "", "docker.io", "=http://a", "docker.io=", "docker.io=a", "docker.io=file:///a",
		"docker.io=http://user:pass@a", "docker.io=http://a?b", "docker.io=http://a#b", "a/b=http://a", "docker.io=http://again" };
	struct mirrors m = { 0 };
	struct err err;

	(void)state;
	assert_int_equal(mirrors_add(&m, "docker.io=http://127.0.0.1:5000/", &err), 0);
	assert_int_equal(mirrors_add(&m, "ghcr.io:443=https://h.example/proxy", &err), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (mirrors_add(&m, bad[i], &err) == 0)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(err.code, ERR_USAGE);
	}
	assert_string_equal(mirrors_find(&m, "docker.io"), "http://127.0.0.1:5000");
	assert_string_equal(mirrors_find(&m, "ghcr.io:443"), "https://h.example/proxy");
	assert_null(mirrors_find(&m, "ghcr.io"));
	assert_null(mirrors_find(NULL, "ghcr.io"));
	mirrors_release(&m);
}

static void load(const char *text, int status, struct mirrors *m)
{
	cleanup_free char *path = xasprintf("%s/labgen/config.yaml", dir);
	struct err err = { 0 };

	assert_int_equal(fs_replace(path, text, strlen(text), 0644, &err), 0);
	if (mirrors_load(m, &err) != status)
		fail_msg("%s: %s", text, err.msg);
	if (status < 0)
		assert_non_null(strstr(err.msg, "config.yaml:"));
}

static void the_file_is_read(void **state)
{
	static const char *const bad[] = { "mirrors: []\n", "mirror: {}\n", "mirrors: {docker.io: 7}\n", "mirrors: {docker.io: ftp://a}\n",
		"mirrors: {a/b: http://a}\n", "mirrors: {a: http://a, a: http://b}\n", "- a\n" };
	struct mirrors m = { 0 };
	struct err err;

	(void)state;
	assert_int_equal(mirrors_load(&m, &err), 0); /* there is none */
	assert_int_equal(mirrors_add(&m, "docker.io=http://127.0.0.1:1", &err), 0);
	load("mirrors:\n  docker.io: http://127.0.0.1:2\n  quay.io: https://q.example/\n", 0, &m);
	assert_string_equal(mirrors_find(&m, "docker.io"), "http://127.0.0.1:1");
	assert_string_equal(mirrors_find(&m, "quay.io"), "https://q.example");
	mirrors_release(&m);
	load("", 0, &m);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		load(bad[i], -1, &m);
		mirrors_release(&m);
	}
}

static void base(const struct mirrors *m, const char *host, const char *url)
{
	cleanup_free char *is = oci_base_url(host, m);

	assert_string_equal(is, url);
}

static void plain_http_is_for_this_machine_alone(void **state)
{
	struct mirrors m = { 0 };
	struct err err;

	(void)state;
	base(NULL, "docker.io", "https://registry-1.docker.io");
	base(NULL, "ghcr.io", "https://ghcr.io");
	base(NULL, "10.0.0.1:5000", "https://10.0.0.1:5000");
	base(NULL, "127.0.0.1:5000", "http://127.0.0.1:5000");
	base(NULL, "localhost", "http://localhost");
	base(NULL, "localhost.evil.example", "https://localhost.evil.example");
	base(NULL, "127.0.0.1.evil.example", "https://127.0.0.1.evil.example");
	assert_int_equal(mirrors_add(&m, "docker.io=http://10.0.0.1:5000", &err), 0);
	base(&m, "docker.io", "http://10.0.0.1:5000");
	mirrors_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_read),
		cmocka_unit_test(the_file_is_read),
		cmocka_unit_test(plain_http_is_for_this_machine_alone),
	};

	return cmocka_run_group_tests_name("mirror", tests, make_dir, remove_dir);
}
