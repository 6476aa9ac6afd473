# shellcheck shell=sh disable=SC2034,SC2154 # the files of lib/ share variables
# What would keep the lab from running, all of it at once, each with its remedy.

# preflight_item ITEM STATUS DETAIL [REMEDY]: one finding; STATUS 0 is good.
preflight_item() {
	if [ "$2" = 0 ]; then
		ui_line ok "$1: $3"
	else
		preflight_bad=$((preflight_bad + 1))
		ui_line FAIL "$1: $3; $4"
	fi
	preflight_json="$preflight_json${preflight_json:+,
}{\"item\":$(json_string "$1"),\"ok\":$(json_bool "$2"),\"detail\":$(json_string "$3"),\"remedy\":$(json_string "${4:-}")}"
}

preflight_platform() {
	preflight_os=$(uname -s) preflight_arch=$(uname -m)
	case $preflight_arch in
	x86_64) preflight_arch=amd64 ;;
	aarch64) preflight_arch=arm64 ;;
	esac
	case $preflight_os in
	Linux) preflight_os=linux ;;
	Darwin) preflight_os=darwin ;;
	esac
	if [ "$preflight_os/$preflight_arch" = "$LAB_PLATFORM" ]; then
		preflight_item platform 0 "$LAB_PLATFORM"
	else
		preflight_item platform 1 "this machine is $preflight_os/$preflight_arch, the bundle is for $LAB_PLATFORM" \
			"ask for the bundle for $preflight_os/$preflight_arch"
	fi
}

preflight_bundle() {
	preflight_missing=''
	for preflight_file in SHA256SUMS rootfs.tar services checks; do
		[ -r "$LAB_DIR/$preflight_file" ] || preflight_missing="$preflight_missing $preflight_file"
	done
	if [ -z "$preflight_missing" ]; then
		preflight_item bundle 0 "whole"
	else
		preflight_item bundle 1 "not there:$preflight_missing" "extract the bundle again"
	fi
}

preflight_tools() {
	preflight_missing=''
	for preflight_tool in awk cat chroot date df env grep kill ls mkdir mount mv readlink rm sed setsid sleep tail tar \
		tr uname unshare wc; do
		has "$preflight_tool" || preflight_missing="$preflight_missing $preflight_tool"
	done
	if [ -z "$preflight_missing" ]; then
		preflight_item tools 0 "all there"
	else
		preflight_item tools 1 "not found:$preflight_missing" \
			"install coreutils, util-linux, tar, sed, grep and awk as your distribution names them"
	fi
}

# preflight_sysctl NAME: its value, or nothing where the kernel has no such switch.
preflight_sysctl() {
	cat "/proc/sys/$(printf '%s\n' "$1" | tr . /)" 2>/dev/null || :
}

# Why an ordinary user cannot make a user name space: the switches that distributions turn.
preflight_isolation() {
	isolation_find
	case $ISOLATION in
	user)
		preflight_item isolation 0 "user name spaces"
		return 0
		;;
	mount | chroot)
		preflight_item isolation 0 "as root, with mount name spaces"
		return 0
		;;
	esac
	preflight_why='' preflight_remedy=''
	if [ "$(preflight_sysctl kernel.apparmor_restrict_unprivileged_userns)" = 1 ]; then
		preflight_why="AppArmor restricts them (as on Ubuntu 24.04)"
		preflight_remedy="sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
	fi
	if [ "$(preflight_sysctl kernel.unprivileged_userns_clone)" = 0 ]; then
		preflight_why="${preflight_why:+$preflight_why, }the kernel keeps them from users"
		preflight_remedy="${preflight_remedy:+$preflight_remedy && }sysctl -w kernel.unprivileged_userns_clone=1"
	fi
	if [ "$(preflight_sysctl user.max_user_namespaces)" = 0 ]; then
		preflight_why="${preflight_why:+$preflight_why, }none are allowed"
		preflight_remedy="${preflight_remedy:+$preflight_remedy && }sysctl -w user.max_user_namespaces=15000"
	fi
	if [ "$(id -u)" = 0 ]; then
		preflight_item isolation 1 "root may make neither user nor mount name spaces here (a container?)" \
			"run the lab outside of the container, or give the container CAP_SYS_ADMIN"
	elif [ -n "$preflight_why" ]; then
		preflight_item isolation 1 "user name spaces are not usable: $preflight_why" \
			"let an administrator run '$preflight_remedy', or run the lab as root"
	else
		preflight_item isolation 1 "user name spaces are not usable, and no known sysctl forbids them (a container, or a chroot?)" \
			"run the lab as root, or outside of the container"
	fi
}

# Where the lab will write: whether it may, whether programs may run from there, and whether there is room.
preflight_state() {
	preflight_dir=$(state_ancestor)
	if ! preflight_try=$(mktemp "$preflight_dir/.lab-XXXXXX" 2>/dev/null); then
		preflight_item state 1 "$preflight_dir: not writable for you" "set LAB_STATE to a folder of yours"
		return 0
	fi
	printf '#!/bin/sh\nexit 0\n' >"$preflight_try"
	chmod 700 "$preflight_try"
	if "$preflight_try" 2>/dev/null; then
		preflight_item state 0 "$STATE"
	else
		preflight_item state 1 "$preflight_dir: programs cannot be run from there (mounted noexec?)" \
			"set LAB_STATE to a folder of another file system"
	fi
	rm -f "$preflight_try"
}

preflight_disk() {
	preflight_free=$(df -Pk "$(state_ancestor)" | awk 'NR == 2 { print int($4 / 1024) }')
	preflight_need=64
	if [ ! -d "$ROOT" ] && [ -r "$LAB_DIR/rootfs.tar" ]; then
		preflight_need=$(($(wc -c <"$LAB_DIR/rootfs.tar") * 11 / 10485760 + 64))
	fi
	if [ "${preflight_free:-0}" -ge "$preflight_need" ]; then
		preflight_item disk 0 "$preflight_free MiB free, $preflight_need MiB needed"
	else
		preflight_item disk 1 "$preflight_free MiB free where $STATE is, $preflight_need MiB needed" \
			"make room, or set LAB_STATE to a folder of another disk"
	fi
}

preflight_memory() {
	preflight_free=$(awk '$1 == "MemAvailable:" { print int($2 / 1024) }' /proc/meminfo)
	preflight_need=${LAB_MEMORY:-256}
	if [ "${preflight_free:-0}" -ge "$preflight_need" ]; then
		preflight_item memory 0 "$preflight_free MiB available, $preflight_need MiB needed"
	else
		preflight_item memory 1 "$preflight_free MiB available, $preflight_need MiB needed" "close other programs"
	fi
}

# preflight_port TITLE PORT: free, or held by the lab itself.
preflight_port() {
	preflight_holder=$(port_holder "$2")
	if [ -z "$preflight_holder" ]; then
		preflight_item "port $2" 0 "free for $1"
		return 0
	fi
	for preflight_name in $(service_started); do
		if service_running "$preflight_name" && proc_listens "$PROC_PID" "$2"; then
			preflight_item "port $2" 0 "$1 runs already"
			return 0
		fi
	done
	preflight_item "port $2" 1 "needed for $1, but taken by $preflight_holder" \
		"end that, or shift all ports: LAB_PORT_OFFSET=10000"
}

# What an earlier run left: nothing that stands in the way, but worth a word.
preflight_leftovers() {
	preflight_left=''
	for preflight_name in $(service_started); do
		service_running "$preflight_name" || preflight_left="$preflight_left $preflight_name"
	done
	[ ! -d "$ROOT.part" ] || preflight_left="$preflight_left half-unpacked-root"
	if [ -n "$preflight_left" ]; then
		preflight_item leftovers 0 "of an earlier run:$preflight_left; up clears them"
	else
		preflight_item leftovers 0 "none"
	fi
}

# preflight_all: every finding; returns 1 where there is a shortfall.
preflight_all() {
	preflight_bad=0 preflight_json=''
	preflight_platform
	preflight_bundle
	preflight_tools
	preflight_isolation
	preflight_state
	preflight_disk
	preflight_memory
	ports_each preflight_port
	preflight_leftovers
	[ "$preflight_bad" = 0 ]
}

verb_preflight() {
	ui_no_arguments preflight "$@"
	host_find
	preflight_status=0
	preflight_all || preflight_status=1
	[ "$JSON" = 0 ] || printf '[%s]\n' "$preflight_json"
	return "$preflight_status"
}
