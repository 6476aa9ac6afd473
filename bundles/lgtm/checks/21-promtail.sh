# shellcheck shell=sh disable=SC2034,SC2154 # shared with lab
# A pod writes lines to its standard output and does nothing else; Promtail brings them to Loki.
check_title='Promtail'
check_needs='Loki'

collected() {
	ask Loki "/loki/api/v1/query_range?since=1h&limit=3&query=$(ask_encode "{collector=\"promtail\", pod=\"$check_id\"} |= \"$check_id line\"")" &&
		[ "$ASK_STATUS" = 200 ] || return 1
	case $ASK_BODY in
	*"$check_id line"*) return 0 ;;
	*) return 1 ;;
	esac
}

check_run() {
	ask_until 120 collected || { echo "no line of the pod $check_id reached Loki through it: HTTP $ASK_STATUS"; return 1; }
	echo "a pod's line reached Loki through it"
}
