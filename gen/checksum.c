#include "checksum.h"

#include "fs.h"
#include "mem.h"

#include <string.h>

#define DIGITS 64

struct found {
	char named[DIGITS + 1];	/* the digest of the name that is wanted */
	char bare[DIGITS + 1];	/* a digest that stands alone */
	int names;		/* there are lines that name a file */
	int conflict;
};

static int is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Reads exactly 64 digits with none behind them. */
static int take_digest(const char *s, char hex[DIGITS + 1])
{
	for (size_t i = 0; i < DIGITS; i++) {
		if (!is_hex(s[i]))
			return -1;
		hex[i] = s[i] >= 'A' && s[i] <= 'F' ? (char)(s[i] - 'A' + 'a') : s[i];
	}
	hex[DIGITS] = '\0';
	return is_hex(s[DIGITS]) ? -1 : 0;
}

static void note(char to[DIGITS + 1], const char hex[DIGITS + 1], struct found *f)
{
	if (*to && strcmp(to, hex) != 0)
		f->conflict = 1;
	memcpy(to, hex, DIGITS + 1);
}

/* "SHA256 (name) = HASH" */
static int read_bsd(char *line, const char *name, struct found *f)
{
	char hex[DIGITS + 1];
	char *end = strstr(line, ") = ");

	if (strncmp(line, "SHA256 (", 8) != 0 || !end || take_digest(end + 4, hex) < 0)
		return -1;
	*end = '\0';
	f->names = 1;
	if (strcmp(fs_basename(line + 8), name) == 0)
		note(f->named, hex, f);
	return 0;
}

/* "HASH  name", "HASH *name", "HASH" */
static void read_plain(const char *line, const char *name, struct found *f)
{
	char hex[DIGITS + 1];

	if (take_digest(line, hex) < 0)
		return;
	const char *rest = line + DIGITS;
	size_t space = strspn(rest, " \t");
	if (rest[space] == '\0') {
		note(f->bare, hex, f);
		return;
	}
	if (!space)
		return;
	rest += space;
	rest += *rest == '*';
	f->names = 1;
	if (strcmp(fs_basename(rest), name) == 0)
		note(f->named, hex, f);
}

static void read_line(char *line, const char *name, struct found *f)
{
	size_t len = strlen(line);

	while (len > 0 && strchr(" \t\r", line[len - 1]))
		line[--len] = '\0';
	line += strspn(line, " \t\\"); /* sha256sum puts a backslash before a digest whose name it had to escape */
	if (read_bsd(line, name, f) < 0)
		read_plain(line, name, f);
}

int checksum_find(const char *text, size_t len, const char *name, char hex[65], struct err *err)
{
	cleanup_free char *copy = xstrndup(text, len);
	struct found f = { 0 };

	for (char *line = copy; line;) {
		char *end = strchr(line, '\n');
		if (end)
			*end = '\0';
		read_line(line, name, &f);
		line = end ? end + 1 : NULL;
	}
	if (f.conflict)
		return err_set(err, ERR_WORK, "the checksum file has more than one SHA-256 for '%s'", name);
	const char *digest = *f.named ? f.named : f.names ? "" : f.bare;
	if (!*digest)
		return err_set(err, ERR_WORK, "the checksum file has no SHA-256 for '%s'", name);
	memcpy(hex, digest, DIGITS + 1);
	return 0;
}
