# shellcheck shell=sh disable=SC2034,SC2154 # shared with lab
# As the course does by hand: SET a key with redis-cli, GET it back. The value is new each time, so that an old one
# proves nothing.
check_title='Redis'
check_needs='Redis'

check_run() {
	redis=$(port Redis)
	value="hello-$$-$(date +%s)"
	answer=$(printf 'SET lab:check:redis %s EX 60\nGET lab:check:redis\nDEL lab:check:redis\n' "$value" |
		inside /usr/bin/redis-cli -h 127.0.0.1 -p "$redis" 2>&1)
	if [ "$answer" != "OK
$value
1" ]; then
		echo "SET, GET and DEL answered '$answer', not OK, the value that was set, and 1"
		return 1
	fi
	echo "SET and GET of a key returned its value"
}
