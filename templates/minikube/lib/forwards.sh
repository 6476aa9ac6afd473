# shellcheck shell=sh disable=SC2034,SC2154 # the files of lib/ share variables
# The ports of the lab on this machine: kubectl port-forward for each, begun anew whenever it ends, until "close".

# The loop that keeps one alive. On TERM it takes its child along.
# shellcheck disable=SC2016 # for the shell that gets it
FORWARD_LOOP='
record=$1 log=$2
shift 2
child=""
trap "[ -z \"\$child\" ] || kill \$child 2>/dev/null; rm -f \"\$record\"; exit 0" TERM INT HUP
while :; do
	"$@" >"$log" 2>&1 </dev/null &
	child=$!
	wait "$child"
	child=""
	sleep 1
done'

# forward_alive NAME: whether its loop lives.
forward_alive() {
	proc_alive "$STATE/run/forward-$1"
}

# forward_name PORTNAME: a file's name of it.
forward_name() {
	printf '%s\n' "$1" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9-'
}

# forward_start NAME PORT TO: begins one.
forward_start() {
	set -- "$1" "$2" "${3%:*}" "${3##*:}"
	set -- "$1" "$KUBECTL" --context="${CONTEXT:-$PROFILE}" --namespace="$LAB_NAMESPACE" port-forward --address=127.0.0.1 "$3" "$2:$4"
	forward_file=$STATE/run/forward-$1 forward_log=$STATE/log/forward-$1.log
	shift
	if [ "$DRY_RUN" = 1 ]; then
		ui_command "$@"
		return 0
	fi
	mkdir -p "$STATE/run" "$STATE/log"
	# Neither a closed terminal nor Ctrl-C ends it.
	if has setsid; then
		setsid sh -c "$FORWARD_LOOP" lab "$forward_file" "$forward_log" "$@" </dev/null >/dev/null 2>&1 9>&- &
	else
		nohup sh -c "$FORWARD_LOOP" lab "$forward_file" "$forward_log" "$@" </dev/null >/dev/null 2>&1 9>&- &
	fi
	forward_pid=$!
	printf '%s %s %s\n' "$forward_pid" "$(proc_start "$forward_pid")" "$(proc_boot)" >"$forward_file"
}

# forward_each FUNCTION: calls FUNCTION NAME PORT TO TITLE for each port of lab.env.
forward_each() {
	while IFS='|' read -r forward_title forward_local forward_to forward_rest <&5; do
		[ -z "$forward_title" ] ||
			"$1" "$(forward_name "$forward_title")" $((forward_local + PORT_OFFSET)) "$forward_to" "$forward_title"
	done 5<<EOF
$LAB_PORTS
EOF
}

# forward_open NAME PORT TO TITLE: one of them, unless it is open.
forward_open() {
	! { [ "$DRY_RUN" = 0 ] && forward_alive "$1"; } || return 0
	if [ "$DRY_RUN" = 0 ]; then
		forward_holder=$(port_holder "$2")
		[ -z "$forward_holder" ] ||
			die "open: port $2, for $4, is taken by $forward_holder; end that, or shift all ports: LAB_PORT_OFFSET=10000"
	fi
	forward_start "$1" "$2" "$3"
}

# forward_answer NAME PORT TO TITLE: waits until it listens.
forward_answer() {
	forward_end=$(($(date +%s) + ${LAB_FORWARD_WAIT:-20}))
	until [ -n "$(port_holder "$2")" ]; do
		if [ "$(date +%s)" -ge "$forward_end" ]; then
			tail -n 3 "$STATE/log/forward-$1.log" 2>/dev/null | sed 's/^/    /' >&2 || :
			die "open: $4: nothing listens on 127.0.0.1:$2; does its pod run ('./lab status')?"
		fi
		pause
	done
}

# forwards_open: all of them.
forwards_open() {
	if [ "$DRY_RUN" = 0 ]; then
		forward_kept=$PORT_OFFSET
		[ ! -r "$STATE/port-offset" ] || read -r forward_kept <"$STATE/port-offset" || :
		# The same forwards at other ports: begun anew.
		[ "$forward_kept" = "$PORT_OFFSET" ] || forwards_close
		printf '%s\n' "$PORT_OFFSET" >"$STATE/port-offset"
	fi
	forward_each forward_open
	[ "$DRY_RUN" = 1 ] || forward_each forward_answer
}

# forwards_alive: prints the names of those that live.
forwards_alive() {
	for forward_file in "$STATE"/run/forward-*; do
		! proc_alive "$forward_file" || printf '%s\n' "${forward_file##*/forward-}"
	done
}

# forwards_close: ends all, also those that only an earlier version of the lab had.
forwards_close() {
	for forward_file in "$STATE"/run/forward-*; do
		[ -e "$forward_file" ] || continue
		if proc_alive "$forward_file"; then
			run kill -TERM "$PROC_PID" || :
			forward_tries=0
			while [ "$DRY_RUN" = 0 ] && proc_alive "$forward_file" && [ "$forward_tries" -lt 50 ]; do
				forward_tries=$((forward_tries + 1))
				pause
			done
			! { [ "$DRY_RUN" = 0 ] && proc_alive "$forward_file"; } || die "close: process $PROC_PID does not end; end it yourself"
		fi
		run rm -f "$forward_file"
	done
	run rm -f "$STATE/port-offset"
}
