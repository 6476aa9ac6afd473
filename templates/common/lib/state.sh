# shellcheck shell=sh
# The lab's own folder on this machine: LAB_STATE, or $XDG_STATE_HOME/lab/NAME. Everything the lab writes is in there,
# marked by the file "lab-state", so that "down --purge" never removes what is not the lab's.

# state_path: prints where it is.
state_path() {
	if [ -n "${LAB_STATE:-}" ]; then
		case $LAB_STATE in
		/*) printf '%s\n' "$LAB_STATE" ;;
		*) printf '%s\n' "$PWD/$LAB_STATE" ;;
		esac
	else
		printf '%s\n' "${XDG_STATE_HOME:-${HOME:-}/.local/state}/lab/$LAB_NAME"
	fi
}

# state_find: sets STATE; makes nothing. Refuses a folder that holds other things than a lab's state.
state_find() {
	[ -n "${LAB_STATE:-}${XDG_STATE_HOME:-}${HOME:-}" ] ||
		die "state folder: neither LAB_STATE nor HOME is set; set LAB_STATE to a folder for the lab's files"
	STATE=$(state_path)
	[ -e "$STATE" ] || return 0
	[ -d "$STATE" ] || die "$STATE: not a folder; set LAB_STATE to another one"
	if [ ! -r "$STATE" ] || [ ! -x "$STATE" ]; then
		die "$STATE: belongs to another user; run lab as the user who brought it up, or set LAB_STATE to a folder of yours"
	fi
	if [ -s "$STATE/lab-state" ]; then
		read -r state_owner <"$STATE/lab-state" || :
		[ "$state_owner" = "$LAB_NAME" ] ||
			die "$STATE: belongs to the lab '$state_owner'; set LAB_STATE to another folder for $LAB_NAME"
		return 0
	fi
	# An empty mark is that of a command that was killed as it began.
	case $(ls -A "$STATE") in
	'' | lab-state) ;;
	*) die "$STATE: holds files that are not a lab's; set LAB_STATE to an empty or new folder" ;;
	esac
}

# state_ancestor: prints the nearest folder at or above STATE that exists.
state_ancestor() {
	state_dir=$STATE
	while [ ! -d "$state_dir" ]; do
		state_dir=$(dirname "$state_dir")
	done
	printf '%s\n' "$state_dir"
}

# state_make: makes STATE, for its owner alone, and marks it.
state_make() {
	[ ! -s "$STATE/lab-state" ] || return 0
	{ mkdir -p "$STATE" && chmod 700 "$STATE" && printf '%s\n' "$LAB_NAME" >"$STATE/lab-state"; } ||
		die "$STATE: cannot be made; set LAB_STATE to a folder that you may write in"
}

# state_lock VERB: one lab command at a time; held on descriptor 9 until this process and the children that still work
# for it have ended, so a killed command leaves no stale lock and no half-done child that works behind its successor.
# Without flock (macOS): a link that names the owner, broken when the owner is gone.
state_lock() {
	[ -w "$STATE" ] || die "$1: $STATE: not writable for you; run lab as the user who brought it up"
	if has flock; then
		exec 9>>"$STATE/lock"
		state_tries=0
		until flock -n 9; do
			[ "$state_tries" != 5 ] || say "waiting for another lab command: $(cat "$STATE/lock.owner" 2>/dev/null || :)"
			state_tries=$((state_tries + 1))
			[ "$state_tries" -lt 200 ] || die "$1: another lab command is at work ($(cat "$STATE/lock.owner" 2>/dev/null || :)); \
wait for its end, or end it"
			pause
		done
		printf '%s, process %s\n' "$1" "$$" >"$STATE/lock.owner"
		return 0
	fi
	if ! ln -s "$$" "$STATE/lock.link" 2>/dev/null; then
		mkdir "$STATE/lock.break" 2>/dev/null ||
			die "$1: another lab command is at work; wait for its end, or remove $STATE/lock.break if there is none"
		state_owner=$(readlink "$STATE/lock.link" || :)
		if [ -n "$state_owner" ] && kill -0 "$state_owner" 2>/dev/null; then
			rmdir "$STATE/lock.break"
			die "$1: another lab command is at work (process $state_owner); wait for its end, or end it"
		fi
		rm -f "$STATE/lock.link"
		ln -s "$$" "$STATE/lock.link"
		rmdir "$STATE/lock.break"
	fi
	trap 'rm -f "$STATE/lock.link"' EXIT
	trap 'exit 1' INT TERM HUP
}

# state_remove PATH...: removes trees, also where a package has folders that their owner may not write in. Refuses where
# something is mounted below, since the removal would go on in there.
state_remove() {
	for state_dir in "$@"; do
		[ -e "$state_dir" ] || continue
		state_mounted "$state_dir" && die "$state_dir: something is mounted below it; unmount that, then try again"
		run rm -rf "$state_dir" 2>/dev/null && continue
		run chmod -R u+rwX "$state_dir"
		run rm -rf "$state_dir" || die "$state_dir: cannot be removed; remove it by hand"
	done
}

# state_mounted PATH: whether a file system is mounted at PATH or below.
state_mounted() {
	[ -r /proc/self/mountinfo ] || return 1
	LAB_PATH=$1 awk 'BEGIN { path = ENVIRON["LAB_PATH"]; gsub(/ /, "\\040", path) }
		$5 == path || index($5, path "/") == 1 { found = 1 }
		END { exit !found }' /proc/self/mountinfo
}
