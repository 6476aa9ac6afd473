#include "json.h"

void json_quote(struct buf *out, const char *s)
{
	buf_addc(out, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c == '"' || c == '\\')
			buf_addf(out, "\\%c", c);
		else if (c < 0x20)
			buf_addf(out, "\\u%04x", (unsigned)c);
		else
			buf_addc(out, (char)c);
	}
	buf_addc(out, '"');
}
