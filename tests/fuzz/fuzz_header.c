#include "fuzz.h"

#include "ustar.h"

#define SIZE_FIELD 124
#define SIZE_FIELD_LEN 12
#define CHECKSUM 148

/* A block from outside: the size field has one spelling, the one that is written. */
static void read_block(const uint8_t *block)
{
	unsigned char mine[FORMAT_BLOCK];
	struct err err = { 0 };
	uint64_t size;

	if (ustar_size(block, &size) < 0)
		return;
	FUZZ_MUST(size <= FORMAT_SIZE_MAX);
	FUZZ_MUST((size + ustar_padding(size)) % FORMAT_BLOCK == 0 && ustar_padding(size) < FORMAT_BLOCK);
	FUZZ_MUST(ustar_member(mine, "root", "path", size, &err) == 0);
	FUZZ_MUST(memcmp(mine + SIZE_FIELD, block + SIZE_FIELD, SIZE_FIELD_LEN) == 0);
}

static void check_checksum(const unsigned char block[FORMAT_BLOCK])
{
	unsigned sum = 8 * ' ';
	char text[9];

	for (size_t i = 0; i < FORMAT_BLOCK; i++)
		sum += i < CHECKSUM || i >= CHECKSUM + 8 ? block[i] : 0;
	(void)snprintf(text, sizeof(text), "%06o", sum);
	FUZZ_MUST(memcmp(block + CHECKSUM, text, 7) == 0 && block[CHECKSUM + 7] == ' ');
}

/* The name and prefix fields, joined as POSIX says, are the path again. */
static void check_path(const unsigned char block[FORMAT_BLOCK], const char *path)
{
	char joined[300];

	if (block[345])
		(void)snprintf(joined, sizeof(joined), "%.155s/%.100s", (const char *)block + 345, (const char *)block);
	else
		(void)snprintf(joined, sizeof(joined), "%.100s", (const char *)block);
	FUZZ_MUST(strcmp(joined, path) == 0);
}

/* An entry from outside: what is encoded reads back. */
static void write_entry(struct fuzz_in *in)
{
	unsigned char block[FORMAT_BLOCK];
	struct err err = { 0 };
	uint64_t size = 0, got;

	for (int i = 0; i < 5; i++)
		size = size << 8 | fuzz_byte(in);
	cleanup_free char *path = xstrndup((const char *)in->data, in->left);
	const struct ustar_entry e = { .path = path, .type = '0', .mode = (unsigned)(size & 07777), .size = size };
	if (ustar_encode(block, &e, &err) < 0) {
		FUZZ_MUST(err.code == ERR_USAGE && err.msg[0]);
		FUZZ_MUST(size > FORMAT_SIZE_MAX || strlen(path) > 100);
		return;
	}
	FUZZ_MUST(ustar_size(block, &got) == 0 && got == size);
	check_checksum(block);
	check_path(block, path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };

	if (size == FORMAT_BLOCK)
		read_block(data);
	write_entry(&in);
	return 0;
}
