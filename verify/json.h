#ifndef JSON_H
#define JSON_H

#include "buf.h"

/* Adds s as a JSON string (RFC 8259), with quotes; bytes outside ASCII are taken as UTF-8 and stay as they are. */
void json_string(struct buf *out, const char *s);

#endif
