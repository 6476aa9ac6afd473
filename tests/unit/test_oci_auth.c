/* Challenges, tokens, logins from docker's file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs.h"
#include "mem.h"
#include "oci_auth.h"
#include "oci_cred.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static void challenge(const char *text, int basic, const char *realm, const char *service, const char *scope)
{
	struct oci_challenge c;
	struct err err = { 0 };

	if (oci_challenge_parse(&c, text, &err) < 0)
		fail_msg("%s: %s", text, err.msg);
	assert_int_equal(c.basic, basic);
	assert_int_equal(c.bearer, realm != NULL);
	if (realm)
		assert_string_equal(c.realm, realm);
	if (service)
		assert_string_equal(c.service, service);
	else
		assert_null(c.service);
	if (scope)
		assert_string_equal(c.scope, scope);
	else
		assert_null(c.scope);
	oci_challenge_release(&c);
}

static void challenges_are_read(void **state)
{
	(void)state;
	challenge("Basic realm=\"x\"", 1, NULL, NULL, NULL);
	challenge("basic", 1, NULL, NULL, NULL);
	challenge("Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\"", 0, "https://auth.docker.io/token",
		"registry.docker.io", NULL);
	challenge("Bearer realm=\"https://a/t\",service=\"s\",scope=\"repository:a/b:pull,push\",error=\"invalid_token\"", 0, "https://a/t",
		"s", "repository:a/b:pull,push");
	challenge("bearer realm = \"https://a/t\" , service=plain", 0, "https://a/t", "plain", NULL);
	challenge("Bearer realm=\"a\\\"b\"", 0, "a\"b", NULL, NULL);
	challenge("Basic realm=\"r\", Bearer realm=\"https://a/t\"", 1, "https://a/t", NULL, NULL);
	challenge("Bearer realm=\"https://a/t\", Basic realm=\"r\"", 1, "https://a/t", NULL, NULL);
	challenge("Negotiate YII==, Basic realm=\"r\"", 1, NULL, NULL, NULL);
	challenge("Digest realm=\"r\", nonce=\"n\", Bearer realm=\"https://a/t\"", 0, "https://a/t", NULL, NULL);
	challenge("Bearer realm=\"first\",realm=\"second\"", 0, "first", NULL, NULL);
	challenge("Bearer realm=https://a/t,service=s", 0, "https://a/t", "s", NULL);
}

static void bad_challenges_are_refused(void **state)
{
	static const char *const bad[] = { "", ",", "   ", "Bearer realm=\"open", "Negotiate", "Digest realm=\"x\"", "=x", "Bearer ;",
		"\"Basic\"" };
	struct oci_challenge c;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (oci_challenge_parse(&c, bad[i], &err) == 0)
			fail_msg("taken: %s", bad[i]);
}

/* Whatever bytes come: an answer, and no harm (the sanitizers watch). */
static void any_challenge_does_no_harm(void **state)
{
	static const char bytes[] = "Bearer realm=\"a\\,b\"; =,\"\\ Basic \x01\xff";
	char text[24];
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct oci_challenge c;
		struct err err;
		for (size_t i = 0; i + 1 < sizeof(text); i++) {
			seed = seed * 1103515245 + 12345;
			text[i] = bytes[(seed >> 16) % (sizeof(bytes) - 1)];
		}
		text[sizeof(text) - 1] = '\0';
		if (oci_challenge_parse(&c, text, &err) == 0)
			oci_challenge_release(&c);
	}
}

static void a_token_is_asked_for(void **state)
{
	struct oci_cred alice = { (char *)(uintptr_t) "alice", (char *)(uintptr_t) "wonderland", 0 };
	struct oci_cred identity = { NULL, (char *)(uintptr_t) "a+b", 1 };
	struct oci_challenge c = { .bearer = 1, .realm = (char *)(uintptr_t) "https://auth/t?x=1",
		.service = (char *)(uintptr_t) "the registry" };
	struct oci_token_ask ask;
	struct err err;

	(void)state;
	assert_int_equal(oci_token_ask(&ask, &c, "library/redis", NULL, 0, &err), 0);
	assert_string_equal(ask.url, "https://auth/t?x=1&service=the%20registry&scope=repository%3Alibrary%2Fredis%3Apull");
	assert_null(ask.header);
	assert_null(ask.post);
	oci_token_ask_release(&ask);
	c.realm = (char *)(uintptr_t) "https://auth/t";
	assert_int_equal(oci_token_ask(&ask, &c, "a", &alice, 0, &err), 0);
	assert_string_equal(ask.url, "https://auth/t?service=the%20registry&scope=repository%3Aa%3Apull");
	assert_string_equal(ask.header, "Authorization: Basic YWxpY2U6d29uZGVybGFuZA==");
	oci_token_ask_release(&ask);
	assert_int_equal(oci_token_ask(&ask, &c, "a", &identity, 0, &err), 0);
	assert_string_equal(ask.url, "https://auth/t");
	assert_string_equal(ask.post, "grant_type=refresh_token&client_id=labgen&service=the%20registry&scope=repository%3Aa%3Apull"
		"&refresh_token=a%2Bb");
	oci_token_ask_release(&ask);
}

/* A login goes over a wire that others can read only where the user chose such a registry. */
static void a_realm_must_be_safe(void **state)
{
	static const char *const bad[] = { "http://auth.example/t", "file:///etc/passwd", "ftp://a/t", "auth", "", "https://a b/t" };
	struct oci_challenge c = { .bearer = 1 };
	struct oci_token_ask ask;
	struct err err;

	(void)state;
	assert_int_equal(oci_token_ask(&ask, &c, "a", NULL, 0, &err), -1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		c.realm = (char *)(uintptr_t)bad[i];
		assert_int_equal(oci_token_ask(&ask, &c, "a", NULL, 0, &err), -1);
	}
	c.realm = (char *)(uintptr_t) "http://127.0.0.1:5001/t";
	assert_int_equal(oci_token_ask(&ask, &c, "a", NULL, 0, &err), 0);
	oci_token_ask_release(&ask);
	c.realm = (char *)(uintptr_t) "http://auth.example/t";
	assert_int_equal(oci_token_ask(&ask, &c, "a", NULL, 1, &err), 0);
	oci_token_ask_release(&ask);
}

static void token_answers_are_read(void **state)
{
	static const char *const bad[] = { "", "{}", "[]", "{\"token\":\"\"}", "{\"token\":7}", "{\"token\":\"a b\"}",
		"{\"token\":\"a\\r\\nX: y\"}", "{\"token\":\"a\\u0000\"}", "null" };
	struct err err;

	(void)state;
	static const char both[] = "{\"token\":\"abc\",\"access_token\":\"def\"}", one[] = "{\"access_token\":\"def\"}";

	cleanup_free char *a = oci_token_read(both, strlen(both), &err);
	assert_string_equal(a, "abc");
	cleanup_free char *b = oci_token_read(one, strlen(one), &err);
	assert_string_equal(b, "def");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_null(oci_token_read(bad[i], strlen(bad[i]), &err));
}

static void login(const char *text, const char *host, const char *user, const char *secret, int identity)
{
	cleanup_oci_cred struct oci_cred cred = { 0 };
	struct err err = { 0 };

	if (oci_cred_in(text, strlen(text), host, &cred, &err) < 0)
		fail_msg("%s: %s", text, err.msg);
	assert_int_equal(cred.identity, identity);
	if (!secret) {
		assert_null(cred.secret);
		return;
	}
	assert_non_null(cred.secret);
	assert_string_equal(cred.secret, secret);
	if (user)
		assert_string_equal(cred.user, user);
}

static void dockers_file_is_read(void **state)
{
	(void)state;
	login("{}", "ghcr.io", NULL, NULL, 0);
	login("{\"auths\":{\"ghcr.io\":{}}}", "ghcr.io", NULL, NULL, 0);
	login("{\"auths\":{\"ghcr.io\":{\"auth\":\"YWxpY2U6d29uZGVybGFuZA==\"}}}", "ghcr.io", "alice", "wonderland", 0);
	login("{\"auths\":{\"ghcr.io\":{\"auth\":\"YWxpY2U6d29uZGVybGFuZA==\"}}}", "quay.io", NULL, NULL, 0);
	login("{\"auths\":{\"https://ghcr.io/v2/\":{\"auth\":\"YWxpY2U6d29uZGVybGFuZA==\"}}}", "ghcr.io", "alice", "wonderland", 0);
	login("{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"YWxpY2U6d29uZGVybGFuZA==\"}}}", "docker.io", "alice",
		"wonderland", 0);
	login("{\"auths\":{\"127.0.0.1:5000\":{\"username\":\"u\",\"password\":\"p:q\"}}}", "127.0.0.1:5000", "u", "p:q", 0);
	login("{\"auths\":{\"a.io\":{\"auth\":\"YTpiOmM=\"}}}", "a.io", "a", "b:c", 0);
	login("{\"auths\":{\"a.io\":{\"auth\":\"YTpi\",\"identitytoken\":\"tok\"}}}", "a.io", NULL, "tok", 1);
	login("{\"auths\":{\"evil.ghcr.io\":{\"auth\":\"YTpi\"},\"ghcr.io.evil\":{\"auth\":\"YTpi\"}}}", "ghcr.io", NULL, NULL, 0);
}

static void bad_files_are_refused(void **state)
{
	static const char *const bad[] = { "", "[]", "{", "7", "{\"auths\":{\"a.io\":{\"auth\":\"!\"}}}",
		"{\"auths\":{\"a.io\":{\"auth\":\"YQ==\"}}}", "{\"credHelpers\":{\"a.io\":\"../../bin/sh\"}}",
		"{\"credsStore\":\"-x\"}", "{\"credsStore\":\"a b\"}" };
	struct oci_cred cred;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (oci_cred_in(bad[i], strlen(bad[i]), "a.io", &cred, &err) == 0)
			fail_msg("taken: %s", bad[i]);
}

static char dir[] = "/tmp/test_oci_auth.XXXXXX";

static void put(const char *name, const char *text, mode_t mode)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);
	struct err err;

	assert_int_equal(fs_replace(path, text, strlen(text), mode, &err), 0);
}

/* Helpers as their protocol has them: the server's address on standard input, JSON on standard output. */
static int make_helpers(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	put("docker-credential-good", "#!/bin/sh\n[ \"$1\" = get ] || exit 9\nread -r host || :\n"
		"printf '{\"ServerURL\":\"%s\",\"Username\":\"u-%s\",\"Secret\":\"s\"}' \"$host\" \"$host\"\n", 0755);
	put("docker-credential-token", "#!/bin/sh\nprintf '{\"Username\":\"<token>\",\"Secret\":\"tok\"}'\n", 0755);
	put("docker-credential-none", "#!/bin/sh\necho 'credentials not found in native keychain'\nexit 1\n", 0755);
	put("docker-credential-broken", "#!/bin/sh\necho locked >&2\nexit 1\n", 0755);
	put("docker-credential-odd", "#!/bin/sh\necho hello\n", 0755);
	cleanup_free char *path = xasprintf("%s:%s", dir, getenv("PATH"));
	return setenv("PATH", path, 1);
}

static int remove_helpers(void **state)
{
	struct err err;

	(void)state;
	return fs_remove(AT_FDCWD, dir, &err);
}

static void helpers_are_asked(void **state)
{
	(void)state;
	login("{\"credHelpers\":{\"gcr.io\":\"good\"}}", "gcr.io", "u-gcr.io", "s", 0);
	login("{\"credHelpers\":{\"gcr.io\":\"good\"}}", "quay.io", NULL, NULL, 0);
	login("{\"credsStore\":\"good\"}", "docker.io", "u-https://index.docker.io/v1/", "s", 0);
	login("{\"credsStore\":\"none\",\"credHelpers\":{\"gcr.io\":\"good\"}}", "gcr.io", "u-gcr.io", "s", 0);
	login("{\"credsStore\":\"token\"}", "gcr.io", "<token>", "tok", 1);
	login("{\"credsStore\":\"none\"}", "gcr.io", NULL, NULL, 0);
	login("{\"credsStore\":\"none\",\"auths\":{\"a.io\":{\"auth\":\"YTpi\"}}}", "a.io", "a", "b", 0);
}

static void a_helper_that_fails_is_an_error(void **state)
{
	static const char *const pairs[][2] = { { "broken", "locked" }, { "odd", "holds no Secret" }, { "missing", "cannot run it" } };

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		cleanup_free char *text = xasprintf("{\"credsStore\":\"%s\"}", pairs[i][0]);
		struct oci_cred cred;
		struct err err;
		assert_int_equal(oci_cred_in(text, strlen(text), "a.io", &cred, &err), -1);
		if (!strstr(err.msg, pairs[i][1]))
			fail_msg("%s: %s", pairs[i][0], err.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(challenges_are_read),
		cmocka_unit_test(bad_challenges_are_refused),
		cmocka_unit_test(any_challenge_does_no_harm),
		cmocka_unit_test(a_token_is_asked_for),
		cmocka_unit_test(a_realm_must_be_safe),
		cmocka_unit_test(token_answers_are_read),
		cmocka_unit_test(dockers_file_is_read),
		cmocka_unit_test(bad_files_are_refused),
		cmocka_unit_test(helpers_are_asked),
		cmocka_unit_test(a_helper_that_fails_is_an_error),
	};

	return cmocka_run_group_tests_name("oci_auth", tests, make_helpers, remove_helpers);
}
