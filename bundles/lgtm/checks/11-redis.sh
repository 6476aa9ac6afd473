# shellcheck shell=sh disable=SC2034,SC2154 # shared with lab
# SET a key, GET it back. The value is new each time, so that an old one proves nothing.
check_title='Redis'
check_needs='Redis'

check_run() {
	answer=$({
		printf 'SET lab:check %s EX 60\r\nGET lab:check\r\nQUIT\r\n' "$check_id"
		sleep 1
	} | ask_session Redis | tr -d '\r') || :
	[ "$DRY_RUN" = 0 ] || return 0
	case $answer in
	+OK*"
$check_id
"*) echo "SET and GET of a key returned its value" ;;
	*)
		echo "SET and GET answered '$answer', not OK and the value that was set"
		return 1
		;;
	esac
}
