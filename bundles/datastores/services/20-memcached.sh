# shellcheck shell=sh disable=SC2034,SC2154 # shared with lab
# Memcached, TCP only. Its "root" is the root of the lab's name space: the user who brought the lab up.
service_title='Memcached'

service_exec() {
	enter /usr/bin/memcached -u root -l 127.0.0.1 -p "$service_port" -U 0 -m 64 -c 1024
}
