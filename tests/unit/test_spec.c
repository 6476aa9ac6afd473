/* The spec: what a good one says, and one line with its place for each way to get it wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"
#include "fs.h"
#include "mem.h"
#include "spec.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static char dir[] = "/tmp/test_spec.XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL;
}

static int remove_dir(void **state)
{
	struct err err;

	(void)state;
	return fs_remove(AT_FDCWD, dir, &err);
}

static int load_bytes(struct spec *spec, const char *text, size_t len, struct err *err)
{
	cleanup_free char *path = xasprintf("%s/lab.yaml", dir);

	assert_int_equal(fs_replace(path, text, len, 0644, err), 0);
	return spec_load(spec, dir, err);
}

static int load(struct spec *spec, const char *text, struct err *err)
{
	return load_bytes(spec, text, strlen(text), err);
}

#define HEAD "lab: mini\nversion: 1.0\n"
#define KUBE HEAD "target: minikube\nplatforms: [linux/amd64, darwin/arm64]\n"
#define CLUSTER "cluster: {memory: 12000, cpus: 4, kubernetes: v1.35.1}\n"
#define HOST HEAD "target: host\nplatforms: [linux/amd64]\n" /* four lines */
#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define FILES HOST "files:\n  - name: a\n    version: v1\n    to: bin/a\n" /* eight lines */

static void test_minikube(void **state)
{
	static const char text[] = HEAD "title: {en: \"It's | mine\", ko: \xeb\x9e\xa9}\n"
		"target: minikube\nplatforms: [linux/amd64, darwin/arm64]\n"
		"cluster: {memory: 12000, cpus: 4, kubernetes: v1.35.1, runtime: docker, namespace: lgtm, base_image: \"g/k:1\"}\n"
		"images: [registry.k8s.io/pause:3.10.1]\n"
		"charts:\n"
		"  - {name: loki, version: 6.1.0, repo: https://g.example/charts, values: values/loki.yaml, release: loki, order: 30}\n"
		"  - {name: tempo, git: https://g.example/t.git, commit: v1, path: charts/tempo, release: tempo, wait: sts/tempo}\n"
		"files:\n"
		"  - name: helm\n    version: v3.1\n    url: https://get.example/helm-${version}-${os}-${arch}.tar.gz\n"
		"    checksum: ${url}.sha256sum\n    member: ${os}-${arch}/helm\n    to: bin/helm\n    platforms: [linux/amd64]\n"
		"manifests: [{path: manifests/10-minio.yaml, order: 10, wait: deploy/minio}]\n"
		"git: [{name: src, url: https://g.example/s.git, commit: v2, to: guide/src}]\n"
		"ports: [{name: Grafana, local: 3000, to: svc/grafana:3000, url: \"http://127.0.0.1:3000\"}]\n";
	cleanup_spec struct spec s = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(load(&s, text, &err), 0);
	assert_string_equal(s.lab, "mini");
	assert_string_equal(s.version, "1.0");
	assert_string_equal(s.title[0].value, "It's | mine");
	assert_string_equal(s.title[1].key, "ko");
	assert_int_equal(s.cluster.memory, 12000);
	assert_string_equal(s.cluster.runtime, "docker");
	assert_int_equal(s.n_items, 6);
	assert_string_equal(s.items[0].kind, "file"); /* whatever the order in the file */
	assert_string_equal(s.items[1].kind, "chart");
	assert_int_equal(s.items[1].order, 30);
	assert_string_equal(s.items[3].name, "registry.k8s.io/pause:3.10.1");
	assert_string_equal(s.items[4].name, "g/k:1"); /* the base image, in a folder of its own */
	assert_string_equal(s.items[4].to, "kicbase");
	assert_string_equal(s.items[5].kind, "git");
	assert_int_equal(s.ports[0].local, 3000);

	assert_true(spec_item_on(&s, &s.items[0], "linux/amd64"));
	assert_false(spec_item_on(&s, &s.items[0], "darwin/arm64"));
	assert_true(spec_item_on(&s, &s.items[1], "darwin/arm64"));
	assert_false(spec_item_on(&s, &s.items[1], "linux/arm64"));

	cleanup_free char *url = spec_expand(&s, &s.items[0], s.items[0].url, "linux/amd64", NULL, &err);
	assert_string_equal(url, "https://get.example/helm-v3.1-linux-amd64.tar.gz");
	cleanup_free char *sum = spec_expand(&s, &s.items[0], s.items[0].checksum, "linux/amd64", url, &err);
	assert_string_equal(sum, "https://get.example/helm-v3.1-linux-amd64.tar.gz.sha256sum");

	cleanup_free char *ask = spec_item_ask(&s, &s.items[0]);
	assert_string_equal(ask, "file helm@v3.1 url=https://get.example/helm-${version}-${os}-${arch}.tar.gz "
		"checksum=${url}.sha256sum member=${os}-${arch}/helm to=bin/helm platforms=linux/amd64");
}

static void test_host(void **state)
{
	static const char text[] = HOST "packages:\n  deb_origin: Debian\n  npm: [redis-commander@0.9.0, '@scope/x']\n"
		"  deb: [redis-server]\nports: [{name: Redis, local: 6379}]\n"
		"files: [{name: f, version: 1, url: 'file:///tmp/f', sha256: " HEX ", to: guide/f}]\n";
	cleanup_spec struct spec s = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(load(&s, text, &err), 0);
	assert_string_equal(s.deb_origin, "Debian");
	assert_int_equal(s.n_items, 4);
	assert_string_equal(s.items[0].sha256[0].key, "all");
	cleanup_free char *deb = spec_item_ask(&s, &s.items[1]);
	assert_string_equal(deb, "deb redis-server origin=Debian");
	cleanup_free char *npm = spec_item_ask(&s, &s.items[2]);
	assert_string_equal(npm, "npm redis-commander@0.9.0");
	assert_string_equal(s.items[3].name, "@scope/x");
	assert_null(s.items[3].version);
}

static const struct {
	const char *text, *where, *why;
} bad[] = {
	{ "", ":1:1: ", "empty" },
	{ "- a\n", ":1:1: ", "must be a mapping" },
	{ "lab: [a\n", ":2:1: ", "not YAML" },
	{ "lab: a\n---\nlab: b\n", ":2:1: ", "second document" },
	{ "%YAML 1.1\n---\nlab: a\n", ":1:1: ", "directive" },
	{ "lab: &x a\n", ":1:6: ", "anchor" },
	{ "lab: *x\n", ":1:6: ", "alias" },
	{ "lab: !!str a\n", ":1:6: ", "tag" },
	{ "lab: \"a\\nb\"\n", ":1:6: ", "control character" },
	{ "lab: \"a\\u009bb\"\n", ":1:6: ", "control character" },
	{ "lab: a\nlab: b\n", ":2:1: ", "'lab' is here twice: first in line 1" },
	{ "a: [[[[[[[[[[[[[]]]]]]]]]]]]]\n", ":1:15: ", "nested too deeply" },
	{ "[a]: b\n", ":1:1: ", "a key must be a word" },
	{ HEAD "targt: host\n", ":3:1: ", "unknown key 'targt' in the lab; did you mean 'target'?" },
	{ HEAD "colour: red\n", ":3:1: ", "known are lab, version, title, target" },
	{ HEAD "target: host\n", ":1:1: ", "the lab lacks the key 'platforms'" },
	{ "lab: [a]\n", ":1:6: ", "lab must be a name" },
	{ "lab: -a\n", ":1:6: ", "not '-a'" },
	{ "lab: ../a\n", ":1:6: ", "not '../a'" },
	{ "lab:\nversion: 1\n", ":1:5: ", "lab has no value" },
	{ "lab: ~\n", ":1:6: ", "lab has no value" },
	{ "lab: \"\"\n", ":1:6: ", "lab has no value" },
	{ "lab: yes\n", ":1:6: ", "truth value" },
	{ "lab: a\nversion: 1-2\n", ":2:10: ", "version must be a version" },
	{ HEAD "target: moon\n", ":3:9: ", "minikube or host" },
	{ HEAD "platforms: linux/amd64\n", ":3:12: ", "platforms must be a list, not a text" },
	{ HEAD "platforms: []\n", ":3:12: ", "empty" },
	{ HEAD "platforms: [linux/386]\n", ":3:13: ", "not 'linux/386'" },
	{ HEAD "platforms: [linux/amd64, linux/amd64]\n", ":3:26: ", "twice" },
	{ HEAD "target: host\nplatforms: [darwin/arm64]\n", ":4:12: ", "linux only" },
	{ "lab: " "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" "\nversion: "
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" "\ntarget: host\nplatforms: [linux/amd64]\n", ":1:6: ",
		"together over 100 bytes" },
	{ HOST "title: {English: x}\n", ":5:9: ", "unknown key 'English' in title" },
	{ HOST "cluster: {memory: 1}\n", ":5:19: ", "memory must be a whole number from 512" },
	{ HOST CLUSTER, ":5:10: ", "target host has no cluster" },
	{ HOST "images: [a/b:1]\n", ":5:9: ", "target host has no images" },
	{ KUBE, ":1:1: ", "needs the key 'cluster'" },
	{ KUBE "cluster: {memory: \"12000\", cpus: 4, kubernetes: v1.35.1}\n", ":5:19: ", "not the text '12000'" },
	{ KUBE "cluster: {memory: 12g, cpus: 4, kubernetes: v1.35.1}\n", ":5:19: ", "not '12g'" },
	{ KUBE "cluster: {memory: 99999999999999999999, cpus: 4, kubernetes: v1.35.1}\n", ":5:19: ", "whole number" },
	{ KUBE "cluster: {memory: 12000, cpus: 4, kubernetes: latest}\n", ":5:47: ", "kubernetes must be" },
	{ KUBE CLUSTER "packages: {deb: [redis]}\n", ":6:11: ", "no packages" },
	{ KUBE CLUSTER "images: [redis]\n", ":6:10: ", "images must be an image with its tag" },
	{ KUBE CLUSTER "images: ['a/redis:latest']\n", ":6:10: ", "never latest" },
	{ KUBE CLUSTER "images: ['a/r@sha256:12']\n", ":6:10: ", "digest" },
	{ KUBE CLUSTER "charts: [{name: a, release: a}]\n", ":6:10: ", "lacks its source" },
	{ KUBE CLUSTER "charts: [{name: a, release: a, repo: 'https://x.example'}]\n", ":6:10: ", "'version'" },
	{ KUBE CLUSTER "charts: [{name: a, release: a, version: 1, repo: 'http://x.example'}]\n", ":6:50: ", "oci://" },
	{ KUBE CLUSTER "charts: [{name: a, release: a, version: 1, repo: 'oci://x.example', values: x.yaml}]\n", ":6:77: ",
		"values/" },
	{ KUBE CLUSTER "charts: [{name: a, release: a, version: 1, repo: 'oci://x.example', order: -1}]\n", ":6:76: ",
		"order must be a whole number" },
	{ KUBE CLUSTER "manifests: [{path: ../x}]\n", ":6:20: ", "path must be a path" },
	{ KUBE CLUSTER "manifests: [{path: manifests/a.yaml, wait: 'x;y'}]\n", ":6:44: ", "wait must be" },
	{ KUBE CLUSTER "ports: [{name: x, local: 80}]\n", ":6:9: ", "lacks the key 'to'" },
	{ HOST "ports: [{name: x, local: 80, to: svc/x:80}]\n", ":5:9: ", "has no 'to'" },
	{ HOST "ports: [{name: x, local: 0}]\n", ":5:26: ", "from 1 to 65535" },
	{ HOST "ports: [{name: 'x|y', local: 1}]\n", ":5:16: ", "without '|'" },
	{ HOST "ports: [{name: x, local: 80}, {name: y, local: 80}]\n", ":5:31: ", "port 80 is here twice" },
	{ HOST "packages: {deb: [Redis]}\n", ":5:18: ", "Debian package" },
	{ HOST "packages: {deb: [a1, a1]}\n", ":5:22: ", "twice" },
	{ HOST "packages: {npm: ['-x']}\n", ":5:18: ", "npm package" },
	{ HOST "packages: {apt: [a1]}\n", ":5:12: ", "unknown key 'apt' in packages" },
	{ FILES, ":6:5: ", "a file lacks the key 'url'" },
	{ FILES "    url: ftp://x.example/a\n", ":9:10: ", "url must be a URL" },
	{ FILES "    url: http://x.example/a\n", ":9:10: ", "http:// needs sha256" },
	{ FILES "    url: https://x.example/${name}\n", ":6:5: ", "unknown variable '${name}'" },
	{ FILES "    url: https://x.example/${os\n", ":6:5: ", "unknown variable" },
	{ FILES "    url: https://x.example/\n    sha256: 0123\n", ":10:13: ", "64 lower-case hex digits" },
	{ FILES "    url: https://x.example/\n    sha256: {linux/arm64: " HEX "}\n", ":10:13: ", "not for platform" },
	{ FILES "    url: https://x.example/\n    sha256: " HEX "\n    checksum: ${url}.sha256\n", ":6:5: ",
		"more than one of" },
	{ FILES "    url: https://x.example/\n    minisign: RWxx\n", ":10:15: ", "minisign public key" },
	{ FILES "    url: https://x.example/\n    member: ../a\n", ":10:13: ", "member must be" },
	{ FILES "    url: https://x.example/\n    platforms: [linux/arm64]\n", ":10:16: ", "no platform linux/arm64" },
	{ HOST "files: [{name: a, version: 1, url: 'https://x.example', to: /etc/passwd}]\n", ":5:61: ", "to must be a path" },
	{ HOST "files: {name: a}\n", ":5:8: ", "files must be a list, not a mapping" },
	{ HOST "files:\n", ":5:7: ", "files has no value" },
};

static void test_bad(void **state)
{
	cleanup_free char *file = xasprintf("%s/lab.yaml", dir);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct spec s;
		struct err err = { 0 };
		if (load(&s, bad[i].text, &err) == 0)
			fail_msg("accepted: %s", bad[i].text);
		cleanup_free char *place = xasprintf("%s%s", file, bad[i].where);
		if (err.code != ERR_USAGE || strncmp(err.msg, place, strlen(place)) != 0 || !strstr(err.msg, bad[i].why))
			fail_msg("for %s\nwanted %s...%s\ngot %s", bad[i].text, place, bad[i].why, err.msg);
	}
}

static void test_sizes(void **state)
{
	cleanup_buf struct buf b = BUF_INIT;
	struct spec s;
	struct err err = { 0 };

	(void)state;
	buf_adds(&b, HOST "packages: {deb: [");
	for (int i = 0; i < 2001; i++)
		buf_addf(&b, "p%d, ", i);
	buf_adds(&b, "]}\n");
	assert_int_equal(load(&s, b.data, &err), -1);
	assert_non_null(strstr(err.msg, "too many things to pin"));

	for (int i = 0; i < 300000; i++)
		buf_adds(&b, "#aaa\n");
	assert_int_equal(load(&s, b.data, &err), -1);
	assert_int_equal(load_bytes(&s, "lab: \xff\n", 7, &err), -1);
	assert_non_null(strstr(err.msg, "not YAML in UTF-8"));
	assert_int_equal(load_bytes(&s, "lab: a\0b\n", 9, &err), -1);
	assert_int_equal(spec_load(&s, "/nonexistent", &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_minikube),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests_name("spec", tests, make_dir, remove_dir);
}
