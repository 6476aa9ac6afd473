# shellcheck shell=sh disable=SC2034,SC2154 # shared with lab
# Redis, in memory only: what a student stores is gone with "down" and "reset", and a full disk is never its trouble.
service_title='Redis'

service_exec() {
	enter /usr/bin/redis-server --bind 127.0.0.1 --port "$service_port" --dir /data --save '' --appendonly no \
		--protected-mode yes --daemonize no
}

service_ready() {
	[ "$(inside /usr/bin/redis-cli -h 127.0.0.1 -p "$service_port" ping)" = PONG ]
}
