# shellcheck shell=sh disable=SC2034,SC2154 # shared with lab
# Healthy, closed to strangers, its three data sources healthy, its dashboard there.
check_title='Grafana'
check_needs='Grafana'

grafana_healthy() {
	ask Grafana /api/health && [ "$ASK_STATUS" = 200 ] || return 1
	case $(printf '%s' "$ASK_BODY" | tr -d ' \n') in
	*'"database":"ok"'*) return 0 ;;
	*) return 1 ;;
	esac
}

grafana_source() {
	ASK_USER=admin:password
	grafana_status=0
	ask Grafana "/api/datasources/uid/$1/health" || grafana_status=1
	ASK_USER=''
	case $grafana_status$(printf '%s' "$ASK_BODY" | tr -d ' \n') in
	0*'"status":"OK"'*) return 0 ;;
	*) return 1 ;;
	esac
}

check_run() {
	ask_until 60 grafana_healthy || { echo "it is not healthy: HTTP $ASK_STATUS $ASK_BODY"; return 1; }
	ask Grafana /api/datasources || :
	[ "$DRY_RUN" = 1 ] || [ "$ASK_STATUS" = 401 ] ||
		{ echo "it answers strangers: HTTP $ASK_STATUS without a name and password"; return 1; }
	for grafana_uid in loki tempo mimir; do
		ask_until 60 grafana_source "$grafana_uid" ||
			{ echo "the data source $grafana_uid is not healthy: HTTP $ASK_STATUS $ASK_BODY"; return 1; }
	done
	ASK_USER=admin:password
	ask Grafana /api/dashboards/uid/lgtm-lab || :
	ASK_USER=''
	[ "$ASK_STATUS" = 200 ] || { echo "the dashboard LGTM lab is not there: HTTP $ASK_STATUS"; return 1; }
	echo "healthy, strangers refused, Loki, Tempo and Mimir healthy, the dashboard is there"
}
