#!/bin/sh
# Runs a lab where there is no network at all: sh run.sh BUNDLE_DIR [PUB]. BUNDLE_DIR is an extracted bundle; with PUB,
# the signer's public key, it is verified first. In a network name space that has a loopback device and nothing else,
# and with a /sys of its own: preflight, up, check, down, and then no process may be left. As root, or as a user who may
# make user name spaces. The lab's files go to a temporary folder.
# Exit status: 0 good, 1 did not work, 2 wrong usage, 77 no such name space can be made here: what is missing is said.
set -eu
LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH

fail() {
	echo "airgap: $*" >&2
	exit 1
}

# Why name spaces are refused, by the switches that are turned, and what to do.
missing() {
	echo "airgap: no network name space can be made here; missing is one of:" >&2
	if [ "$(id -u)" = 0 ]; then
		echo "airgap:  - the right CAP_SYS_ADMIN for root, which a container does not have: run outside of it" >&2
		exit 77
	fi
	echo "airgap:  - root: run this as root" >&2
	for switch in user.max_user_namespaces:0:15000 kernel.unprivileged_userns_clone:0:1 \
		kernel.apparmor_restrict_unprivileged_userns:1:0; do
		name=${switch%%:*} values=${switch#*:}
		[ "$(cat "/proc/sys/$(echo "$name" | tr . /)" 2>/dev/null)" != "${values%:*}" ] ||
			echo "airgap:  - user name spaces: $name is ${values%:*}; an administrator runs: sysctl -w $name=${values#*:}" >&2
	done
	echo "airgap:  - user name spaces: $(unshare -U -r -n -m true 2>&1 || :) (in a chroot or a container they are refused)" >&2
	exit 77
}

# Steps 1 and 2: outside, find the way in.
if [ "${1:-}" != --inside ]; then
	if [ $# -lt 1 ] || [ $# -gt 2 ]; then
		echo "usage: sh run.sh BUNDLE_DIR [PUB]" >&2
		exit 2
	fi
	[ -x "$1/lab" ] || fail "$1: no folder of an extracted bundle: no program 'lab' in it"
	[ $# -lt 2 ] || [ -r "$2" ] || fail "$2: cannot be read; it should be the signer's public key"
	for tool in unshare ip mount mktemp; do
		command -v "$tool" >/dev/null || fail "the program $tool is missing; install iproute2, util-linux and coreutils"
	done
	# In a chroot that is no mount point, mounts are made private from the name space's own root, above it.
	# shellcheck disable=SC2016 # expanded by the shell that gets it
	from_chroot='nsenter -t $$ -m mount --make-rprivate / && exec "$@"'
	if [ "$(id -u)" != 0 ]; then
		unshare -U -r -n -m true 2>/dev/null || missing
		exec unshare -U -r -n -m sh "$0" --inside "$@"
	elif unshare -n -m true 2>/dev/null; then
		exec unshare -n -m sh "$0" --inside "$@"
	elif unshare -n -m --propagation unchanged sh -c "$from_chroot" sh true 2>/dev/null; then
		exec unshare -n -m --propagation unchanged sh -c "$from_chroot" sh sh "$0" --inside "$@"
	fi
	missing
fi
shift
bundle=$1
pub=${2:-}

# Step 3: loopback up, a /sys that shows this name space only; where the kernel refuses that, one that shows nothing.
ip link set lo up
mount -t sysfs sysfs /sys 2>/dev/null || mount -t tmpfs tmpfs /sys || fail "/sys: cannot be covered"

# Step 4: prove that nothing can leave.
devices=$(sed -n 's/^ *\([^ :]*\):.*/\1/p' /proc/net/dev | tr '\n' ' ')
[ "$devices" = "lo " ] || fail "there are network devices other than lo: $devices"
[ -z "$(ip route show)" ] || fail "there is a route: $(ip route show)"
for address in 192.0.2.1 2001:db8::1; do
	! ip route get "$address" >/dev/null 2>&1 || fail "there is a route to $address: $(ip route get "$address")"
done
echo "airgap: only the loopback device, no route"

# left: prints the processes of this network name space that are neither this script nor its children.
left() {
	here=$(readlink "/proc/$$/ns/net")
	for dir in /proc/[0-9]*; do
		pid=${dir#/proc/}
		[ "$(readlink "$dir/ns/net" 2>/dev/null)" = "$here" ] || continue
		read -r stat <"$dir/stat" 2>/dev/null || continue
		# shellcheck disable=SC2086 # fields: state, parent
		set -- ${stat##*) }
		[ "$pid" = $$ ] || [ "$2" = $$ ] || [ "$1" = Z ] || printf '%s %s\n' "$pid" "$(tr '\0' ' ' <"$dir/cmdline")"
	done
}
[ -z "$(left)" ] || fail "this name space is not fresh: $(left)"

LAB_STATE=$(mktemp -d "${TMPDIR:-/tmp}/airgap-XXXXXX")
export LAB_STATE
finish() {
	"$bundle/lab" -q down --purge >/dev/null 2>&1 || echo "airgap: $LAB_STATE is left over" >&2
	rmdir "$LAB_STATE" 2>/dev/null || :
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

# step VERB ARGS: one verb of the lab, with the time it took.
step() {
	echo "airgap: lab $1"
	begun=$(date +%s)
	"$bundle/lab" "$@" || fail "lab $1 failed with status $?"
	echo "airgap: lab $1: good, $(($(date +%s) - begun)) s"
}
[ -z "$pub" ] || step verify -p "$pub"
step preflight
step up
step check
step down
rest=$(left)
[ -z "$rest" ] || fail "processes are left after down: $rest"
echo "airgap: no process is left"
