#!/bin/sh
# Stands in for helm: see minikube-lab.sh.
printf 'helm %s\n' "$*" >>"$FAKE/calls"
while case $1 in --*) ;; *) false ;; esac; do shift; done
case $1 in
status)
	[ -e "$FAKE/deployed" ] || exit 1
	printf 'NAME: %s\nSTATUS: %s\n' "$2" "$(cat "$FAKE/deployed")"
	;;
upgrade)
	case $(cat "$FAKE/deployed" 2>/dev/null) in
	pending-*) echo "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress"; exit 1 ;;
	esac
	if [ -e "$FAKE/stuck-chart" ]; then
		echo pending-install >"$FAKE/deployed"
		echo "Error: context deadline exceeded"
		exit 1
	fi
	echo deployed >"$FAKE/deployed"
	;;
uninstall) rm -f "$FAKE/deployed" ;;
rollback) echo deployed >"$FAKE/deployed" ;;
esac
