#!/bin/sh
# Stands in for kubectl: see minikube-lab.sh. A port-forward leads to lgtm-double.py, which speaks for the systems.
printf 'kubectl %s\n' "$*" >>"$FAKE/calls"
while case $1 in --*) ;; *) false ;; esac; do shift; done
case "$1 $2" in
"get --raw")
	if [ ! -e "$FAKE/running" ]; then
		echo "The connection to the server was refused"
		exit 1
	fi
	printf ok
	;;
"get namespace") [ -e "$FAKE/namespace" ] ;;
"create namespace") touch "$FAKE/namespace" ;;
"delete namespace") rm -f "$FAKE/namespace" ;;
"rollout status")
	if [ "$(cat "$FAKE/stuck" 2>/dev/null)" = "$3" ]; then
		echo "error: timed out waiting for the condition"
		exit 1
	fi
	;;
"get pods") cat "$FAKE/pods" 2>/dev/null ;;
"get events") cat "$FAKE/events" 2>/dev/null ;;
logs*) cat "$FAKE/logs" 2>/dev/null ;;
"get deploy/redis") case $* in *jsonpath*) printf docker.io/library/redis:8.10.1-alpine ;; *) echo "redis 1/1 1 1 5m" ;; esac ;;
"get statefulset/loki") echo "loki $(cat "$FAKE/loki-ready" 2>/dev/null || echo 1/1) 5m" ;;
run*) echo "$2" >"$FAKE/writer" ;;
"exec deploy/minio") echo object ;;
port-forward*)
	[ ! -e "$FAKE/no-forward" ] || { echo "error: unable to forward port because pod is not running"; exit 1; }
	exec python3 "$FAKE/lgtm-double.py" "${4%:*}" "$3" "${4#*:}" "$FAKE"
	;;
esac
