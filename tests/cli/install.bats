#!/usr/bin/env bats
# make install: what lies where, and that it works from there.

setup() {
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	BUILT=$(cd "$(dirname "${LABGEN:-$TOP/build/labgen}")" && pwd)
	ROOT=$BATS_TEST_TMPDIR/root
}

@test "install puts programs, labs and man page under DESTDIR and PREFIX, and they run from there" {
	make -s -C "$TOP" BUILD="$BUILT" DESTDIR="$ROOT" PREFIX=/opt/lab install
	cmp "$BUILT/labgen" "$ROOT/opt/lab/bin/labgen"
	cmp "$BUILT/labverify" "$ROOT/opt/lab/bin/labverify"
	[ -n "$(ls "$ROOT"/opt/lab/libexec/labgen/labverify-linux-*)" ]
	cmp "$TOP/bundles/datastores/lab.yaml" "$ROOT/opt/lab/share/labgen/bundles/datastores/lab.yaml"
	"$ROOT/opt/lab/bin/labgen" --version
	"$ROOT/opt/lab/bin/labverify" --version
	grep -q '^\.TH' "$ROOT/opt/lab/share/man/man1/labgen.1"
}

@test "help lists every target that is for people" {
	run make -s -C "$TOP" help
	[ "$status" -eq 0 ]
	for target in help deps all demo test lint fuzz bench install clean check-asan check-headers static; do
		[[ $output == *"$target "* ]] || { echo "missing: $target"; return 1; }
	done
}
