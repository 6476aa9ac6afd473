# shellcheck shell=sh disable=SC2034,SC2154 # the files of lib/ share variables
# The lab's root file system: unpacked once, and entered in name spaces of its own, without privilege where the kernel
# lets us.

# root_find: sets ROOT, where this bundle's root file system is or will be, and root_sum, its digest as the manifest has
# it, which is empty in a folder that is not whole.
root_find() {
	root_sum=$(awk '$2 == "rootfs.tar" { print $1; exit }' "$LAB_DIR/SHA256SUMS" 2>/dev/null) || root_sum=''
	ROOT=$STATE/root.$(printf '%.16s' "$root_sum")
}

# root_ready: whether ROOT is there and whole. What was unpacked before the machine started is not trusted: after a power
# cut there may be empty files in it, and unpacking it anew takes less time than waiting for the disk each time.
root_ready() {
	[ -d "$ROOT" ] && [ "$(cat "$ROOT.boot" 2>/dev/null)" = "$(proc_boot)" ]
}

# root_unpack: makes ROOT, which has its final name only when it is whole.
root_unpack() {
	! root_ready || return 0
	[ -n "$root_sum" ] || die "$LAB_DIR/SHA256SUMS: has no line for rootfs.tar; extract the bundle again"
	say "unpacking the root file system ($(($(wc -c <"$LAB_DIR/rootfs.tar") / 1048576)) MiB)"
	for root_old in "$STATE"/root.*; do
		state_remove "$root_old"
	done
	if has sha256sum && [ "$DRY_RUN" = 0 ]; then
		root_is=$(sha256sum <"$LAB_DIR/rootfs.tar")
		if [ "${root_is%% *}" != "$root_sum" ]; then
			warn "$LAB_DIR/rootfs.tar: not what SHA256SUMS says, so it was damaged or changed; extract the bundle again"
			exit 3
		fi
	fi
	run mkdir "$ROOT.part"
	run tar -xof "$LAB_DIR/rootfs.tar" -C "$ROOT.part" ||
		die "up: $LAB_DIR/rootfs.tar: cannot be unpacked in $STATE; see the message above, then run up again"
	[ "$DRY_RUN" = 1 ] || proc_boot >"$ROOT.boot"
	run mv "$ROOT.part" "$ROOT"
}

# What runs between unshare and the program: its mounts are seen by that program alone. $1 is the root, $2 the data
# folder or nothing. Device files are bound one by one, so that no disk of the machine is in there. Read-only mounts
# are a fence, not a need: where the kernel refuses them the program still runs.
# shellcheck disable=SC2016 # expanded by the shell that gets it
ROOT_SETUP='
root=$1 data=$2
shift 2
mount -o bind "$root" "$root" || exit 125
mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev" || exit 125
for i in null zero full random urandom; do
	: >"$root/dev/$i" && mount -o bind "/dev/$i" "$root/dev/$i" || exit 125
done
mkdir "$root/dev/shm"
ln -s /proc/self/fd "$root/dev/fd"
for i in tmp run; do
	mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/$i" || exit 125
done
mount -o rbind /proc "$root/proc" || exit 125
[ -z "$data" ] || mount -o bind "$data" "$root/data" || exit 125
mount -o remount,bind,ro,nosuid,nodev "$root" || :
mount -o remount,bind,ro,nosuid,nodev,noexec "$root/proc" || :
chroot=$(command -v chroot)
exec env -i PATH=/usr/bin:/usr/sbin:/bin:/sbin HOME=/data TMPDIR=/tmp LANG=C.UTF-8 "$chroot" "$root" "$@"
'

# In a chroot whose / is no mount point (debootstrap), a mount name space cannot be made private from within, and mounts
# would spread to the machine. Seen from the name space itself, whose root is above the chroot, it can.
# shellcheck disable=SC2016
ROOT_SETUP_CHROOT='nsenter -t $$ -m mount --make-rprivate / || exit 125'

# What a kind of isolation must allow before it is chosen: mounts, and the way to the lab's files, which root loses in
# a user name space where somebody else's closed folder is above them.
# shellcheck disable=SC2016
ROOT_TRY='mount -t tmpfs tmpfs /proc && cd "$1"'

# isolation_find: sets ISOLATION to user, mount, chroot or none. User name spaces first, for root as well: the lab then
# has no rights over the machine.
isolation_find() {
	[ -z "${ISOLATION:-}" ] || return 0
	isolation_dir=$(state_ancestor)
	if unshare -U -r -m sh -c "$ROOT_TRY" lab "$isolation_dir" 2>/dev/null; then
		ISOLATION=user
	elif [ "$(id -u)" != 0 ]; then
		ISOLATION=none
	elif unshare -m sh -c "$ROOT_TRY" lab "$isolation_dir" 2>/dev/null; then
		ISOLATION=mount
	elif unshare -m --propagation unchanged sh -c "$ROOT_SETUP_CHROOT; $ROOT_TRY" lab "$isolation_dir" 2>/dev/null; then
		ISOLATION=chroot
	else
		ISOLATION=none
	fi
}

# Becomes its arguments, after it recorded itself in $1 and let go of the lab's lock (descriptor 9) and of whatever else
# the caller of lab had open, who may wait for its end.
# shellcheck disable=SC2016
ROOT_RECORD='
record=$1
shift
read -r stat </proc/$$/stat
stat=${stat##*) }
at=$(set -- $stat && echo "${20}")
boot=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo unknown)
echo "$$ $at $boot" >"$record.part" && mv "$record.part" "$record" || exit 125
exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
exec "$@"
'

# enter PROGRAM ARGUMENTS: becomes that program of the lab's root. The process that the record names is, through every
# exec, the service's own.
enter() {
	case $ISOLATION in
	user) enter_with='unshare -U -r -m' enter_setup=$ROOT_SETUP ;;
	mount) enter_with='unshare -m' enter_setup=$ROOT_SETUP ;;
	chroot) enter_with='unshare -m --propagation unchanged' enter_setup=$ROOT_SETUP_CHROOT$ROOT_SETUP ;;
	*) die "no way to enter the lab's root; run '$LAB_DIR/lab preflight'" ;;
	esac
	if [ "$DRY_RUN" = 1 ]; then
		# The same long text each time: enter_show has printed it.
		# shellcheck disable=SC2016 # a name for the shell that gets it
		printf '%s sh -c "$setup" lab %s\n' "$enter_with" "$(ui_command "$ROOT" "${ENTER_DATA:-}" "$@")" >&"${ENTER_SHOW:-1}"
		return 0
	fi
	# shellcheck disable=SC2086 # the options are words
	set -- $enter_with sh -c "$enter_setup" lab "$ROOT" "${ENTER_DATA:-}" "$@"
	[ -z "${ENTER_LIMIT:-}" ] || set -- timeout -s KILL "$ENTER_LIMIT" "$@"
	# A session of its own, so that neither a closed terminal nor Ctrl-C ends the service.
	[ "${ENTER_DETACHED:-0}" = 0 ] || set -- setsid sh -c "$ROOT_RECORD" lab "$SERVICE_RECORD" "$@"
	exec "$@"
}

# enter_show: with --dry-run, prints the setup that the commands of enter refer to.
enter_show() {
	[ "$DRY_RUN" = 1 ] || return 0
	[ "$ISOLATION" != chroot ] || printf 'setup=%s\n' "$(ui_command "$ROOT_SETUP_CHROOT$ROOT_SETUP")"
	[ "$ISOLATION" = chroot ] || printf 'setup=%s\n' "$(ui_command "$ROOT_SETUP")"
}

# inside PROGRAM ARGUMENTS: runs a program of the lab's root and waits for it, INSIDE_LIMIT seconds at most.
INSIDE_LIMIT=15
inside() {
	if [ ! -d "$ROOT" ] && [ "$DRY_RUN" = 0 ]; then
		echo "the lab has not been up"
		return 1
	fi
	(
		ENTER_DATA='' ENTER_DETACHED=0
		! has timeout || ENTER_LIMIT=$INSIDE_LIMIT
		enter "$@"
	) 9>&-
}
