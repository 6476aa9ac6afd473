#!/bin/sh
# Runs every test and ends with "N passed, N failed, N skipped": sh tests/run.sh BUILD [FILTER]
# Unit tests and bats both speak TAP; FILTER (a word) picks the files whose name holds it.
set -u
build=$(cd "$1" && pwd)
filter=${2:-}
cd "$(dirname "$0")/.."
log=$build/test.tap
: >"$log"
export LABGEN="$build/labgen" LABVERIFY="$build/labverify" LC_ALL=C.UTF-8
export LABGEN_HTTP_BACKOFF_MS=${LABGEN_HTTP_BACKOFF_MS:-20}
unset CDPATH XDG_STATE_HOME LAB_PORT_OFFSET LAB_PUBKEY

# Runs one TAP producer. One that ends badly without having said "not ok" (a crash) counts as a failure as well.
tap() {
	name=$1
	shift
	echo "# $name"
	out=$build/test.out
	"$@" >"$out" 2>"$out.err" </dev/null
	status=$?
	cat "$out" >>"$log"
	grep '^not ok' "$out"
	grep -A 15 '^not ok' "$out" | grep '^#' | head -n 40
	if [ "$status" -ne 0 ] && ! grep -q '^not ok' "$out"; then
		echo "not ok - $name ended with status $status" | tee -a "$log"
		tail -n 20 "$out.err"
	elif [ "$status" -ne 0 ]; then
		tail -n 20 "$out.err"
	fi
	return 0
}

for t in "$build"/unit/test_*; do
	case $t in *.d | *"*"*) continue ;; *"$filter"*) ;; *) continue ;; esac
	tap "${t##*/}" env CMOCKA_MESSAGE_OUTPUT=TAP "$t"
done

# The real lab, made once for all tests that bring it up.
case lab-host.real.chain in
*"$filter"*)
	reason=$build/test-lab.log
	if LAB_BUNDLE_DIR=$(sh tests/lib/real-lab.sh "$build" 2>"$reason"); then
		export LAB_BUNDLE_DIR
	else
		echo "# the real lab could not be made: $(tail -n 1 "$reason")"
		echo "not ok - the real datastores lab is made" | tee -a "$log"
		unset LAB_BUNDLE_DIR
	fi
	;;
esac

for t in tests/cli/*.bats tests/airgap/*.bats tests/e2e/*.bats; do
	case $t in *"*"*) continue ;; *"$filter"*) ;; *) continue ;; esac
	tap "$t" bats --tap "$t"
done

grep -i '^ok .*# skip' "$log" | sed 's/^ok [0-9]* *-* */skipped: /'
skipped=$(grep -ci '^ok .*# skip' "$log")
passed=$(($(grep -c '^ok ' "$log") - skipped))
failed=$(grep -c '^not ok' "$log")
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
