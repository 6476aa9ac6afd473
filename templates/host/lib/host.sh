# shellcheck shell=sh disable=SC2034,SC2154 # the files of lib/ share variables
# The verbs of the target host.

# host_find: where everything is; changes nothing.
host_find() {
	state_find
	root_find
	ports_init
}

# host_missing: prints the names of the services that are not healthy.
host_missing() {
	for host_name in $SERVICES; do
		service_load "$host_name"
		service_healthy "$host_name" || printf '%s\n' "$host_name"
	done
}

# host_stop NAME...: stops those services, in that order.
host_stop() {
	for host_name in "$@"; do
		! service_running "$host_name" || say "stopping ${host_name#*-} (process $PROC_PID)"
		service_stop "$host_name" || die "down: $host_name: process $service_pid does not end, even on KILL; \
look at what it waits for, then run down again"
	done
}

# host_backwards NAME...: prints the names the other way round.
host_backwards() {
	host_out=''
	for host_name in "$@"; do
		host_out="$host_name $host_out"
	done
	printf '%s\n' "$host_out"
}

# host_failed NAME WHY STARTED...: a service would not come up: stops what this run started, and says all of it.
host_failed() {
	host_name=$1 host_why=$2
	shift 2
	warn "up: $service_title: $host_why; the last lines of $STATE/log/${host_name#*-}.log:"
	service_log "$host_name" >&2
	# shellcheck disable=SC2046 # names have no spaces
	host_stop $(host_backwards "$@")
	die "up: $service_title did not start, so what this run had started was stopped again; \
see the lines above, then run up again"
}

# host_start NAMES: starts the named services, one after the other.
host_start() {
	host_begun=''
	enter_show
	for host_name in $1; do
		service_load "$host_name"
		# shellcheck disable=SC2086 # names have no spaces
		if [ "$DRY_RUN" = 0 ]; then
			# It may run and not answer; then it begins anew.
			service_stop "$host_name" || die "up: $service_title: process $service_pid hangs and does not end; end it, then run up again"
			host_holder=''
			[ -z "$service_port" ] || host_holder=$(port_holder "$service_port")
			[ -z "$host_holder" ] || host_failed "$host_name" "port $service_port is taken by $host_holder" $host_begun
		fi
		service_start "$host_name"
		host_begun="$host_begun $host_name"
		[ "$DRY_RUN" = 0 ] || continue
		# shellcheck disable=SC2086
		service_wait "$host_name" || host_failed "$host_name" "$service_why" $host_begun
		say "$service_title runs (process $PROC_PID${service_port:+, 127.0.0.1:$service_port})"
	done
}

# host_same_ports: refuses to mix two shifts of the ports in one running lab.
host_same_ports() {
	[ -r "$STATE/port-offset" ] || return 0
	read -r host_kept <"$STATE/port-offset" || :
	[ "$host_kept" != "$PORT_OFFSET" ] || return 0
	for host_name in $(service_started); do
		! service_running "$host_name" ||
			die "up: the lab runs already, with LAB_PORT_OFFSET=$host_kept; run down first, or leave LAB_PORT_OFFSET as it was"
	done
}

# host_up: starts what does not run.
host_up() {
	isolation_find
	host_want=$(host_missing)
	if [ -z "$host_want" ]; then
		say "everything runs already"
		return 0
	fi
	host_kept_json=$JSON host_kept_quiet=$QUIET
	JSON=0 QUIET=1
	preflight_all >&2 || die "up: $preflight_bad of the needs above are not met; meet them, then run up again"
	JSON=$host_kept_json QUIET=$host_kept_quiet
	root_unpack
	[ "$DRY_RUN" = 1 ] || printf '%s\n' "$PORT_OFFSET" >"$STATE/port-offset"
	host_start "$host_want"
}

verb_up() {
	ui_no_arguments up "$@"
	host_find
	services_find
	if [ "$DRY_RUN" = 0 ]; then
		state_make
		state_lock up
	fi
	host_same_ports
	host_up
	[ "$DRY_RUN" = 1 ] || [ "$JSON" = 0 ] || host_show
	[ "$DRY_RUN" = 1 ] || say "up: ./lab check proves it, ./lab open shows the addresses"
}

verb_status() {
	ui_no_arguments status "$@"
	host_find
	services_find
	isolation_find
	host_show
}

# host_show: the state of each service; returns 1 where not all are well.
host_show() {
	host_status=0 host_json=''
	for host_name in $SERVICES; do
		service_load "$host_name"
		host_good=0 host_text="runs, process "
		if ! service_running "$host_name"; then
			host_good=1 host_text="does not run"
			[ ! -e "$STATE/run/$host_name.pid" ] || host_text="died"
		elif ! service_healthy "$host_name"; then
			host_good=1 host_text="does not answer, process "
		fi
		host_pid=$PROC_PID
		[ "$host_good" = 0 ] || host_status=1
		ui_line "$(if [ "$host_good" = 0 ]; then echo ok; else echo FAIL; fi)" \
			"$(printf '%-16s %s' "$service_title" "${service_port:+127.0.0.1:$service_port  }$host_text$host_pid")"
		host_json="$host_json${host_json:+,
}{\"name\":$(json_string "$service_title"),\"pid\":${host_pid:-null},\"port\":${service_port:-null},\"healthy\":$(json_bool "$host_good")}"
	done
	[ "$JSON" = 0 ] || printf '{"lab":%s,"version":%s,"healthy":%s,"services":[%s]}\n' "$(json_string "$LAB_NAME")" \
		"$(json_string "$LAB_VERSION")" "$(json_bool "$host_status")" "$host_json"
	[ "$host_status" = 0 ] || warn "status: not everything runs; run '$LAB_DIR/lab up'"
	return "$host_status"
}

# host_down: stops everything that has a record.
host_down() {
	# shellcheck disable=SC2046 # names have no spaces
	host_stop $(host_backwards $(service_started))
	run rm -f "$STATE/port-offset"
}

verb_down() {
	host_purge=0
	if [ "${1:-}" = --purge ]; then
		host_purge=1
		shift
	fi
	ui_no_arguments down "$@"
	host_find
	if [ -e "$STATE/lab-state" ]; then
		[ "$DRY_RUN" = 1 ] || state_lock down
		host_down
		if [ "$host_purge" = 1 ]; then
			state_remove "$STATE"/root.* "$STATE/data" "$STATE/log" "$STATE/run"
			run rm -f "$STATE"/.lab-??????
			# The mark goes last, so that an interrupted purge can be run again.
			run rm -f "$STATE/lock" "$STATE/lock.owner" "$STATE/lock.link" "$STATE/lab-state"
			run rmdir "$STATE" || die "down: $STATE: holds files that are not the lab's; look at them and remove them by hand"
		fi
	fi
	say "down"
	[ "$JSON" = 0 ] || [ "$DRY_RUN" = 1 ] || printf '{"lab":%s,"down":true,"purged":%s}\n' "$(json_string "$LAB_NAME")" \
		"$(json_bool $((1 - host_purge)))"
}

verb_reset() {
	ui_no_arguments reset "$@"
	host_find
	services_find
	if [ "$DRY_RUN" = 0 ]; then
		state_make
		state_lock reset
	fi
	host_same_ports
	host_offset=$PORT_OFFSET
	host_down
	PORT_OFFSET=$host_offset
	say "wiping the lab's data"
	state_remove "$STATE/data"
	host_up
	[ "$DRY_RUN" = 1 ] || [ "$JSON" = 0 ] || host_show
}

# host_address TITLE PORT URL
host_address() {
	host_json="$host_json${host_json:+,
}{\"name\":$(json_string "$1"),\"address\":\"127.0.0.1:$2\",\"url\":$(if [ -n "$3" ]; then json_string "$3"; else printf null; fi)}"
	[ "$JSON" = 1 ] || printf '%-16s %s\n' "$1" "${3:-127.0.0.1:$2}"
}

# The services listen on this machine already: there is nothing to forward, and no browser is started behind one's back.
verb_open() {
	ui_no_arguments open "$@"
	host_find
	services_find
	isolation_find
	host_want=$(host_missing)
	[ -z "$host_want" ] || die "open: not everything runs (missing: $(printf '%s' "$host_want" | tr '\n' ' ')); run '$LAB_DIR/lab up'"
	host_json=''
	ports_each host_address
	[ "$JSON" = 0 ] || printf '[%s]\n' "$host_json"
}

verb_close() {
	ui_no_arguments close "$@"
	say "nothing to close: the services listen on this machine until 'lab down'"
	[ "$JSON" = 0 ] || printf '{"lab":%s,"closed":[]}\n' "$(json_string "$LAB_NAME")"
}
