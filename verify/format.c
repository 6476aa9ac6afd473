#include "format.h"

#include <string.h>

const char *const format_platforms[] = { "linux/amd64", "linux/arm64", "darwin/arm64", NULL };

int format_platform_known(const char *platform)
{
	for (const char *const *p = format_platforms; *p; p++)
		if (strcmp(*p, platform) == 0)
			return 1;
	return 0;
}

/* Letters and digits by value: isalnum() would ask the locale. */
static int is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

int format_word_ok(const char *s, size_t len, int dash)
{
	if (len == 0 || len > FORMAT_WORD_MAX || !is_alnum(s[0]))
		return 0;
	for (size_t i = 0; i < len; i++)
		if (!is_alnum(s[i]) && !(s[i] && strchr("._+~", s[i])) && !(dash && s[i] == '-'))
			return 0;
	return 1;
}

static int part_ok(const char *s, size_t len)
{
	if (len == 0 || (len == 1 && s[0] == '.') || (len == 2 && s[0] == '.' && s[1] == '.'))
		return 0;
	for (size_t i = 0; i < len; i++)
		if (!is_alnum(s[i]) && !(s[i] && strchr("._+@=~-", s[i])))
			return 0;
	return 1;
}

int format_path_ok(const char *s, size_t len)
{
	if (len > FORMAT_NAME_MAX)
		return 0;
	for (;;) {
		const char *slash = memchr(s, '/', len);
		size_t part = slash ? (size_t)(slash - s) : len;
		if (!part_ok(s, part))
			return 0;
		if (!slash)
			return 1;
		s += part + 1;
		len -= part + 1;
	}
}

unsigned format_mode(const char *path)
{
	return strcmp(path, "lab") == 0 || strncmp(path, "bin/", 4) == 0 ? 0755 : 0644;
}
