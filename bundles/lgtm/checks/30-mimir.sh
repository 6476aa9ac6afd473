# shellcheck shell=sh disable=SC2034,SC2154 # shared with lab
# An OTLP metric in, its value out; and what Fluent Bit writes is there.
check_title='Mimir'
check_needs='Mimir'

mimir_push() {
	ask Mimir /otlp/v1/metrics "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\
\"lab-check\"}}]},\"scopeMetrics\":[{\"metrics\":[{\"name\":\"lab_check\",\"gauge\":{\"dataPoints\":[{\"timeUnixNano\":\"$(ask_now)\",\
\"asDouble\":42,\"attributes\":[{\"key\":\"run\",\"value\":{\"stringValue\":\"$check_id\"}}]}]}}]}]}]}" && [ "$ASK_STATUS" = 200 ]
}

# mimir_has QUERY [VALUE]
mimir_has() {
	ask Mimir "/prometheus/api/v1/query?query=$(ask_encode "$1")" && [ "$ASK_STATUS" = 200 ] || return 1
	case $ASK_BODY in
	*'"value":['*"\"${2:-}"*) return 0 ;;
	*) return 1 ;;
	esac
}

check_run() {
	ask_until 60 mimir_push || { echo "it took no metric: HTTP $ASK_STATUS $ASK_BODY"; return 1; }
	ask_until 60 mimir_has "lab_check{run=\"$check_id\"}" '42"' ||
		{ echo "the metric that went in did not come out: HTTP $ASK_STATUS"; return 1; }
	ask_until 120 mimir_has 'fluentbit_uptime{job="fluent-bit"}' ||
		{ echo "Fluent Bit's metrics are not in it: HTTP $ASK_STATUS"; return 1; }
	echo "an OTLP metric went in and came out; Fluent Bit's metrics are there"
}
