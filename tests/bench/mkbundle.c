/*
 * Makes a bundle for measuring: mkbundle OUT.tar OUT.pub MEMBERS BYTES [sparse]
 * MEMBERS files in folders of 100, of BYTES each (a tenth more or less, by number), of bytes that look random; sparse: of
 * zeros that take no disk. Signed with a key that everyone knows. The same call makes the same bytes.
 */
#include "testbundle.h"

#define CHUNK (1u << 20)

struct make {
	int fd;
	size_t n;
	uint64_t bytes;
	int sparse;
	struct manifest_entry *entries;
	unsigned char *buf;
};

static void must(int status, const struct err *err)
{
	if (status == 0)
		return;
	fprintf(stderr, "mkbundle: %s\n", err->msg);
	exit(1);
}

static uint64_t size_of(const struct make *m, size_t i)
{
	return m->sparse ? m->bytes : m->bytes - m->bytes / 10 + m->bytes / 5 * (i % 21) / 20;
}

/* xorshift64: fast, and nothing that a file system could make smaller. */
static void fill(unsigned char *buf, size_t len, uint64_t *state)
{
	for (size_t i = 0; i < len; i += sizeof(*state)) {
		*state ^= *state << 13;
		*state ^= *state >> 7;
		*state ^= *state << 17;
		memcpy(buf + i, state, sizeof(*state));
	}
}

/* Hashes member i's content, and writes it where write is set. */
static void content(struct make *m, size_t i, int write, unsigned char digest[FORMAT_DIGEST])
{
	cleanup_hash struct hash *h = hash_new();
	uint64_t state = i * 0x9e3779b97f4a7c15u + 1, left = size_of(m, i);
	struct err err;

	while (left > 0) {
		size_t len = left < CHUNK ? (size_t)left : CHUNK;
		if (!m->sparse)
			fill(m->buf, len, &state);
		if (write)
			must(fs_write(m->fd, m->buf, len, &err), &err);
		hash_update(h, m->buf, len);
		left -= len;
	}
	hash_final(h, digest);
}

static void put_content(struct make *m, size_t i)
{
	unsigned char digest[FORMAT_DIGEST];
	uint64_t size = size_of(m, i);

	if (!m->sparse)
		content(m, i, 1, digest);
	if (lseek(m->fd, (off_t)(m->sparse ? size + ustar_padding(size) : ustar_padding(size)), SEEK_CUR) < 0)
		exit(1);
}

static void put_header(struct make *m, const char *path, uint64_t size)
{
	unsigned char block[FORMAT_BLOCK];
	struct err err;

	must(ustar_member(block, TB_ROOT, path, size, &err), &err);
	must(fs_write(m->fd, block, sizeof(block), &err), &err);
}

static void put_text(struct make *m, const char *path, const struct buf *text)
{
	struct err err;

	put_header(m, path, text->len);
	must(fs_write(m->fd, text->data, text->len, &err), &err);
	if (lseek(m->fd, ustar_padding(text->len), SEEK_CUR) < 0)
		exit(1);
}

static void put_bundle(struct make *m, const struct tb_key *key)
{
	cleanup_buf struct buf manifest = BUF_INIT, sig = BUF_INIT;

	for (size_t i = 0; i < m->n; i++) {
		m->entries[i].path = xasprintf("data/%04zu/member-%06zu.bin", i / 100, i);
		if (m->sparse && i > 0)
			memcpy(m->entries[i].digest, m->entries[0].digest, FORMAT_DIGEST);
		else
			content(m, i, 0, m->entries[i].digest);
		manifest_line(&m->entries[i], &manifest);
	}
	tb_sign(key, manifest.data, manifest.len, TB_COMMENT, &sig);
	put_text(m, FORMAT_MANIFEST, &manifest);
	put_text(m, FORMAT_SIGNATURE, &sig);
	for (size_t i = 0; i < m->n; i++) {
		put_header(m, m->entries[i].path, size_of(m, i));
		put_content(m, i);
	}
	off_t end = lseek(m->fd, 0, SEEK_CUR);
	if (end < 0 || ftruncate(m->fd, end + 2 * FORMAT_BLOCK) < 0 || close(m->fd) < 0) {
		perror("mkbundle");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	struct tb_key key;
	struct err err;
	char line[57];

	if (argc < 5) {
		fputs("usage: mkbundle OUT.tar OUT.pub MEMBERS BYTES [sparse]\n", stderr);
		return 2;
	}
	struct make m = { .n = strtoul(argv[3], NULL, 10), .bytes = strtoull(argv[4], NULL, 10), .sparse = argc > 5 };
	m.fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (m.fd < 0) {
		perror(argv[1]);
		return 1;
	}
	m.entries = xcalloc(m.n, sizeof(*m.entries));
	m.buf = xcalloc(1, CHUNK);
	tb_key(&key, 1);
	put_bundle(&m, &key);
	tb_key_text(&key, line);
	cleanup_free char *pub = xasprintf("untrusted comment: minisign public key\n%s\n", line);
	must(fs_replace(argv[2], pub, strlen(pub), 0644, &err), &err);
	return 0;
}
