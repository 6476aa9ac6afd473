# shellcheck shell=sh disable=SC2034,SC2154 # the files of lib/ share variables
# The node: minikube's cluster of one, started from what the bundle carries.
#
# minikube asks the network for what it does not find in its cache, and checks nothing that it finds there. So its home is
# the lab's own, each file in it is compared with the bundle's, and the node's image has a plain tag: docker load keeps no
# digest, and what minikube looks for by digest it pulls.

# node_run COMMAND...: a command in the node, as root; standard input is its own.
node_run() {
	case $DRIVER in
	docker) run docker exec -i "$PROFILE" "$@" ;;
	none) run "$@" ;;
	*) mini ssh --native-ssh=false -- sudo "$@" ;;
	esac
}

# node_ours: whether minikube's home, the lab's own, knows the cluster.
node_ours() {
	[ -e "$STATE/minikube/.minikube/profiles/$PROFILE/config.json" ]
}

# node_container: prints the state of the container of that name: running, exited...; nothing where there is none.
node_container() {
	docker container inspect -f '{{.State.Status}}' "$PROFILE" 2>/dev/null || :
}

# node_foreign: prints what bears the cluster's name and is not the lab's.
node_foreign() {
	! node_ours || return 0
	case $DRIVER in
	docker)
		node_state=$(node_container)
		[ -z "$node_state" ] || printf 'a container named %s (%s)\n' "$PROFILE" "$node_state"
		;;
	none)
		[ ! -e /etc/kubernetes/admin.conf ] || printf '%s\n' "a Kubernetes of this machine's own (/etc/kubernetes/admin.conf)"
		;;
	esac
}

# node_running: whether the lab's cluster is up as a whole.
node_running() {
	node_ours && "$LAB_DIR/bin/minikube" --profile="$PROFILE" status >/dev/null 2>&1
}

# node_put FILE TO: a file of the bundle into minikube's cache; nothing where the same is there.
node_put() {
	[ -r "$1" ] || die "$1: missing; extract the bundle again"
	! cmp -s "$1" "$2" || return 0
	run mkdir -p "$(dirname "$2")"
	run cp "$1" "$2.part"
	run chmod 755 "$2.part"
	run mv "$2.part" "$2"
}

# node_cache: everything that minikube would download.
node_cache() {
	node_dir=$STATE/minikube/.minikube
	say "preparing minikube's cache"
	for node_file in kubelet kubeadm kubectl; do
		node_put "$LAB_DIR/kubernetes/$LAB_KUBERNETES/$node_file" "$node_dir/cache/linux/$NODE_ARCH/$LAB_KUBERNETES/$node_file"
	done
	# For its own use minikube wants kubectl of this machine's kind.
	case $LAB_PLATFORM in
	darwin/*) node_put "$LAB_DIR/bin/kubectl" "$node_dir/cache/$LAB_PLATFORM/$LAB_KUBERNETES/kubectl" ;;
	esac
	if [ "$DRY_RUN" = 0 ] && [ ! -e "$node_dir/config/config.json" ]; then
		mkdir -p "$node_dir/config"
		printf '{\n    "WantUpdateNotification": false,\n    "WantBetaUpdateNotification": false\n}\n' >"$node_dir/config/config.json"
	fi
	[ "$DRIVER" = none ] || node_cache_images
}

# node_cache_images: what runs before there is a cluster to import into. A list beside them says which they are of, so that
# an image of another bundle's is made anew.
node_cache_images() {
	for node_ref in $(images_kubernetes); do
		node_file=$node_dir/cache/images/$NODE_ARCH/$(printf '%s\n' "$node_ref" | tr ':' _)
		node_want=$(images_wanted | awk -v ref="$node_ref" '$1 == ref { print $2 }')
		if [ "$DRY_RUN" = 1 ]; then
			printf '# %s, out of %s/images, into %s\n' "$node_ref" "$LAB_DIR" "$node_file"
		elif [ ! -s "$node_file" ] || [ "$(cat "$node_file.digest" 2>/dev/null || :)" != "$node_want" ]; then
			images_archive "$node_ref" "$node_file"
			printf '%s\n' "$node_want" >"$node_file.digest"
		fi
	done
}

# node_base_there: whether docker has the node's image, the very one of the bundle. Docker's id of an image is the digest
# of its configuration or, with the newer image store, of its manifest.
node_base_there() {
	node_id=$(docker image inspect -f '{{.Id}}' "$LAB_BASE_IMAGE" 2>/dev/null) || return 1
	node_hex=${node_id#sha256:}
	case $node_hex in
	'' | *[!0-9a-f]*) return 1 ;;
	esac
	[ -f "$LAB_DIR/kicbase/blobs/sha256/$node_hex" ] || grep -qF "$node_hex" "$LAB_DIR/kicbase/index.json" "$LAB_DIR/kicbase/manifest.json"
}

# node_base: the node's image into docker.
node_base() {
	[ "$DRIVER" = docker ] || return 0
	if [ "$DRY_RUN" = 1 ]; then
		printf '%s | %s\n' "$(ui_command tar -C "$LAB_DIR/kicbase" -cf - .)" "docker load"
		return 0
	fi
	! node_base_there || return 0
	say "loading the node's image into docker"
	mkdir -p "$STATE/log"
	node_status=0
	COPYFILE_DISABLE=1 tar -C "$LAB_DIR/kicbase" -cf - . | docker load >"$STATE/log/kicbase.log" 2>&1 || node_status=1
	if [ "$node_status" != 0 ] || ! node_base_there; then
		tail -n 5 "$STATE/log/kicbase.log" | sed 's/^/    /' >&2
		die "up: docker load: $LAB_BASE_IMAGE is not there afterwards as the bundle has it; is docker's disk full, or kicbase/ damaged? \
'./lab verify' tells"
	fi
}

# node_flags: prints the switches of minikube start, one a line.
node_flags() {
	printf '%s\n' --driver="$DRIVER" --container-runtime="$LAB_RUNTIME" --cni=bridge --preload=false \
		--kubernetes-version="$LAB_KUBERNETES" --interactive=false --auto-update-drivers=false
	case $DRIVER in
	docker)
		printf '%s\n' --base-image="$LAB_BASE_IMAGE"
		# minikube refuses docker as root without it.
		[ "$(id -u)" != 0 ] || printf '%s\n' --force
		;;
	none)
		# kubeadm's own check refuses the older cgroups.
		[ -e /sys/fs/cgroup/cgroup.controllers ] || printf '%s\n' --extra-config=kubeadm.ignore-preflight-errors=SystemVerification
		;;
	*) printf '%s\n' --iso-url="file://$(node_iso)" ;;
	esac
}

# node_iso: prints the ISO that the bundle carries for virtual machines.
node_iso() {
	for node_file in "$LAB_DIR"/iso/*.iso; do
		[ ! -r "$node_file" ] || printf '%s\n' "$node_file"
	done
}

# node_start: minikube start, with what it says on the screen and in a log.
node_start() {
	# shellcheck disable=SC2046 # flags have no spaces
	set -- "$LAB_DIR/bin/minikube" start --memory="$LAB_MEMORY" --cpus="$LAB_CPUS" --profile="$PROFILE" $(node_flags)
	if [ "$DRY_RUN" = 1 ]; then
		run "$@"
		return 0
	fi
	say "minikube $2 $3 $4: the first time takes some minutes"
	mkdir -p "$STATE/log"
	rm -f "$STATE/log/minikube.status"
	{
		node_status=0
		# The machine of a VM driver outlives this command: it must not hold the lab's lock.
		case $DRIVER in
		qemu2 | kvm2) "$@" 2>&1 9>&- || node_status=$? ;;
		*) "$@" 2>&1 || node_status=$? ;;
		esac
		printf '%s\n' "$node_status" >"$STATE/log/minikube.status"
	} </dev/null | tee "$STATE/log/minikube.log" | node_show
	node_status=$(cat "$STATE/log/minikube.status" 2>/dev/null || echo 1)
	[ "$node_status" = 0 ] || node_failed "$node_status"
}

# node_show: minikube's words, for people only.
node_show() {
	if [ "$QUIET" = 1 ] || [ "$JSON" = 1 ]; then cat >/dev/null; else sed 's/^/    /'; fi
}

# node_failed STATUS: minikube's own reasons, and what helps.
node_failed() {
	! { [ "$QUIET" = 1 ] || [ "$JSON" = 1 ]; } || tail -n 15 "$STATE/log/minikube.log" | sed 's/^/    /' >&2
	case $1 in
	10 | 14) node_why="it has too little memory for $LAB_MEMORY MiB" ;;
	29) node_why="it has fewer than $LAB_CPUS processors" ;;
	*) node_why="its reason stands above" ;;
	esac
	die "up: minikube start ended with status $1: $node_why; run './lab preflight', then up again, which goes on where this \
stopped; if it fails in the same way, './lab down --purge' and up begin anew ($STATE/log/minikube.log)"
}

# node_up: a running cluster, whatever was there before.
node_up() {
	if [ "$DRY_RUN" = 0 ]; then
		node_other=$(node_foreign)
		[ -z "$node_other" ] ||
			die "up: there is $node_other that is not this lab's; choose another name with --profile, or remove it yourself"
		if node_running && kube_reachable; then
			say "minikube runs already"
			return 0
		fi
	fi
	node_cache
	node_base
	# There is no image cache with this driver: they must be there before.
	[ "$DRIVER" != none ] || images_import
	node_start
}

node_stop() {
	! { [ "$DRY_RUN" = 1 ] || node_ours; } || mini stop >/dev/null ||
		die "down: minikube could not stop $PROFILE; see the lines above"
}

node_delete() {
	! { [ "$DRY_RUN" = 1 ] || node_ours; } || mini delete >/dev/null ||
		die "down: minikube could not delete $PROFILE; see the lines above"
}
