#include "volumes.h"

#include "bundle.h"
#include "fs.h"
#include "hash.h"
#include "mem.h"
#include "parallel.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

int volumes_head(char head[MINISIGN_COMMENT_MAX + 1], const char *lab, const char *version, const char *platform,
	uint64_t size, uint64_t volume, struct err *err)
{
	char root[FORMAT_ROOT_MAX + 1], comment[MINISIGN_COMMENT_MAX + 1];

	if (bundle_name(root, comment, lab, version, platform, err) < 0)
		return -1;
	(void)snprintf(head, MINISIGN_COMMENT_MAX + 1,
		"labgen volumes 1 lab=%s version=%s platform=%s size=%" PRIu64 " volume=%" PRIu64, lab, version, platform,
		size, volume);
	return 0;
}

/* Bytes that volume i holds. */
static uint64_t volume_size(const struct volumes *v, size_t i)
{
	return i + 1 < v->n ? v->volume : v->size - (v->n - 1) * v->volume;
}

/* Reads the words of the first line: writing them again has to give the same line. */
static int head_parse(struct volumes *v, struct err *err)
{
	char lab[FORMAT_WORD_MAX + 1], version[FORMAT_WORD_MAX + 1], platform[FORMAT_WORD_MAX + 1];
	char again[MINISIGN_COMMENT_MAX + 1];
	struct err why;

	/* NOLINTNEXTLINE(cert-err34-c): a number that did not fit does not write the same line again */
	if (sscanf(v->head, "labgen volumes 1 lab=%48s version=%48s platform=%48s size=%19" SCNu64 " volume=%19" SCNu64, lab,
		    version, platform, &v->size, &v->volume) != 5 ||
	    volumes_head(again, lab, version, platform, v->size, v->volume, &why) < 0 || strcmp(again, v->head) != 0)
		return err_set(err, ERR_AUTH, "line 1: not the head of a list of volumes");
	if (v->volume < FORMAT_VOLUME_MIN || v->size == 0)
		return err_set(err, ERR_AUTH, "line 1: sizes that no volumes have");
	uint64_t n = (v->size - 1) / v->volume + 1;
	if (n > FORMAT_VOLUMES_MAX)
		return err_set(err, ERR_AUTH, "line 1: over %d volumes", FORMAT_VOLUMES_MAX);
	v->n = (size_t)n;
	return 0;
}

/* Whether name is STEM.tar.NNN for number i (from 0), with the stem of the first. */
static int name_ok(const struct volumes *v, size_t i, const char *name, size_t len)
{
	char suffix[24];
	int n = snprintf(suffix, sizeof(suffix), ".tar.%03zu", i + 1);

	if (!format_path_ok(name, len) || memchr(name, '/', len) || len <= (size_t)n)
		return 0;
	size_t stem = len - (size_t)n;
	if (memcmp(name + stem, suffix, (size_t)n) != 0)
		return 0;
	return i == 0 || (strlen(v->list[0].name) == len && memcmp(v->list[0].name, name, stem) == 0);
}

static int line_parse(struct volumes *v, size_t i, const char *line, size_t len, struct err *err)
{
	if (len < HASH_HEX + 3 || hash_from_hex(line, v->list[i].digest) < 0 || line[HASH_HEX] != ' ' ||
	    line[HASH_HEX + 1] != ' ' || !name_ok(v, i, line + HASH_HEX + 2, len - HASH_HEX - 2))
		return err_set(err, ERR_AUTH, "line %zu: not the digest and name of volume %zu", i + 2, i + 1);
	memcpy(v->list[i].name, line + HASH_HEX + 2, len - HASH_HEX - 2);
	return 0;
}

int volumes_parse(struct volumes *v, const char *text, size_t len, struct err *err)
{
	cleanup_volumes struct volumes made = { 0 };
	const char *end = memchr(text, '\n', len), *stop = text + len;

	*v = made;
	if (!end || (size_t)(end - text) > MINISIGN_COMMENT_MAX)
		return err_set(err, ERR_AUTH, "line 1: not the head of a list of volumes");
	memcpy(made.head, text, (size_t)(end - text));
	if (strlen(made.head) != (size_t)(end - text) || head_parse(&made, err) < 0)
		return err_set(err, ERR_AUTH, "line 1: not the head of a list of volumes");
	made.list = xcalloc(made.n, sizeof(*made.list));
	for (size_t i = 0; i < made.n; i++) {
		const char *line = end + 1;
		end = line < stop ? memchr(line, '\n', (size_t)(stop - line)) : NULL;
		if (!end)
			return err_set(err, ERR_AUTH, "line %zu: missing, or not ended", i + 2);
		if (line_parse(&made, i, line, (size_t)(end - line), err) < 0)
			return -1;
	}
	if (end + 1 != stop)
		return err_set(err, ERR_AUTH, "line %zu: more than there are volumes", made.n + 2);
	*v = made;
	made = (struct volumes){ 0 };
	return 0;
}

void volumes_text(const struct volumes *v, struct buf *out)
{
	buf_addf(out, "%s\n", v->head);
	for (size_t i = 0; i < v->n; i++) {
		char hex[HASH_HEX + 1];
		hash_to_hex(v->list[i].digest, hex);
		buf_addf(out, "%s  %s\n", hex, v->list[i].name);
	}
}

static int load(struct volumes *v, const char *path, struct keyring *keys, struct err *err)
{
	cleanup_buf struct buf text = BUF_INIT, sig_text = BUF_INIT;
	cleanup_free char *sig_path = xasprintf("%s.minisig", path);
	struct minisign_sig sig;

	if (fs_slurp(AT_FDCWD, path, VOLUMES_LIST_MAX, &text, err) < 0 ||
	    fs_slurp(AT_FDCWD, sig_path, FORMAT_SIGNATURE_MAX, &sig_text, err) < 0) {
		err->code = err->code == ERR_USAGE ? ERR_AUTH : err->code;
		return -1;
	}
	free(keys->beside);
	keys->beside = xstrdup(path);
	if (keyring_check(keys, text.data, text.len, sig_text.data, sig_text.len, &sig, err) < 0)
		return err_wrap(err, "%s", sig_path);
	if (volumes_parse(v, text.data, text.len, err) < 0)
		return err_wrap(err, "%s", path);
	if (strcmp(v->head, sig.trusted) != 0) {
		volumes_release(v);
		return err_set(err, ERR_AUTH, "%s: trusted comment is not the list's first line", sig_path);
	}
	return 0;
}

int volumes_load(struct volumes *v, const char *path, struct keyring *keys, struct err *err)
{
	*v = (struct volumes){ 0 };
	if (load(v, path, keys, err) < 0)
		return -1;
	v->dir = fs_dirname(path);
	return 0;
}

/* Opens a volume in the first folder that has it; -1 and errno where none has. */
static int open_in(const struct volumes *v, const char *name, char *const *dirs, size_t n_dirs, char **path)
{
	for (size_t i = 0; i <= n_dirs; i++) {
		cleanup_free char *at = xasprintf("%s/%s", i == 0 ? v->dir : dirs[i - 1], name);
		int fd = open(at, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd >= 0) {
			*path = steal(&at);
			return fd;
		}
		if (errno != ENOENT)
			break;
	}
	return -1;
}

/* Opens volume i; 0, or -1 and what is wrong with it in err. */
static int open_part(const struct volumes *v, size_t i, char *const *dirs, size_t n_dirs, struct input_part *part,
	struct err *err)
{
	const char *name = v->list[i].name;
	struct stat st;

	part->fd = open_in(v, name, dirs, n_dirs, &part->name);
	if (part->fd < 0 && errno == ENOENT)
		return err_set(err, ERR_AUTH, "%s is missing", name);
	if (part->fd < 0 || fstat(part->fd, &st) < 0)
		return err_errno(err, "%s", name);
	part->size = volume_size(v, i);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != part->size)
		return err_set(err, ERR_AUTH, "%s has %" PRIu64 " bytes, not %" PRIu64, name, (uint64_t)st.st_size, part->size);
	return 0;
}

int volumes_open(const struct volumes *v, char *const *dirs, size_t n_dirs, struct input *in, struct err *err)
{
	struct input_part *parts = xcalloc(v->n, sizeof(*parts));
	cleanup_buf struct buf wrong = BUF_INIT;
	enum err_code code = ERR_NONE;

	for (size_t i = 0; i < v->n; i++) {
		struct err why;
		if (open_part(v, i, dirs, n_dirs, &parts[i], &why) == 0)
			continue;
		code = code == ERR_AUTH ? code : why.code;
		buf_addf(&wrong, "%s%s", wrong.len ? "; " : "", why.msg);
	}
	input_volumes(in, parts, v->n);
	in->part_size = v->volume;
	if (code == ERR_NONE)
		return 0;
	input_release(in);
	return err_set(err, code, "%s", wrong.data);
}

struct check {
	const struct volumes *v;
	struct input *in;
};

static int check_volume(void *arg, size_t i, unsigned char *buf, struct err *err)
{
	const struct check *c = arg;
	cleanup_hash struct hash *h = hash_new();
	unsigned char digest[FORMAT_DIGEST];
	uint64_t offset = i * c->in->part_size, end = offset + c->in->parts[i].size;

	while (offset < end) {
		const unsigned char *data;
		size_t len;
		size_t want = end - offset < INPUT_CHUNK ? (size_t)(end - offset) : INPUT_CHUNK;
		if (input_next(c->in, offset, want, buf, &data, &len, err) < 0)
			return err_wrap(err, "%s", c->in->parts[i].name);
		if (len == 0)
			return err_set(err, ERR_AUTH, "%s: cut short", c->in->parts[i].name);
		hash_update(h, data, len);
		offset += len;
	}
	hash_final(h, digest);
	if (memcmp(digest, c->v->list[i].digest, sizeof(digest)) != 0)
		return err_set(err, ERR_AUTH, "%s: digest differs from the list", c->in->parts[i].name);
	return 0;
}

int volumes_check(const struct volumes *v, struct input *in, unsigned threads, struct err *err)
{
	struct check c = { .v = v, .in = in };

	return parallel_each(v->n, threads, INPUT_CHUNK, check_volume, &c, err);
}

int volumes_check_one(const struct volumes *v, const char *path, size_t *number, struct err *err)
{
	const char *name = fs_basename(path);
	size_t i = 0;

	while (i < v->n && strcmp(v->list[i].name, name) != 0)
		i++;
	if (i == v->n)
		return err_set(err, ERR_AUTH, "%s: not one of the volumes listed", path);

	/* A row of one volume, with that volume's size and digest. */
	struct volumes one = { .size = volume_size(v, i), .volume = v->volume, .list = &v->list[i], .n = 1 };
	one.dir = fs_dirname(path);
	cleanup_free char *dir = one.dir;
	cleanup_input struct input in = { 0 };
	if (volumes_open(&one, NULL, 0, &in, err) < 0 || volumes_check(&one, &in, 1, err) < 0)
		return -1;
	*number = i + 1;
	return 0;
}

int volumes_is_volume(const char *path)
{
	size_t len = strlen(path);

	if (len < VOLUMES_DIGITS + 5)
		return 0;
	const char *end = path + len - VOLUMES_DIGITS;
	if (memcmp(end - 5, ".tar.", 5) != 0)
		return 0;
	return strspn(end, "0123456789") == VOLUMES_DIGITS;
}

void volumes_release(struct volumes *v)
{
	free(v->list);
	free(v->dir);
	*v = (struct volumes){ 0 };
}
