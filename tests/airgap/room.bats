#!/usr/bin/env bats
# The real lab in a room with no network at all, as run.sh makes one: as root, and as an ordinary user.

setup() {
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	[ -n "${LAB_BUNDLE_DIR:-}" ] || skip "LAB_BUNDLE_DIR is not set: it names an extracted bundle of datastores"
	ROOM=$(mktemp -d /tmp/labgen-room.XXXXXX)
	chmod 755 "$ROOM"
	cp "$TOP/tests/airgap/run.sh" "$LAB_BUNDLE_DIR/../real.pub" "$ROOM/"
	cp -R "$LAB_BUNDLE_DIR" "$ROOM/lab"
}

teardown() {
	[ -z "${ROOM:-}" ] || rm -rf "$ROOM"
}

# room COMMAND-PREFIX: the whole of run.sh; skipped with its own words where no such room can be made here.
room() {
	run "$@" sh "$ROOM/run.sh" "$ROOM/lab" "$ROOM/real.pub"
	[ "$status" -ne 77 ] || skip "$(printf '%s' "$output" | tr '\n' ' ')"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"only the loopback device, no route"*"lab check: good"*"no process is left"* ]]
}

@test "verify, preflight, up, check, down with loopback alone, as who runs the tests" {
	room env
}

@test "the same as an ordinary user" {
	[ "$(id -u)" = 0 ] || skip "the test before was one"
	room setpriv --reuid 65534 --regid 65534 --clear-groups env HOME="$ROOM"
}

@test "a lab whose check fails is not called good" {
	printf 'check_title=Nothing\ncheck_needs=Redis\ncheck_run() { echo "made to fail"; return 1; }\n' >"$ROOM/lab/checks/90-nothing.sh"
	run sh "$ROOM/run.sh" "$ROOM/lab"
	[ "$status" -ne 77 ] || skip "no room without network can be made here"
	[ "$status" -eq 1 ]
	[[ $output == *"made to fail"*"lab check failed"* ]]
}
