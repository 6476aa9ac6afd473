#include "keyring.h"

#include "format.h"
#include "fs.h"
#include "hash.h"
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

int keyring_add(struct keyring *ring, const char *arg, struct err *err)
{
	struct minisign_key key;

	if (minisign_key_load(&key, arg, err) < 0)
		return -1;
	for (size_t i = 0; i < ring->n; i++)
		if (memcmp(&ring->keys[i].key, &key, sizeof(key)) == 0)
			return 0;
	if (ring->n == KEYRING_MAX)
		return err_set(err, ERR_USAGE, "more than %d keys", KEYRING_MAX);
	ring->keys[ring->n++] = (struct keyring_key){ .key = key };
	return 0;
}

char *keyring_counter_comment(const char *trusted, const char *sig_text, size_t sig_len)
{
	unsigned char digest[FORMAT_DIGEST];
	char hex[HASH_HEX + 1];

	hash_bytes(sig_text, sig_len, digest);
	hash_to_hex(digest, hex);
	return xasprintf("%s signature=%s", trusted, hex);
}

char *keyring_counter_path(const struct keyring *ring, size_t i)
{
	char id[MINISIGN_ID_HEX + 1];

	if (!ring->beside)
		return NULL;
	minisign_id_hex(ring->keys[i].key.id, id);
	return xasprintf("%s.%s.minisig", ring->beside, id);
}

/* Looks for key i's countersignature. 1: good; 0: there is none; -1: there is one, and it is not good. */
static int countersigned(const struct keyring *ring, size_t i, const char *text, size_t len, const char *comment,
	struct err *err)
{
	const struct minisign_key *key = &ring->keys[i].key;
	cleanup_buf struct buf file = BUF_INIT;
	struct minisign_sig sig;
	cleanup_free char *path = keyring_counter_path(ring, i);

	if (!path)
		return 0;
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_errno(err, "%s", path);
	if (fs_slurp_fd(fd, path, FORMAT_SIGNATURE_MAX, &file, err) < 0) {
		err->code = err->code == ERR_USAGE ? ERR_AUTH : err->code;
		return -1;
	}
	if (minisign_sig_parse(&sig, file.data, file.len, err) < 0 || minisign_check(&sig, key, text, len, err) < 0)
		return err_wrap(err, "%s", path);
	if (strcmp(sig.untrusted, FORMAT_UNTRUSTED_COMMENT) != 0 || strcmp(sig.trusted, comment) != 0)
		return err_set(err, ERR_AUTH, "%s: countersigns another bundle", path);
	return 1;
}

/*
 * Has each key vouch, by the signature that came along or by a countersignature; counts those that do. A signature that
 * only claims to be by a key is left in *claim: ids are short, and another of the keys can bear the same one.
 */
static int vouch(struct keyring *ring, const char *text, size_t len, const struct minisign_sig *sig,
	const char *comment, size_t *vouched, struct err *claim, struct err *err)
{
	for (size_t i = 0; i < ring->n; i++) {
		struct keyring_key *k = &ring->keys[i];
		int good = 0;
		if (memcmp(sig->id, k->key.id, MINISIGN_ID) == 0)
			good = minisign_check(sig, &k->key, text, len, claim) == 0;
		else
			good = countersigned(ring, i, text, len, comment, err);
		if (good < 0)
			return -1;
		k->vouched = good;
		*vouched += (size_t)good;
	}
	return 0;
}

static int not_vouched(const struct keyring *ring, const struct minisign_sig *sig, struct err *err)
{
	char signer[MINISIGN_ID_HEX + 1], key[MINISIGN_ID_HEX + 1];

	minisign_id_hex(sig->id, signer);
	for (size_t i = 0; i < ring->n; i++) {
		if (ring->keys[i].vouched)
			continue;
		minisign_id_hex(ring->keys[i].key.id, key);
		break;
	}
	return err_set(err, ERR_AUTH, "signed with key %s, not with %s%s", signer, key,
		ring->n > 1 && !ring->all ? " or another of those given" : "");
}

int keyring_check(struct keyring *ring, const char *text, size_t len, const char *sig_text, size_t sig_len,
	struct minisign_sig *sig, struct err *err)
{
	struct err claim = { 0 };
	size_t vouched = 0;

	if (ring->n == 0)
		return err_set(err, ERR_USAGE, "no public key given");
	if (minisign_sig_parse(sig, sig_text, sig_len, err) < 0)
		return -1;
	if (strcmp(sig->untrusted, FORMAT_UNTRUSTED_COMMENT) != 0)
		return err_set(err, ERR_AUTH, "untrusted comment is not \"%s\"", FORMAT_UNTRUSTED_COMMENT);
	cleanup_free char *comment = keyring_counter_comment(sig->trusted, sig_text, sig_len);
	if (vouch(ring, text, len, sig, comment, &vouched, &claim, err) < 0)
		return -1;
	if (vouched > 0 && (!ring->all || vouched == ring->n))
		return 0;
	if (claim.code == ERR_NONE)
		return not_vouched(ring, sig, err);
	*err = claim;
	return -1;
}

void keyring_release(struct keyring *ring)
{
	free(ring->beside);
	*ring = (struct keyring){ 0 };
}
