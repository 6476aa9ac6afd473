# shellcheck shell=bash disable=SC2016,SC2034,SC2154 # sourced by bats files, which share its variables
# Web servers on loopback for the tests, each on a free port, with folders of their own. Sourced.
#
#	nginx_start	real nginx: $WEB is its document root, $URL its address. /slow/... has the same files at 256 KiB a second,
#			/norange/... gives them whole whatever range is asked for, /hop/... redirects to them, /down/... is 503
#	nginx_stop
#	nginx_requests PATTERN	how many requests its log has that match
#	faults_start	a server that does what servers should not: see faults.py; $FAULTS is its address
#	faults_stop

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

nginx_conf() {
	cat <<-CONF
		pid $NGINX/pid;
		error_log $NGINX/error.log;
		worker_processes 1;
		events { worker_connections 256; }
		http {
			access_log $NGINX/access.log;
			client_body_temp_path $NGINX/t1;
			proxy_temp_path $NGINX/t2;
			fastcgi_temp_path $NGINX/t3;
			uwsgi_temp_path $NGINX/t4;
			scgi_temp_path $NGINX/t5;
			server {
				listen 127.0.0.1:$NGINX_PORT;
				root $WEB;
				location /slow/ { alias $WEB/; limit_rate 256k; }
				location /norange/ { alias $WEB/; max_ranges 0; }
				location /hop/ { rewrite ^/hop/(.*)\$ /\$1 redirect; }
				location /down/ { return 503; }
			}
		}
	CONF
}

nginx_start() {
	NGINX=$BATS_TEST_TMPDIR/nginx
	WEB=$BATS_TEST_TMPDIR/web
	mkdir -p "$NGINX" "$WEB"
	NGINX_PORT=$(free_port)
	# shellcheck disable=SC2034 # for the tests
	URL=http://127.0.0.1:$NGINX_PORT
	nginx_conf >"$NGINX/conf"
	# Its worker is another user where the tests are root's; bats' own descriptors are not its business.
	if [ "$(id -u)" = 0 ]; then
		sed -i '1i user root;' "$NGINX/conf"
	fi
	nginx -c "$NGINX/conf" -e "$NGINX/error.log" 3>&- 4>&-
}

nginx_stop() {
	if [ -n "${NGINX-}" ] && [ -s "$NGINX/pid" ]; then
		kill "$(cat "$NGINX/pid")"
	fi
}

nginx_requests() {
	sleep 0.2 # a request is logged when it is over
	grep -c -e "$1" "$NGINX/access.log" || :
}

faults_start() {
	WEB=$BATS_TEST_TMPDIR/web
	FAULTS_LOG=$BATS_TEST_TMPDIR/faults.log
	mkdir -p "$WEB"
	python3 "$BATS_TEST_DIRNAME/../lib/faults.py" "$WEB" "$FAULTS_LOG" >"$BATS_TEST_TMPDIR/faults.port" 3>&- 4>&- &
	FAULTS_PID=$!
	for _ in $(seq 100); do
		if [ -s "$BATS_TEST_TMPDIR/faults.port" ]; then
			break
		fi
		sleep 0.1
	done
	FAULTS_PORT=$(cat "$BATS_TEST_TMPDIR/faults.port")
	# shellcheck disable=SC2034 # for the tests
	FAULTS=http://127.0.0.1:$FAULTS_PORT
}

faults_stop() {
	if [ -n "${FAULTS_PID-}" ]; then
		kill "$FAULTS_PID"
	fi
}
