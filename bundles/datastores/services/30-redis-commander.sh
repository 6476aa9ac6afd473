# shellcheck shell=sh disable=SC2034,SC2154 # shared with lab
# Redis Commander, the web page on Redis. It keeps no connections and no settings of its own.
service_title='Redis Commander'

service_exec() {
	redis=$(port Redis)
	enter /usr/bin/node /opt/npm/node_modules/redis-commander/bin/redis-commander.js \
		--address 127.0.0.1 --port "$service_port" --redis-host 127.0.0.1 --redis-port "$redis" --redis-label lab \
		--noload --nosave
}

# It listens before it has reached Redis.
service_ready() {
	inside /usr/bin/node --no-warnings -e '
		const url = "http://127.0.0.1:" + process.argv[1] + "/connections";
		fetch(url, { signal: AbortSignal.timeout(3000) })
			.then(answer => answer.json())
			.then(list => process.exit(list.ok && list.connections.length > 0 ? 0 : 1), () => process.exit(1));
	' "$service_port"
}
