# shellcheck shell=sh disable=SC2034,SC2154 # shared with lab
# A log line in, the same line out.
check_title='Loki'
check_needs='Loki'

loki_push() {
	ask Loki /loki/api/v1/push \
		"{\"streams\":[{\"stream\":{\"job\":\"lab-check\"},\"values\":[[\"$(ask_now)\",\"$check_id direct\"]]}]}" && [ "$ASK_STATUS" = 204 ]
}

loki_has() {
	ask Loki "/loki/api/v1/query_range?since=1h&limit=3&query=$(ask_encode "$1")" && [ "$ASK_STATUS" = 200 ] || return 1
	case $ASK_BODY in
	*"$check_id"*'"values"'* | *'"values"'*"$check_id"*) return 0 ;;
	*) return 1 ;;
	esac
}

check_run() {
	ask_until 60 loki_push || { echo "it took no log line: HTTP $ASK_STATUS $ASK_BODY"; return 1; }
	ask_until 60 loki_has "{job=\"lab-check\"} |= \"$check_id\"" ||
		{ echo "the line that went in did not come out: HTTP $ASK_STATUS"; return 1; }
	echo "a log line went in and came out"
}
