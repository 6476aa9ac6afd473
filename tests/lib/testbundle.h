#ifndef TESTBUNDLE_H
#define TESTBUNDLE_H

/*
 * Small bundles for the tests, made with verify's own encoders and keys of fixed seeds, so that each is the same bytes
 * every time. Nothing here refuses anything: bad bundles are made by it too. cmocka's header comes before this one.
 */

#include "buf.h"
#include "bundle.h"
#include "fs.h"
#include "hash.h"
#include "keyring.h"
#include "manifest.h"
#include "mem.h"
#include "minisign.h"
#include "ustar.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define TB_USE __attribute__((unused)) static

#define TB_LAB "demo"
#define TB_VERSION "1.0"
#define TB_PLATFORM "linux/amd64"
#define TB_ROOT "demo-1.0-linux-amd64"
#define TB_COMMENT "labgen bundle 1 lab=demo version=1.0 platform=linux/amd64"

struct tb_key {
	struct minisign_key pub;
	unsigned char secret[crypto_sign_SECRETKEYBYTES];
};

struct tb_member {
	const char *path;
	const char *data;	/* NULL: that many bytes of tb_byte() */
	size_t size;
};

/* Nobody is confused by zeros: content that tells where it is from. */
static inline char tb_byte(size_t i)
{
	return (char)((i * 131 + (i >> 8) * 17 + 7) & 255);
}

TB_USE void tb_key(struct tb_key *key, unsigned char seed)
{
	unsigned char bytes[crypto_sign_SEEDBYTES];

	if (sodium_init() < 0)
		abort();
	memset(bytes, seed, sizeof(bytes));
	(void)crypto_sign_seed_keypair(key->pub.key, key->secret, bytes);
	hash_bytes(key->pub.key, sizeof(key->pub.key), bytes);
	memcpy(key->pub.id, bytes, MINISIGN_ID);
}

/* The 56 characters that minisign prints. */
TB_USE void tb_key_text(const struct tb_key *key, char text[57])
{
	unsigned char raw[42] = { 'E', 'd' };

	memcpy(raw + 2, key->pub.id, MINISIGN_ID);
	memcpy(raw + 2 + MINISIGN_ID, key->pub.key, MINISIGN_PUBLIC);
	sodium_bin2base64(text, 57, raw, sizeof(raw), sodium_base64_VARIANT_ORIGINAL);
}

TB_USE void tb_sign_sig(const struct tb_key *key, const void *text, size_t len, const char *untrusted,
	const char *trusted, struct minisign_sig *sig)
{
	unsigned char hash[MINISIGN_HASH], global[MINISIGN_SIG + MINISIGN_COMMENT_MAX];
	size_t comment = strlen(trusted);

	*sig = (struct minisign_sig){ 0 };
	memcpy(sig->id, key->pub.id, MINISIGN_ID);
	memcpy(sig->untrusted, untrusted, strlen(untrusted));
	memcpy(sig->trusted, trusted, comment);
	crypto_generichash(hash, sizeof(hash), text, len, NULL, 0);
	crypto_sign_detached(sig->sig, NULL, hash, sizeof(hash), key->secret);
	memcpy(global, sig->sig, MINISIGN_SIG);
	memcpy(global + MINISIGN_SIG, trusted, comment);
	crypto_sign_detached(sig->global, NULL, global, MINISIGN_SIG + comment, key->secret);
}

TB_USE void tb_sign(const struct tb_key *key, const void *text, size_t len, const char *trusted, struct buf *out)
{
	struct minisign_sig sig;

	tb_sign_sig(key, text, len, FORMAT_UNTRUSTED_COMMENT, trusted, &sig);
	minisign_sig_text(&sig, out);
}

/* The bytes of a member's content, to be freed. */
TB_USE char *tb_content(const struct tb_member *m)
{
	char *data = xmalloc(m->size);

	if (m->data && m->size)
		memcpy(data, m->data, m->size);
	for (size_t i = 0; !m->data && i < m->size; i++)
		data[i] = tb_byte(i);
	return data;
}

TB_USE void tb_manifest(const struct tb_member *members, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		struct manifest_entry e = { .path = members[i].path };
		cleanup_free char *data = tb_content(&members[i]);
		hash_bytes(data, members[i].size, e.digest);
		manifest_line(&e, out);
	}
}

TB_USE void tb_zeros(struct buf *out, size_t n)
{
	memset(buf_reserve(out, n), 0, n);
	out->len += n;
	out->data[out->len] = '\0';
}

/* Header, content and padding of one member, whatever its name. */
TB_USE void tb_put(struct buf *out, const char *path, const void *data, size_t len)
{
	unsigned char block[FORMAT_BLOCK];
	struct err err;
	cleanup_free char *full = xasprintf("%s/%s", TB_ROOT, path);
	const struct ustar_entry e = { .path = full, .type = '0', .mode = format_mode(path), .size = len };

	if (ustar_encode(block, &e, &err) < 0) {
		fprintf(stderr, "tb_put: %s\n", err.msg);
		abort();
	}
	buf_add(out, block, sizeof(block));
	buf_add(out, data, len);
	tb_zeros(out, ustar_padding(len));
}

/* An archive of these two texts and these members, without the end. */
TB_USE void tb_archive_open(struct buf *out, const struct buf *manifest, const struct buf *sig,
	const struct tb_member *members, size_t n)
{
	tb_put(out, FORMAT_MANIFEST, manifest->data, manifest->len);
	tb_put(out, FORMAT_SIGNATURE, sig->data, sig->len);
	for (size_t i = 0; i < n; i++) {
		cleanup_free char *data = tb_content(&members[i]);
		tb_put(out, members[i].path, data, members[i].size);
	}
}

TB_USE void tb_archive(struct buf *out, const struct buf *manifest, const struct buf *sig,
	const struct tb_member *members, size_t n)
{
	tb_archive_open(out, manifest, sig, members, n);
	tb_zeros(out, (size_t)2 * FORMAT_BLOCK);
}

/* A whole bundle of the members, as they come. */
TB_USE void tb_bundle(struct buf *out, const struct tb_key *key, const struct tb_member *members, size_t n)
{
	cleanup_buf struct buf manifest = BUF_INIT, sig = BUF_INIT;

	tb_manifest(members, n, &manifest);
	tb_sign(key, manifest.data, manifest.len, TB_COMMENT, &sig);
	tb_archive(out, &manifest, &sig, members, n);
}

/* The small real bundle of most tests: sizes about a block, an empty one, an executable, folders, sorted. */
static const struct tb_member tb_small[] = {
	{ "README.html", "<p>A lab.</p>\n", 14 },
	{ "bin/tool", NULL, 700 },
	{ "empty", "", 0 },
	{ "images/blobs/sha256/ab", NULL, 1500 },
	{ "lab", "#!/bin/sh\nexit 0\n", 17 },
	{ "lab.env", "LAB=demo\n", 9 },
	{ "size/511", NULL, 511 },
	{ "size/512", NULL, 512 },
	{ "size/513", NULL, 513 },
};
#define TB_SMALL (sizeof(tb_small) / sizeof(*tb_small))

TB_USE void tb_trust(struct keyring *ring, const struct tb_key *key)
{
	ring->keys[ring->n++] = (struct keyring_key){ .key = key->pub };
}

/* Opens data as an anonymous regular file; *path names it as long as the descriptor is open. */
TB_USE int tb_memfd(const void *data, size_t len, char path[32])
{
	struct err err;
	int fd = memfd_create("bundle", MFD_CLOEXEC);

	if (fd < 0 || fs_write(fd, data, len, &err) < 0)
		abort();
	(void)snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

/* Reads the bundle that path names by the keys: 0, or the code that it was refused with. */
TB_USE int tb_read_path(const char *path, struct keyring *ring, struct bundle *b, struct err *err)
{
	cleanup_input struct input in = { 0 };

	*err = (struct err){ 0 };
	if (input_open(&in, path, err) < 0 || bundle_read(b, &in, ring, NULL, 1, err) < 0)
		return (int)err->code;
	return 0;
}

/* Checks a bundle in memory, as a file, by one key. */
TB_USE int tb_check(const struct buf *tar, const struct tb_key *key, struct err *err)
{
	struct keyring ring = { 0 };
	struct bundle b = { 0 };
	char path[32];
	cleanup_close int fd = tb_memfd(tar->data, tar->len, path);

	tb_trust(&ring, key);
	int code = tb_read_path(path, &ring, &b, err);
	if (code == 0)
		bundle_release(&b);
	return code;
}

/* Checks a bundle in memory that fits into a pipe (64 KiB), as a stream. */
TB_USE int tb_check_pipe(const struct buf *tar, const struct tb_key *key, struct err *err)
{
	struct keyring ring = { 0 };
	struct bundle b = { 0 };
	char path[32];
	int ends[2];

	if (pipe(ends) < 0 || fcntl(ends[1], F_SETPIPE_SZ, 1 << 20) < 0 || fs_write(ends[1], tar->data, tar->len, err) < 0)
		abort();
	(void)close(ends[1]);
	cleanup_close int fd = ends[0];
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	tb_trust(&ring, key);
	int code = tb_read_path(path, &ring, &b, err);
	if (code == 0)
		bundle_release(&b);
	return code;
}

/* Sets a header's checksum to what its other bytes make it. */
TB_USE void tb_checksum(unsigned char *block)
{
	unsigned sum = 0;

	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < FORMAT_BLOCK; i++)
		sum += block[i];
	(void)snprintf((char *)block + 148, 8, "%06o", sum);
	block[155] = ' ';
}

/* A scratch folder, removed with all it holds by tb_rmdir(). */
struct tb_dir {
	char path[40];
};

/* In memory where there is room for that: hundreds of extractions, each with its fsync, take a disk a minute. */
TB_USE void tb_mkdir(struct tb_dir *d)
{
	const char *where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	(void)snprintf(d->path, sizeof(d->path), "%s/testbundle.XXXXXX", where);
	if (!mkdtemp(d->path))
		abort();
}

TB_USE void tb_rmdir(struct tb_dir *d)
{
	struct err err;

	if (d->path[0] && fs_remove(AT_FDCWD, d->path, &err) < 0)
		fprintf(stderr, "%s\n", err.msg);
}
#define cleanup_tb_dir __attribute__((cleanup(tb_rmdir)))

/* DIR/NAME, to be freed. */
TB_USE char *tb_in(const struct tb_dir *d, const char *name)
{
	return xasprintf("%s/%s", d->path, name);
}

TB_USE char *tb_write(const struct tb_dir *d, const char *name, const void *data, size_t len)
{
	struct err err;
	char *path = tb_in(d, name);

	if (fs_replace(path, data, len, 0644, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		abort();
	}
	return path;
}

#endif
