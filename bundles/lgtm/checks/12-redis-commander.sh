# shellcheck shell=sh disable=SC2034,SC2154 # shared with lab
# A key that is set in Redis is found on the web: the page answers 200, its API shows the key's value.
check_title='Redis Commander'
check_needs='Redis|Redis Commander'

commander_shows() {
	ask 'Redis Commander' /apiv2/key/R:redis:6379:0/lab:commander && [ "$ASK_STATUS" = 200 ] || return 1
	case $ASK_BODY in
	*"$check_id"*) return 0 ;;
	*) return 1 ;;
	esac
}

check_run() {
	ask 'Redis Commander' / || { echo "the page does not answer"; return 1; }
	[ "$ASK_STATUS" = 200 ] || { echo "the page answered HTTP $ASK_STATUS"; return 1; }
	{
		printf 'SET lab:commander %s EX 60\r\nQUIT\r\n' "$check_id"
		sleep 1
	} | ask_session Redis >/dev/null || :
	ask_until 20 commander_shows || { echo "its API does not show the key just set: HTTP $ASK_STATUS"; return 1; }
	echo "the page answered 200, and its API showed the key just set"
}
