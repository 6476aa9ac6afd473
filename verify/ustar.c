#include "ustar.h"

#include "mem.h"

#include <string.h>

/* Offsets and lengths of the fields. */
enum {
	NAME = 0, NAME_LEN = 100,
	MODE = 100,
	UID = 108,
	GID = 116,
	SIZE = 124, SIZE_DIGITS = 11,
	MTIME = 136,
	CHECKSUM = 148,
	TYPE = 156,
	LINK = 157, LINK_LEN = 100,
	MAGIC = 257,
	DEVMAJOR = 329,
	DEVMINOR = 337,
	PREFIX = 345, PREFIX_LEN = 155,
};

/* Writes a number as that many octal digits and a NUL. */
static void put_octal(unsigned char *field, int digits, uint64_t value)
{
	for (int i = digits - 1; i >= 0; i--) {
		field[i] = (unsigned char)('0' + (value & 7));
		value >>= 3;
	}
	field[digits] = '\0';
}

/* Splits at the last '/' that leaves a name short enough, as others do: the prefix comes out as long as it can. */
static int put_path(unsigned char block[FORMAT_BLOCK], const char *path)
{
	size_t len = strlen(path);

	if (len <= NAME_LEN) {
		memcpy(block + NAME, path, len);
		return 0;
	}
	if (len > PREFIX_LEN + 1 + NAME_LEN)
		return -1;
	for (size_t i = len - 1; i-- > 0;) {
		if (path[i] != '/' || i > PREFIX_LEN)
			continue;
		size_t name = len - i - 1;
		if (i == 0 || name > NAME_LEN)
			return -1;
		memcpy(block + PREFIX, path, i);
		memcpy(block + NAME, path + i + 1, name);
		return 0;
	}
	return -1;
}

int ustar_encode(unsigned char block[FORMAT_BLOCK], const struct ustar_entry *entry, struct err *err)
{
	memset(block, 0, FORMAT_BLOCK);
	if (put_path(block, entry->path) < 0)
		return err_set(err, ERR_USAGE, "%s: name too long for a tar header; shorten its folder or file name", entry->path);
	if (entry->size > FORMAT_SIZE_MAX)
		return err_set(err, ERR_USAGE, "%s: %llu bytes; the format holds at most 8 GiB - 1 a file", entry->path,
			(unsigned long long)entry->size);
	if (entry->link) {
		size_t len = strlen(entry->link);
		if (len > LINK_LEN)
			return err_set(err, ERR_USAGE, "%s: link target too long for a tar header", entry->path);
		memcpy(block + LINK, entry->link, len);
	}
	put_octal(block + MODE, 7, entry->mode & 07777);
	put_octal(block + UID, 7, 0);
	put_octal(block + GID, 7, 0);
	put_octal(block + SIZE, SIZE_DIGITS, entry->size);
	put_octal(block + MTIME, 11, FORMAT_MTIME);
	block[TYPE] = (unsigned char)entry->type;
	memcpy(block + MAGIC, "ustar\00000", 8);
	put_octal(block + DEVMAJOR, 7, 0);
	put_octal(block + DEVMINOR, 7, 0);

	/* The sum counts its own field as eight spaces, and is written as six digits, NUL, space. */
	unsigned sum = 8 * ' ';
	for (size_t i = 0; i < FORMAT_BLOCK; i++)
		sum += block[i];
	put_octal(block + CHECKSUM, 6, sum);
	block[CHECKSUM + 7] = ' ';
	return 0;
}

int ustar_member(unsigned char block[FORMAT_BLOCK], const char *root, const char *path, uint64_t size, struct err *err)
{
	char full[FORMAT_NAME_MAX + 1];
	int n = snprintf(full, sizeof(full), "%s/%s", root, path);

	if (n < 0 || (size_t)n >= sizeof(full))
		return err_set(err, ERR_USAGE, "%s/%s: name over %d bytes", root, path, FORMAT_NAME_MAX);
	const struct ustar_entry entry = { .path = full, .type = '0', .mode = format_mode(path), .size = size };
	return ustar_encode(block, &entry, err);
}

int ustar_size(const unsigned char block[FORMAT_BLOCK], uint64_t *size)
{
	uint64_t value = 0;

	for (int i = 0; i < SIZE_DIGITS; i++) {
		unsigned char c = block[SIZE + i];
		if (c < '0' || c > '7')
			return -1;
		value = value << 3 | (c - '0');
	}
	if (block[SIZE + SIZE_DIGITS] != '\0')
		return -1;
	*size = value;
	return 0;
}
