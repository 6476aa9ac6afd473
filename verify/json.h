#ifndef JSON_H
#define JSON_H

#include "buf.h"

/*
 * Adds s as a JSON string (RFC 8259), with quotes; bytes outside ASCII are taken as UTF-8 and stay as they are;
 * those that are not, or that could steer a terminal (see utf8.h), become the text \xNN.
 * (libjansson, which labgen links as well, has a json_string().)
 */
void json_quote(struct buf *out, const char *s);

#endif
