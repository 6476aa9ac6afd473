#ifndef LINT_H
#define LINT_H

/* For the static checkers, which look at one file at a time: these return -1, always. */

#include "err.h"

#define err_set(...) (err_set(__VA_ARGS__), -1)
#define err_errno(...) (err_errno(__VA_ARGS__), -1)
#define err_wrap(...) (err_wrap(__VA_ARGS__), -1)

#endif
