#!/bin/sh
# Runs every test and ends with "N passed, N failed, N skipped": sh tests/run.sh BUILD [FILTER]
# Unit tests and bats both speak TAP; FILTER (a word) picks the files whose name holds it. As many files at a time as
# there are processors: a test has its own folder, store and ports.
set -u

# One file: sh tests/run.sh --one BUILD FILE. What it prints goes to BUILD/tap/NAME.tap, what it says of itself behind it.
if [ "$1" = --one ]; then
	name=${3##*/}
	tap=$2/tap/$name
	begun=$(date +%s)
	case $3 in
	*/lab-host.bats)
		# Labs have fixed ports, and unpack a root file system for each test: a network of their own, in memory.
		if [ -w /dev/shm ] && [ "$(df -Pk /dev/shm | awk 'END { print $4 }')" -gt 4000000 ]; then
			TMPDIR=/dev/shm
			export TMPDIR
		fi
		set -- bats --tap "$3"
		# shellcheck disable=SC2016 # expanded by the shell that gets it
		if unshare -n ip link set lo up 2>/dev/null; then
			set -- unshare -n sh -c 'ip link set lo up && exec "$@"' sh "$@"
		fi
		;;
	*.bats) set -- bats --tap "$3" ;;
	*) set -- env CMOCKA_MESSAGE_OUTPUT=TAP "$3" ;;
	esac
	"$@" >"$tap.tap" 2>"$tap.err" </dev/null
	status=$?
	# cmocka's spelling of a test that was skipped.
	sed 's/^not \(ok [0-9]* # SKIP\)/\1/' "$tap.tap" >"$tap.new" && mv "$tap.new" "$tap.tap"
	# One that ends badly without having said so (a crash, a plan not kept) counts as a failure as well.
	if [ "$status" -ne 0 ] && ! grep -q '^not ok' "$tap.tap"; then
		echo "not ok - $name ended with status $status" >>"$tap.tap"
	fi
	echo "$name: $(grep -c '^ok' "$tap.tap") ok, $(grep -c '^not ok' "$tap.tap") not ok, $(($(date +%s) - begun)) s"
	[ "$status" -eq 0 ] || sed -n '/^not ok/,/^ok/{/^ok/!p;}' "$tap.tap" | cat - "$tap.err" | head -n 60
	exit 0
fi

build=$(cd "$1" && pwd)
filter=${2:-}
cd "$(dirname "$0")/.." || exit 1
export LABGEN="$build/labgen" LABVERIFY="$build/labverify" LC_ALL=C.UTF-8
export LABGEN_HTTP_BACKOFF_MS="${LABGEN_HTTP_BACKOFF_MS:-20}"
unset CDPATH XDG_STATE_HOME LAB_PORT_OFFSET LAB_PUBKEY
rm -rf "$build/tap"
mkdir -p "$build/tap"

# The real lab, made once for all tests that bring it up.
if [ -z "$filter" ] || [ "$filter" = lab-host ]; then
	if LAB_BUNDLE_DIR=$(sh tests/lib/real-lab.sh "$build" 2>"$build/tap/lab.err"); then
		echo "ok - the real datastores lab is made" >"$build/tap/lab.tap"
		export LAB_BUNDLE_DIR
	else
		echo "not ok - the real datastores lab is made" >"$build/tap/lab.tap"
		cat "$build/tap/lab.err"
		unset LAB_BUNDLE_DIR
	fi
fi

# The longest first.
for t in tests/cli/lab-host.bats tests/cli/*.bats tests/airgap/*.bats tests/e2e/*.bats tests/unit/test_*.c; do
	case $t in *"*"*) continue ;; *"$filter"*) ;; *) continue ;; esac
	case $t in *.c) t=${t##*/} && t=$build/unit/${t%.c} ;; esac
	echo "$t"
done | awk '!seen[$0]++' | xargs -n 1 -P "$(nproc)" sh tests/run.sh --one "$build"

cat "$build"/tap/*.tap >"$build/test.tap"
grep -i '^ok .*# skip' "$build/test.tap" | sed 's/^ok [0-9]* *-* */skipped: /'
skipped=$(grep -ci '^ok .*# skip' "$build/test.tap")
passed=$(($(grep -c '^ok' "$build/test.tap") - skipped))
failed=$(grep -c '^not ok' "$build/test.tap")
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
