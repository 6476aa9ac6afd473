#include "minisign.h"

#include "fs.h"
#include "mem.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>

#define KEY_BYTES (2 + MINISIGN_ID + MINISIGN_PUBLIC)	/* algorithm, id, key */
#define KEY_BASE64 56
#define SIG_BYTES (2 + MINISIGN_ID + MINISIGN_SIG)	/* algorithm, id, signature */
#define BASE64_MAX 128

static const char untrusted_prefix[] = "untrusted comment: ";
static const char trusted_prefix[] = "trusted comment: ";

/*
 * Decodes base64 that stands for exactly out_len bytes, in its one canonical spelling: decoding alone would let spare
 * bits and odd padding vary.
 */
static int base64_exact(unsigned char *out, size_t out_len, const char *text, size_t len)
{
	char again[BASE64_MAX];
	size_t got;

	if (len + 1 > sizeof(again) || len + 1 != sodium_base64_encoded_len(out_len, sodium_base64_VARIANT_ORIGINAL))
		return -1;
	if (sodium_base642bin(out, out_len, text, len, NULL, &got, NULL, sodium_base64_VARIANT_ORIGINAL) != 0 || got != out_len)
		return -1;
	sodium_bin2base64(again, sizeof(again), out, out_len, sodium_base64_VARIANT_ORIGINAL);
	return memcmp(again, text, len) == 0 ? 0 : -1;
}

/* Takes the line at *text, which must end in "\n"; gives its length without it, or -1. */
static ssize_t line_take(const char **text, size_t *len)
{
	const char *end = memchr(*text, '\n', *len);

	if (!end)
		return -1;
	size_t n = (size_t)(end - *text);
	*text = end + 1;
	*len -= n + 1;
	return (ssize_t)n;
}

static int key_decode(struct minisign_key *key, const char *text, size_t len)
{
	unsigned char raw[KEY_BYTES];

	if (base64_exact(raw, sizeof(raw), text, len) < 0 || raw[0] != 'E' || raw[1] != 'd')
		return -1;
	memcpy(key->id, raw + 2, MINISIGN_ID);
	memcpy(key->key, raw + 2 + MINISIGN_ID, MINISIGN_PUBLIC);
	return 0;
}

int minisign_key_parse(struct minisign_key *key, const char *text, size_t len, struct err *err)
{
	const char *prefix = "untrusted comment:";

	if (len >= strlen(prefix) && memcmp(text, prefix, strlen(prefix)) == 0) {
		const char *end = memchr(text, '\n', len);
		if (!end)
			return err_set(err, ERR_USAGE, "not a minisign public key: only a comment");
		len -= (size_t)(end + 1 - text);
		text = end + 1;
	}
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	if (len != KEY_BASE64 || key_decode(key, text, len) < 0)
		return err_set(err, ERR_USAGE, "not a minisign public key");
	return 0;
}

int minisign_key_load(struct minisign_key *key, const char *arg, struct err *err)
{
	cleanup_buf struct buf text = BUF_INIT;

	if (strlen(arg) == KEY_BASE64 && key_decode(key, arg, KEY_BASE64) == 0)
		return 0;
	if (fs_slurp(AT_FDCWD, arg, MINISIGN_KEY_MAX, &text, err) < 0) {
		err->code = ERR_USAGE;
		return err_wrap(err, "public key");
	}
	if (minisign_key_parse(key, text.data, text.len, err) < 0)
		return err_wrap(err, "%s", arg);
	return 0;
}

void minisign_id_hex(const unsigned char id[MINISIGN_ID], char hex[MINISIGN_ID_HEX + 1])
{
	/* minisign prints the id as a little-endian number. */
	for (size_t i = 0; i < MINISIGN_ID; i++)
		(void)snprintf(hex + 2 * i, 3, "%02X", (unsigned)id[MINISIGN_ID - 1 - i]);
}

static int comment_take(char out[MINISIGN_COMMENT_MAX + 1], const char *prefix, const char **text, size_t *len,
	struct err *err)
{
	const char *line = *text;
	ssize_t n = line_take(text, len);
	size_t skip = strlen(prefix);

	if (n < (ssize_t)skip || memcmp(line, prefix, skip) != 0)
		return err_set(err, ERR_AUTH, "no line \"%s...\"", prefix);
	size_t rest = (size_t)n - skip;
	if (rest > MINISIGN_COMMENT_MAX)
		return err_set(err, ERR_AUTH, "comment over %d bytes", MINISIGN_COMMENT_MAX);
	for (size_t i = 0; i < rest; i++)
		if ((line[skip + i] < 0x20 && line[skip + i] != '\t') || line[skip + i] > 0x7e)
			return err_set(err, ERR_AUTH, "comment with a byte that is neither printable ASCII nor a tab");
	memcpy(out, line + skip, rest);
	out[rest] = '\0';
	return 0;
}

static int base64_take(unsigned char *out, size_t out_len, const char **text, size_t *len)
{
	const char *line = *text;
	ssize_t n = line_take(text, len);

	return n < 0 ? -1 : base64_exact(out, out_len, line, (size_t)n);
}

int minisign_sig_parse(struct minisign_sig *sig, const char *text, size_t len, struct err *err)
{
	unsigned char raw[SIG_BYTES];

	if (comment_take(sig->untrusted, untrusted_prefix, &text, &len, err) < 0)
		return -1;
	if (base64_take(raw, sizeof(raw), &text, &len) < 0)
		return err_set(err, ERR_AUTH, "second line is not a minisign signature");
	if (raw[0] != 'E' || raw[1] != 'D')
		return err_set(err, ERR_AUTH, "not a prehashed Ed25519 signature");
	if (comment_take(sig->trusted, trusted_prefix, &text, &len, err) < 0)
		return -1;
	if (base64_take(sig->global, sizeof(sig->global), &text, &len) < 0)
		return err_set(err, ERR_AUTH, "fourth line is not a signature");
	if (len != 0)
		return err_set(err, ERR_AUTH, "bytes behind the signature");
	memcpy(sig->id, raw + 2, MINISIGN_ID);
	memcpy(sig->sig, raw + 2 + MINISIGN_ID, MINISIGN_SIG);
	return 0;
}

static void add_base64(struct buf *out, const unsigned char *bin, size_t len)
{
	char text[BASE64_MAX];

	sodium_bin2base64(text, sizeof(text), bin, len, sodium_base64_VARIANT_ORIGINAL);
	buf_adds(out, text);
	buf_addc(out, '\n');
}

void minisign_sig_text(const struct minisign_sig *sig, struct buf *out)
{
	unsigned char raw[SIG_BYTES] = { 'E', 'D' };

	memcpy(raw + 2, sig->id, MINISIGN_ID);
	memcpy(raw + 2 + MINISIGN_ID, sig->sig, MINISIGN_SIG);
	buf_addf(out, "%s%s\n", untrusted_prefix, sig->untrusted);
	add_base64(out, raw, sizeof(raw));
	buf_addf(out, "%s%s\n", trusted_prefix, sig->trusted);
	add_base64(out, sig->global, sizeof(sig->global));
}

int minisign_check_hash(const struct minisign_sig *sig, const struct minisign_key *key,
	const unsigned char hash[MINISIGN_HASH], struct err *err)
{
	unsigned char global[MINISIGN_SIG + MINISIGN_COMMENT_MAX];
	size_t comment = strlen(sig->trusted);

	if (memcmp(sig->id, key->id, MINISIGN_ID) != 0) {
		char has[MINISIGN_ID_HEX + 1], want[MINISIGN_ID_HEX + 1];
		minisign_id_hex(sig->id, has);
		minisign_id_hex(key->id, want);
		return err_set(err, ERR_AUTH, "signed with key %s, not with %s", has, want);
	}
	if (crypto_sign_verify_detached(sig->sig, hash, MINISIGN_HASH, key->key) != 0)
		return err_set(err, ERR_AUTH, "signature does not match");
	memcpy(global, sig->sig, MINISIGN_SIG);
	memcpy(global + MINISIGN_SIG, sig->trusted, comment);
	if (crypto_sign_verify_detached(sig->global, global, MINISIGN_SIG + comment, key->key) != 0)
		return err_set(err, ERR_AUTH, "signature of the trusted comment does not match");
	return 0;
}

int minisign_check(const struct minisign_sig *sig, const struct minisign_key *key, const void *msg, size_t len,
	struct err *err)
{
	unsigned char hash[MINISIGN_HASH];

	crypto_generichash(hash, sizeof(hash), msg, len, NULL, 0);
	return minisign_check_hash(sig, key, hash, err);
}
