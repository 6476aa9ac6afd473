#ifndef JSON_H
#define JSON_H

#include "buf.h"

/* libjansson, which labgen links as well, has a function of the short name: the linker must see another. */
#define json_string buf_json_string

/* Adds s as a JSON string (RFC 8259), with quotes; bytes outside ASCII are taken as UTF-8 and stay as they are. */
void json_string(struct buf *out, const char *s);

#endif
