#!/bin/sh
# Stands in for minikube: see minikube-lab.sh. start needs what the true one would otherwise download.
printf 'minikube %s\n' "$*" >>"$FAKE/calls"
home=$MINIKUBE_HOME/.minikube
verb=start
for arg; do
	case $arg in
	--profile=*) profile=${arg#--profile=} ;;
	status | stop | delete) verb=$arg ;;
	esac
done
case $verb in
start)
	mkdir -p "$home/profiles/$profile"
	echo '{}' >"$home/profiles/$profile/config.json"
	[ ! -e "$FAKE/start-sleep" ] || sleep "$(cat "$FAKE/start-sleep")"
	if [ -e "$FAKE/start-status" ]; then
		echo "X Exiting due to $(cat "$FAKE/start-why")"
		exit "$(cat "$FAKE/start-status")"
	fi
	for f in kubelet kubeadm kubectl; do
		[ -x "$(echo "$home"/cache/linux/*/v1.35.1/$f)" ] || { echo "would download $f"; exit 30; }
	done
	env | grep -iE '^(https?_proxy|MINIKUBE_MEMORY)=' && { echo "the environment leads outside"; exit 31; }
	[ -e "$FAKE/container" ] || echo running >"$FAKE/container"
	touch "$FAKE/running"
	echo "* Done! kubectl is now configured"
	;;
status) [ -e "$FAKE/running" ] ;;
stop) rm -f "$FAKE/running" ;;
delete) rm -rf "$FAKE/running" "$FAKE/container" "$FAKE/node-images" "$FAKE/deployed" "$FAKE/namespace" "$home/profiles/$profile" ;;
esac
