#!/usr/bin/env bats
# What labverify has given up by the time it reads a bundle. The calls themselves: tests/unit/test_sandbox.c.

bats_require_minimum_version 1.5.0

setup() {
	top=$BATS_TEST_DIRNAME/../..
	LABVERIFY=${LABVERIFY:-$top/build/labverify}
	TOOLS=${TOOLS:-$(dirname "$LABVERIFY")/tools}
	cd "$BATS_TEST_TMPDIR" || return 1
	"$TOOLS/testbundle" key 1 >lab.pub
	"$TOOLS/testbundle" key 2 >officer.pub
	"$TOOLS/testbundle" bundle demo.tar 1
	grep -q '^Seccomp:' /proc/self/status || skip "this kernel has no seccomp"
}

# waiting VERB...: starts labverify on a pipe that gives nothing yet, and waits until it reads from there; $pid is its
waiting() {
	mkfifo pipe
	"$LABVERIFY" "$@" -p lab.pub <pipe >out 2>&1 3>&- &
	pid=$!
	exec 9>pipe
	for _ in $(seq 100); do
		[ "$(cat "/proc/$pid/task/"*/status | grep -c '^Seccomp:	2')" -ge 2 ] && return 0
		sleep 0.05
	done
	cat "/proc/$pid/status" out
	return 1
}

@test "sandbox: while check waits for a stream, each of its threads is behind a filter" {
	waiting check -
	run grep -hE '^(Seccomp|NoNewPrivs):' "/proc/$pid/task/"*/status
	echo "$output"
	[ "$(grep -c '^Seccomp:	2' <<<"$output")" -eq "$(grep -c '^Seccomp:' <<<"$output")" ]
	[ "$(grep -c '^NoNewPrivs:	1' <<<"$output")" -eq "$(grep -c '^NoNewPrivs:' <<<"$output")" ]
	cat demo.tar >&9
	exec 9>&-
	wait "$pid"
	grep -q '^good: demo 1.0' out
}

@test "sandbox: and so is extract" {
	waiting extract - -C into
	cat demo.tar >&9
	exec 9>&-
	wait "$pid"
	[ -x into/lab ]
}

@test "sandbox: the filter comes before the bundle is opened" {
	command -v strace >/dev/null || skip "no strace"
	strace -f -o trace "$LABVERIFY" check demo.tar -p lab.pub
	filter=$(grep -n 'PR_SET_SECCOMP' trace | head -n 1 | cut -d: -f1)
	opened=$(grep -n 'demo.tar"' trace | grep -v execve | head -n 1 | cut -d: -f1)
	echo "filter: line $filter; opened: line $opened"
	grep 'PR_SET_SECCOMP.*= 0$' trace
	[ "$filter" -lt "$opened" ]
}

@test "sandbox: no member is read before reading other files is given up, where the kernel has landlock" {
	command -v strace >/dev/null || skip "no strace"
	strace -f -o trace "$LABVERIFY" check demo.tar -p lab.pub
	grep -q 'landlock_create_ruleset.* = [1-9]' trace || skip "this kernel has no landlock"
	[ "$(grep -c 'landlock_restrict_self.*= 0$' trace)" -eq 2 ]
	settled=$(grep -n 'landlock_restrict_self' trace | tail -n 1 | cut -d: -f1)
	read=$(grep -n 'pread64.*demo-1.0-linux' trace | head -n 1 | cut -d: -f1)
	echo "settled: line $settled; read: line $read"
	[ "$settled" -lt "$read" ]
}

@test "sandbox: everything still works from behind it: links, descriptors, countersignatures, other folders" {
	mkdir a b c
	mv demo.tar a/
	ln -s ../a/demo.tar b/link.tar
	"$LABVERIFY" check b/link.tar -p lab.pub
	"$LABVERIFY" check /proc/self/fd/0 -p lab.pub <a/demo.tar
	"$LABVERIFY" check <(cat a/demo.tar) -p lab.pub
	(cd a && "$TOOLS/testbundle" countersign demo.tar 2)
	"$LABVERIFY" check a/demo.tar -p officer.pub -p lab.pub --all
	mv a/demo.tar.*.minisig c/
	for f in c/*.minisig; do ln -s "../$f" a/; done
	"$LABVERIFY" check a/demo.tar -p officer.pub
	"$LABVERIFY" extract a/demo.tar -p lab.pub -C c/new/
	ln -s c/new folder
	"$LABVERIFY" check folder -p lab.pub
	"$LABVERIFY" report folder -p lab.pub -o b/report.html
	cd b && "$LABVERIFY" report ../folder -p ../lab.pub -o report.json && "$LABVERIFY" extract - -p ../lab.pub -C here <../a/demo.tar
}

@test "sandbox: volumes from several folders, through links" {
	mkdir stick1 stick2 list
	"$TOOLS/testbundle" bundle list/big.tar 1 a:1500000 b:1000000 c:1048576
	"$TOOLS/testbundle" volumes list/big.tar 1048576 1
	rm list/big.tar
	mv list/big.tar.002 stick1/
	mv list/big.tar.003 stick2/elsewhere
	ln -s elsewhere stick2/big.tar.003
	"$LABVERIFY" check list/big.tar.volumes -p lab.pub -I stick1 -I stick2
	"$LABVERIFY" check stick1/big.tar.002 -p lab.pub -I list
	"$LABVERIFY" check stick2/big.tar.003 -p lab.pub -I list
	"$LABVERIFY" extract list/big.tar.volumes -p lab.pub -I stick1 -I stick2 -C out
}

@test "sandbox: a kernel that lets nothing be given up is no reason to fail" {
	command -v strace >/dev/null || skip "no strace"
	strace -f -o trace -e inject=prctl:error=EINVAL -e inject=landlock_create_ruleset:error=ENOSYS \
		"$LABVERIFY" check demo.tar -p lab.pub
	grep -q INJECTED trace
	"$LABVERIFY" check demo.tar -p lab.pub
}

@test "sandbox: valgrind finds nothing, and works behind it" {
	command -v valgrind >/dev/null || skip "no valgrind"
	for v in "check demo.tar" "list demo.tar" "extract demo.tar -C new"; do
		# shellcheck disable=SC2086 # words
		valgrind -q --vgdb=no --error-exitcode=9 "$LABVERIFY" $v -p lab.pub -j 2
	done
}
