/*
 * Writes the seed corpora anew, with verify's own encoders: seeds FOLDER. They are committed; this is how they were made.
 */
#include "testbundle.h"
#include "volumes.h"

static const char *top;

static void put(const char *target, const char *name, const void *data, size_t len)
{
	struct err err;
	cleanup_free char *dir = xasprintf("%s/%s", top, target);
	cleanup_free char *path = xasprintf("%s/%s", dir, name);

	if (fs_mkdirs(dir, &err) < 0 || fs_replace(path, data, len, 0644, &err) < 0) {
		fprintf(stderr, "seeds: %s\n", err.msg);
		exit(1);
	}
}

static void manifests(void)
{
	cleanup_buf struct buf text = BUF_INIT;

	tb_manifest(tb_small, TB_SMALL, &text);
	put("manifest", "small", text.data, text.len);
	put("manifest", "one", text.data, (size_t)((char *)memchr(text.data, '\n', text.len) + 1 - text.data));
	put("manifest", "cut", text.data, text.len - 1);
	const struct tb_member close_names[] = { { "a", "", 0 }, { "a-b", "", 0 }, { "a.b", "", 0 }, { "b/c/d", "", 0 } };
	text.len = 0;
	tb_manifest(close_names, 4, &text);
	put("manifest", "close-names", text.data, text.len);
}

static void headers(void)
{
	unsigned char block[FORMAT_BLOCK];
	char split[5 + 180];
	struct err err;

	(void)ustar_member(block, TB_ROOT, "bin/tool", 700, &err);
	put("header", "tool", block, sizeof(block));
	(void)ustar_member(block, TB_ROOT, "large", FORMAT_SIZE_MAX, &err);
	put("header", "largest", block, sizeof(block));
	put("header", "path", "\0\0\0\2\1root/bin/tool", 18);
	memset(split, 'n', sizeof(split));
	memset(split, 1, 5);
	split[5 + 90] = '/';
	put("header", "split", split, sizeof(split));
}

static void signatures(const struct tb_key *key)
{
	cleanup_buf struct buf text = BUF_INIT;
	char line[57];

	tb_sign(key, "what was signed\n", 16, TB_COMMENT, &text);
	put("signature", "good", text.data, text.len);
	text.len = 0;
	tb_sign(key, "something else\n", 15, TB_COMMENT, &text);
	put("signature", "of-another", text.data, text.len);
	tb_key_text(key, line);
	put("signature", "key-string", line, 56);
	cleanup_free char *file = xasprintf("untrusted comment: minisign public key 0\n%s\n", line);
	put("signature", "key-file", file, strlen(file));
}

static void volume_lists(void)
{
	cleanup_buf struct buf text = BUF_INIT;
	struct volume list[3] = { { .name = "demo.tar.001" }, { .name = "demo.tar.002" }, { .name = "demo.tar.003" } };
	struct volumes v = { .list = list };
	struct err err;

	for (v.n = 1; v.n <= 3; v.n += 2) {
		text.len = 0;
		(void)volumes_head(v.head, TB_LAB, TB_VERSION, TB_PLATFORM, (v.n << 20) - 5, 1 << 20, &err);
		volumes_text(&v, &text);
		put("volumes", v.n == 1 ? "one" : "three", text.data, text.len);
	}
}

static void bundles(const struct tb_key *key)
{
	/* flags, members, sorted, comment; name and size of each; edits of the manifest; edits of the bundle */
	static const unsigned char good[] = { 0x1e, 3, 1, 0, 0, 2, 188, 1, 0, 0, 2, 1, 255, 0, 0 };
	static const unsigned char flipped[] = { 0x0c, 2, 1, 0, 0, 2, 188, 1, 1, 1, 0, 1, 0, 1, 9, 255 };
	static const unsigned char unsorted[] = { 0x02, 2, 0, 0, 2, 0, 9, 0, 0, 9, 0, 0 };
	static const unsigned char hostile[] = { 0x10, 2, 1, 0, 0xc1, 0, 9, 0xe0, 'x', '/', 'y', 0, 0, 9, 0, 0 };
	static const unsigned char resigned[] = { 0x00, 2, 1, 1, 0, 0, 9, 1, 0, 9, 1, 1, 'A', 0, 70, 0 };
	cleanup_buf struct buf tar = BUF_INIT;
	static const struct tb_member two[] = { { "lab", "#!/bin/sh\n", 10 }, { "lab.env", "LAB=demo\n", 9 } };

	put("bundle", "good", good, sizeof(good));
	put("bundle", "flipped", flipped, sizeof(flipped));
	put("bundle", "unsorted", unsorted, sizeof(unsorted));
	put("bundle", "hostile", hostile, sizeof(hostile));
	put("bundle", "resigned", resigned, sizeof(resigned));
	buf_addc(&tar, 1 | 4 | 8 | 16);
	tb_bundle(&tar, key, two, 2);
	put("bundle", "raw", tar.data, tar.len);
}

int main(int argc, char **argv)
{
	struct tb_key key;

	if (argc != 2) {
		fputs("seeds: one argument: the folder to write the seed corpora into\n", stderr);
		return 2;
	}
	top = argv[1];
	tb_key(&key, 1);
	manifests();
	headers();
	signatures(&key);
	volume_lists();
	bundles(&key);
	return 0;
}
