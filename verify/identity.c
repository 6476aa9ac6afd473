#include "bundle.h"

#include "hash.h"
#include "mem.h"

#include <string.h>

/* Who a bundle is: the words in its signature's trusted comment, its root, its id. */

int bundle_name(char root[FORMAT_ROOT_MAX + 1], char comment[MINISIGN_COMMENT_MAX + 1], const char *lab,
	const char *version, const char *platform, struct err *err)
{
	if (!format_word_ok(lab, strlen(lab), 1))
		return err_set(err, ERR_USAGE, "%s: not a lab's name (1 to %d of letters, digits and . _ + ~ -)", lab, FORMAT_WORD_MAX);
	if (!format_word_ok(version, strlen(version), 0))
		return err_set(err, ERR_USAGE, "%s: not a version (1 to %d of letters, digits and . _ + ~)", version, FORMAT_WORD_MAX);
	if (!format_platform_known(platform))
		return err_set(err, ERR_USAGE, "%s: not a platform that a bundle can be for", platform);

	const char *slash = strchr(platform, '/');
	int n = snprintf(root, FORMAT_ROOT_MAX + 1, "%s-%s-%.*s-%s", lab, version, (int)(slash - platform), platform, slash + 1);
	if (n < 0 || n > FORMAT_ROOT_MAX)
		return err_set(err, ERR_USAGE, "%s %s: name and version are too long together", lab, version);
	(void)snprintf(comment, MINISIGN_COMMENT_MAX + 1, FORMAT_TRUSTED_COMMENT, lab, version, platform);
	return 0;
}

/* Copies what follows key in s up to the next space (or the end) and moves s behind that. */
static int word_take(const char **s, const char *key, char out[FORMAT_WORD_MAX + 1])
{
	size_t skip = strlen(key);

	if (strncmp(*s, key, skip) != 0)
		return -1;
	size_t len = strcspn(*s + skip, " ");
	if (len > FORMAT_WORD_MAX)
		return -1;
	memcpy(out, *s + skip, len);
	out[len] = '\0';
	*s += skip + len;
	return 0;
}

/* Reads the words out of the trusted comment: writing them again has to give the same comment. */
static int read_comment(struct bundle *b, struct err *err)
{
	char comment[MINISIGN_COMMENT_MAX + 1];
	const char *s = b->sig.trusted;
	struct err why;

	if (word_take(&s, "labgen bundle 1 lab=", b->lab) < 0 || word_take(&s, " version=", b->version) < 0 ||
	    word_take(&s, " platform=", b->platform) < 0 ||
	    bundle_name(b->root, comment, b->lab, b->version, b->platform, &why) < 0 || strcmp(comment, b->sig.trusted) != 0)
		return err_set(err, ERR_AUTH, FORMAT_SIGNATURE ": trusted comment does not name a bundle of format %d: \"%s\"",
			FORMAT_VERSION, b->sig.trusted);
	return 0;
}

int bundle_identify(struct bundle *b, char *text, size_t len, const char *sig_text, size_t sig_len,
	struct keyring *keys, struct err *err)
{
	cleanup_free char *mine = text;

	*b = (struct bundle){ 0 };
	hash_bytes(text, len, b->id);
	if (keyring_check(keys, text, len, sig_text, sig_len, &b->sig, err) < 0)
		return err_wrap(err, FORMAT_SIGNATURE);
	if (read_comment(b, err) < 0)
		return -1;
	if (manifest_parse(&b->manifest, steal(&mine), len, strlen(b->root), err) < 0)
		return err_wrap(err, FORMAT_MANIFEST);
	return 0;
}
