/*
 * Small bundles for the tests of the command line, with keys of fixed seeds (a number):
 *
 *	testbundle key SEED                            prints the public key
 *	testbundle bundle OUT SEED [PATH:SIZE]...      members in the manifest's order; none named: the small bundle of tests
 *	testbundle volumes BUNDLE SIZE SEED            cuts it, and signs the list
 *	testbundle countersign BUNDLE|LIST SEED        writes FILE.KEYID.minisig
 */
#include "testbundle.h"

#include "volumes.h"

static struct err err;

static int fail(void)
{
	fprintf(stderr, "testbundle: %s\n", err.msg);
	return 1;
}

static unsigned char seed(const char *arg)
{
	return (unsigned char)strtoul(arg, NULL, 10);
}

static int print_key(const char *arg)
{
	struct tb_key key;
	char text[57];

	tb_key(&key, seed(arg));
	tb_key_text(&key, text);
	printf("untrusted comment: minisign public key\n%s\n", text);
	return 0;
}

static int make_bundle(const char *out, const char *arg, char **members, size_t n)
{
	struct tb_key key;
	struct tb_member *m = xcalloc(n + 1, sizeof(*m));
	cleanup_buf struct buf tar = BUF_INIT;

	tb_key(&key, seed(arg));
	for (size_t i = 0; i < n; i++) {
		char *colon = strchr(members[i], ':');
		if (!colon)
			return 2;
		*colon = '\0';
		m[i] = (struct tb_member){ members[i], NULL, strtoul(colon + 1, NULL, 10) };
	}
	if (n)
		tb_bundle(&tar, &key, m, n);
	else
		tb_bundle(&tar, &key, tb_small, TB_SMALL);
	free(m);
	return fs_replace(out, tar.data, tar.len, 0644, &err) < 0 ? fail() : 0;
}

static int write_beside(const char *path, const char *suffix, const struct buf *text)
{
	cleanup_free char *name = xasprintf("%s%s", path, suffix);

	return fs_replace(name, text->data, text->len, 0644, &err) < 0 ? fail() : 0;
}

static int cut(const char *path, uint64_t size, const char *arg)
{
	struct tb_key key;
	struct volumes v = { .volume = size };
	cleanup_buf struct buf tar = BUF_INIT, list = BUF_INIT, sig = BUF_INIT;

	tb_key(&key, seed(arg));
	if (fs_slurp(AT_FDCWD, path, 1u << 30, &tar, &err) < 0)
		return fail();
	v.size = tar.len;
	v.n = (size_t)((v.size - 1) / size + 1);
	v.list = xcalloc(v.n, sizeof(*v.list));
	if (volumes_head(v.head, TB_LAB, TB_VERSION, TB_PLATFORM, v.size, size, &err) < 0)
		return fail();
	for (size_t i = 0; i < v.n; i++) {
		uint64_t left = v.size - i * size;
		struct buf part = { .data = tar.data + i * size, .len = (size_t)(left < size ? left : size) };
		char suffix[24];
		(void)snprintf(suffix, sizeof(suffix), ".%03zu", i + 1);
		(void)snprintf(v.list[i].name, sizeof(v.list[i].name), "%s%s", fs_basename(path), suffix);
		hash_bytes(part.data, part.len, v.list[i].digest);
		if (write_beside(path, suffix, &part))
			return 1;
	}
	volumes_text(&v, &list);
	tb_sign(&key, list.data, list.len, v.head, &sig);
	volumes_release(&v);
	return write_beside(path, VOLUMES_SUFFIX, &list) || write_beside(path, VOLUMES_SUFFIX ".minisig", &sig);
}

/* The content of the member whose header is at *at, which moves behind it. */
static struct buf member(const struct buf *tar, size_t *at)
{
	uint64_t size = 0;

	if (*at + FORMAT_BLOCK > tar->len || ustar_size((const unsigned char *)tar->data + *at, &size) < 0)
		abort();
	struct buf text = { .data = tar->data + *at + FORMAT_BLOCK, .len = (size_t)size };
	*at += FORMAT_BLOCK + (size_t)size + ustar_padding(size);
	return text;
}

static int countersign(const char *path, const char *arg)
{
	struct tb_key key;
	struct minisign_sig sig;
	char hex[MINISIGN_ID_HEX + 1];
	size_t at = 0, len = strlen(path), list = strlen(VOLUMES_SUFFIX);
	cleanup_buf struct buf file = BUF_INIT, beside = BUF_INIT, out = BUF_INIT;
	struct buf text, first;

	tb_key(&key, seed(arg));
	if (fs_slurp(AT_FDCWD, path, 1u << 30, &file, &err) < 0)
		return fail();
	if (len > list && strcmp(path + len - list, VOLUMES_SUFFIX) == 0) {
		cleanup_free char *name = xasprintf("%s.minisig", path);
		if (fs_slurp(AT_FDCWD, name, FORMAT_SIGNATURE_MAX, &beside, &err) < 0)
			return fail();
		text = file;
		first = beside;
	} else {
		text = member(&file, &at);
		first = member(&file, &at);
	}
	if (minisign_sig_parse(&sig, first.data, first.len, &err) < 0)
		return fail();
	cleanup_free char *comment = keyring_counter_comment(sig.trusted, first.data, first.len);
	tb_sign(&key, text.data, text.len, comment, &out);
	minisign_id_hex(key.pub.id, hex);
	cleanup_free char *suffix = xasprintf(".%s.minisig", hex);
	return write_beside(path, suffix, &out);
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (strcmp(verb, "key") == 0 && argc == 3)
		return print_key(argv[2]);
	if (strcmp(verb, "bundle") == 0 && argc >= 4)
		return make_bundle(argv[2], argv[3], argv + 4, (size_t)argc - 4);
	if (strcmp(verb, "volumes") == 0 && argc == 5)
		return cut(argv[2], strtoul(argv[3], NULL, 10), argv[4]);
	if (strcmp(verb, "countersign") == 0 && argc == 4)
		return countersign(argv[2], argv[3]);
	fputs("usage: testbundle key|bundle|volumes|countersign ...\n", stderr);
	return 2;
}
