#include "utf8.h"

#include <stdint.h>

/* Code points that are not shown, from and to. */
static const struct {
	uint32_t from, to;
} hidden[] = {
	{ 0x0, 0x1f },		/* C0 */
	{ 0x7f, 0x9f },		/* DEL, C1 */
	{ 0x61c, 0x61c },	/* direction */
	{ 0x200b, 0x200f },	/* no width, direction */
	{ 0x2028, 0x202e },	/* line and paragraph separators, direction */
	{ 0x2060, 0x206f },	/* no width, direction */
	{ 0xd800, 0xdfff },	/* surrogates: not UTF-8 */
	{ 0xfeff, 0xfeff },	/* no width */
};

/* Decodes one character of n bytes, whose first holds the bits of mask; UINT32_MAX where what follows is no part of it. */
static uint32_t decode(const unsigned char *s, size_t n, unsigned mask)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c = s[0] & mask;

	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80) /* as is the final NUL */
			return UINT32_MAX;
		c = c << 6 | (s[i] & 0x3f);
	}
	return c < least[n] || c > 0x10ffff ? UINT32_MAX : c;
}

size_t utf8_shown(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t n = u[0] < 0x80 ? 1 : (u[0] & 0xe0) == 0xc0 ? 2 : (u[0] & 0xf0) == 0xe0 ? 3 : (u[0] & 0xf8) == 0xf0 ? 4 : 0;

	if (n == 0)
		return 0;
	uint32_t c = decode(u, n, n == 1 ? 0x7f : 0x7f >> n);
	if (c == UINT32_MAX)
		return 0;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
		if (c >= hidden[i].from && c <= hidden[i].to)
			return 0;
	return n;
}
