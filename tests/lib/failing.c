/*
 * For LD_PRELOAD: one call fails that seldom does. FAIL_ALLOC=N: the Nth allocation (1 and up), and each after it with
 * FAIL_REST=1; FAIL_READDIR=N: the Nth readdir(), with EIO; FAIL_CLOSE=N: the Nth close() of a file opened to be
 * written, with ENOSPC, as network file systems do.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static atomic_long allocs, readdirs, closes;

static int now(const char *name, atomic_long *count)
{
	const char *s = getenv(name);

	if (!s)
		return 0;
	long want = strtol(s, NULL, 10), is = ++*count;
	return is == want || (is > want && want > 0 && getenv("FAIL_REST") != NULL);
}

static int no_memory(void)
{
	if (!now("FAIL_ALLOC", &allocs))
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t n)
{
	return no_memory() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return no_memory() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return no_memory() ? NULL : __libc_realloc(p, n);
}

/* Both are the same function where files have 64-bit offsets anyway. */
struct dirent64 *readdir64(DIR *dir)
{
	struct dirent64 *(*real)(DIR *) = (struct dirent64 *(*)(DIR *))dlsym(RTLD_NEXT, "readdir64");

	if (now("FAIL_READDIR", &readdirs)) {
		errno = EIO;
		return NULL;
	}
	return real(dir);
}

struct dirent *readdir(DIR *dir)
{
	return (struct dirent *)readdir64(dir);
}

int close(int fd)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "close");
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && (flags & O_ACCMODE) == O_WRONLY && now("FAIL_CLOSE", &closes)) {
		(void)real(fd);
		errno = ENOSPC;
		return -1;
	}
	return real(fd);
}
