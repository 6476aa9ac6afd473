#include "sandbox.h"

/* The sanitizers' runtimes make calls of their own, at the end even ptrace(): they and the filter exclude each other. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANDBOX_NONE
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_NONE
#endif
#if !defined(__linux__) || !(defined(__x86_64__) || defined(__aarch64__))
#define SANDBOX_NONE
#endif

#ifdef SANDBOX_NONE

unsigned sandbox_enter(const char *writes)
{
	(void)writes;
	return 0;
}

unsigned sandbox_settle(const char *writes, const char *const *reads, size_t n)
{
	(void)writes;
	(void)reads;
	(void)n;
	return 0;
}

#else

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __x86_64__
#define ARCH AUDIT_ARCH_X86_64
#else
#define ARCH AUDIT_ARCH_AARCH64
#endif

#define LEN(array) (sizeof(array) / sizeof(*(array)))

/* A call of the kernel, and what its argument arg, cut by mask, has to be; mask 0: anything. */
struct call {
	unsigned nr;
	unsigned arg;
	uint32_t mask;
	uint32_t value;
};

/* What a libc needs for memory, threads, time and its streams; then reading. Old calls are not there on every machine. */
static const struct call always[] = {
	{ .nr = __NR_brk }, { .nr = __NR_mmap }, { .nr = __NR_munmap }, { .nr = __NR_mremap }, { .nr = __NR_mprotect },
	{ .nr = __NR_madvise }, { .nr = __NR_futex }, { .nr = __NR_set_robust_list }, { .nr = __NR_rseq },
	{ .nr = __NR_clone, .arg = 0, .mask = CLONE_THREAD, .value = CLONE_THREAD },
	{ .nr = __NR_sched_yield }, { .nr = __NR_sched_getaffinity }, { .nr = __NR_gettid }, { .nr = __NR_getpid },
	{ .nr = __NR_geteuid }, { .nr = __NR_getuid }, { .nr = __NR_getrandom }, { .nr = __NR_clock_gettime },
	{ .nr = __NR_clock_nanosleep }, { .nr = __NR_nanosleep }, { .nr = __NR_restart_syscall },
	{ .nr = __NR_rt_sigaction }, { .nr = __NR_rt_sigprocmask }, { .nr = __NR_rt_sigreturn }, { .nr = __NR_sigaltstack },
	{ .nr = __NR_exit }, { .nr = __NR_exit_group },
	{ .nr = __NR_read }, { .nr = __NR_readv }, { .nr = __NR_pread64 }, { .nr = __NR_write }, { .nr = __NR_writev },
	{ .nr = __NR_lseek }, { .nr = __NR_close }, { .nr = __NR_fcntl }, { .nr = __NR_fstat }, { .nr = __NR_newfstatat },
	{ .nr = __NR_statx }, { .nr = __NR_fstatfs }, { .nr = __NR_statfs }, { .nr = __NR_getdents64 }, { .nr = __NR_faccessat },
	{ .nr = __NR_faccessat2 }, { .nr = __NR_readlinkat }, { .nr = __NR_fadvise64 }, { .nr = __NR_ppoll }, { .nr = __NR_pipe2 },
	{ .nr = __NR_dup }, { .nr = __NR_umask }, { .nr = __NR_sysinfo },
	{ .nr = __NR_ioctl, .arg = 1, .mask = UINT32_MAX, .value = TCGETS }, /* whether a stream is a terminal */
	/* the second layer of sandbox_settle() */
	{ .nr = __NR_landlock_create_ruleset }, { .nr = __NR_landlock_add_rule }, { .nr = __NR_landlock_restrict_self },
#ifdef __NR_poll
	{ .nr = __NR_poll },
#endif
#ifdef __NR_stat
	{ .nr = __NR_stat }, { .nr = __NR_lstat },
#endif
#ifdef __NR_access
	{ .nr = __NR_access }, { .nr = __NR_readlink },
#endif
#ifdef __NR_pipe
	{ .nr = __NR_pipe },
#endif
};

#define WRITES (O_ACCMODE | O_CREAT | O_TRUNC)

/* Opening, where nothing is to be written. */
static const struct call reading[] = {
	{ .nr = __NR_openat, .arg = 2, .mask = WRITES, .value = O_RDONLY },
#ifdef __NR_open
	{ .nr = __NR_open, .arg = 1, .mask = WRITES, .value = O_RDONLY },
#endif
};

static const struct call writing[] = {
	{ .nr = __NR_openat }, { .nr = __NR_openat2 }, { .nr = __NR_mkdirat }, { .nr = __NR_unlinkat }, { .nr = __NR_renameat2 }, { .nr = __NR_fchmod },
	{ .nr = __NR_pwrite64 }, { .nr = __NR_fsync }, { .nr = __NR_fdatasync }, { .nr = __NR_ftruncate },
	{ .nr = __NR_fallocate }, { .nr = __NR_flock }, { .nr = __NR_renameat },
#ifdef __NR_open
	{ .nr = __NR_open }, { .nr = __NR_mkdir }, { .nr = __NR_unlink }, { .nr = __NR_rmdir }, { .nr = __NR_rename },
#endif
};

/* Calls that only an intruder would make. Any other that is not allowed is refused as one that the kernel lacks. */
static const struct call fatal[] = {
	{ .nr = __NR_execve }, { .nr = __NR_execveat }, { .nr = __NR_ptrace }, { .nr = __NR_process_vm_readv },
	{ .nr = __NR_process_vm_writev }, { .nr = __NR_socket }, { .nr = __NR_socketpair }, { .nr = __NR_connect },
	{ .nr = __NR_bind }, { .nr = __NR_mount }, { .nr = __NR_unshare }, { .nr = __NR_setns }, { .nr = __NR_bpf },
	{ .nr = __NR_init_module }, { .nr = __NR_finit_module }, { .nr = __NR_kexec_load }, { .nr = __NR_keyctl },
	{ .nr = __NR_setuid },
};

#define FIELD(name) ((uint32_t)offsetof(struct seccomp_data, name))
/* The low half of an argument, on machines of this byte order: x86_64 and aarch64 are little-endian. */
#define ARGUMENT(i) (FIELD(args) + (uint32_t)sizeof(uint64_t) * (i))

struct program {
	struct sock_filter code[6 * (LEN(always) + LEN(writing) + LEN(reading) + LEN(fatal)) + 16];
	unsigned short len;
};

static void add(struct program *p, uint16_t code, uint32_t k, uint8_t if_true, uint8_t if_false)
{
	p->code[p->len++] = (struct sock_filter)BPF_JUMP(code, k, if_true, if_false);
}

/* "Where the call is one of these, end with the verdict": the call's number is in the accumulator before and after. */
static void add_calls(struct program *p, const struct call *calls, size_t n, uint32_t verdict)
{
	for (size_t i = 0; i < n; i++) {
		const struct call *c = &calls[i];
		if (!c->mask) {
			add(p, BPF_JMP | BPF_JEQ | BPF_K, c->nr, 0, 1);
			add(p, BPF_RET | BPF_K, verdict, 0, 0);
			continue;
		}
		add(p, BPF_JMP | BPF_JEQ | BPF_K, c->nr, 0, 5);
		add(p, BPF_LD | BPF_W | BPF_ABS, ARGUMENT(c->arg), 0, 0);
		add(p, BPF_ALU | BPF_AND | BPF_K, c->mask, 0, 0);
		add(p, BPF_JMP | BPF_JEQ | BPF_K, c->value, 0, 1);
		add(p, BPF_RET | BPF_K, verdict, 0, 0);
		add(p, BPF_LD | BPF_W | BPF_ABS, FIELD(nr), 0, 0);
	}
}

static unsigned filter(int writes)
{
	struct program p = { .len = 0 };
	uint32_t pid = (uint32_t)getpid();
	/* abort(), and what a debugger such as valgrind does in its place */
	const struct call to_itself[] = {
		{ .nr = __NR_tgkill, .arg = 0, .mask = UINT32_MAX, .value = pid },
		{ .nr = __NR_kill, .arg = 0, .mask = UINT32_MAX, .value = pid },
	};

	add(&p, BPF_LD | BPF_W | BPF_ABS, FIELD(arch), 0, 0);
	add(&p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	add(&p, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
	add(&p, BPF_LD | BPF_W | BPF_ABS, FIELD(nr), 0, 0);
	add_calls(&p, always, LEN(always), SECCOMP_RET_ALLOW);
	add_calls(&p, to_itself, LEN(to_itself), SECCOMP_RET_ALLOW);
	if (writes)
		add_calls(&p, writing, LEN(writing), SECCOMP_RET_ALLOW);
	else
		add_calls(&p, reading, LEN(reading), SECCOMP_RET_ALLOW);
	add_calls(&p, fatal, LEN(fatal), SECCOMP_RET_KILL_PROCESS);
	/* clone3() is among those: its flags cannot be seen from here, and libc then takes clone(). */
	add(&p, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS, 0, 0);

	const struct sock_fprog prog = { .len = p.len, .filter = p.code };
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) == 0 ? SANDBOX_SECCOMP : 0;
}

/*
 * landlock(7), by numbers: the header of the machine that this is compiled on may be older than the kernel that it runs
 * on. Access to files, in the order of the bits, and the version of the interface that brought each.
 */
enum {
	EXECUTE = 1 << 0, WRITE_FILE = 1 << 1, READ_FILE = 1 << 2, READ_DIR = 1 << 3, REMOVE_DIR = 1 << 4,
	REMOVE_FILE = 1 << 5, MAKE_DIR = 1 << 7, MAKE_REG = 1 << 8,
	ALL_1 = (1 << 13) - 1, REFER_2 = 1 << 13, TRUNCATE_3 = 1 << 14, IOCTL_DEV_5 = 1 << 15,
	READ = READ_FILE | READ_DIR,
	WRITE = WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG,
	OF_FILES = EXECUTE | WRITE_FILE | READ_FILE,
};

struct ruleset {
	uint64_t files;
	uint64_t net;		/* since 4: bind and connect of TCP */
	uint64_t scoped;	/* since 6: abstract sockets, signals */
};

struct beneath {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

#define RULE_BENEATH 1
#define ASK_VERSION 1

static long version(void)
{
	return syscall(__NR_landlock_create_ruleset, NULL, 0, ASK_VERSION);
}

/* What is not there, or cannot be opened, needs no leave: using it fails as well. */
static void allow(int ruleset, const char *path, uint64_t access)
{
	struct stat st;
	int fd = path ? open(path, O_PATH | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	struct beneath rule = { .allowed = access, .fd = fd };
	if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed &= OF_FILES;
	(void)syscall(__NR_landlock_add_rule, ruleset, RULE_BENEATH, &rule, 0);
	(void)close(fd);
}

static unsigned restrict_self(int ruleset)
{
	int bad = syscall(__NR_landlock_restrict_self, ruleset, 0) != 0;

	(void)close(ruleset);
	return bad ? 0 : SANDBOX_LANDLOCK;
}

static unsigned landlock(const char *writes)
{
	long v = version();
	struct ruleset r = { .files = ALL_1 & ~READ };

	if (v < 1)
		return 0;
	r.files |= (v >= 2 ? REFER_2 : 0) | (v >= 3 ? TRUNCATE_3 : 0) | (v >= 5 ? IOCTL_DEV_5 : 0);
	r.net = v >= 4 ? 3 : 0;
	r.scoped = v >= 6 ? 3 : 0;
	int fd = (int)syscall(__NR_landlock_create_ruleset, &r, sizeof(r), 0);
	if (fd < 0)
		return 0;
	allow(fd, writes, WRITE);
	return restrict_self(fd);
}

unsigned sandbox_enter(const char *writes)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return 0;
	unsigned in_force = landlock(writes);

	return in_force | filter(writes != NULL);
}

unsigned sandbox_settle(const char *writes, const char *const *reads, size_t n)
{
	const struct ruleset r = { .files = READ };
	int fd = version() < 1 ? -1 : (int)syscall(__NR_landlock_create_ruleset, &r, sizeof(r), 0);

	if (fd < 0)
		return 0;
	allow(fd, writes, READ);
	for (size_t i = 0; i < n; i++)
		allow(fd, reads[i], READ);
	return restrict_self(fd);
}

#endif
