# shellcheck shell=sh disable=SC2030,SC2031,SC2034,SC2154,SC2317 # the files of lib/ and a lab's own share names
# The services of a lab for the target host.
#
# A service is a file services/NN-NAME.sh of the lab, read ("sourced") by a shell of its own. Services start in the
# order of their file names and stop the other way round. NAME (lower case, digits, dashes) names the service's data
# folder and log. The file sets
#
#	service_title='Redis'       what people read; one with a port has the name of its port in lab.yaml
#
# and defines
#
#	service_exec()              ends in: enter PROGRAM ARGUMENTS, the program by its absolute path in the lab's root; it
#	                            stays in the foreground, and its children in its process group
#	service_ready()             optional: 0 when it answers; called over and over, once its port listens; a try may
#	                            take some seconds, and what it prints is not shown
#
# A check is a file checks/NN-NAME.sh, which sets
#
#	check_title='Redis'
#	check_needs='Redis|…'       titles of the services that must run, joined by |
#
# and defines
#
#	check_run()                 uses the system; prints one line: what it proved, or else why it failed, and returns 1
#
# All of these may call
#
#	port TITLE                  prints the port of that service, shifted by LAB_PORT_OFFSET
#	inside PROGRAM ARGUMENTS    runs a program of the lab's root, with a time limit; standard input and output are yours; with
#	                            --dry-run it prints the command and returns 0
#
# The root is read-only but for /data (the service's own, kept until "reset" or "down --purge"), /tmp and /run. HOME is
# /data. There need not be a shell in it. No file of a lab runs anything outside the root but what POSIX sh has.

SERVICE_WAIT=30		# seconds until a service answers
SERVICE_STOP=10		# seconds from TERM to KILL

# services_find: sets SERVICES, the names of the lab's services, in order.
services_find() {
	SERVICES=$(service_list) || exit 1
}

# service_list: prints the names of the lab's services, in order.
service_list() {
	for service_file in "$LAB_DIR"/services/[0-9][0-9]-*.sh; do
		[ -e "$service_file" ] || die "$LAB_DIR/services: holds no service; extract the bundle again"
		service_file=${service_file##*/}
		printf '%s\n' "${service_file%.sh}"
	done
}

# service_started: prints the names of the services that have a record, also those that only an earlier version of the
# lab had, in order.
service_started() {
	for service_file in "$STATE"/run/*.pid; do
		[ -e "$service_file" ] || continue
		service_file=${service_file##*/}
		printf '%s\n' "${service_file%.pid}"
	done
}

# service_load NAME: reads the service's file, and sets service_port ('' where lab.yaml has no port of its title).
service_load() {
	service_title=''
	service_ready() { :; }
	# shellcheck source=/dev/null
	. "$LAB_DIR/services/$1.sh"
	[ -n "$service_title" ] || die "services/$1.sh: sets no service_title; this is a fault in the lab"
	service_port=$(port "$service_title" 2>/dev/null) || service_port=''
}

# service_running NAME: whether its process is alive; sets PROC_PID.
service_running() {
	proc_alive "$STATE/run/$1.pid"
}

# service_healthy NAME: whether it is alive, it and no other listens on its port, and it answers.
service_healthy() {
	service_running "$1" || return 1
	[ -z "$service_port" ] || proc_listens "$PROC_PID" "$service_port" || return 1
	# A question, so it is asked with --dry-run as well.
	(
		DRY_RUN=0 INSIDE_LIMIT=8
		service_ready
	) >/dev/null 2>&1 </dev/null
}

# service_start NAME: starts it in the background and records its process. The new process writes the record itself,
# before it becomes the service, and holds the lab's lock until then: whoever has the lock sees every service.
service_start() {
	SERVICE_RECORD="$STATE/run/$1.pid"
	ENTER_DATA="$STATE/data/${1#*-}"
	if [ "$DRY_RUN" = 1 ]; then
		service_exec
		return 0
	fi
	mkdir -p "$STATE/run" "$STATE/log" "$ENTER_DATA"
	rm -f "$SERVICE_RECORD"
	[ ! -e "$STATE/log/${1#*-}.log" ] || mv "$STATE/log/${1#*-}.log" "$STATE/log/${1#*-}.log.1"
	(
		ENTER_DETACHED=1
		service_exec
	) </dev/null >"$STATE/log/${1#*-}.log" 2>&1 &
	service_tries=0
	until [ -s "$SERVICE_RECORD" ] || [ "$service_tries" -ge 50 ]; do
		service_tries=$((service_tries + 1))
		pause
	done
}

# service_wait NAME: until it is healthy. Returns 1 and sets service_why where it ends or does not answer in time.
service_wait() {
	service_end=$(($(date +%s) + SERVICE_WAIT))
	until service_healthy "$1"; do
		if ! service_running "$1"; then
			service_why="it ended by itself"
			return 1
		fi
		if [ "$(date +%s)" -ge "$service_end" ]; then
			service_why="it does not answer${service_port:+ on port $service_port} within $SERVICE_WAIT seconds"
			return 1
		fi
		pause
	done
}

# service_log NAME: prints the last lines it logged, indented.
service_log() {
	[ ! -s "$STATE/log/${1#*-}.log" ] || tail -n 10 "$STATE/log/${1#*-}.log" | sed 's/^/    /'
}

# service_stop NAME: TERM, then KILL; returns 1 where the process will not end. The record goes last.
service_stop() {
	if service_running "$1"; then
		service_pid=$PROC_PID
		run kill -TERM "$service_pid" || :
		# Somebody may have stopped it with Ctrl-Z or -STOP.
		run kill -CONT "$service_pid" || :
		[ "$DRY_RUN" = 0 ] || return 0
		service_gone "$1" "$SERVICE_STOP" || {
			kill -KILL "$service_pid" 2>/dev/null || :
			service_gone "$1" 5 || return 1
		}
		# Children that it left behind: it was the leader of its group.
		kill -KILL "-$service_pid" 2>/dev/null || :
	fi
	run rm -f "$STATE/run/$1.pid"
}

# service_gone NAME SECONDS: waits for its end; whether it came.
service_gone() {
	service_end=$(($(date +%s) + $2))
	while service_running "$1"; do
		[ "$(date +%s)" -lt "$service_end" ] || return 1
		pause
	done
}
