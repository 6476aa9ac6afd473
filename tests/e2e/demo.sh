#!/bin/sh
# The whole chain on the datastores lab, as an instructor, an officer and a student would go through it:
# sh tests/e2e/demo.sh BUILD
set -eu
build=$(cd "$1" && pwd)
top=$(cd "$(dirname "$0")/../.." && pwd)
labgen=$build/labgen
labverify=$build/labverify
work=$build/demo
begin=$(date +%s)

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi
step() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
run() { printf '$ %s\n' "$*"; "$@"; }
now() { date +%s%N | cut -c1-13; }
# Peak memory of a command in KiB, into the file named first.
peak() { out=$1; shift; /usr/bin/time -f %M -o "$out" "$@"; }

case $(uname -m) in aarch64 | arm64) platform=linux/arm64 ;; *) platform=linux/amd64 ;; esac

rm -rf "$work"
mkdir -p "$work/one" "$work/two"
cp -R "$top/bundles/datastores" "$work/one/lab"
cd "$work"

step "A key for this demonstration"
run "$labgen" key new demo --no-password

step "Lock: every package of the lab pinned by digest"
t0=$(now)
run "$labgen" lock one/lab
cp -R one/lab two/lab
t1=$(now)

step "Fetch: what the lock names and the store does not have yet"
run "$labgen" fetch one/lab --platform "$platform"
tf=$(now)

step "Bundle, twice: the second elsewhere, with another umask, time zone, locale and number of downloads"
run peak "$work/peak.bundle" "$labgen" bundle one/lab -o one/datastores.tar --key demo.key
t2=$(now)
(
	umask 077
	cd two
	TZ=Asia/Seoul LC_ALL=C.UTF-8 LANG=ko_KR.UTF-8 run "$labgen" bundle lab -o datastores.tar --key ../demo.key -j 1
)
run cmp one/datastores.tar two/datastores.tar
echo "identical"
rm -rf two
t3=$(now)

step "The officer: labverify"
run peak "$work/peak.check" "$labverify" check one/datastores.tar -p demo.pub
t4=$(now)

step "The same without our programs: tar, minisign, sha256sum"
mkdir plain
run tar -xf one/datastores.tar -C plain
root=$(echo plain/*)
(
	cd "$root"
	run minisign -V -q -m SHA256SUMS -p "$work/demo.pub"
	run sha256sum --check --quiet SHA256SUMS
	echo "$(wc -l <SHA256SUMS) members good"
)
rm -rf plain

# The student. What an ordinary user is to run lies where an ordinary user can go.
student() { # NAME COMMAND-PREFIX...
	name=$1
	shift
	room=$(mktemp -d "${TMPDIR:-/tmp}/labgen-demo.XXXXXX")
	cp "$labverify" "$work/demo.pub" "$top/tests/airgap/run.sh" "$room"
	chmod 755 "$room" "$room/labverify"
	mkdir -m 777 "$room/home"
	step "The student ($name): extract, then a room with no network at all"
	status=0
	(
		cd "$room/home"
		"$@" env HOME="$room/home" PATH="$PATH" "$room/labverify" extract - -p "$room/demo.pub" -C lab <"$work/one/datastores.tar" &&
			"$@" env HOME="$room/home" PATH="$PATH" LAB_PORT_OFFSET="${LAB_PORT_OFFSET:-0}" sh "$room/run.sh" "$room/home/lab" "$room/demo.pub"
	) || status=$?
	rm -rf "$room"
	case $status in
	0) rooms="${rooms:+$rooms, }$name" ;;
	77) missed="${missed:+$missed, }$name" ;;
	*) exit "$status" ;;
	esac
}
trap 'rm -rf "${room:-}"' EXIT
rooms='' missed=''
if [ "$(id -u)" -eq 0 ]; then
	student root env
	student "an ordinary user" setpriv --reuid 65534 --regid 65534 --clear-groups
else
	student "$(id -un)" env
fi
t5=$(now)

[ -n "$rooms" ] || exit 1

s() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f s", (b - a) / 1000 }'; }
step "Summary"
members=$("$labverify" list one/datastores.tar -p demo.pub | grep -c '^[0-9a-f]\{64\} ')
cat <<END
packages pinned      $(grep -c '^ *- id: ' one/lab/lab.lock)
size of the bundle   $(du -m one/datastores.tar | cut -f1) MiB, $members members
lock                 $(s "$t0" "$t1")
fetch                $(s "$t1" "$tf")
bundle               $(s "$tf" "$t2"), peak memory $(awk '{ printf "%.1f MiB", $1 / 1024 }' peak.bundle) (goal: under 32)
second bundle, cmp   $(s "$t2" "$t3")
labverify check      $(s "$t3" "$t4"), peak memory $(awk '{ printf "%.1f MiB", $1 / 1024 }' peak.check) (goal: under 32)
extract, up to down  $(s "$t4" "$t5"), as ${rooms:-nobody}${missed:+; not possible here, as said above: $missed}
all of it            $(($(date +%s) - begin)) s (goal: under 120, and under 30 with a warm store)
END
