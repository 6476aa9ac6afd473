#include "fuzz.h"

#include "minisign.h"
#include "testbundle.h"

static const char message[] = "what was signed\n";

/* Ed25519 signs one way: what our key vouches for is, byte for byte, what our key once wrote. */
static void check_vouched(const struct minisign_sig *sig, const struct tb_key *key)
{
	struct minisign_sig mine;

	tb_sign_sig(key, message, sizeof(message) - 1, sig->untrusted, sig->trusted, &mine);
	FUZZ_MUST(memcmp(sig->sig, mine.sig, sizeof(mine.sig)) == 0);
	FUZZ_MUST(memcmp(sig->global, mine.global, sizeof(mine.global)) == 0);
	/* The one comment that the seeds of this target are signed with: no other was ever signed. */
	FUZZ_MUST(strcmp(sig->trusted, TB_COMMENT) == 0);
}

static void read_signature(const uint8_t *data, size_t size)
{
	static struct tb_key key;
	cleanup_buf struct buf again = BUF_INIT;
	struct minisign_sig sig;
	struct err err = { 0 };

	if (!key.pub.id[0])
		tb_key(&key, 1);
	if (minisign_sig_parse(&sig, (const char *)data, size, &err) < 0) {
		FUZZ_MUST(err.code == ERR_AUTH && err.msg[0]);
		return;
	}
	minisign_sig_text(&sig, &again);
	FUZZ_MUST(fuzz_same(&again, data, size));
	if (minisign_check(&sig, &key.pub, message, sizeof(message) - 1, &err) == 0)
		check_vouched(&sig, &key);
	else
		FUZZ_MUST(err.code == ERR_AUTH);
}

/* Of a key file the second line matters: 56 characters, which stand there as they would be written. */
static void read_key(const uint8_t *data, size_t size)
{
	struct tb_key key = { 0 };
	struct err err = { 0 };
	char text[57];

	if (minisign_key_parse(&key.pub, (const char *)data, size, &err) < 0) {
		FUZZ_MUST(err.code == ERR_USAGE && err.msg[0]);
		return;
	}
	tb_key_text(&key, text);
	FUZZ_MUST(memmem(data, size, text, 56) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_signature(data, size);
	read_key(data, size);
	return 0;
}
