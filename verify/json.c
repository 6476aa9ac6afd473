#include "json.h"

#include "utf8.h"

void json_quote(struct buf *out, const char *s)
{
	buf_addc(out, '"');
	while (*s) {
		unsigned char c = (unsigned char)*s;
		size_t shown = utf8_shown(s);
		if (c == '"' || c == '\\')
			buf_addf(out, "\\%c", c);
		else if (shown)
			buf_add(out, s, shown);
		else
			buf_addf(out, c < 0x80 ? "\\u%04x" : "\\\\x%02x", (unsigned)c);
		s += shown ? shown : 1;
	}
	buf_addc(out, '"');
}
