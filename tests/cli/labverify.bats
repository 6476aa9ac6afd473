#!/usr/bin/env bats
# labverify on the command line: what it says, how it ends, and what other people's tools make of the same bundle.

bats_require_minimum_version 1.5.0

setup_file() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	top=$PWD
	LABVERIFY=${LABVERIFY:-$top/build/labverify}
	TOOLS=${TOOLS:-$(dirname "$LABVERIFY")/tools}
	export LABVERIFY TOOLS
	cd "$BATS_FILE_TMPDIR" || return 1
	"$TOOLS/testbundle" key 1 >lab.pub
	"$TOOLS/testbundle" key 2 >officer.pub
	"$TOOLS/testbundle" key 3 >stranger.pub
	"$TOOLS/testbundle" bundle demo.tar 1
	mkdir volumes
	"$TOOLS/testbundle" bundle volumes/big.tar 1 a:1500000 b:1000000 c:1048576
	"$TOOLS/testbundle" volumes volumes/big.tar 1048576 1
}

setup() {
	F=$BATS_FILE_TMPDIR
	PUB=$F/lab.pub
	cd "$BATS_TEST_TMPDIR" || return 1
	cp "$F/demo.tar" .
}

# native: skips where labverify is static or emulated (make static-test): nothing goes into it, or is measured of it
native() {
	[ -z "${LABVERIFY_STATIC:-}" ] || skip "for the dynamic labverify"
}

# verify ARG...: runs labverify, stdout in $output, stderr in $stderr
verify() {
	run --separate-stderr "$LABVERIFY" "$@"
}

# refused STATUS WORDS: it ended so, with nothing on stdout and one line on stderr that holds the words
refused() {
	echo "status $status, stdout: $output, stderr: $stderr"
	[ "$status" -eq "$1" ]
	[ -z "$output" ]
	[ "$(printf '%s\n' "$stderr" | wc -l)" -eq 1 ]
	case $stderr in labverify:*"$2"*) ;; *) return 1 ;; esac
}

good() {
	echo "status $status, stdout: $output, stderr: $stderr"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
}

# flip FILE OFFSET: changes one bit
flip() {
	python3 - "$1" "$2" <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2])); b = f.read(1)[0]; f.seek(int(sys.argv[2])); f.write(bytes([b ^ 1]))
PY
}

# digests DIR: sha256 and path of every file below the root in DIR, sorted
digests() {
	(cd "$1"/demo-1.0-linux-amd64 && find . -type f -exec sha256sum {} + | sort -k 2)
}

@test "good: a file, redirected, piped, a FIFO, a folder" {
	verify check demo.tar -p "$PUB"
	good
	[ "${#lines[@]}" -eq 1 ]
	line=$output
	case $line in "good: demo 1.0 linux/amd64, 9 members, 3776 bytes, signed by "*", bundle id "*) ;; *) false ;; esac
	for how in 'check - <demo.tar' 'check <(cat demo.tar)' 'check - < <(cat demo.tar)' 'check ./demo.tar -j 1'; do
		run --separate-stderr bash -c "'$LABVERIFY' $how -p '$PUB'"
		good
		[ "$output" = "$line" ]
	done
	mkfifo fifo
	cat demo.tar >fifo &
	verify check fifo -p "$PUB"
	good
	verify extract demo.tar -p "$PUB" -C out
	good
	[ "$output" = "$line" ]
	verify check out -p "$PUB"
	good
	[ "$output" = "$line" ]
}

@test "bundle id is the digest of SHA256SUMS, whoever signed" {
	id=$(tar xOf demo.tar demo-1.0-linux-amd64/SHA256SUMS | sha256sum | cut -d ' ' -f 1)
	"$TOOLS/testbundle" bundle other.tar 2
	verify check demo.tar -p "$PUB"
	case $output in *"bundle id $id") ;; *) false ;; esac
	verify check other.tar -p "$F/officer.pub"
	case $output in *"bundle id $id") ;; *) false ;; esac
}

@test "the key as a string, and key files that are none" {
	verify check demo.tar -p "$(tail -n 1 "$PUB")"
	good
	verify check demo.tar -p nonexistent.pub
	refused 2 nonexistent.pub
	verify check demo.tar -p demo.tar
	refused 2 demo.tar
	verify check demo.tar -p /dev/null
	refused 2 /dev/null
	printf 'untrusted comment: x\nRW\n' >short.pub
	verify check demo.tar -p short.pub
	refused 2 short.pub
}

@test "not authentic: status 3, one line with member and offset, nothing on stdout" {
	at=$(python3 -c "import tarfile; print(tarfile.open('demo.tar').getmember('demo-1.0-linux-amd64/lab.env').offset_data)")
	flip demo.tar "$at"
	verify check demo.tar -p "$PUB"
	refused 3 "demo.tar: lab.env: digest differs (offset $at)"
	for verb in list check; do
		verify "$verb" demo.tar -p "$PUB"
		refused 3 "lab.env"
	done
	verify extract demo.tar -p "$PUB" -C out
	refused 3 "lab.env"
	[ ! -e out ] && [ ! -e .out.labverify ]
	verify report demo.tar -p "$PUB" -o r.html
	refused 3 "lab.env"
	[ ! -e r.html ]
	run --separate-stderr bash -c "cat demo.tar | '$LABVERIFY' check - -p '$PUB'"
	refused 3 "standard input: lab.env: digest differs (offset $at)"
	verify check demo.tar -p "$F/stranger.pub"
	refused 3 "signed with key"
}

@test "could not work: status 1" {
	verify check nothing.tar -p "$PUB"
	refused 1 "nothing.tar"
	verify extract demo.tar -p "$PUB" -C nowhere/out
	refused 1 "nowhere"
	verify report demo.tar -p "$PUB" -o nowhere/r.html
	refused 1 "nowhere"
	for verb in check list; do
		run --separate-stderr bash -c "'$LABVERIFY' $verb demo.tar -p '$PUB' >/dev/full"
		refused 1 "standard output"
		run --separate-stderr bash -c "'$LABVERIFY' $verb demo.tar -p '$PUB' >&-"
		refused 1 "standard output"
	done
	run --separate-stderr bash -c "'$LABVERIFY' check - -p '$PUB' <&-"
	refused 1 "standard input"
}

@test "wrong usage: status 2, and no key is no success" {
	while read -r args; do
		run --separate-stderr bash -c "'$LABVERIFY' $args"
		refused 2 ""
	done <<-EOT
		check demo.tar
		list demo.tar
		report demo.tar -o r.html
		extract demo.tar -C out
		
		frobnicate demo.tar -p $PUB
		check -p $PUB
		check demo.tar demo.tar -p $PUB
		check demo.tar -p
		check demo.tar -p $PUB --frobnicate
		check demo.tar -p $PUB -x
		check demo.tar -p $PUB -C out
		check demo.tar -p $PUB -o out
		extract demo.tar -p $PUB
		report demo.tar -p $PUB
		check demo.tar -p $PUB -j 0
		check demo.tar -p $PUB -j 17
		check demo.tar -p $PUB -j x
		extract . -p $PUB -C out
		list $F/volumes/big.tar.001 -p $PUB
		extract $F/volumes/big.tar.001 -p $PUB -C out
	EOT
	[ ! -e out ] && [ ! -e r.html ]
	for arg in --help -h help 'check --help'; do
		# shellcheck disable=SC2086
		verify $arg
		good
		[ -n "$output" ]
	done
	verify --version
	good
}

@test "closed descriptors: no message goes into a file" {
	flip demo.tar 12000
	cp demo.tar was.tar
	for closed in '0<&-' '1>&-' '2>&-' '0<&- 1>&-' '0<&- 1>&- 2>&-'; do
		run bash -c "'$LABVERIFY' extract demo.tar -p '$PUB' -C out $closed"
		[ "$status" -eq 3 ]
		[ ! -e out ]
		run bash -c "'$LABVERIFY' check demo.tar -p '$PUB' --json $closed"
		[ "$status" -eq 3 ]
		cmp demo.tar was.tar
	done
	run bash -c "'$LABVERIFY' extract '$F/demo.tar' -p '$PUB' -C out 0<&- 1>&- 2>&-"
	verify check out -p "$PUB"
	good
}

@test "names cannot steer the terminal" {
	evil=$(printf 'x\033[2J\nfake: good\302\233\377.tar')
	cp demo.tar "$evil"
	flip "$evil" 12000
	verify check "$evil" -p "$PUB"
	refused 3 'x\x1b[2J\x0afake: good\xc2\x9b\xff.tar'
	verify check "$evil" -p "$PUB" --json
	[ "$status" -eq 3 ]
	printf '%s' "$output" | python3 -m json.tool >/dev/null
	! printf '%s' "$output" | LC_ALL=C grep -q '[[:cntrl:]]'
	verify extract demo.tar -p "$PUB" -C out
	: >"out/$evil"
	verify check out -p "$PUB"
	refused 3 'out: x\x1b[2J\x0afake: good'
	verify check out -p "$PUB" --json
	[ "$status" -eq 3 ]
	printf '%s' "$output" | python3 -c 'import json, sys; assert json.load(sys.stdin)["status"] == 3'
	verify check demo.tar -p "$PUB" "$(printf -- '--\033[31m')"
	refused 2 '\x1b[31m'
	verify "$(printf 'a\rb')" demo.tar -p "$PUB"
	refused 2 'a\x0db'
}

@test "JSON: what programs are told, good or not" {
	verify check demo.tar -p "$PUB" --json
	good
	printf '%s' "$output" | python3 -c '
import json, sys
r = json.load(sys.stdin)
assert r["verdict"] == "good" and r["members"] == 9 and r["bytes"] == 3776, r
assert r["lab"] == "demo" and r["version"] == "1.0" and r["platform"] == "linux/amd64" and "member" not in r, r'
	verify list demo.tar -p "$PUB" --json
	good
	printf '%s' "$output" >list.json
	python3 - <<-'PY'
		import hashlib, json, tarfile
		r = json.load(open("list.json"))
		t = tarfile.open("demo.tar")
		root = r["root"] + "/"
		want = [(m.name[len(root):], m.size, hashlib.sha256(t.extractfile(m).read()).hexdigest()) for m in t.getmembers()[2:]]
		assert want == [(m["path"], m["size"], m["sha256"]) for m in r["member"]], r
	PY
	flip demo.tar 12000
	verify list demo.tar -p "$PUB" --json
	[ "$status" -eq 3 ]
	printf '%s' "$output" | python3 -c '
import json, sys
r = json.load(sys.stdin)
assert r["verdict"] == "not authentic" and r["status"] == 3 and "demo.tar" in r["error"] and "member" not in r, r'
	verify check nothing.tar -p "$PUB" --json
	[ "$status" -eq 1 ]
	printf '%s' "$output" | python3 -m json.tool >/dev/null
	verify check "$F/volumes/big.tar.volumes" -p "$PUB" --json
	good
	printf '%s' "$output" | python3 -m json.tool >/dev/null
	verify check "$F/volumes/big.tar.003" -p "$PUB" --json
	good
	printf '%s' "$output" | python3 -c 'import json, sys; assert json.load(sys.stdin)["volume"] == 3'
}

@test "report: the same bytes anywhere, self-contained, and only of what is good" {
	for kind in html json; do
		verify report demo.tar -p "$PUB" -o "a.$kind"
		good
		[ -z "$output" ]
		mkdir -p "elsewhere-$kind"
		cp demo.tar "elsewhere-$kind/renamed.tar"
		(umask 077 && cd "elsewhere-$kind" && TZ=Asia/Seoul LC_ALL=ko_KR.UTF-8 "$LABVERIFY" report renamed.tar -p "$PUB" -o ../b."$kind" -j 7)
		cmp "a.$kind" "b.$kind"
	done
	python3 -m json.tool a.json >/dev/null
	! grep -Eiq '<script|src=|href=|http:|https:|url\(|@import' a.html
	python3 - <<-'PY'
		import html.parser
		class P(html.parser.HTMLParser):
		    stack = []
		    def handle_starttag(self, tag, attrs):
		        if tag not in ("meta", "br"): self.stack.append(tag)
		    def handle_endtag(self, tag):
		        assert self.stack.pop() == tag, tag
		p = P(); p.feed(open("a.html").read()); assert p.stack == [], p.stack
	PY
	for word in demo 1.0 linux/amd64 "$(sha256sum <(tar xOf demo.tar demo-1.0-linux-amd64/SHA256SUMS) | cut -c 1-64)" images/blobs/sha256/ab @page; do
		grep -qF -- "$word" a.html
	done
	flip demo.tar 12000
	verify report demo.tar -p "$PUB" -o a.html
	refused 3 demo.tar
	cmp a.html b.html
}

@test "keys: any one suffices, --all wants every one, countersignatures lie beside" {
	verify check demo.tar -p "$F/stranger.pub" -p "$PUB"
	good
	verify check demo.tar -p "$PUB" -p "$F/officer.pub" --all
	refused 3 "not with"
	verify check demo.tar -p "$F/officer.pub"
	refused 3 "signed with key"
	"$TOOLS/testbundle" countersign demo.tar 2
	cmp demo.tar "$F/demo.tar"
	verify check demo.tar -p "$PUB" -p "$F/officer.pub" --all
	good
	verify check demo.tar -p "$F/officer.pub"
	good
	verify extract demo.tar -p "$PUB" -C demo
	verify check demo/ -p "$PUB" -p "$F/officer.pub" --all
	good
	verify check demo -p "$F/officer.pub"
	good
	verify list demo.tar -p "$PUB" -p "$F/officer.pub" -p "$F/stranger.pub" --json
	good
	printf '%s' "$output" | python3 -c 'import json, sys; assert len(json.load(sys.stdin)["vouched_by"]) == 2'
	verify check demo.tar -p "$PUB" -p "$F/officer.pub" -p "$F/stranger.pub" --all
	refused 3 "not with"
	# One that countersigns another bundle.
	"$TOOLS/testbundle" bundle other.tar 1 x:1
	for f in demo.tar.*.minisig; do mv "$f" "other${f#demo}"; done
	verify check other.tar -p "$F/officer.pub"
	refused 3 "does not match"
	verify check demo.tar -p "$F/officer.pub"
	refused 3 "signed with key"
}

@test "keys: volumes are countersigned as the list and as the bundle" {
	cp "$F"/volumes/* .
	verify check big.tar.volumes -p "$F/officer.pub"
	refused 3 "signed with key"
	"$TOOLS/testbundle" countersign big.tar.volumes 2
	"$TOOLS/testbundle" countersign big.tar 2
	rm big.tar
	verify check big.tar.volumes -p "$F/officer.pub" -p "$PUB" --all
	good
	verify check big.tar.001 -p "$F/officer.pub"
	good
}

@test "volumes: read in place, from several folders, each alone, a bad one named" {
	cp "$F"/volumes/* .
	verify check big.tar -p "$PUB"
	line=$output
	rm big.tar
	for v in big.tar.volumes ./big.tar.volumes; do
		verify check "$v" -p "$PUB"
		good
		[ "$output" = "$line" ]
	done
	for n in 3 1 4 2; do
		verify check "big.tar.00$n" -p "$PUB"
		good
		[ "$output" = "good: volume $n of 4" ]
	done
	verify extract big.tar.volumes -p "$PUB" -C out
	good
	verify check out -p "$PUB"
	good
	verify list big.tar.volumes -p "$PUB"
	good
	mkdir disc1 disc2
	mv big.tar.001 big.tar.003 disc1
	mv big.tar.004 disc2
	verify check big.tar.volumes -p "$PUB"
	refused 3 "big.tar.001 is missing; big.tar.003 is missing; big.tar.004 is missing"
	verify check big.tar.volumes -p "$PUB" -I disc1 -I disc2
	good
	verify check disc1/big.tar.003 -p "$PUB" -I .
	good
	verify extract big.tar.volumes -p "$PUB" -C out2 -I disc1 -I disc2
	good
	flip disc1/big.tar.003 500000
	verify check big.tar.volumes -p "$PUB" -I disc1 -I disc2
	refused 3 "big.tar.003"
	verify extract big.tar.volumes -p "$PUB" -C out3 -I disc1 -I disc2
	refused 3 "big.tar.003"
	[ ! -e out3 ]
	cp big.tar.002 disc1/big.tar.003
	verify check big.tar.volumes -p "$PUB" -I disc1 -I disc2
	refused 3 "big.tar.003: digest differs from the list"
	truncate -s 1000000 disc1/big.tar.003
	verify check big.tar.volumes -p "$PUB" -I disc1 -I disc2
	refused 3 "big.tar.003 has 1000000 bytes, not 1048576"
	rm big.tar.volumes.minisig
	verify check big.tar.002 -p "$PUB"
	refused 1 "big.tar.volumes.minisig"
}

@test "volumes: a list of another bundle's, by the same signer" {
	cp "$F"/volumes/* .
	mkdir other
	"$TOOLS/testbundle" bundle other/big.tar 1 a:1500000 b:1000000 c:1040000
	"$TOOLS/testbundle" volumes other/big.tar 1048576 1
	cp other/big.tar.volumes other/big.tar.volumes.minisig .
	verify check big.tar.volumes -p "$PUB"
	refused 3 "big.tar.00"
}

@test "extract: whatever the umask, the same folder" {
	(umask 0777 && "$LABVERIFY" extract demo.tar -p "$PUB" -C a)
	(umask 0 && "$LABVERIFY" extract demo.tar -p "$PUB" -C b)
	[ "$(cd a && find . -printf '%p %m\n' | sort)" = "$(cd b && find . -printf '%p %m\n' | sort)" ]
	[ "$(stat -c %a a/images/blobs a/lab a/bin/tool a/lab.env | tr '\n' ' ')" = "755 755 755 644 " ]
}

@test "extract: a stream into a folder, and a target that cannot be" {
	run --separate-stderr bash -c "cat demo.tar | '$LABVERIFY' extract - -p '$PUB' -C out"
	good
	verify check out -p "$PUB"
	good
	verify extract demo.tar -p "$PUB" -C out
	refused 2 "not empty"
	ln -s elsewhere link
	verify extract demo.tar -p "$PUB" -C link
	refused 2 "link"
	[ ! -e elsewhere ]
	: >file
	verify extract demo.tar -p "$PUB" -C file
	refused 2 "file"
	mkdir empty
	verify extract demo.tar -p "$PUB" -C empty
	good
}

@test "read-only verbs open nothing to write and no socket; the bundle is opened once" {
	command -v strace || skip "no strace"
	for verb in check list; do
		strace -f -o trace "$LABVERIFY" "$verb" demo.tar -p "$PUB" >/dev/null
		! grep -E 'O_(WRONLY|RDWR|CREAT)' trace
		! grep -E '\b(socket|connect|mkdir|rename|unlink|execve)[a-z0-9]*\(' <(grep -v "execve(\"$LABVERIFY\"" trace)
		[ "$(grep -c 'open.*"demo.tar"' trace)" -eq 1 ]
	done
	strace -f -o trace "$LABVERIFY" extract demo.tar -p "$PUB" -C out >/dev/null
	[ "$(grep -c 'open.*"demo.tar"' trace)" -eq 1 ]
	! grep -E '\b(socket|connect)\(' trace
}

@test "memory stays small, whatever the bundle's size" {
	native
	"$TOOLS/testbundle" bundle large.tar 1 a:100000000
	for args in 'check large.tar' 'extract large.tar -C out' 'check -'; do
		# shellcheck disable=SC2086
		peak=$(python3 - "$LABVERIFY" $args -p "$PUB" <large.tar <<-'PY' 3<&0
			import resource, subprocess, sys
			subprocess.run(sys.argv[1:], stdin=open("large.tar", "rb"), check=True, stdout=subprocess.DEVNULL)
			print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
		PY
		)
		echo "$args: $peak KiB"
		[ "$peak" -lt 16384 ]
	done
}

@test "tar, bsdtar, busybox tar and Python list and extract it to the same files" {
	mkdir gnu bsd bb py ours
	tar xf demo.tar -C gnu
	bsdtar xf demo.tar -C bsd
	busybox tar xf demo.tar -C bb
	python3 -c "import tarfile; tarfile.open('demo.tar').extractall('py')"
	"$LABVERIFY" extract demo.tar -p "$PUB" -C ours/demo-1.0-linux-amd64
	digests ours >want
	[ "$(wc -l <want)" -eq 11 ]
	for d in gnu bsd bb py; do
		digests "$d" | cmp - want
		(cd "$d" && find . -type f -printf '%p %m\n' | sort) | cmp - <(cd ours && find . -type f -printf '%p %m\n' | sort)
	done
	tar tf demo.tar >names
	bsdtar tf demo.tar | cmp - names
	busybox tar tf demo.tar | cmp - names
	python3 -c "import tarfile; [print(n) for n in tarfile.open('demo.tar').getnames()]" | cmp - names
	tar tvf demo.tar | grep -q '^-rwxr-xr-x 0/0 .* 2026-01-01 .*bin/tool$' || TZ=UTC tar tvf demo.tar | grep -q '^-rwxr-xr-x 0/0 .* 2026-01-01 .*bin/tool$'
	# Made by them, of the same files, it is not a bundle.
	tar cf theirs.tar -C gnu demo-1.0-linux-amd64
	verify check theirs.tar -p "$PUB"
	refused 3 theirs.tar
}

@test "checked without our program: minisign and sha256sum" {
	tar xf demo.tar
	cd demo-1.0-linux-amd64
	minisign -V -m SHA256SUMS -p "$PUB"
	[ "$(minisign -V -Q -m SHA256SUMS -p "$PUB")" = "labgen bundle 1 lab=demo version=1.0 platform=linux/amd64" ]
	sha256sum -c --strict SHA256SUMS
	[ "$(sha256sum -c SHA256SUMS | wc -l)" -eq 9 ]
	cp "$F"/volumes/big.tar.* .
	minisign -V -m big.tar.volumes -p "$PUB"
	tail -n +2 big.tar.volumes | sha256sum -c --strict
}

@test "keys and signatures of the stock minisign are read" {
	minisign -G -W -p stock.pub -s stock.key >/dev/null
	"$LABVERIFY" extract demo.tar -p "$PUB" -C out
	comment="labgen bundle 1 lab=demo version=1.0 platform=linux/amd64"
	minisign -S -s stock.key -m out/SHA256SUMS -c "signature of a labgen bundle" -t "$comment" </dev/null
	verify check out -p stock.pub
	good
	verify check out -p "$PUB"
	refused 3 "signed with key"
	# A countersignature by the stock minisign.
	tar xOf demo.tar demo-1.0-linux-amd64/SHA256SUMS >SHA256SUMS
	tar xOf demo.tar demo-1.0-linux-amd64/SHA256SUMS.minisig >first.minisig
	id=$(sed -n '1s/.*public key //p' stock.pub)
	id=$(printf '%16s' "$id" | tr ' ' 0) # minisign leaves zeros in front out
	minisign -S -s stock.key -m SHA256SUMS -x "demo.tar.$id.minisig" -c "signature of a labgen bundle" \
		-t "$comment signature=$(sha256sum <first.minisig | cut -c 1-64)" </dev/null
	verify check demo.tar -p stock.pub -p "$PUB" --all
	good
	# Its old mode, which signs the text itself, is another algorithm: one only.
	minisign -S -l -s stock.key -m out/SHA256SUMS -c "signature of a labgen bundle" -t "$comment" </dev/null
	verify check out -p stock.pub
	refused 3 "not a prehashed"
}

@test "each allocation fails in turn: never good, never hanging" {
	native
	cp "$F"/volumes/* .
	for args in "check demo.tar" "list demo.tar" "report demo.tar -o r.html" "extract demo.tar -C out" "check big.tar.volumes" "check big.tar.002"; do
		i=1
		while :; do
			rm -rf out r.html
			# shellcheck disable=SC2086
			FAIL_REST=1 FAIL_ALLOC=$i LD_PRELOAD=$TOOLS/failing.so timeout 20 "$LABVERIFY" $args -p "$PUB" >o 2>e && break
			status=$?
			echo "$args: allocation $i: status $status: $(cat e)"
			[ "$status" -eq 1 ]
			[ ! -s o ] && [ ! -e out ] && [ ! -e r.html ]
			i=$((i + 1))
		done
		[ "$i" -gt 10 ]
	done
	# A bad bundle, too, is never good for want of memory.
	flip demo.tar 12000
	for i in $(seq 1 90); do
		FAIL_ALLOC=$i LD_PRELOAD=$TOOLS/failing.so timeout 20 "$LABVERIFY" check demo.tar -p "$PUB" >o 2>e && return 1
		status=$?
		[ "$status" -eq 1 ] || [ "$status" -eq 3 ]
		[ ! -s o ]
	done
}

@test "a folder that cannot be read to its end, a file that cannot be closed: not good" {
	native
	"$LABVERIFY" extract demo.tar -p "$PUB" -C out
	for i in 1 2 3 7 12; do
		FAIL_READDIR=$i LD_PRELOAD=$TOOLS/failing.so run --separate-stderr "$LABVERIFY" check out -p "$PUB"
		refused 1 "Input/output error"
	done
	for i in 1 5 11; do
		FAIL_CLOSE=$i LD_PRELOAD=$TOOLS/failing.so run --separate-stderr "$LABVERIFY" extract demo.tar -p "$PUB" -C out2
		refused 1 "No space left"
		[ ! -e out2 ] && [ ! -e .out2.labverify ]
	done
}

@test "valgrind finds nothing in check, list, extract, report" {
	native
	command -v valgrind || skip "no valgrind"
	for args in "check demo.tar" "check -" "list demo.tar --json" "extract demo.tar -C out" "check out" "report demo.tar -o r.html" "check $F/volumes/big.tar.volumes"; do
		# shellcheck disable=SC2086
		valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect \
			--track-fds=no "$LABVERIFY" $args -p "$PUB" <demo.tar >o 2>e || { cat o e; return 1; }
	done
	flip demo.tar 12000
	valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect "$LABVERIFY" check demo.tar -p "$PUB" >o 2>e ||
		[ $? -eq 3 ]
}

# What went wrong elsewhere (see the project's page of incidents). Those of lengths, digests and names are also in
# tests/unit/test_bundle_limits.c and test_bundle_forged.c.

# evil TAR: a Python program on stdin that adds to the open tarfile t, under the usual root, behind a good bundle's leaders
evil() {
	{
		cat <<-'PY'
			import io, sys, tarfile
			good = tarfile.open("demo.tar")
			out = open(sys.argv[1], "wb")
			out.write(open("demo.tar", "rb").read(good.getmembers()[2].offset))
			t = tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT)
			root = "demo-1.0-linux-amd64/"
			def link(name, to):
			    i = tarfile.TarInfo(root + name); i.type = tarfile.SYMTYPE; i.linkname = to; t.addfile(i)
			def file(name, data):
			    i = tarfile.TarInfo(name); i.size = len(data); t.addfile(i, io.BytesIO(data))
		PY
		cat
		echo 't.close(); out.close()'
	} | python3 - "$1"
}

@test "incident: a symlink in the archive leads out (zarf CVE-2026-29064)" {
	evil evil.tar <<-'PY'
		link("README.html", "..")
		file(root + "README.html/../../escaped", b"x")
	PY
	[ "$(tar tf evil.tar | wc -l)" -eq 4 ]
	mkdir in
	verify extract evil.tar -p "$PUB" -C in/out
	refused 3 "README.html: header is not"
	[ -z "$(ls -A in)" ] && [ ! -e escaped ]
}

@test "incident: a read-only verb uses a name as a path (zarf CVE-2026-40090)" {
	evil evil.tar <<-'PY'
		file("../../../../escaped", b"x")
		file("/tmp/labverify-escaped", b"x")
	PY
	for verb in check list; do
		verify "$verb" evil.tar -p "$PUB"
		refused 3 "evil.tar: README.html: header is not"
	done
	verify report evil.tar -p "$PUB" -o r.html
	refused 3 "evil.tar: README.html: header is not"
	[ ! -e r.html ] && [ ! -e /tmp/labverify-escaped ]
}

@test "incident: checked, then used through another path (rauc GHSA-cgf3-h62j-w9vv, oras CVE-2026-50163)" {
	# The file is swapped for another while it is read: what was opened is what is checked and what is written.
	"$TOOLS/testbundle" bundle large.tar 1 a:60000000 b:1
	"$TOOLS/testbundle" bundle forged.tar 3 a:60000000 b:1
	for i in 1 2 3 4 5; do
		cp large.tar now.tar
		"$LABVERIFY" extract now.tar -p "$PUB" -C "out$i" >/dev/null &
		pid=$!
		cp forged.tar swap.tar
		mv swap.tar now.tar
		if wait "$pid"; then
			verify check "out$i" -p "$PUB"
			good
		else
			[ ! -e "out$i" ]
		fi
	done
}

@test "incident: unbounded reads (containerd CVE-2023-25153, cosign CVE-2024-29903)" {
	for endless in 'cat /dev/zero' 'yes' 'cat /dev/urandom' "cat demo.tar /dev/zero" "head -c 1024 demo.tar; cat /dev/zero"; do
		run --separate-stderr timeout 20 bash -c "($endless) 2>/dev/null | '$LABVERIFY' check - -p '$PUB'"
		refused 3 "standard input"
	done
	# A manifest that says it is of 8 GiB: nothing is reserved for it.
	python3 - <<-'PY'
		import tarfile
		i = tarfile.TarInfo("demo-1.0-linux-amd64/SHA256SUMS"); i.size = 8 * 2**30 - 1
		open("huge.tar", "wb").write(i.tobuf(tarfile.USTAR_FORMAT) + b"\0" * 100000)
	PY
	run --separate-stderr bash -c "ulimit -v 400000; '$LABVERIFY' check huge.tar -p '$PUB'"
	refused 3 "larger than the format allows"
}

@test "incident: a false \"verified\" (cosign CVE-2022-36056, CVE-2026-22703, CVE-2026-39395)" {
	# No signature, an empty one, another text's, with claims of its own: never good, with whatever other file beside.
	python3 - <<-'PY'
		import io, tarfile
		good = tarfile.open("demo.tar"); ms = good.getmembers()
		def write(name, change):
		    t = tarfile.open(name, "w", format=tarfile.USTAR_FORMAT)
		    for m in ms:
		        data = change(m, good.extractfile(m).read())
		        if data is None: continue
		        m = tarfile.TarInfo(m.name); m.size = len(data); t.addfile(m, io.BytesIO(data))
		sig = lambda f: lambda m, d: f(d) if m.name.endswith(".minisig") else d
		write("none.tar", sig(lambda d: None))
		write("empty.tar", sig(lambda d: b""))
		write("json.tar", sig(lambda d: b'{"verified": true}'))
		write("twice.tar", sig(lambda d: d + d))
		write("claims.tar", sig(lambda d: d.replace(b"lab=demo", b"lab=prod")))
	PY
	for t in none empty json twice claims; do
		tar xOf demo.tar demo-1.0-linux-amd64/SHA256SUMS.minisig >"$t.tar.minisig"
		verify check "$t.tar" -p "$PUB"
		refused 3 "$t.tar"
	done
}

@test "incident: a missing last piece shows as something else (hauler)" {
	cp "$F"/volumes/* .
	rm big.tar big.tar.004
	verify check big.tar.volumes -p "$PUB"
	refused 3 "big.tar.004 is missing"
}

@test "incident: a full disk leaves a truncated file (dt)" {
	unshare -rm true 2>/dev/null || skip "no mounts in a user name space here (in a chroot they are refused)"
	mkdir small
	run --separate-stderr unshare -rm sh -c "mount -t tmpfs -o size=400k none small && '$LABVERIFY' extract '$F/volumes/big.tar' -p '$PUB' -C small/out; s=\$?; ls -A small; exit \$s"
	refused 1 "free space"
	run --separate-stderr unshare -rm sh -c "mount -t tmpfs -o size=400k none small && cat '$F/volumes/big.tar' | '$LABVERIFY' extract - -p '$PUB' -C small/out; s=\$?; ls -A small; exit \$s"
	refused 1 "space"
	run --separate-stderr unshare -rm sh -c "mount -t tmpfs -o size=8k none small && head -c 9000 /dev/zero >small/fill 2>/dev/null; '$LABVERIFY' report demo.tar -p '$PUB' -o small/r.html; s=\$?; rm small/fill; ls -A small; exit \$s"
	refused 1 "No space left"
}
