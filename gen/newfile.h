#ifndef NEWFILE_H
#define NEWFILE_H

#include "err.h"

#include <stdint.h>
#include <sys/types.h>

/*
 * A file that appears whole under a new name, or not at all. It is written as ".NAME.part" beside it, under a lock: what
 * a killed writer left is the next one's to take over, and two writers never share it.
 */
struct newfile {
	char *path;	/* as given, for messages */
	char *name;	/* its last part */
	char *part;	/* the temporary name */
	int dirfd;
	int fd;		/* to write to */
};

#define NEWFILE_INIT { NULL, NULL, NULL, -1, -1 }

/* Opens it, empty; to be released also when it fails. ERR_USAGE where path exists already. mode is cut by the umask. */
int newfile_open(struct newfile *f, const char *path, mode_t mode, struct err *err);

/* Brings it to the disk and gives it its name; still never replaces another file. */
int newfile_commit(struct newfile *f, struct err *err);

/* Closes it, and removes it where it was not committed. */
void newfile_release(struct newfile *f);
#define cleanup_newfile __attribute__((cleanup(newfile_release)))

/* Whether the folder dirfd has room for a bundle of size bytes, as far as that can be told. path is for messages. */
int newfile_space(int dirfd, const char *path, uint64_t size, struct err *err);

#endif
