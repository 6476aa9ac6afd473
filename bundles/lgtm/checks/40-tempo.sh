# shellcheck shell=sh disable=SC2034,SC2154 # shared with lab
# An OTLP trace in, found by its id; and the metrics that Tempo makes of its spans are in Mimir.
check_title='Tempo'
check_needs='OTLP|Tempo|Mimir'

tempo_push() {
	ask OTLP /v1/traces "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\
\"$check_id\"}}]},\"scopeSpans\":[{\"spans\":[{\"traceId\":\"$tempo_trace\",\"spanId\":\"00f067aa0ba902b7\",\"name\":\"lab-check-span\",\
\"kind\":2,\"startTimeUnixNano\":\"$(ask_now -1)\",\"endTimeUnixNano\":\"$(ask_now)\"}]}]}]}" && [ "$ASK_STATUS" = 200 ]
}

tempo_has() {
	ask Tempo "/api/traces/$tempo_trace" && [ "$ASK_STATUS" = 200 ] || return 1
	case $ASK_BODY in
	*lab-check-span*) return 0 ;;
	*) return 1 ;;
	esac
}

# Every try sends a span of its own: the metrics count them as they come.
tempo_metrics() {
	tempo_push || :
	ask Mimir "/prometheus/api/v1/query?query=$(ask_encode "traces_spanmetrics_calls_total{service=\"$check_id\"}")" || return 1
	case $ASK_STATUS$ASK_BODY in
	200*'"value":['*) return 0 ;;
	*) return 1 ;;
	esac
}

check_run() {
	tempo_trace=$(printf '%08x%08x%016x' "$(date +%s)" "$$" "$(date +%s)")
	ask_until 60 tempo_push || { echo "it took no trace: HTTP $ASK_STATUS $ASK_BODY"; return 1; }
	ask_until 60 tempo_has || { echo "the trace that went in is not found by its id: HTTP $ASK_STATUS"; return 1; }
	ask_until 150 tempo_metrics || { echo "the metrics of its spans do not reach Mimir: HTTP $ASK_STATUS"; return 1; }
	echo "an OTLP trace went in and was found; its span metrics are in Mimir"
}
