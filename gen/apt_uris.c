#include "apt.h"

#include "hash.h"
#include "mem.h"

#include <string.h>

#define DEBS_MAX 20000

/* Undoes %XX in place: apt writes the colon of an epoch so. */
static void unquote(char *s)
{
	char *to = s;

	for (; *s; s++) {
		static const char digits[] = "0123456789abcdef0123456789ABCDEF";
		const char *high = s[0] == '%' && s[1] ? strchr(digits, s[1]) : NULL;
		const char *low = high && s[2] ? strchr(digits, s[2]) : NULL;
		if (low) {
			*to++ = (char)((high - digits) % 16 * 16 + (low - digits) % 16);
			s += 2;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* NAME_VERSION_ARCH.deb */
static int read_name(struct apt_deb *d, char *file)
{
	char *version = strchr(file, '_');
	char *arch = version ? strchr(version + 1, '_') : NULL;
	size_t len = strlen(file);

	if (!arch || version == file || arch == version + 1 || len < 4 || strcmp(file + len - 4, ".deb") != 0)
		return -1;
	*version++ = '\0';
	*arch = '\0';
	unquote(version);
	d->name = xstrdup(file);
	d->version = xstrdup(version);
	return 0;
}

/* Cuts the next word off *line, or one in single quotes. NULL where there is none. */
static char *word(char **line)
{
	char *s = *line + strspn(*line, " ");
	int quoted = *s == '\'';
	size_t len;

	s += quoted;
	len = strcspn(s, quoted ? "'" : " ");
	if (len == 0 || (quoted && s[len] != '\''))
		return NULL;
	*line = s + len + (s[len] != '\0');
	s[len] = '\0';
	return s;
}

static int read_line(struct apt_deb *d, char *line)
{
	unsigned char digest[FORMAT_DIGEST];
	char *end;
	char *uri = word(&line), *file = uri ? word(&line) : NULL;
	char *size = file ? word(&line) : NULL, *hash = size ? word(&line) : NULL;

	if (!hash || *size < '0' || *size > '9' || strncmp(hash, "SHA256:", 7) != 0 || strlen(hash) != 7 + HASH_HEX)
		return -1;
	d->size = strtoull(size, &end, 10);
	if (*end || d->size > FORMAT_SIZE_MAX || hash_from_hex(hash + 7, digest) < 0 || read_name(d, file) < 0)
		return -1;
	hash_to_hex(digest, d->sha256);
	d->uri = xstrdup(uri);
	return 0;
}

int apt_parse_uris(const char *text, struct apt_debs *out, struct err *err)
{
	cleanup_free char *copy = xstrdup(text);

	for (char *line = copy, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (*line != '\'')
			continue; /* what apt says besides */
		cleanup_free char *shown = xstrdup(line);
		if (out->n == DEBS_MAX)
			return err_set(err, ERR_WORK, "apt names more than %d packages", DEBS_MAX);
		out->debs = xreallocarray(out->debs, out->n + 1, sizeof(*out->debs));
		struct apt_deb *d = &out->debs[out->n];
		*d = (struct apt_deb){ 0 };
		if (read_line(d, line) < 0)
			return err_set(err, ERR_WORK, "apt's answer is not understood (is there an index without SHA-256?): %.200s", shown);
		out->n++;
	}
	return 0;
}
