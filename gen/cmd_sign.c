#include "cmd.h"

#include "fs.h"
#include "hash.h"
#include "mem.h"
#include "named.h"
#include "newfile.h"
#include "signer.h"

#include <fcntl.h>
#include <string.h>

/* A countersignature on its way: see keyring.h. */
struct counter {
	char *path;
	struct buf text;
	struct newfile file;
	int there;	/* the very same lies there already */
};

#define COUNTER_INIT { NULL, BUF_INIT, NEWFILE_INIT, 0 }
#define cleanup_counter __attribute__((cleanup(counter_release)))

static void counter_release(struct counter *c)
{
	newfile_release(&c->file);
	buf_release(&c->text);
	free(c->path);
}

/* Countersigns text, which was verified, with the signature (and its file's text) that it came with. */
static int counter_make(struct counter *c, const char *beside, const struct signer *signer, const struct buf *text,
	const struct minisign_sig *sig, const struct buf *sig_text, struct err *err)
{
	cleanup_free char *comment = keyring_counter_comment(sig->trusted, sig_text->data, sig_text->len);
	char id[MINISIGN_ID_HEX + 1];
	struct minisign_key key;
	struct minisign_sig made;

	signer_public(signer, &key);
	minisign_id_hex(key.id, id);
	c->path = xasprintf("%s.%s.minisig", beside, id);
	if (memcmp(sig->id, key.id, sizeof(key.id)) == 0)
		return err_set(err, ERR_USAGE, "%s: key %s signed it already; a countersignature is another key's", beside, id);
	if (signer_sign(signer, text->data, text->len, FORMAT_UNTRUSTED_COMMENT, comment, &made, err))
		return err_wrap(err, "%s", c->path);
	minisign_sig_text(&made, &c->text);
	return 0;
}

/* Writes it beside its name. The same key makes the same signature: finding that is no error. */
static int counter_open(struct counter *c, struct err *err)
{
	cleanup_buf struct buf old = BUF_INIT;
	struct err ignored;

	if (fs_slurp(AT_FDCWD, c->path, FORMAT_SIGNATURE_MAX, &old, &ignored) == 0 && old.len == c->text.len &&
		memcmp(old.data, c->text.data, old.len) == 0) {
		c->there = 1;
		return 0;
	}
	if (newfile_open(&c->file, c->path, 0666, err))
		return -1;
	return fs_write(c->file.fd, c->text.data, c->text.len, err) ? err_wrap(err, "%s", c->path) : 0;
}

static int counter_commit(struct counter *c, struct err *err)
{
	return c->there ? 0 : newfile_commit(&c->file, err);
}

/* Signature and manifest parse to what they are written from: these are the bundle's own bytes. */
static int sign_bundle(struct counter *c, const struct named *n, const struct bundle *b, const struct signer *signer,
	struct err *err)
{
	cleanup_buf struct buf manifest = BUF_INIT;
	cleanup_buf struct buf sig_text = BUF_INIT;

	for (size_t i = 0; i < b->manifest.n; i++)
		manifest_line(&b->manifest.entries[i], &manifest);
	minisign_sig_text(&b->sig, &sig_text);
	return counter_make(c, n->stem, signer, &manifest, &b->sig, &sig_text, err);
}

/* The signature of the list is read once more, and checked once more. */
static int sign_list(struct counter *c, const struct named *n, const struct signer *signer, struct keyring *keys,
	struct err *err)
{
	cleanup_buf struct buf list = BUF_INIT;
	cleanup_buf struct buf sig_text = BUF_INIT;
	cleanup_free char *sig_path = xasprintf("%s.minisig", n->path);
	struct minisign_sig sig;

	volumes_text(&n->volumes, &list);
	free(keys->beside);
	keys->beside = xstrdup(n->path);
	if (fs_slurp(AT_FDCWD, sig_path, FORMAT_SIGNATURE_MAX, &sig_text, err))
		return -1;
	if (keyring_check(keys, list.data, list.len, sig_text.data, sig_text.len, &sig, err))
		return err_wrap(err, "%s", sig_path);
	return counter_make(c, n->path, signer, &list, &sig, &sig_text, err);
}

static int sign_both(const struct named *n, const struct bundle *b, const struct signer *signer, struct keyring *keys,
	struct buf *said, struct err *err)
{
	cleanup_counter struct counter bundle = COUNTER_INIT;
	cleanup_counter struct counter list = COUNTER_INIT;
	int with_list = n->volumes.n > 0;

	if (sign_bundle(&bundle, n, b, signer, err) || (with_list && sign_list(&list, n, signer, keys, err)) ||
		counter_open(&bundle, err) || (with_list && counter_open(&list, err)) || counter_commit(&bundle, err) ||
		(with_list && counter_commit(&list, err)))
		return -1;
	buf_addf(said, "%s: %s\n", bundle.path, bundle.there ? "is there already" : "written");
	if (with_list)
		buf_addf(said, "%s: %s\n", list.path, list.there ? "is there already" : "written");
	return 0;
}

static int get_keys(const struct cmd_args *args, struct keyring *keys, struct err *err)
{
	if (!cmd_value(args, 'k') || !cmd_value(args, 'p'))
		return err_set(err, ERR_USAGE, "sign: it needs --key FILE and --pub PUB: nobody signs what he has not verified; see labgen help sign");
	keys->all = 1;
	return cmd_keys(args, 'p', keys, err);
}

static int run(const struct cmd_args *args, struct err *err)
{
	cleanup_keyring struct keyring keys = { 0 };
	cleanup_signer struct signer *signer = NULL;
	cleanup_named struct named n = { 0 };
	cleanup_bundle struct bundle b = { 0 };
	cleanup_buf struct buf said = BUF_INIT;
	char id[HASH_HEX + 1];

	if (get_keys(args, &keys, err) ||
		signer_load(&signer, cmd_value(args, 'k'), cmd_value(args, CMD_OPT_PASSWORD_FILE), err) ||
		named_open(&n, args->args[0], &keys, err) || named_read(&n, &b, &keys, err))
		return -1;
	hash_to_hex(b.id, id);
	buf_addf(&said, "good: %s %s %s, %zu members, bundle id %s\n", b.lab, b.version, b.platform, b.manifest.n, id);
	if (sign_both(&n, &b, signer, &keys, &said, err))
		return -1;
	return cmd_print(&said, err);
}

static const struct cmd_opt opts[] = {
	CMD_OPT_PUB,
	CMD_OPTS_KEY,
	{ 0 },
};

const struct cmd cmd_sign = {
	.name = "sign",
	.args = "BUNDLE",
	.summary = "verify a bundle, and countersign it beside it",
	.text = "Checks every byte against the public key, which must vouch (each of them, where several are given), and then writes "
		"BUNDLE.KEYID.minisig, a signature of the bundle's SHA256SUMS; the bundle stays as it is. labverify takes it with "
		"the countersigner's public key, and with --all asks for both.\n\n"
		"BUNDLE is NAME.tar, or NAME.tar.volumes: then the list is countersigned as well. Without our programs: minisign -Vm "
		"SHA256SUMS -x BUNDLE.KEYID.minisig -p officer.pub.",
	.opts = opts,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
