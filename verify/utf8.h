#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>

/*
 * Bytes of the character that s begins with, where it can be shown as it is; 0 where it is not UTF-8 (RFC 3629), is a
 * control (C0, DEL, C1), or is invisible or turns the direction of the text, so that a reader sees another name than
 * there is. s ends in a NUL, for which it gives 0.
 */
size_t utf8_shown(const char *s);

#endif
