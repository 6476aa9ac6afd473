#include "fuzz.h"

#include "volumes.h"

/* Whether the first bytes of the input are taken for a volume's name; what is, ends as one. */
static void read_name(const uint8_t *data, size_t size)
{
	cleanup_free char *name = xstrndup((const char *)data, size < 64 ? size : 64);
	size_t len = strlen(name);

	if (volumes_is_volume(name))
		FUZZ_MUST(len >= 8 && strspn(name + len - 3, "0123456789") == 3 && strncmp(name + len - 8, ".tar.", 5) == 0);
}

static void check_volumes(const struct volumes *v)
{
	FUZZ_MUST(v->n > 0 && v->n <= FORMAT_VOLUMES_MAX && v->volume >= FORMAT_VOLUME_MIN);
	FUZZ_MUST((v->n - 1) * v->volume < v->size && v->size <= v->n * v->volume);
	for (size_t i = 0; i < v->n; i++) {
		char suffix[16];
		size_t len = strlen(v->list[i].name);
		(void)snprintf(suffix, sizeof(suffix), ".tar.%03zu", i + 1);
		FUZZ_MUST(!strchr(v->list[i].name, '/') && len > 8);
		FUZZ_MUST(strcmp(v->list[i].name + len - 8, suffix) == 0);
		FUZZ_MUST(strlen(v->list[0].name) == len && memcmp(v->list[0].name, v->list[i].name, len - 3) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_volumes struct volumes v = { 0 };
	cleanup_buf struct buf again = BUF_INIT;
	cleanup_free char *text = xmalloc(size);
	struct err err = { 0 };

	if (size)
		memcpy(text, data, size);
	read_name(data, size);
	if (volumes_parse(&v, text, size, &err) < 0) {
		FUZZ_MUST(err.code == ERR_AUTH && err.msg[0]);
		return 0;
	}
	check_volumes(&v);
	volumes_text(&v, &again);
	FUZZ_MUST(fuzz_same(&again, data, size));
	return 0;
}
