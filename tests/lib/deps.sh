#!/bin/sh
# Installs the missing Debian packages of one group: sh deps.sh LIST GROUP. The list has lines "GROUP<tab>PACKAGE".
# Silent, and without a network, where nothing is missing.
set -eu

if [ $# -ne 2 ] || [ ! -r "$1" ]; then
	echo "deps.sh: two arguments are needed: the list of packages, a file, and a group in it" >&2
	exit 2
fi
list=$1
group=$2
wanted=$(awk -v group="$group" '$1 == group { print $2 }' "$list")
if [ -z "$wanted" ]; then
	echo "deps.sh: $list: no package of group '$group'; the groups: $(awk '/^[a-z]/ { print $1 }' "$list" | sort -u | tr '\n' ' ')" >&2
	exit 2
fi

# installed PACKAGE: whether dpkg has it, or the machine has it in another way.
installed() {
	case $1 in
	npm) ! command -v npm >/dev/null 2>&1 || return 0 ;;
	esac
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=''
for package in $wanted; do
	installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "deps.sh: this is no Debian: no apt-get; install what your system has for:$missing" >&2
	exit 1
fi
if [ "$(id -u)" = 0 ]; then
	as_root='env'
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
	as_root='sudo -n env'
else
	echo "deps.sh: neither root nor sudo without a password, so run as root: apt-get install --no-install-recommends$missing" >&2
	exit 1
fi

echo "installing:$missing"
# A web server, a registry and engines come for the tests to start; as services of the machine they would take ports.
policy=/usr/sbin/policy-rc.d
case $missing in
*nginx* | *docker* | *containerd*)
	if [ ! -e "$policy" ]; then
		trap '$as_root rm -f "$policy"' EXIT
		trap 'exit 1' HUP INT TERM
		# shellcheck disable=SC2016 # $1 is for the shell that gets it
		$as_root sh -c 'printf "#!/bin/sh\nexit 101\n" >"$1" && chmod 755 "$1"' sh "$policy"
	fi
	;;
esac

apt() {
	$as_root DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" || {
		echo "deps.sh: apt-get $1 failed, see the lines above; is the network up, and are apt's sources right?" >&2
		exit 1
	}
}
apt update
# shellcheck disable=SC2086 # a list of words
apt install -y --no-install-recommends $missing
