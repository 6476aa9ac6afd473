#ifndef ROOTTREE_H
#define ROOTTREE_H

#include "err.h"
#include "roottar.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The root file system as it grows: what lies where and who brought it, while each thing goes into the tar at once. The
 * layout is the merged /usr: what packages have in /bin, /sbin, /lib* lies in /usr, and these are links to it. Nothing
 * may lie twice, or below a link; so unpacking cannot leave the folder. A folder's mode is that of who brings it first.
 */

struct roottree;

struct roottree *roottree_new(struct roottar *tar);
void roottree_free(struct roottree *t);
static inline void roottree_freep(struct roottree **t) { roottree_free(*t); }
#define cleanup_roottree __attribute__((cleanup(roottree_freep)))

/* Whose things come next, for messages; borrowed. overlay: later files of packages at the same places are passed over. */
void roottree_owner(struct roottree *t, const char *owner, int overlay);

/*
 * The place of a name from an archive: "./" before it dropped, the merged /usr applied; to be freed; "" is the root
 * itself. NULL and ERR_WORK for a name that is absolute, has "..", or has control characters.
 */
char *roottree_path(struct roottree *t, const char *raw, struct err *err);

/*
 * Each adds a thing at a place from roottree_path(), with the folders above it. Set-id bits are dropped, and an owner can
 * always read and write. roottree_file() returns 1 where the file is not wanted; 0: the content is to go to the tar next.
 */
int roottree_dir(struct roottree *t, const char *path, unsigned mode, struct err *err);
int roottree_symlink(struct roottree *t, const char *path, const char *target, struct err *err);
int roottree_hardlink(struct roottree *t, const char *path, const char *target, struct err *err);
int roottree_file(struct roottree *t, const char *path, unsigned mode, uint64_t size, struct err *err);

/*
 * Whether a place is left out: documentation, manuals, translations. Licences (usr/share/doc/PACKAGE/copyright, and links
 * from one package's folder there to another's) stay.
 */
int roottree_left_out(const char *path, int is_symlink);

#endif
