#include "fuzz.h"

#include "manifest.h"

#define ROOT_LEN 20

/* Every name that is accepted is a plain path, of itself and of no other entry, and lies below none. */
static void check_entry(const struct manifest *m, size_t i)
{
	const struct manifest_entry *e = &m->entries[i];
	size_t len = strlen(e->path);

	FUZZ_MUST(format_path_ok(e->path, len));
	FUZZ_MUST(len + 1 + ROOT_LEN <= FORMAT_NAME_MAX);
	FUZZ_MUST(e->path[0] != '/' && !strstr(e->path, "/../") && strncmp(e->path, "../", 3) != 0);
	FUZZ_MUST(manifest_find(m, e->path) == e);
	FUZZ_MUST(i == 0 || strcmp(m->entries[i - 1].path, e->path) < 0);
	for (size_t j = i + 1; j < m->n && j < i + 64; j++)
		FUZZ_MUST(strncmp(m->entries[j].path, e->path, len) != 0 || m->entries[j].path[len] != '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_manifest struct manifest m = { 0 };
	cleanup_buf struct buf again = BUF_INIT;
	struct err err = { 0 };
	char *text = xmalloc(size);

	if (size)
		memcpy(text, data, size);
	if (manifest_parse(&m, text, size, ROOT_LEN, &err) < 0) {
		FUZZ_MUST(err.code == ERR_AUTH && err.msg[0]);
		return 0;
	}
	FUZZ_MUST(m.n > 0 && m.n <= FORMAT_MEMBERS_MAX);
	for (size_t i = 0; i < m.n; i++) {
		check_entry(&m, i);
		manifest_line(&m.entries[i], &again);
	}
	FUZZ_MUST(fuzz_same(&again, data, size));
	return 0;
}
