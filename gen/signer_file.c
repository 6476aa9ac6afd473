#include "signer_file.h"

#include "fs.h"
#include "mem.h"
#include "newfile.h"
#include "password.h"
#include "signer.h"

#include <fcntl.h>
#include <string.h>

#define FILE_MAX 2048		/* bytes of a secret key file */
#define OPS_MAX (1ull << 27)	/* scrypt: what a file may ask for; minisign asks for a quarter of this */
#define MEM_MAX (2ull << 30)	/* bytes; minisign asks for half of this */

/* A secret key file's second line, decoded. */
struct keybytes {
	unsigned char sig_alg[2];	/* "Ed" */
	unsigned char kdf_alg[2];	/* "Sc", or zero: not encrypted */
	unsigned char chk_alg[2];	/* "B2" */
	unsigned char salt[crypto_pwhash_scryptsalsa208sha256_SALTBYTES];
	unsigned char ops[8];		/* little-endian */
	unsigned char mem[8];
	struct secret {			/* encrypted: xored with scrypt's stream */
		unsigned char id[MINISIGN_ID];
		unsigned char key[crypto_sign_SECRETKEYBYTES];
		unsigned char chk[crypto_generichash_BYTES]; /* BLAKE2b of sig_alg, id, key; zero where not encrypted */
	} secret;
};

_Static_assert(sizeof(struct keybytes) == 158, "the bytes of minisign's secret key");

static const char comment[] = "untrusted comment: ";

static uint64_t load64(const unsigned char b[8])
{
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | b[i];
	return v;
}

static void store64(unsigned char b[8], uint64_t v)
{
	for (int i = 0; i < 8; i++)
		b[i] = (unsigned char)(v >> (8 * i));
}

static void *guarded(size_t size, struct err *err)
{
	void *p = sodium_init() < 0 ? NULL : sodium_malloc(size);

	if (!p)
		(void)err_set(err, ERR_WORK, "no guarded memory for a secret key");
	else
		sodium_memzero(p, size);
	return p;
}

static void sodium_freep(void *p)
{
	sodium_free(*(void **)p);
}
#define cleanup_guarded __attribute__((cleanup(sodium_freep)))

static void checksum(const struct keybytes *k, unsigned char chk[crypto_generichash_BYTES])
{
	crypto_generichash_state state;

	(void)crypto_generichash_init(&state, NULL, 0, crypto_generichash_BYTES);
	(void)crypto_generichash_update(&state, k->sig_alg, sizeof(k->sig_alg));
	(void)crypto_generichash_update(&state, k->secret.id, sizeof(k->secret.id));
	(void)crypto_generichash_update(&state, k->secret.key, sizeof(k->secret.key));
	(void)crypto_generichash_final(&state, chk, crypto_generichash_BYTES);
	sodium_memzero(&state, sizeof(state));
}

/* Encrypts or decrypts: the same. ERR_WORK where scrypt finds no memory. */
static int crypt_secret(struct keybytes *k, const char *password, struct err *err)
{
	cleanup_guarded unsigned char *stream = guarded(sizeof(k->secret), err);

	if (!stream)
		return -1;
	if (crypto_pwhash_scryptsalsa208sha256(stream, sizeof(k->secret), password, strlen(password), k->salt,
			load64(k->ops), (size_t)load64(k->mem)) != 0)
		return err_set(err, ERR_WORK, "its password needs %llu MiB of memory, which this machine does not give",
			(unsigned long long)(load64(k->mem) >> 20));
	unsigned char *secret = (unsigned char *)&k->secret;
	for (size_t i = 0; i < sizeof(k->secret); i++)
		secret[i] ^= stream[i];
	return 0;
}

/* The second line of the file's text, decoded. */
static int decode(struct keybytes *k, const char *text, struct err *err)
{
	size_t got = 0;

	if (strncmp(text, comment, strlen(comment)) != 0)
		return err_set(err, ERR_USAGE, "not a minisign secret key: it must begin with \"%s\"", comment);
	const char *line = text + strcspn(text, "\n");
	line += *line == '\n';
	size_t len = strcspn(line, "\r\n");
	if (line[len + strspn(line + len, "\r\n")])
		return err_set(err, ERR_USAGE, "not a minisign secret key: it has more than two lines");
	if (sodium_base642bin((unsigned char *)k, sizeof(*k), line, len, NULL, &got, NULL,
			sodium_base64_VARIANT_ORIGINAL) != 0 || got != sizeof(*k)) {
		return err_set(err, ERR_USAGE, "not a minisign secret key%s",
			got == 2 + MINISIGN_ID + MINISIGN_PUBLIC ? ", but a public one: --key takes the file NAME.key" : "");
	}
	if (memcmp(k->sig_alg, "Ed", 2) != 0 || memcmp(k->chk_alg, "B2", 2) != 0)
		return err_set(err, ERR_USAGE, "a secret key of an unknown kind; make one with labgen key new or minisign -G");
	return 0;
}

static int decrypt(struct keybytes *k, const char *file, const char *password_file, struct err *err)
{
	unsigned char chk[crypto_generichash_BYTES];
	cleanup_password char *password = NULL;
	cleanup_free char *prompt = xasprintf("Password of %s: ", file);

	if (load64(k->ops) > OPS_MAX || load64(k->mem) > MEM_MAX)
		return err_set(err, ERR_USAGE, "its password is to be stretched beyond every measure; is the file damaged?");
	if (password_get(&password, password_file, prompt, 0, err) || crypt_secret(k, password, err))
		return -1;
	checksum(k, chk);
	if (sodium_memcmp(chk, k->secret.chk, sizeof(chk)) != 0)
		return err_set(err, ERR_USAGE, "the password is wrong");
	return 0;
}

/* The public half in the file must be the seed's: this finds a damaged key before it signs what nobody can check. */
static int consistent(const struct keybytes *k, struct err *err)
{
	unsigned char public[crypto_sign_PUBLICKEYBYTES];
	cleanup_guarded unsigned char *again = guarded(crypto_sign_SECRETKEYBYTES, err);

	if (!again)
		return -1;
	(void)crypto_sign_seed_keypair(public, again, k->secret.key);
	if (sodium_memcmp(again, k->secret.key, crypto_sign_SECRETKEYBYTES) != 0)
		return err_set(err, ERR_USAGE, "the secret key is damaged");
	return 0;
}

static int load_text(struct signer **out, const char *text, const char *file, const char *password_file, struct err *err)
{
	cleanup_guarded struct keybytes *k = guarded(sizeof(*k), err);
	static const unsigned char plain[2] = { 0, 0 };

	if (!k || decode(k, text, err))
		return -1;
	if (memcmp(k->kdf_alg, "Sc", 2) == 0) {
		if (decrypt(k, file, password_file, err))
			return -1;
	} else if (memcmp(k->kdf_alg, plain, 2) != 0) {
		return err_set(err, ERR_USAGE, "a secret key encrypted in an unknown way");
	}
	if (consistent(k, err))
		return -1;
	struct signer *s = signer_alloc(err);
	if (!s)
		return -1;
	memcpy(s->id, k->secret.id, sizeof(s->id));
	memcpy(s->key, k->secret.key, sizeof(s->key));
	*out = s;
	return 0;
}

int signer_load(struct signer **out, const char *file, const char *password_file, struct err *err)
{
	cleanup_guarded char *text = guarded(FILE_MAX + 1, err);
	cleanup_close int fd = -1;
	size_t got;

	if (!text)
		return -1;
	if ((fd = open(file, O_RDONLY | O_CLOEXEC)) < 0)
		return err_errno(err, "%s: cannot read the secret key", file);
	if (fs_read(fd, text, FILE_MAX + 1, &got, err))
		return err_wrap(err, "%s", file);
	if (got > FILE_MAX || memchr(text, '\0', got))
		return err_set(err, ERR_USAGE, "%s: not a minisign secret key", file);
	return load_text(out, text, file, password_file, err) ? err_wrap(err, "%s", file) : 0;
}

/* As minisign does: with much memory where the machine has it, else with half as much, and so on. */
static int encrypt(struct keybytes *k, const char *password, struct err *err)
{
	unsigned long long ops = crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE;
	unsigned long long mem = crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE;

	memcpy(k->kdf_alg, "Sc", 2);
	randombytes_buf(k->salt, sizeof(k->salt));
	checksum(k, k->secret.chk);
	for (;; ops /= 2, mem /= 2) {
		store64(k->ops, ops);
		store64(k->mem, mem);
		if (crypt_secret(k, password, err) == 0)
			return 0;
		if (mem / 2 < crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_INTERACTIVE)
			return -1;
	}
}

static int write_key(struct newfile *f, const struct signer *s, const char *password, struct err *err)
{
	enum { LINE = sodium_base64_ENCODED_LEN(sizeof(struct keybytes), sodium_base64_VARIANT_ORIGINAL) };
	const char *head = password ? "untrusted comment: minisign encrypted secret key\n" :
				      "untrusted comment: minisign secret key, not encrypted\n";
	cleanup_guarded struct keybytes *k = guarded(sizeof(*k), err);
	cleanup_guarded char *line = guarded(LINE, err);

	if (!k || !line)
		return -1;
	memcpy(k->sig_alg, "Ed", 2);
	memcpy(k->chk_alg, "B2", 2);
	memcpy(k->secret.id, s->id, sizeof(s->id));
	memcpy(k->secret.key, s->key, sizeof(s->key));
	if (password && encrypt(k, password, err))
		return -1;
	(void)sodium_bin2base64(line, LINE, (const unsigned char *)k, sizeof(*k), sodium_base64_VARIANT_ORIGINAL);
	if (fs_write(f->fd, head, strlen(head), err) || fs_write(f->fd, line, strlen(line), err) ||
		fs_write(f->fd, "\n", 1, err))
		return err_wrap(err, "%s", f->path);
	return 0;
}

static int write_public(struct newfile *f, const struct signer *s, struct err *err)
{
	enum { SIZE = 2 + MINISIGN_ID + MINISIGN_PUBLIC,
		LINE = sodium_base64_ENCODED_LEN(SIZE, sodium_base64_VARIANT_ORIGINAL) };
	unsigned char bytes[SIZE] = { 'E', 'd' };
	char line[LINE], id[MINISIGN_ID_HEX + 1];
	struct minisign_key key;

	signer_public(s, &key);
	memcpy(bytes + 2, key.id, sizeof(key.id));
	memcpy(bytes + 2 + sizeof(key.id), key.key, sizeof(key.key));
	(void)sodium_bin2base64(line, sizeof(line), bytes, sizeof(bytes), sodium_base64_VARIANT_ORIGINAL);
	minisign_id_hex(key.id, id);
	cleanup_free char *text = xasprintf("untrusted comment: minisign public key %s\n%s\n", id, line);
	return fs_write(f->fd, text, strlen(text), err) ? err_wrap(err, "%s", f->path) : 0;
}

int signer_save(const struct signer *s, const char *name, const char *password, struct err *err)
{
	cleanup_free char *key_path = xasprintf("%s.key", name);
	cleanup_free char *pub_path = xasprintf("%s.pub", name);
	cleanup_newfile struct newfile key = NEWFILE_INIT;
	cleanup_newfile struct newfile pub = NEWFILE_INIT;

	if (newfile_open(&key, key_path, 0600, err) || newfile_open(&pub, pub_path, 0644, err) ||
		write_key(&key, s, password, err) || write_public(&pub, s, err) || newfile_commit(&key, err))
		return -1;
	if (newfile_commit(&pub, err)) {
		(void)unlink(key_path);
		return -1;
	}
	return 0;
}
