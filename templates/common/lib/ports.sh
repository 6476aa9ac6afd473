# shellcheck shell=sh disable=SC2034,SC2154 # the files of lib/ share variables
# The ports of lab.env's LAB_PORTS, one a line: name|local|to|url. LAB_PORT_OFFSET shifts them all; what "up" was
# given is remembered until "down", so that a later "check" in another terminal finds the same ports.

# ports_offset: prints the shift in force.
ports_offset() {
	ports_kept=''
	[ ! -r "$STATE/port-offset" ] || read -r ports_kept <"$STATE/port-offset" || :
	printf '%s\n' "${LAB_PORT_OFFSET:-${ports_kept:-0}}"
}

# ports_init: reads the shift into PORT_OFFSET, and refuses one that leads out of 1..65535.
ports_init() {
	PORT_OFFSET=$(ports_offset)
	case $PORT_OFFSET in
	*[!0-9]* | ??????*) usage "LAB_PORT_OFFSET: '$PORT_OFFSET' is not a number from 0 to 65535" ;;
	esac
	# A leading zero would make it octal for the shell.
	PORT_OFFSET=$(printf '%s\n' "$PORT_OFFSET" | sed 's/^0*\([0-9]\)/\1/')
	while IFS='|' read -r ports_name ports_local ports_rest; do
		[ -n "$ports_name" ] || continue
		[ $((ports_local + PORT_OFFSET)) -le 65535 ] ||
			usage "LAB_PORT_OFFSET: $ports_local + $PORT_OFFSET for $ports_name is more than 65535"
	done <<EOF
$LAB_PORTS
EOF
}

# port NAME: prints the shifted port of that name; fails where there is none.
port() {
	while IFS='|' read -r ports_name ports_local ports_rest; do
		if [ "$ports_name" = "$1" ]; then
			printf '%s\n' $((ports_local + PORT_OFFSET))
			return 0
		fi
	done <<EOF
$LAB_PORTS
EOF
	warn "lab.env: LAB_PORTS has no port named '$1'; extract the bundle again"
	return 1
}

# ports_each FUNCTION: calls FUNCTION NAME PORT URL for each, URL with the shifted port.
ports_each() {
	while IFS='|' read -r ports_name ports_local ports_to ports_url <&3; do
		[ -n "$ports_name" ] || continue
		ports_real=$((ports_local + PORT_OFFSET))
		ports_url=$(printf '%s\n' "$ports_url" | sed "s,:$ports_local\$,:$ports_real,; s,:$ports_local/,:$ports_real/,")
		"$1" "$ports_name" "$ports_real" "$ports_url"
	done 3<<EOF
$LAB_PORTS
EOF
}
