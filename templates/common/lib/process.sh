# shellcheck shell=sh disable=SC2034,SC2154 # the files of lib/ share variables
# Processes, and who listens where: from /proc, or where there is none (macOS), from ps and lsof.

# proc_start PID: prints when the process started, in ticks since the boot, and fails where it is gone or dead. Together
# with the boot's id this tells a process from a later one of the same number.
proc_start() {
	if [ ! -d /proc/self ]; then
		proc_stat=$(ps -o lstart= -p "$1" | tr -s ' ' _)
		[ -n "$proc_stat" ] || return 1
		printf '%s\n' "$proc_stat"
		return 0
	fi
	read -r proc_stat <"/proc/$1/stat" || return 1
	# The name, in brackets, may hold anything.
	proc_stat=${proc_stat##*) }
	# shellcheck disable=SC2086 # split into fields: state is the 3rd of the file, start the 22nd
	set -- $proc_stat
	case $1 in
	Z | X | x) return 1 ;;
	esac
	printf '%s\n' "${20}"
} 2>/dev/null

proc_boot() {
	cat /proc/sys/kernel/random/boot_id 2>/dev/null || echo unknown
}

# proc_alive FILE: whether the process that FILE names ("PID START BOOT") is alive and the same; sets PROC_PID.
proc_alive() {
	PROC_PID=''
	[ -r "$1" ] || return 1
	read -r proc_pid proc_at proc_in <"$1" || return 1
	[ "$proc_in" = "$(proc_boot)" ] || return 1
	proc_now=$(proc_start "$proc_pid") || return 1
	[ "$proc_now" = "$proc_at" ] || return 1
	PROC_PID=$proc_pid
}

# port_inodes PORT: prints the inode of each socket that listens where 127.0.0.1:PORT would.
port_inodes() {
	proc_hex=$(printf '%04X' "$1")
	for proc_table in /proc/net/tcp /proc/net/tcp6; do
		[ -r "$proc_table" ] || continue
		# State 0A is LISTEN. The addresses: 127.0.0.1 and any, in IPv4, in IPv6 and mapped.
		awk -v port="$proc_hex" '$4 == "0A" {
			split($2, at, ":")
			if (at[2] == port && at[1] ~ /^(0100007F|0+|0000000000000000FFFF0000(0100007F|00000000))$/)
				print $10
		}' "$proc_table"
	done
}

# proc_listens PID PORT: whether that very process listens on 127.0.0.1:PORT.
proc_listens() {
	for proc_inode in $(port_inodes "$2"); do
		# shellcheck disable=SC2012 # the names in there are numbers
		! ls -l "/proc/$1/fd" 2>/dev/null | awk -v want="socket:[$proc_inode]" '
			$NF == want { found = 1 }
			END { exit !found }' || return 0
	done
	return 1
}

# port_holder PORT: prints who listens there, as far as one may see; nothing where the port is free.
port_holder() {
	if [ ! -r /proc/net/tcp ]; then
		lsof -nP -iTCP:"$1" -sTCP:LISTEN -Fpc 2>/dev/null | awk '
			/^p/ { pid = substr($0, 2) }
			/^c/ { print substr($0, 2) ", process " pid; exit }'
		return 0
	fi
	for proc_inode in $(port_inodes "$1"); do
		# shellcheck disable=SC2012 # the names in there are numbers
		proc_pid=$(ls -l /proc/[0-9]*/fd 2>/dev/null | awk -v want="socket:[$proc_inode]" '
			/^\/proc\// { split($0, part, "/") }
			$NF == want { print part[3]; exit }')
		if [ -n "$proc_pid" ]; then
			printf '%s, process %s\n' "$(cat "/proc/$proc_pid/comm" 2>/dev/null || echo "a program")" "$proc_pid"
		else
			echo "a process of another user"
		fi
		return 0
	done
}
