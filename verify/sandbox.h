#ifndef SANDBOX_H
#define SANDBOX_H

#include <stddef.h>

/*
 * What labverify gives up, so that a bundle which got the better of it would have got little: on Linux by a seccomp
 * filter and by landlock, each where the kernel has it. Where neither is, or on another system, all goes on without:
 * what is checked does not depend on it.
 */

/* What is in force; or-ed together. */
#define SANDBOX_SECCOMP 1
#define SANDBOX_LANDLOCK 2

/*
 * From here on: no other program, no network, no signal to others, none of the kernel's other calls; and no file is
 * made, written or removed but below the folder writes (NULL: none at all). For the calling thread and those that it
 * starts. Comes before anything from outside is opened. Returns what is in force.
 */
unsigned sandbox_enter(const char *writes);

/*
 * From here on, besides what is open, only these n files and folders can be read (NULL entries, and what is not there, are
 * passed over), and what was given to sandbox_enter(). Comes when all else has been opened. Returns what is in force.
 */
unsigned sandbox_settle(const char *writes, const char *const *reads, size_t n);

#endif
