#include "proc.h"

#include "fs.h"
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHUNK 65536
#define LOG_MAX 65536	/* bytes of standard error that are kept: the last ones */
#define TAIL_MAX 400	/* bytes of it in a message */

/* What this process has, but for the names in own, and own itself; LC_ALL=C. Strings are borrowed. */
static char **make_env(const char *const *own)
{
	static char locale[] = "LC_ALL=C";
	size_t n = 2, used = 0;

	for (char **e = environ; *e; e++)
		n++;
	for (const char *const *o = own; o && *o; o++)
		n++;
	char **all = xcalloc(n, sizeof(*all));
	all[used++] = locale;
	for (const char *const *o = own; o && *o; o++)
		all[used++] = (char *)(uintptr_t)*o;
	size_t ours = used;
	for (char **e = environ; *e; e++) {
		size_t len = strcspn(*e, "="), i = 0;
		while (i < ours && (strncmp(all[i], *e, len) != 0 || all[i][len] != '='))
			i++;
		if (i == ours)
			all[used++] = *e;
	}
	return all;
}

/* In the child: never returns. What fails is said on its standard error, and the status is the shell's for it. */
static void child(const struct proc *p, char **env, int in, int out, int log)
{
	if (dup2(in, 0) >= 0 && dup2(out, 1) >= 0 && dup2(log, 2) >= 0 && (!p->dir || chdir(p->dir) == 0)) {
		environ = env;
		(void)execvp(p->argv[0], (char *const *)(uintptr_t)p->argv);
	}
	const char *why = strerror(errno);
	if (write(2, why, strlen(why)) < 0)
		_exit(126);
	_exit(127);
}

/* The standard input: a file in memory, so that nobody has to feed it while the program runs. */
static int open_input(const struct proc *p, struct err *err)
{
	if (!p->in) {
		int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		return null < 0 ? err_errno(err, "%s: cannot open /dev/null", p->argv[0]) : null;
	}
	cleanup_close int fd = memfd_create("in", MFD_CLOEXEC);
	if (fd < 0 || fs_write(fd, p->in, strlen(p->in), err) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_errno(err, "%s: cannot make its standard input", p->argv[0]);
	return steal_fd(&fd);
}

/* Reads what there is of one pipe. Returns 0, 1 at its end, -1. */
static int take(int fd, struct buf *to, struct err *err)
{
	ssize_t n = read(fd, buf_reserve(to, CHUNK), CHUNK);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : err_errno(err, "cannot read");
	to->len += (size_t)n;
	to->data[to->len] = '\0';
	return n == 0;
}

static void keep_last(struct buf *b, size_t max)
{
	if (b->len <= max)
		return;
	memmove(b->data, b->data + b->len - max, max);
	b->len = max;
	b->data[max] = '\0';
}

static int drain(const struct proc *p, int out_fd, int log_fd, struct buf *out, struct buf *log, struct err *err)
{
	struct pollfd fds[2] = { { out_fd, POLLIN, 0 }, { log_fd, POLLIN, 0 } };

	while (fds[0].fd >= 0 || fds[1].fd >= 0) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return err_errno(err, "cannot wait");
		for (int i = 0; i < 2; i++) {
			if (fds[i].fd < 0 || !fds[i].revents)
				continue;
			int end = take(fds[i].fd, i == 0 ? out : log, err);
			if (end < 0)
				return -1;
			if (end)
				fds[i].fd = -1;
		}
		if (out->len > p->out_max)
			return err_set(err, ERR_WORK, "writes more than %zu bytes", p->out_max);
		keep_last(log, LOG_MAX);
	}
	return 0;
}

/* The end of a text, on one line. */
static char *tail(const struct buf *log)
{
	size_t len = log->len;

	while (len > 0 && (log->data[len - 1] == '\n' || log->data[len - 1] == ' '))
		len--;
	size_t from = len > TAIL_MAX ? len - TAIL_MAX : 0;
	char *s = xstrndup(log->data ? log->data + from : "", len - from);
	for (char *c = s; *c; c++)
		if (*c == '\n' || *c == '\t' || *c == '\r')
			*c = ' ';
	return s;
}

static int judge(const struct proc *p, int status, const struct buf *log, struct err *err)
{
	cleanup_free char *said = tail(log);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return err_set(err, ERR_WORK, "%s: cannot run it: %s", p->argv[0], said);
	if (WIFSIGNALED(status))
		return err_set(err, ERR_WORK, "%s: ended by signal %d: %s", p->argv[0], WTERMSIG(status), said);
	return err_set(err, ERR_WORK, "%s: exit %d: %s", p->argv[0], WEXITSTATUS(status), said);
}

int proc_run(const struct proc *p, struct buf *out, struct buf *log, struct err *err)
{
	cleanup_buf struct buf no_out = BUF_INIT, no_log = BUF_INIT;
	int o[2], l[2], status;

	cleanup_close int in = open_input(p, err);
	if (in < 0)
		return -1;
	out = out ? out : &no_out;
	log = log ? log : &no_log;
	if (pipe2(o, O_CLOEXEC) < 0)
		return err_errno(err, "%s: cannot make a pipe", p->argv[0]);
	cleanup_close int out_read = o[0], out_write = o[1];
	if (pipe2(l, O_CLOEXEC) < 0)
		return err_errno(err, "%s: cannot make a pipe", p->argv[0]);
	cleanup_close int log_read = l[0], log_write = l[1];

	char **env = make_env(p->env);
	pid_t pid = fork();
	if (pid == 0)
		child(p, env, in, out_write, log_write);
	free(env);
	if (pid < 0)
		return err_errno(err, "%s: cannot start a process", p->argv[0]);
	(void)close(steal_fd(&out_write));
	(void)close(steal_fd(&log_write));
	int drained = drain(p, out_read, log_read, out, log, err);
	if (drained < 0)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(err, "%s: cannot wait for it", p->argv[0]);
	return drained < 0 ? err_wrap(err, "%s", p->argv[0]) : judge(p, status, log, err);
}
