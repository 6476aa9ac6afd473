#include "password.h"

#include "fs.h"
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>

static char *secret_bytes(struct err *err)
{
	char *p = sodium_init() < 0 ? NULL : sodium_malloc(PASSWORD_MAX + 1);

	if (!p)
		(void)err_set(err, ERR_WORK, "no guarded memory for a password");
	else
		sodium_memzero(p, PASSWORD_MAX + 1);
	return p;
}

void password_free(char **password)
{
	sodium_free(*password);
	*password = NULL;
}

/* Cuts it at its line's end. */
static int take_line(char *line, size_t len, const char *from, struct err *err)
{
	size_t end = 0;

	while (end < len && line[end] != '\n' && line[end] != '\r')
		end++;
	if (end == 0)
		return err_set(err, ERR_USAGE, "%s: the password is empty", from);
	if (end >= PASSWORD_MAX)
		return err_set(err, ERR_USAGE, "%s: the password is over %d bytes", from, PASSWORD_MAX - 1);
	if (memchr(line, '\0', end))
		return err_set(err, ERR_USAGE, "%s: the password holds a NUL", from);
	sodium_memzero(line + end, PASSWORD_MAX + 1 - end);
	return 0;
}

static int from_file(char *line, const char *file, struct err *err)
{
	cleanup_close int fd = open(file, O_RDONLY | O_CLOEXEC);
	size_t got;

	if (fd < 0)
		return err_errno(err, "%s: cannot read the password", file);
	if (fs_read(fd, line, PASSWORD_MAX + 1, &got, err))
		return err_wrap(err, "%s", file);
	return take_line(line, got, file, err);
}

/* A terminal whose echo is off, and the signals that would leave it so, held back. */
struct quiet_tty {
	int fd;
	int signals;
	struct termios before;
	sigset_t mask_before;
};

static void tty_restore(struct quiet_tty *q)
{
	(void)tcsetattr(q->fd, TCSAFLUSH, &q->before);
	(void)close(q->signals);
	/* What is pending does its work now: on a terminal that is whole again. */
	(void)sigprocmask(SIG_SETMASK, &q->mask_before, NULL);
}

static int tty_quiet(struct quiet_tty *q, struct err *err)
{
	static const int held[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
	struct termios silent;
	sigset_t mask;

	(void)sigemptyset(&mask);
	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++)
		(void)sigaddset(&mask, held[i]);
	if (tcgetattr(q->fd, &q->before) < 0)
		return err_errno(err, "cannot read the terminal's settings");
	q->signals = signalfd(-1, &mask, SFD_CLOEXEC);
	if (q->signals < 0)
		return err_errno(err, "cannot wait for signals");
	(void)sigprocmask(SIG_BLOCK, &mask, &q->mask_before);
	silent = q->before;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
	silent.c_lflag |= ECHONL | ICANON;
	if (tcsetattr(q->fd, TCSAFLUSH, &silent) < 0) {
		tty_restore(q);
		return err_errno(err, "cannot turn the terminal's echo off");
	}
	return 0;
}

/* 1: a line came; 0: a signal came; -1: neither can. */
static int tty_wait(const struct quiet_tty *q)
{
	struct pollfd fds[] = { { .fd = q->signals, .events = POLLIN }, { .fd = q->fd, .events = POLLIN } };

	while (poll(fds, 2, -1) < 0)
		if (errno != EINTR)
			return -1;
	return !fds[0].revents;
}

static int ask(char *line, int tty, const char *prompt, struct err *err)
{
	for (;;) {
		struct quiet_tty q = { .fd = tty };
		if (tty_quiet(&q, err) || fs_write(tty, prompt, strlen(prompt), err))
			return -1;
		int ready = tty_wait(&q);
		ssize_t got = ready > 0 ? read(tty, line, PASSWORD_MAX + 1) : 0;
		tty_restore(&q);
		if (ready < 0 || got < 0)
			return err_errno(err, "cannot read from the terminal");
		if (ready > 0)
			return take_line(line, (size_t)got, "the terminal", err);
		/* A signal that did not end us (stopped, and continued): ask again. */
	}
}

static int from_terminal(char *line, const char *prompt, int twice, struct err *err)
{
	cleanup_close int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	cleanup_password char *again = NULL;

	if (tty < 0)
		return err_set(err, ERR_USAGE, "there is no terminal to ask for the password; use --password-file");
	if (ask(line, tty, prompt, err))
		return -1;
	if (!twice)
		return 0;
	if (!(again = secret_bytes(err)) || ask(again, tty, "The same again: ", err))
		return -1;
	return strcmp(line, again) == 0 ? 0 : err_set(err, ERR_USAGE, "the two passwords differ");
}

int password_get(char **out, const char *file, const char *prompt, int twice, struct err *err)
{
	cleanup_password char *line = secret_bytes(err);

	if (!line || (file ? from_file(line, file, err) : from_terminal(line, prompt, twice, err)))
		return -1;
	*out = steal(&line);
	return 0;
}
