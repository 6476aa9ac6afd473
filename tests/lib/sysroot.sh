#!/bin/sh
# Fetches the static libraries of another Debian architecture: sh sysroot.sh FOLDER ARCH. They are unpacked into
# FOLDER/usr, out of packages that apt downloads and checks with a state of its own: the machine's dpkg is left alone.
set -eu
if [ $# -ne 2 ]; then
	echo "sysroot.sh: two arguments are needed: a folder to make, and a Debian architecture such as arm64" >&2
	exit 2
fi
arch=$2
[ ! -e "$1/done" ] || exit 0
mkdir -p "$1/lists/partial" "$1/cache/archives/partial" "$1/debs"
folder=$(cd "$1" && pwd)
: >"$folder/status"

apt() {
	apt-get -q -o "APT::Architecture=$arch" -o "APT::Architectures=$arch" -o "Dir::State::status=$folder/status" \
		-o "Dir::State::lists=$folder/lists" -o "Dir::Cache=$folder/cache" -o APT::Sandbox::User=root "$@" >"$folder/log" 2>&1 || {
		tail -n 5 "$folder/log" >&2
		echo "sysroot.sh: apt-get $1 failed for $arch, see above; is the network up, and do apt's sources have $arch?" >&2
		exit 1
	}
}
echo "fetching libsodium and libcrypto for $arch"
apt update
(cd "$folder/debs" && apt download libsodium-dev libssl-dev)
for deb in "$folder"/debs/*.deb; do
	dpkg-deb -x "$deb" "$folder"
done
rm -rf "$folder/lists" "$folder/cache" "$folder/debs"
: >"$folder/done"
