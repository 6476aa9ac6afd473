/* lab.env and the bill of materials: golden texts, and what a shell makes of the first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buf.h"
#include "fs.h"
#include "mem.h"
#include "members_lab.h"
#include "render.h"

#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define B64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="

static char dir[] = "/tmp/test_render.XXXXXX";

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

static void put(const char *name, const char *text)
{
	cleanup_free char *path = xasprintf("%s/%s", dir, name);
	cleanup_free char *folder = fs_dirname(path);
	struct err err = { 0 };

	if (fs_mkdirs(folder, &err) || fs_replace(path, text, strlen(text), 0644, &err))
		fail_msg("%s", err.msg);
}

static void load(struct spec *spec, const char *text)
{
	struct err err = { 0 };

	put("lab.yaml", text);
	if (spec_load(spec, dir, &err))
		fail_msg("%s", err.msg);
}

static const char minikube[] =
	"lab: mini\nversion: 1.0\ntitle: {en: \"It's $HOME `here`\", ko: \xeb\x9e\xa9}\ntarget: minikube\n"
	"platforms: [linux/amd64, darwin/arm64]\n"
	"cluster: {memory: 12000, cpus: 4, kubernetes: v1.35.1, namespace: lgtm}\n"
	"charts:\n  - {name: tempo, version: 2.0, repo: oci://g.example/c, release: tempo, order: 30}\n"
	"  - {name: loki, version: 6.1.0, repo: https://g.example/c, values: values/loki.yaml, release: l, order: 4, wait: sts/l}\n"
	"manifests: [{path: manifests/b.yaml}, {path: manifests/a.yaml, order: 100, wait: deploy/a}]\n"
	"ports: [{name: Grafana web, local: 3000, to: svc/grafana:3000, url: \"http://127.0.0.1:3000\"},\n"
	"  {name: Loki, local: 3100, to: svc/loki:3100}]\n";

static const char minikube_env[] =
	"LAB_FORMAT='1'\nLAB_NAME='mini'\nLAB_VERSION='1.0'\nLAB_PLATFORM='darwin/arm64'\nLAB_TARGET='minikube'\n"
	"LAB_TITLE_EN='It'\\''s $HOME `here`'\nLAB_TITLE_KO='\xeb\x9e\xa9'\n"
	"LAB_PORTS='Grafana web|3000|svc/grafana:3000|http://127.0.0.1:3000\nLoki|3100|svc/loki:3100|'\n"
	"LAB_MEMORY='12000'\nLAB_CPUS='4'\nLAB_KUBERNETES='v1.35.1'\nLAB_RUNTIME='containerd'\nLAB_NAMESPACE='lgtm'\n"
	"LAB_BASE_IMAGE=''\n"
	"LAB_CHARTS='4|l|loki|6.1.0|values/loki.yaml|sts/l\n30|tempo|tempo|2.0||'\n"
	"LAB_MANIFESTS='0|manifests/b.yaml|\n100|manifests/a.yaml|deploy/a'\n";

static void test_env(void **state)
{
	cleanup_spec struct spec spec = { 0 };
	cleanup_buf struct buf out = BUF_INIT;

	(void)state;
	load(&spec, minikube);
	render_env(&spec, "darwin/arm64", &out);
	assert_string_equal(out.data, minikube_env);
}

/* A shell that reads it has the same values again, and has run nothing. */
static void test_env_in_shell(void **state)
{
	cleanup_spec struct spec spec = { 0 };
	cleanup_buf struct buf out = BUF_INIT;
	char line[200] = "";

	(void)state;
	load(&spec, minikube);
	render_env(&spec, "darwin/arm64", &out);
	put("lab.env", out.data);
	cleanup_free char *command = xasprintf("sh -euc '. %s/lab.env; printf %%s \"$LAB_TITLE_EN\"'", dir);
	FILE *sh = popen(command, "re");
	assert_non_null(fgets(line, sizeof(line), sh));
	assert_int_equal(pclose(sh), 0);
	assert_string_equal(line, "It's $HOME `here`");
}

static void test_env_host(void **state)
{
	cleanup_spec struct spec spec = { 0 };
	cleanup_buf struct buf out = BUF_INIT;

	(void)state;
	load(&spec, "lab: h\nversion: 2\ntarget: host\nplatforms: [linux/amd64]\n");
	render_env(&spec, "linux/amd64", &out);
	assert_string_equal(out.data, "LAB_FORMAT='1'\nLAB_NAME='h'\nLAB_VERSION='2'\nLAB_PLATFORM='linux/amd64'\n"
		"LAB_TARGET='host'\nLAB_PORTS=''\n");
}

static struct lock_item *add(struct lock *lock, const char *kind, const char *id, const char *name, const char *version)
{
	struct lock_item *item = lock_add(lock);

	item->kind = kind;
	item->id = xstrdup(id);
	item->name = xstrdup(name);
	item->version = version ? xstrdup(version) : NULL;
	item->sha256 = xstrdup(HEX);
	item->evidence = xstrdup("first-seen");
	return item;
}

static const char *purl(json_t *doc, size_t i)
{
	return json_string_value(json_object_get(json_array_get(json_object_get(doc, "components"), i), "purl"));
}

static void test_sbom(void **state)
{
	cleanup_spec struct spec spec = { 0 };
	cleanup_lock struct lock lock = { 0 };
	cleanup_buf struct buf a = BUF_INIT, b = BUF_INIT, other = BUF_INIT;
	struct err err = { 0 };

	(void)state;
	load(&spec, "lab: h\nversion: 2\ntarget: host\nplatforms: [linux/amd64, linux/arm64]\npackages: {deb_origin: Debian}\n");
	add(&lock, "deb", "deb/r@5:7.0-1+b1/linux/amd64", "r", "5:7.0-1+b1")->platform = xstrdup("linux/amd64");
	add(&lock, "deb", "deb/r@5:7.0-1+b1/linux/arm64", "r", "5:7.0-1+b1")->platform = xstrdup("linux/arm64");
	add(&lock, "file", "file/f@v1", "f", "v1")->url = xstrdup("https://x.example/f");
	add(&lock, "image", "image/x", "x", NULL)->ref = xstrdup("Docker.example:5000/lib/Redis:8");
	add(&lock, "npm", "npm/@s/p@1.0.0", "@s/p", "1.0.0")->integrity = xstrdup("sha512-" B64);

	assert_int_equal(render_sbom(&spec, &lock, "linux/amd64", &a, &err), 0);
	assert_int_equal(render_sbom(&spec, &lock, "linux/amd64", &b, &err), 0);
	assert_string_equal(a.data, b.data);
	assert_int_equal(render_sbom(&spec, &lock, "linux/arm64", &other, &err), 0);
	assert_string_not_equal(a.data, other.data);

	json_t *doc = json_loads(a.data, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(doc);
	assert_string_equal(json_string_value(json_object_get(doc, "specVersion")), "1.5");
	json_t *components = json_object_get(doc, "components");
	assert_int_equal(json_array_size(components), 4);
	assert_string_equal(purl(doc, 0), "pkg:deb/debian/r@5%3A7.0-1%2Bb1?arch=amd64");
	assert_string_equal(purl(doc, 1), "pkg:generic/f@v1");
	assert_string_equal(purl(doc, 2), "pkg:oci/redis@sha256%3A" HEX
		"?repository_url=Docker.example%3A5000%2Flib%2FRedis&tag=8");
	assert_string_equal(purl(doc, 3), "pkg:npm/%40s/p@1.0.0");
	json_t *hashes = json_object_get(json_array_get(components, 3), "hashes");
	assert_string_equal(json_string_value(json_object_get(json_array_get(hashes, 1), "alg")), "SHA-512");
	assert_int_equal(strlen(json_string_value(json_object_get(json_array_get(hashes, 1), "content"))), 128);
	json_decref(doc);
}

static void bad_lab(const char *why)
{
	cleanup_plan struct plan plan = { 0 };
	struct err err = { 0 };

	assert_int_equal(members_add_lab(&plan, dir, &err), -1);
	assert_int_equal(err.code, ERR_USAGE);
	if (!strstr(err.msg, why))
		fail_msg("wanted %s, got %s", why, err.msg);
}

static void remove_path(const char *name)
{
	struct err err;
	cleanup_free char *path = xasprintf("%s/%s", dir, name);

	assert_int_equal(fs_remove(AT_FDCWD, path, &err), 0);
}

static void test_lab_folder(void **state)
{
	cleanup_plan struct plan plan = { 0 };
	cleanup_free char *link = xasprintf("%s/guide/link", dir), *folder_link = xasprintf("%s/checks", dir);
	cleanup_free char *fifo = xasprintf("%s/guide/fifo", dir);
	struct err err = { 0 };

	(void)state;
	put("guide/deep/a.md", "a");
	put("services/10-x.sh", "b");
	put("README.html", "c");
	put("notes.txt", "not carried");
	if (members_add_lab(&plan, dir, &err) || plan_finish(&plan, "root", &err))
		fail_msg("%s", err.msg);
	assert_int_equal(plan.n, 3);
	assert_string_equal(plan.members[0].path, "README.html");
	assert_string_equal(plan.members[1].path, "guide/deep/a.md");
	assert_string_equal(plan.members[2].path, "services/10-x.sh");

	assert_int_equal(symlink("/etc/passwd", link), 0);
	bad_lab("guide/link: a symbolic link");
	remove_path("guide/link");
	assert_int_equal(symlink("guide", folder_link), 0);
	bad_lab("checks: a symbolic link");
	remove_path("checks");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	bad_lab("guide/fifo: neither a file nor a folder");
	remove_path("guide/fifo");
	put("guide/.a.md.swp", "x");
	bad_lab("guide/.a.md.swp: a hidden");
	remove_path("guide/.a.md.swp");
	put("guide/a.md~", "x");
	bad_lab("left-over");
	remove_path("guide/a.md~");
	put("guide/a b.md", "x");
	bad_lab("guide/a b.md: this name cannot be in a bundle");
	remove_path("guide/a b.md");
	put("guide/1/2/3/4/5/6/7/8/9", "x");
	bad_lab("more than 8 folders");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_env),
		cmocka_unit_test(test_env_in_shell),
		cmocka_unit_test(test_env_host),
		cmocka_unit_test(test_sbom),
		cmocka_unit_test(test_lab_folder),
	};

	return cmocka_run_group_tests_name("render", tests, make_dir, remove_dir);
}
