#ifndef VOLUME_WRITE_H
#define VOLUME_WRITE_H

#include "err.h"
#include "input.h"
#include "signer.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Writing a bundle as volumes, see volumes.h: all of them appear, with their list and its signature, or none does.
 *
 * They are written in the folder ".NAME.tar.parts" beside, under a lock. When everything is there each gets its name (as
 * a second one: a hard link), the list last, and the folder goes. So what a killed writer left is known by being in that
 * folder, and the next one removes it, names and all. A file system without hard links has the files renamed instead;
 * there a writer that was killed in just that moment leaves names, which the next one refuses to replace.
 */

struct volume_writer;

/* Whether stem can be the NAME.tar of volumes, and there is no list of that name yet. ERR_USAGE. */
int volume_names_check(const char *stem, struct err *err);

/*
 * Prepares for a bundle of size bytes in volumes of volume bytes. ERR_USAGE where these would be too
 * many, or one of their names is taken; ERR_WORK also where there is no room for them.
 */
int volume_writer_open(struct volume_writer **out, const char *stem, uint64_t size, uint64_t volume, struct err *err);

/* Takes the bundle's next bytes. */
int volume_writer_put(struct volume_writer *w, const void *data, size_t len, struct err *err);

/* Opens what was written, which must be all of it, for reading: to check it before it is signed. */
int volume_writer_input(struct volume_writer *w, struct input *in, struct err *err);

/* Signs the list and gives everything its name. */
int volume_writer_commit(struct volume_writer *w, const char *lab, const char *version, const char *platform,
	const struct signer *signer, struct err *err);

/* How many volumes there are. */
size_t volume_writer_count(const struct volume_writer *w);

/* Ends it, and removes what was not committed. */
void volume_writer_free(struct volume_writer *w);
static inline void volume_writer_freep(struct volume_writer **w) { volume_writer_free(*w); }
#define cleanup_volume_writer __attribute__((cleanup(volume_writer_freep)))

#endif
