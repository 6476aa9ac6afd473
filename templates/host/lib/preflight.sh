# shellcheck shell=sh disable=SC2034,SC2154 # the files of lib/ share variables
# What would keep the lab from running, all of it at once, each with its remedy.

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
	preflight_bundle SHA256SUMS rootfs.tar services checks
	preflight_tools "install coreutils, util-linux, tar, sed, grep and awk as your distribution names them" \
		awk cat chroot date df env grep kill ls mkdir mount mv readlink rm sed setsid sleep tail tar tr uname unshare wc
	preflight_isolation
	preflight_state
	preflight_disk
	preflight_memory
	ports_each preflight_port
	preflight_leftovers
	[ "$preflight_bad" = 0 ]
}
