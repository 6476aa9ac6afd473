#!/usr/bin/env bats
# The one-file labverify that bundles carry. All of labverify's tests with it, and with arm64's: make static-test.

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	LABVERIFY=${LABVERIFY:-$top/build/labverify}
	TOOLS=${TOOLS:-$(dirname "$LABVERIFY")/tools}
	case $(uname -m) in aarch64 | arm64) arch=arm64 ;; *) arch=amd64 ;; esac
	static=$(dirname "$LABVERIFY")/labverify-linux-$arch
	cd "$BATS_TEST_TMPDIR" || return 1
}

@test "static: needs nothing of the machine, and does the same" {
	run ldd "$static"
	echo "$output"
	[[ $output == *"statically linked"* || $output == *"not a dynamic executable"* ]]
	"$TOOLS/testbundle" key 1 >lab.pub
	"$TOOLS/testbundle" bundle demo.tar 1
	mkdir -p room/tmp
	cp "$static" room/labverify
	cp demo.tar lab.pub room/
	run chroot room /labverify extract demo.tar -p lab.pub -C /tmp/out
	[ "$status" -eq 0 ] || { [ "$(id -u)" -ne 0 ] && skip "chroot wants root"; }
	"$LABVERIFY" check room/tmp/out -p lab.pub
	[ "$("$static" list demo.tar -p lab.pub)" = "$("$LABVERIFY" list demo.tar -p lab.pub)" ]
}

@test "static: libcrypto's configuration and modules are not in it" {
	command -v strings >/dev/null || skip "no strings"
	! strings "$static" | grep -E 'openssl\.cnf|OPENSSL_CONF|OPENSSL_MODULES|OPENSSL_ENGINES'
}

@test "static: the same bytes from another folder, user environment and mask" {
	for place in here a/longer/way/there; do
		mkdir -p "$place"
		cp -R "$top/Makefile" "$top/verify" "$top/tests" "$top/templates" "$top/gen" "$top/packages.txt" "$place/"
	done
	make -s -C here BUILD=build "build/labverify-linux-$arch"
	(umask 077 && TZ=Asia/Seoul LC_ALL=C make -s -j 2 -C a/longer/way/there BUILD=out/of "out/of/labverify-linux-$arch")
	cmp here/build/labverify-linux-$arch a/longer/way/there/out/of/labverify-linux-$arch
	! strings here/build/labverify-linux-$arch | grep -F "$BATS_TEST_TMPDIR"
}
