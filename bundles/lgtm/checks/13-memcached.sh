# shellcheck shell=sh disable=SC2034,SC2154 # shared with lab
# As the course does by hand, in a TCP session: "set key 0 60 5", "value", "get key". What was stored under that name is
# removed first, so that the answer is this connection's.
check_title='Memcached'
check_needs='Memcached'

check_run() {
	answer=$({
		printf 'delete key\r\nset key 0 60 5\r\nvalue\r\nget key\r\nquit\r\n'
		sleep 1
	} | ask_session Memcached | tr -d '\r') || :
	[ "$DRY_RUN" = 0 ] || return 0
	case $answer in
	*"STORED
VALUE key 0 5
value
END"*) echo "TCP session: set key 0 60 5, value; get key returned value" ;;
	*)
		echo "the session answered '$answer', not STORED, VALUE key 0 5, value, END"
		return 1
		;;
	esac
}
