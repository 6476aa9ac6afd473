#ifndef FORMAT_H
#define FORMAT_H

#include <stddef.h>

/*
 * Bundle format 1, on one page.
 *
 * An uncompressed ustar archive (POSIX.1-1988) of regular files only, every one under one root folder:
 *
 *	ROOT/SHA256SUMS            the manifest: "<64 lower-case hex><two spaces><path>\n" for each later member, in
 *	                           bytewise order of path
 *	ROOT/SHA256SUMS.minisig    a minisign signature of it (prehashed Ed25519), with the two comments fixed below
 *	ROOT/<path>                each member that the manifest lists, in the manifest's order
 *
 * ROOT is LAB-VERSION-OS-ARCH. A header is a function of path and size alone: mode 0755 under bin/ and for lab, else
 * 0644; uid and gid 0; no user or group name; one constant time. Padding is zero. Two zero blocks end the archive, and
 * nothing follows them. So a checker predicts every header from the signed manifest and compares bytes; the only thing
 * it reads out of a header is the size field.
 *
 * Bundle id: the SHA-256 of the manifest. It is the same for every signer of the same lab.
 *
 * Volumes: the archive cut every N bytes into NAME.tar.001, NAME.tar.002, ... and a text NAME.tar.volumes with its own
 * signature NAME.tar.volumes.minisig; see volumes.h.
 */

#define FORMAT_VERSION 1

#define FORMAT_MANIFEST "SHA256SUMS"
#define FORMAT_SIGNATURE "SHA256SUMS.minisig"

/* The fixed comments of the signature. The trusted one takes LAB, VERSION and PLATFORM. */
#define FORMAT_UNTRUSTED_COMMENT "signature of a labgen bundle"
#define FORMAT_TRUSTED_COMMENT "labgen bundle 1 lab=%s version=%s platform=%s"

#define FORMAT_MTIME 1767225600		/* seconds since 1970: 2026-01-01T00:00:00Z */
#define FORMAT_BLOCK 512		/* bytes in a tar block */

#define FORMAT_NAME_MAX 200		/* bytes of a member's name, with the root */
#define FORMAT_ROOT_MAX 100		/* bytes of the root */
#define FORMAT_WORD_MAX 48		/* bytes of a lab's name and of its version */
#define FORMAT_MEMBERS_MAX 32768	/* members, without the first two */
#define FORMAT_MANIFEST_MAX (8u << 20)	/* bytes of the manifest */
#define FORMAT_SIGNATURE_MAX 1024	/* bytes of a signature file */
#define FORMAT_SIZE_MAX 077777777777ull	/* bytes of a member: 8 GiB - 1, what eleven octal digits hold */
#define FORMAT_VOLUMES_MAX 999
#define FORMAT_VOLUME_MIN (1u << 20)	/* bytes of the smallest volume but the last */

#define FORMAT_DIGEST 32		/* bytes of a SHA-256 */

/* The platforms that a bundle can be for. NULL-terminated. */
extern const char *const format_platforms[];

/* Whether platform, as in "linux/amd64", is one of format_platforms. */
int format_platform_known(const char *platform);

/*
 * Whether s (len bytes) is a lab name or version: 1 to FORMAT_WORD_MAX of [A-Za-z0-9._+~], the first a letter or
 * digit; a name may hold '-' as well (dash != 0). Neither can then be mistaken for a path or an option.
 */
int format_word_ok(const char *s, size_t len, int dash);

/*
 * Whether s (len bytes) is a path: parts of [A-Za-z0-9._+@=~-] joined by '/', none empty, "." or "..", at most
 * FORMAT_NAME_MAX bytes.
 */
int format_path_ok(const char *s, size_t len);

/* The mode that a path (without the root) has in a bundle: 0755 or 0644. */
unsigned format_mode(const char *path);

#endif
