#include "named.h"

#include "mem.h"
#include "parallel.h"

#include <sodium.h>
#include <string.h>

static int open_volumes(struct named *n, struct keyring *keys, struct err *err)
{
	size_t len = strlen(n->path) - strlen(VOLUMES_SUFFIX);

	if (volumes_load(&n->volumes, n->path, keys, err) || volumes_open(&n->volumes, NULL, 0, &n->in, err))
		return -1;
	free(n->stem);
	n->stem = xstrndup(n->path, len);
	return 0;
}

int named_open(struct named *n, const char *path, struct keyring *keys, struct err *err)
{
	size_t len = strlen(path), end = strlen(VOLUMES_SUFFIX);

	*n = (struct named){ .path = xstrdup(path), .stem = xstrdup(path) };
	if (sodium_init() < 0)
		return err_set(err, ERR_WORK, "libsodium cannot start");
	if (volumes_is_volume(path))
		return err_set(err, ERR_USAGE, "%s: one volume; name the list, %.*s" VOLUMES_SUFFIX, path,
			(int)(len - VOLUMES_DIGITS - 1), path);
	if (len > end && strcmp(path + len - end, VOLUMES_SUFFIX) == 0 ? open_volumes(n, keys, err) :
		input_open(&n->in, path, err))
		return -1;
	if (input_is_stream(&n->in))
		return err_set(err, ERR_USAGE, "%s: not a file", path);
	free(keys->beside);
	keys->beside = xstrdup(n->stem);
	return 0;
}

/* The volumes have to be those of the bundle that the list speaks of. */
static int compare_list(struct named *n, struct keyring *keys, struct err *err)
{
	cleanup_bundle struct bundle b = { 0 };
	char head[MINISIGN_COMMENT_MAX + 1];

	if (bundle_peek(&b, &n->in, keys, err))
		return -1;
	if (volumes_head(head, b.lab, b.version, b.platform, n->volumes.size, n->volumes.volume, err) ||
		strcmp(head, n->volumes.head) != 0)
		return err_set(err, ERR_AUTH, "%s: the list of another bundle's volumes", n->path);
	return 0;
}

int named_read(struct named *n, struct bundle *b, struct keyring *keys, struct err *err)
{
	unsigned threads = parallel_processors();
	struct err which;

	if (n->volumes.n == 0)
		return bundle_read(b, &n->in, keys, NULL, threads, err);
	if (compare_list(n, keys, err) == 0 && bundle_read(b, &n->in, keys, NULL, threads, err) == 0)
		return 0;
	/* What failed may span volumes: the list's digests tell which of them is at fault. */
	if (err->code == ERR_AUTH && volumes_check(&n->volumes, &n->in, threads, &which))
		*err = which;
	return -1;
}

void named_release(struct named *n)
{
	input_release(&n->in);
	volumes_release(&n->volumes);
	free(n->path);
	free(n->stem);
	*n = (struct named){ 0 };
}
