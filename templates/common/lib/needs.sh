# shellcheck shell=sh disable=SC2034,SC2154 # the files of lib/ share variables
# "lab preflight": what would keep the lab from running, all of it at once, each with its remedy. Here is what every
# target looks at; preflight_all, with all that a target looks at, is the target's own.

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

# preflight_bundle FILE...: whether the bundle has them.
preflight_bundle() {
	preflight_missing=''
	for preflight_file in "$@"; do
		[ -r "$LAB_DIR/$preflight_file" ] || preflight_missing="$preflight_missing $preflight_file"
	done
	if [ -z "$preflight_missing" ]; then
		preflight_item bundle 0 "whole"
	else
		preflight_item bundle 1 "not there:$preflight_missing" "extract the bundle again"
	fi
}

# preflight_tools REMEDY COMMAND...: whether the machine has them.
preflight_tools() {
	preflight_remedy=$1 preflight_missing=''
	shift
	for preflight_tool in "$@"; do
		has "$preflight_tool" || preflight_missing="$preflight_missing $preflight_tool"
	done
	if [ -z "$preflight_missing" ]; then
		preflight_item tools 0 "all there"
	else
		preflight_item tools 1 "not found:$preflight_missing" "$preflight_remedy"
	fi
}

# preflight_sysctl NAME: its value, or nothing where the kernel has no such switch.
preflight_sysctl() {
	cat "/proc/sys/$(printf '%s\n' "$1" | tr . /)" 2>/dev/null || :
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

verb_preflight() {
	lab_find preflight "$@"
	preflight_status=0
	preflight_all || preflight_status=1
	[ "$JSON" = 0 ] || printf '[%s]\n' "$preflight_json"
	return "$preflight_status"
}
