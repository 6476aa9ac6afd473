# shellcheck shell=sh disable=SC2034,SC2154 # the files of lib/ share variables
# The verbs of the target minikube.

# lab_needs: the preflight before "up", heard only where something is wrong.
lab_needs() {
	lab_kept_json=$JSON lab_kept_quiet=$QUIET
	JSON=0 QUIET=1
	preflight_all >&2 || die "up: $preflight_bad of the needs above are not met; meet them, then run up again"
	JSON=$lab_kept_json QUIET=$lab_kept_quiet
}

# lab_up: from whatever is there to a lab that runs.
lab_up() {
	if [ "$DRY_RUN" = 0 ]; then
		{ [ "$MINI" = 1 ] && node_running; } || lab_needs
		settings_keep
	fi
	if [ "$MINI" = 1 ]; then
		node_up
		images_import
	fi
	steps_up
}

verb_up() {
	lab_find up "$@"
	if [ "$DRY_RUN" = 0 ]; then
		state_make
		state_lock up
	fi
	lab_up
	[ "$DRY_RUN" = 0 ] || return 0
	[ "$JSON" = 0 ] || lab_show
	say "up: ./lab open brings the addresses to this machine, ./lab check proves the lab"
}

# lab_row TITLE STATUS TEXT: one line of status.
lab_row() {
	ui_line "$(if [ "$2" = 0 ]; then echo ok; else echo FAIL; fi)" "$(printf '%-16s %s' "$1" "$3")"
	lab_json="$lab_json${lab_json:+,
}{\"name\":$(json_string "$1"),\"healthy\":$(json_bool "$2"),\"detail\":$(json_string "$3")}"
	[ "$2" = 0 ] || lab_bad=1
}

# lab_object TITLE OBJECT: whether what a step waits for is ready.
lab_object() {
	lab_ready=$(kube get "$2" --no-headers 2>/dev/null | awk '
		$2 ~ /\// { split($2, n, "/"); print (n[1] == n[2] && n[1] > 0) ? "ready" : "not ready, " $2 }
		$2 !~ /\// { print ($2 == $4 && $2 > 0) ? "ready" : "not ready, " $4 "/" $2 }') || lab_ready=''
	case $lab_ready in
	ready) lab_row "$1" 0 ready ;;
	'') lab_row "$1" 1 "is not there" ;;
	*) lab_row "$1" 1 "$lab_ready" ;;
	esac
}

# lab_show: the state of everything; returns 1 where not all is well.
lab_show() {
	lab_json='' lab_bad=0
	if kube_reachable; then
		lab_row cluster 0 "${CONTEXT:-$PROFILE} answers"
		while IFS='|' read -r lab_kind lab_a lab_b lab_c lab_d lab_e <&3; do
			case $lab_kind in
			m) lab_wait=$lab_b ;;
			*) lab_wait=$lab_e ;;
			esac
			[ -z "$lab_wait" ] || lab_object "${lab_wait##*/}" "$lab_wait"
		done 3<<EOF
$(steps_list)
EOF
	else
		lab_row cluster 1 "does not answer"
	fi
	lab_forwards=$(forwards_alive | wc -l | tr -d ' ')
	ui_line note "$(printf '%-16s %s' ports "$lab_forwards open")"
	[ "$JSON" = 0 ] || printf '{"lab":%s,"version":%s,"healthy":%s,"open":%s,"parts":[%s]}\n' "$(json_string "$LAB_NAME")" \
		"$(json_string "$LAB_VERSION")" "$(json_bool "$lab_bad")" "$lab_forwards" "$lab_json"
	[ "$lab_bad" = 0 ] || warn "status: not everything runs; run '$LAB_DIR/lab up'"
	return "$lab_bad"
}

verb_status() {
	lab_find status "$@"
	lab_show
}

# lab_address TITLE PORT URL
lab_address() {
	lab_json="$lab_json${lab_json:+,
}{\"name\":$(json_string "$1"),\"address\":\"127.0.0.1:$2\",\"url\":$(if [ -n "$3" ]; then json_string "$3"; else printf null; fi)}"
	[ "$JSON" = 1 ] || printf '%-16s %s\n' "$1" "${3:-127.0.0.1:$2}"
}

verb_open() {
	lab_find open "$@"
	if [ "$DRY_RUN" = 0 ]; then
		kube_reachable || die "open: the cluster does not answer; run '$LAB_DIR/lab up'"
		state_lock open
	fi
	forwards_open
	[ "$DRY_RUN" = 0 ] || return 0
	lab_json=''
	ports_each lab_address
	[ "$JSON" = 0 ] || printf '[%s]\n' "$lab_json"
	say "open until './lab close'; Grafana and MinIO: admin, password"
}

verb_close() {
	lab_find close "$@"
	lab_closed=0
	if [ -e "$STATE/lab-state" ]; then
		[ "$DRY_RUN" = 1 ] || state_lock close
		lab_closed=$(forwards_alive | wc -l | tr -d ' ')
		forwards_close
	fi
	say "closed $lab_closed ports"
	[ "$JSON" = 0 ] || printf '{"lab":%s,"closed":%s}\n' "$(json_string "$LAB_NAME")" "$lab_closed"
}

verb_reset() {
	lab_find reset "$@"
	if [ "$DRY_RUN" = 0 ]; then
		{ [ -e "$STATE/lab-state" ] && kube_reachable; } || die "reset: the cluster does not answer; run '$LAB_DIR/lab up'"
		state_lock reset
	fi
	forwards_close
	say "removing everything in the namespace $LAB_NAMESPACE"
	steps_down
	[ "$MINI" = 0 ] || images_import
	steps_up
	[ "$DRY_RUN" = 1 ] || [ "$JSON" = 0 ] || lab_show
	[ "$DRY_RUN" = 1 ] || say "reset: as at the lesson's start"
}

# lab_down PURGE: the cluster of minikube stops, or goes; one that was there before stays, and with 1 loses the lab.
lab_down() {
	forwards_close
	if [ "$MINI" = 1 ] && [ "$1" = 1 ]; then
		say "deleting the cluster $PROFILE"
		node_delete
	elif [ "$MINI" = 1 ]; then
		say "stopping the cluster $PROFILE"
		node_stop
	elif [ "$1" = 1 ]; then
		say "removing the lab from $CONTEXT"
		steps_down
	else
		say "$CONTEXT is not the lab's own, so it goes on; --purge removes the lab from it"
	fi
}

verb_down() {
	lab_purge=0
	if [ "${1:-}" = --purge ]; then
		lab_purge=1
		shift
	fi
	lab_find down "$@"
	if [ -e "$STATE/lab-state" ]; then
		[ "$DRY_RUN" = 1 ] || state_lock down
		lab_down "$lab_purge"
		if [ "$lab_purge" = 1 ]; then
			state_remove "$STATE/minikube" "$STATE/helm" "$STATE/log" "$STATE/run" "$STATE/stage"
			# The mark goes last, so that an interrupted purge can be run again.
			run rm -f "$STATE/kubeconfig" "$STATE/cluster" "$STATE/cluster.part" "$STATE/registry.sed" "$STATE/registry.list" \
				"$STATE/registry-renderer" "$STATE/manifest.yaml" "$STATE/lock" "$STATE/lock.owner" "$STATE/lab-state"
			run rmdir "$STATE" || die "down: $STATE: holds files that are not the lab's; look at them and remove them by hand"
		fi
	fi
	say "down"
	[ "$JSON" = 0 ] || [ "$DRY_RUN" = 1 ] || printf '{"lab":%s,"down":true,"purged":%s}\n' "$(json_string "$LAB_NAME")" \
		"$(json_bool $((1 - lab_purge)))"
}
