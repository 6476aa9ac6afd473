# shellcheck shell=sh disable=SC2034,SC2154 # the files of lib/ share variables
# What would keep a minikube of this size from running here, all of it at once, each with its remedy.

# preflight_memory_total: prints the MiB of this machine.
preflight_memory_total() {
	if [ -r /proc/meminfo ]; then
		awk '$1 == "MemTotal:" { print int($2 / 1024) }' /proc/meminfo
	else
		sysctl -n hw.memsize 2>/dev/null | awk '{ print int($1 / 1048576) }'
	fi
}

preflight_memory() {
	preflight_have=$(preflight_memory_total)
	if [ "${preflight_have:-0}" -ge "$LAB_MEMORY" ]; then
		preflight_item memory 0 "$preflight_have MiB, the cluster gets $LAB_MEMORY"
	else
		preflight_item memory 1 "this machine has ${preflight_have:-unknown} MiB, the cluster needs $LAB_MEMORY" \
			"use a machine with more memory, 16 GiB are comfortable"
	fi
}

preflight_cpus() {
	preflight_have=$(getconf _NPROCESSORS_ONLN 2>/dev/null || nproc 2>/dev/null || echo 0)
	if [ "$preflight_have" -ge "$LAB_CPUS" ]; then
		preflight_item processors 0 "$preflight_have, the cluster gets $LAB_CPUS"
	else
		preflight_item processors 1 "this machine has $preflight_have, the cluster needs $LAB_CPUS" \
			"use a machine with more processors"
	fi
}

# preflight_docker: whether docker is there, runs, and has what the cluster needs.
preflight_docker() {
	if ! has docker; then
		preflight_item docker 1 "not found" "install Docker Engine or Docker Desktop, or as root take --driver none"
		return 0
	fi
	# A daemon that hangs must not hang the preflight.
	preflight_limit=''
	! has timeout || preflight_limit='timeout 20'
	# shellcheck disable=SC2086 # a command and its argument
	if ! preflight_info=$($preflight_limit docker info -f \
		'{{.MemTotal}}|{{.NCPU}}|{{.OSType}}|{{.ServerVersion}}|{{.DockerRootDir}}|{{.SystemTime}}' 2>&1); then
		preflight_item docker 1 "does not answer: $(printf '%s\n' "$preflight_info" | tail -n 1 | cut -c 1-200)" \
			"start it ('sudo systemctl start docker', or Docker Desktop), and see that you are in the group docker"
		return 0
	fi
	IFS='|' read -r preflight_mem preflight_ncpu preflight_ostype preflight_version preflight_root preflight_clock <<EOF
$preflight_info
EOF
	preflight_item docker 0 "$preflight_version runs"
	preflight_docker_size
	preflight_docker_clock
	preflight_disk "where docker keeps its data" "$preflight_root"
}

preflight_docker_size() {
	preflight_have=$(printf '%s\n' "${preflight_mem:-0}" | awk '{ print int($1 / 1048576) }')
	if [ "$preflight_have" -ge "$LAB_MEMORY" ]; then
		preflight_item "docker's memory" 0 "$preflight_have MiB"
	else
		preflight_item "docker's memory" 1 "docker has $preflight_have MiB, the cluster needs $LAB_MEMORY" \
			"give Docker Desktop's machine at least $LAB_MEMORY MiB (Settings, Resources), or take a machine with more memory"
	fi
	if [ "${preflight_ncpu:-0}" -ge "$LAB_CPUS" ]; then
		preflight_item "docker's processors" 0 "$preflight_ncpu"
	else
		preflight_item "docker's processors" 1 "docker has ${preflight_ncpu:-none}, the cluster needs $LAB_CPUS" \
			"give Docker Desktop's machine at least $LAB_CPUS (Settings, Resources)"
	fi
	[ "${preflight_ostype:-linux}" = linux ] || preflight_item "docker's containers" 1 "they are $preflight_ostype's" "switch docker to Linux containers"
}

# preflight_minutes YYYY-MM-DDTHH:MM: prints it in minutes since 1970, UTC.
preflight_minutes() {
	printf '%s\n' "$1" | awk -F'[-T:]' '{
		y = $1 - ($2 <= 2); m = ($2 + 9) % 12
		days = 365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * m + 2) / 5) + $3 - 719469
		print (days * 24 + $4) * 60 + $5 }'
}

# A virtual machine's clock stops while a laptop sleeps; certificates made by the one are then not yet valid for the other.
preflight_docker_clock() {
	case ${preflight_clock:-} in
	????-??-??T??:??:??*Z) ;;
	*) return 0 ;;
	esac
	preflight_apart=$(($(preflight_minutes "$(date -u +%Y-%m-%dT%H:%M)") - $(preflight_minutes "$preflight_clock")))
	if [ "${preflight_apart#-}" -le 5 ]; then
		preflight_item "docker's clock" 0 "agrees with this machine's"
	else
		preflight_item "docker's clock" 1 "is ${preflight_apart#-} minutes apart from this machine's" \
			"set the clock, or restart docker"
	fi
}

# The lab cannot be older than its own version says.
preflight_clock() {
	case $LAB_VERSION in
	20[0-9][0-9].*) preflight_year=${LAB_VERSION%%.*} ;;
	*) preflight_year=2025 ;;
	esac
	preflight_now=$(date -u +%Y)
	if [ "$preflight_now" -ge "$((preflight_year - 1))" ]; then
		preflight_item clock 0 "$(date -u '+%Y-%m-%d %H:%M') UTC"
	else
		preflight_item clock 1 "says $(date -u '+%Y-%m-%d'), before this lab was made; certificates would not be valid" \
			"set the clock"
	fi
}

# preflight_disk WHAT FOLDER: room for the node's image and the images, unpacked, and for what the lab stores. Nothing
# where the folder is not of this machine, as with Docker Desktop.
preflight_disk() {
	[ -d "$2" ] || return 0
	preflight_free=$(df -Pk "$2" | awk 'NR == 2 { print int($4 / 1024) }')
	preflight_size=$(du -sk "$LAB_DIR/images" "$LAB_DIR/kicbase" 2>/dev/null | awk '{ n += $1 } END { print int(n / 1024) }')
	# Compressed, and unpacked about three times that; and five volumes, which grow with use.
	preflight_need=$((preflight_size * 4 + 4096))
	! node_ours || preflight_need=2048
	if [ "${preflight_free:-0}" -ge "$preflight_need" ]; then
		preflight_item disk 0 "$preflight_free MiB free $1 ($2), $preflight_need needed"
	else
		preflight_item disk 1 "${preflight_free:-0} MiB free $1 ($2), $preflight_need needed" \
			"make room there ('docker system df' shows what docker holds)"
	fi
}

preflight_state_disk() {
	preflight_free=$(df -Pk "$(state_ancestor)" | awk 'NR == 2 { print int($4 / 1024) }')
	if [ "${preflight_free:-0}" -ge 1024 ]; then
		preflight_item "state's disk" 0 "$preflight_free MiB free"
	else
		preflight_item "state's disk" 1 "${preflight_free:-0} MiB free where $STATE is, 1024 needed" \
			"make room, or set LAB_STATE to a folder of another disk"
	fi
}

# The cluster's programs and Promtail watch files with the machine's own inotify.
preflight_inotify() {
	preflight_have=$(preflight_sysctl fs.inotify.max_user_instances) preflight_watches=$(preflight_sysctl fs.inotify.max_user_watches)
	[ -n "$preflight_have" ] || return 0
	preflight_remedy="sysctl -w fs.inotify.max_user_instances=512 fs.inotify.max_user_watches=524288"
	if [ "$preflight_have" -lt 128 ] || [ "${preflight_watches:-0}" -lt 8192 ]; then
		preflight_item inotify 1 "$preflight_have instances, $preflight_watches watches: too few" "as root: $preflight_remedy"
	elif [ "$preflight_have" -lt 512 ]; then
		preflight_item inotify 0 "$preflight_have instances, $preflight_watches watches; should a log say 'too many open files', as root: $preflight_remedy"
	else
		preflight_item inotify 0 "$preflight_have instances, $preflight_watches watches"
	fi
}

# preflight_none: what the driver none wants of this very machine.
preflight_none() {
	if [ "$(id -u)" = 0 ]; then
		preflight_item root 0 "yes"
	else
		preflight_item root 1 "the driver none changes this very machine, so it needs root" \
			"run lab as root, or take the driver docker"
	fi
	preflight_missing=''
	for preflight_tool in sudo iptables conntrack socat crictl containerd ctr; do
		has "$preflight_tool" || preflight_missing="$preflight_missing $preflight_tool"
	done
	for preflight_tool in bridge host-local portmap firewall; do
		[ -x "/opt/cni/bin/$preflight_tool" ] || preflight_missing="$preflight_missing /opt/cni/bin/$preflight_tool"
	done
	[ -r /etc/containerd/config.toml ] || preflight_missing="$preflight_missing /etc/containerd/config.toml"
	if [ -z "$preflight_missing" ]; then
		preflight_item "the driver none" 0 "all there"
	else
		preflight_item "the driver none" 1 "not found:$preflight_missing" \
			"install them from your distribution, or take the driver docker"
	fi
}

# preflight_vm: a virtual machine starts from an ISO, which not every bundle carries.
preflight_vm() {
	if [ -n "$(node_iso)" ]; then
		preflight_item "minikube's ISO" 0 "in the bundle"
	else
		preflight_item "minikube's ISO" 1 "this bundle carries none, and $DRIVER starts from it" \
			"take --driver docker, or ask for a bundle with iso/"
	fi
	preflight_tool=virsh
	[ "$DRIVER" = kvm2 ] || preflight_tool=qemu-system-$(uname -m)
	if has "$preflight_tool"; then
		preflight_item "$DRIVER" 0 "$preflight_tool is there"
	else
		preflight_item "$DRIVER" 1 "$preflight_tool is not found" "install it from your distribution, or take --driver docker"
	fi
}

# preflight_port TITLE PORT: free, or held by the lab's own forward.
preflight_port() {
	preflight_holder=$(port_holder "$2")
	if [ -z "$preflight_holder" ]; then
		preflight_item "port $2" 0 "free for $1"
	elif forward_alive "$(forward_name "$1")"; then
		preflight_item "port $2" 0 "$1 is open already"
	else
		preflight_item "port $2" 1 "needed for $1, but taken by $preflight_holder" \
			"end that, or shift all ports: LAB_PORT_OFFSET=10000"
	fi
}

preflight_names() {
	preflight_other=$(node_foreign)
	if [ -n "$preflight_other" ]; then
		preflight_item name 1 "there is $preflight_other that is not this lab's" \
			"choose another name with --profile, or remove it yourself"
	else
		preflight_item name 0 "$PROFILE"
	fi
}

# What an earlier run left: up goes on with it.
preflight_leftovers() {
	preflight_left=''
	if node_ours; then
		preflight_left=" a cluster"
		[ "$DRIVER" != docker ] || [ -n "$(node_container)" ] || preflight_left=" a cluster whose container is gone (down --purge clears it)"
	elif [ "$DRIVER" = docker ] && has docker && docker volume inspect "$PROFILE" >/dev/null 2>&1; then
		preflight_left="$preflight_left a docker volume named $PROFILE (docker volume rm $PROFILE, if it is nobody's)"
	fi
	[ ! -e "$STATE/stage" ] || preflight_left="$preflight_left a half-made image"
	if [ -n "$preflight_left" ]; then
		preflight_item leftovers 0 "of an earlier run:$preflight_left; up goes on from there"
	else
		preflight_item leftovers 0 "none"
	fi
}

# preflight_cluster: with --context, the cluster that is there already.
preflight_cluster() {
	if kube_reachable; then
		preflight_item cluster 0 "$CONTEXT answers"
	else
		preflight_item cluster 1 "$CONTEXT does not answer: $(printf '%s\n' "$kube_why" | tail -n 1 | cut -c 1-200)" \
			"see 'kubectl config get-contexts', and whether that cluster runs"
		return 0
	fi
	if [ -n "$REGISTRY" ]; then
		preflight_item images 0 "pushed to $REGISTRY by up"
	else
		preflight_item images 0 "the cluster's nodes must have them already, or reach them: --registry pushes them"
	fi
}

# preflight_asking: how check will ask.
preflight_asking() {
	case $(ask_way) in
	cluster) preflight_item questions 0 "this machine has neither curl nor wget; check asks inside the cluster" ;;
	*) preflight_item questions 0 "check asks with $(ask_way)" ;;
	esac
}

# preflight_all: every finding; returns 1 where there is a shortfall.
preflight_all() {
	preflight_bad=0 preflight_json=''
	preflight_platform
	# shellcheck disable=SC2046 # names without spaces
	preflight_bundle SHA256SUMS lab.lock bin/kubectl bin/helm charts images/index.json checks $([ "$MINI" = 0 ] || preflight_files)
	preflight_tools "install coreutils, tar, sed, grep, diffutils and awk as your distribution names them" \
		awk cat cmp cp cut date df du env grep head kill ls mkdir mv od readlink rm sed sleep sort tail tar tee tr uname wc
	preflight_state
	preflight_state_disk
	preflight_clock
	if [ "$MINI" = 1 ]; then
		preflight_mini
	else
		preflight_cluster
	fi
	ports_each preflight_port
	preflight_asking
	[ "$preflight_bad" = 0 ]
}

# preflight_files: prints what a minikube needs of the bundle.
preflight_files() {
	printf '%s\n' bin/minikube kicbase/index.json "kubernetes/$LAB_KUBERNETES/kubelet" "kubernetes/$LAB_KUBERNETES/kubeadm" \
		"kubernetes/$LAB_KUBERNETES/kubectl"
}

preflight_mini() {
	preflight_memory
	preflight_cpus
	case $DRIVER in
	docker)
		preflight_docker
		;;
	none)
		preflight_none
		preflight_disk "for this machine's containers" /var/lib
		;;
	*) preflight_vm ;;
	esac
	preflight_inotify
	preflight_names
	preflight_leftovers
}
