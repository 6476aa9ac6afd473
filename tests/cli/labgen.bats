# labgen from the command line: what goes right, and each way in which it can go wrong.

load ../lib/minilab.sh

setup() {
	minilab
	OUT=$BATS_TEST_TMPDIR/mini.tar
}

bundle() {
	"$LABGEN" bundle "$LAB" -o "${1:-$OUT}" --key "$KEY.key" -q
}

# Neither the output nor anything beside it that bears its name.
nothing_written() {
	[ -z "$(find "$BATS_TEST_TMPDIR" -maxdepth 2 -name '*mini.tar*')" ]
}

edit() {
	sed -i "$1" "$LAB/lab.yaml"
}

@test "help, version and the man page come from one table" {
	"$LABGEN" --version | grep -qx 'labgen [0-9.]*'
	for verb in key lock plan fetch bundle split sign diff gc store help; do
		"$LABGEN" help | grep -q "^  $verb "
		"$LABGEN" help $verb | grep -q "^Usage: labgen $verb"
		[ "$("$LABGEN" help $verb)" = "$("$LABGEN" $verb --help)" ]
		"$LABGEN" help --man | grep -q "^.SS labgen $verb"
	done
}

@test "a wrong call is refused with status 2" {
	refused 2 "no command given" "$LABGEN"
	refused 2 "there is no command 'frob'" "$LABGEN" frob
	refused 2 "unknown option --frob" "$LABGEN" lock --frob
	refused 2 "unknown option -x" "$LABGEN" lock -x
	refused 2 "needs a value" "$LABGEN" bundle -o
	refused 2 "takes no value" "$LABGEN" plan --json=1 "$LAB"
	refused 2 "one argument too many" "$LABGEN" lock "$LAB" "$LAB"
	refused 2 "must be a number from 1 to 64" "$LABGEN" lock "$LAB" -j 0
	refused 2 "must be a number from 1 to 64" "$LABGEN" lock "$LAB" -j 4x
	refused 2 "--jobs is here twice" "$LABGEN" lock "$LAB" -j 4 --jobs 5
	refused 2 "labgen key new NAME" "$LABGEN" key frob x
	refused 2 "no lab.yaml" "$LABGEN" lock "$BATS_TEST_TMPDIR"
	cd "$BATS_TEST_TMPDIR"
	refused 2 "there is no lab.yaml here" "$LABGEN" lock
}

@test "output that cannot be written is an error" {
	[ -e /dev/full ] || skip "no /dev/full"
	run sh -c '"$1" help >/dev/full' - "$LABGEN"
	[ "$status" -eq 1 ]
}

@test "a wrong key in the spec is named with its place" {
	edit 's/^version:/verison:/'
	refused 2 "$LAB/lab.yaml:2:1: unknown key 'verison' in the lab; did you mean 'version'?" "$LABGEN" lock "$LAB"
}

@test "a repeated key in the spec is named with its place" {
	edit '2a lab: again'
	refused 2 "$LAB/lab.yaml:3:1: key 'lab' is here twice: first in line 1" "$LABGEN" lock "$LAB"
}

@test "a value of a wrong type in the spec is named with its place" {
	edit 's/^platforms: .*/platforms: linux\/amd64/'
	refused 2 "$LAB/lab.yaml:5:12: platforms must be a list" "$LABGEN" lock "$LAB"
	[ ! -e "$LAB/lab.lock" ]
}

@test "lock is the same bytes again, and check needs nothing but the two files" {
	"$LABGEN" lock "$LAB" | grep -q '2 artifacts, written'
	cp "$LAB/lab.lock" "$BATS_TEST_TMPDIR/first"
	TZ=Asia/Seoul LC_ALL=ko_KR.UTF-8 "$LABGEN" lock "$LAB" -j 1 | grep -q '2 artifacts, unchanged'
	rm -r "$SRC"
	"$LABGEN" lock "$LAB" --check
	cmp "$LAB/lab.lock" "$BATS_TEST_TMPDIR/first"
	lacks "$(date +%Y-%m-%d)" "$LAB/lab.lock"
}

@test "a lock that no longer answers the spec is refused by every verb" {
	refused 2 "no lab.lock in it; run labgen lock" "$LABGEN" lock "$LAB" --check
	"$LABGEN" lock "$LAB"
	edit '0,/version: v1/s//version: v2/'
	for verb in "lock --check" plan fetch "bundle -o $OUT --key $KEY.key"; do
		# shellcheck disable=SC2086 # a verb and its options
		refused 1 "no longer answers lab.yaml: file tool@v1 is in it and no longer asked for" "$LABGEN" $verb "$LAB"
	done
	nothing_written
}

@test "a lock that was tampered with is refused" {
	"$LABGEN" lock "$LAB"
	sed -i 's/sha256: "\(...\)/sha256: "xyz/' "$LAB/lab.lock"
	refused 2 "64 lower-case hex digits" "$LABGEN" fetch "$LAB"
}

@test "a replaced file is not locked in silence: update accepts it, and nothing else" {
	"$LABGEN" lock "$LAB"
	cp "$LAB/lab.lock" "$BATS_TEST_TMPDIR/first"
	echo 'other' >>"$SRC/tool"
	echo 'other' >>"$SRC/text"
	minilab_sums
	refused 3 "is no longer what" "$LABGEN" lock "$LAB"
	cmp "$LAB/lab.lock" "$BATS_TEST_TMPDIR/first"
	refused 2 "names nothing of this name" "$LABGEN" lock "$LAB" --update nobody
	"$LABGEN" lock "$LAB" --update tool
	grep -q "$(cat "$SRC/tool.sha256")" "$LAB/lab.lock"
	lacks "$(cat "$SRC/text.sha256")" "$LAB/lab.lock"
	refused 3 "--update text" "$LABGEN" lock "$LAB"
	"$LABGEN" lock "$LAB" --update file/text --update tool
	grep -q "$(cat "$SRC/text.sha256")" "$LAB/lab.lock"
}

@test "another version in the spec is no moved file" {
	"$LABGEN" lock "$LAB"
	echo 'other' >>"$SRC/tool"
	minilab_sums
	edit '0,/version: v1/s//version: v2/'
	"$LABGEN" lock "$LAB" --update text
	grep -q 'file tool@v2' "$LAB/lab.lock"
	"$LABGEN" lock "$LAB" --check
}

@test "plan says what the store has, for people and for programs" {
	"$LABGEN" lock "$LAB"
	rm -rf "$LABGEN_STORE"
	"$LABGEN" plan "$LAB" | grep -q '^to fetch .*file/tool'
	"$LABGEN" plan "$LAB" | grep -q '^2 artifacts, .*to fetch: 2,'
	"$LABGEN" fetch "$LAB" -q
	"$LABGEN" plan "$LAB" | grep -q '^2 artifacts, .*to fetch: 0, 0 B'
	"$LABGEN" plan "$LAB" --json | python3 -c '
import json, sys
p = json.load(sys.stdin)
assert p["lab"] == "mini" and p["platforms"] == ["linux/amd64"] and p["missing"] == 0
assert [a["stored"] for a in p["artifacts"]] == [True, True]
assert sum(a["size"] for a in p["artifacts"]) == p["size"]'
	refused 2 "the lab is not for platform 'linux/arm64'; it has linux/amd64" "$LABGEN" plan "$LAB" --platform linux/arm64
}

@test "fetch takes nothing but the pinned bytes, and lists every failure" {
	"$LABGEN" lock "$LAB"
	rm -rf "$LABGEN_STORE"
	sed -i 's/^1$/2/' "$SRC/tool"
	refused 3 "not everything could be fetched" "$LABGEN" fetch "$LAB"
	[[ $output == *"file/tool@v1"* ]]
	[ "$(find "$LABGEN_STORE/blobs" -type f | wc -l)" -eq 1 ] # the other one
	rm -rf "$LABGEN_STORE" "$SRC/text"
	run "$LABGEN" fetch "$LAB"
	[ "$status" -eq 3 ]
	[[ $output == *"file/tool@v1"* && $output == *"file/text@v1"* ]]
	[ "$(find "$LABGEN_STORE/blobs" -type f | wc -l)" -eq 0 ]
	run bundle
	[ "$status" -eq 3 ]
	nothing_written
}

@test "bundle: good for labverify, and for stock tools" {
	"$LABGEN" lock "$LAB"
	rm -rf "$LABGEN_STORE" # bundle fetches by itself
	bundle
	"$LABVERIFY" check "$OUT" -p "$KEY.pub"
	mkdir "$BATS_TEST_TMPDIR/x"
	tar xf "$OUT" -C "$BATS_TEST_TMPDIR/x"
	cd "$BATS_TEST_TMPDIR/x/mini-1.0-linux-amd64"
	minisign -Vm SHA256SUMS -p "$KEY.pub"
	sha256sum --quiet -c SHA256SUMS
	cmp bin/tool "$SRC/tool"
	cmp guide/text "$SRC/text"
	cmp guide/a.md "$LAB/guide/a.md"
	cmp lab.lock "$LAB/lab.lock"
	grep -qx "LAB_NAME='mini'" lab.env
	[ -x lab ]
	[ -x bin/labverify ]
	[ ! -x guide/text ]
	python3 -m json.tool <sbom.cdx.json >/dev/null
}

@test "bundle: the same bytes whatever the place, umask, time zone, locale, jobs, store" {
	"$LABGEN" lock "$LAB"
	bundle
	cp -r "$LAB" "$BATS_TEST_TMPDIR/elsewhere"
	mkdir "$BATS_TEST_TMPDIR/far"
	cd "$BATS_TEST_TMPDIR/elsewhere"
	touch -d 2001-01-01 guide/a.md
	(umask 077 && TZ=Asia/Seoul LC_ALL=ko_KR.UTF-8 LABGEN_STORE=$BATS_TEST_TMPDIR/store2 \
		"$LABGEN" bundle -o ../far/other.tar --key "$KEY.key" -j 1)
	cmp "$OUT" "$BATS_TEST_TMPDIR/far/other.tar"
	[ "$(stat -c %a "$BATS_TEST_TMPDIR/far/other.tar")" = 600 ]
}

@test "bundle: another key gives the same bundle id" {
	"$LABGEN" lock "$LAB"
	first=$(bundle)
	"$LABGEN" key new "$BATS_TEST_TMPDIR/other" --no-password
	second=$("$LABGEN" bundle "$LAB" -o "$BATS_TEST_TMPDIR/2.tar" --key "$BATS_TEST_TMPDIR/other.key")
	[ "${first##* }" = "${second##* }" ]
	refused 3 "" "$LABVERIFY" check "$BATS_TEST_TMPDIR/2.tar" -p "$KEY.pub"
}

@test "bundle: an output that exists is left as it is" {
	"$LABGEN" lock "$LAB"
	echo precious >"$OUT"
	refused 2 "exists already; remove it or choose another name" bundle
	[ "$(cat "$OUT")" = precious ]
	rm "$OUT"
	ln -s nowhere "$OUT"
	refused 2 "exists already" bundle
}

@test "bundle: a wrong or missing key" {
	"$LABGEN" lock "$LAB"
	refused 2 "needs --key FILE" "$LABGEN" bundle "$LAB" -o "$OUT"
	refused 2 "needs --output FILE" "$LABGEN" bundle "$LAB" --key "$KEY.key"
	refused 1 "nokey.key: cannot read the secret key: No such file" "$LABGEN" bundle "$LAB" -o "$OUT" --key nokey.key
	refused 2 "but a public one" "$LABGEN" bundle "$LAB" -o "$OUT" --key "$KEY.pub"
	refused 2 "not a minisign secret key" "$LABGEN" bundle "$LAB" -o "$OUT" --key "$LAB/lab.yaml"
	nothing_written
}

@test "bundle: a damaged blob is named, dropped, fetched again" {
	"$LABGEN" lock "$LAB"
	bundle "$BATS_TEST_TMPDIR/good"
	sum=$(cat "$SRC/tool.sha256")
	blob=$(find "$LABGEN_STORE/blobs" -name "$sum")
	chmod u+w "$blob"
	printf X | dd of="$blob" bs=1 seek=1000000 conv=notrunc status=none
	refused 3 "bin/tool: its digest differs" bundle
	[[ $output == *"run labgen fetch"* ]]
	nothing_written
	[ ! -e "$blob" ]
	"$LABGEN" fetch "$LAB" -q
	bundle
	cmp "$OUT" "$BATS_TEST_TMPDIR/good"
}

@test "bundle: what is wrong in the lab's folder is named" {
	"$LABGEN" lock "$LAB"
	ln -s /etc/passwd "$LAB/guide/link"
	refused 2 "$LAB/guide/link: a symbolic link" bundle
	rm "$LAB/guide/link"
	touch "$LAB/guide/.hidden"
	refused 2 "$LAB/guide/.hidden: a hidden" bundle
	rm "$LAB/guide/.hidden"
	echo x >"$LAB/guide/text" # and an artifact goes to guide/text
	refused 2 "guide/text: two things of the lab" bundle
	nothing_written
}

@test "bundle: without the labverify for the platform it says where it looked" {
	[ ! -e /usr/local/libexec/labgen/labverify-linux-amd64 ] || skip "labgen is installed here"
	"$LABGEN" lock "$LAB"
	mkdir "$BATS_TEST_TMPDIR/alone"
	cp "$LABGEN" "$BATS_TEST_TMPDIR/alone/labgen"
	refused 1 "labverify-linux-amd64: the program that checks a bundle on linux/amd64 is neither in" \
		"$BATS_TEST_TMPDIR/alone/labgen" bundle "$LAB" -o "$OUT" --key "$KEY.key"
}

# shellcheck disable=SC2016 # the inner shell expands
# Runs a command on a small or read-only file system of its own: unshare_mount OPTIONS SCRIPT
unshare_mount() {
	mkdir -p "$BATS_TEST_TMPDIR/mnt"
	unshare -rm sh -c 'mount -t tmpfs -o "$1" none "$2" 2>/dev/null || exit 77; shift; cd "$1"; shift; eval "$1"' \
		- "$1" "$BATS_TEST_TMPDIR/mnt" "$2"
}

@test "bundle: a disk that is full is noticed before anything is written" {
	unshare_mount size=64k true || skip "no mounts in a user namespace here"
	"$LABGEN" lock "$LAB"
	export LABGEN LAB KEY
	# shellcheck disable=SC2016 # the inner shell expands
	refused 1 "the bundle needs" unshare_mount size=1m '"$LABGEN" bundle "$LAB" -o mini.tar --key "$KEY.key"; rc=$?; ls -A; exit $rc'
	[[ ${lines[-1]} == *"free there"* ]]
}

@test "bundle: a read-only folder for the output" {
	unshare_mount size=64k true || skip "no mounts in a user namespace here"
	"$LABGEN" lock "$LAB"
	export LABGEN LAB KEY
	# shellcheck disable=SC2016 # the inner shell expands
	refused 1 "Read-only file system" unshare_mount ro '"$LABGEN" bundle "$LAB" -o mini.tar --key "$KEY.key"'
	refused 1 "cannot open its folder: No such file" "$LABGEN" bundle "$LAB" -o "$BATS_TEST_TMPDIR/no/mini.tar" --key "$KEY.key"
}

# Under strace, one system call of a bundle's writing goes wrong: inject WHAT
inject() {
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o /dev/null -e "trace=${1%%:*}" -e "inject=$1" \
		"$LABGEN" bundle "$LAB" -o "$OUT" --key "$KEY.key" -q
}

@test "bundle: a write, fsync or rename that fails leaves nothing" {
	strace -qq -o /dev/null true || skip "no strace here"
	"$LABGEN" lock "$LAB"
	for fault in write:error=ENOSPC:when=2 fsync:error=EIO renameat2:error=EIO ftruncate:error=EIO; do
		refused 1 "mini.tar" inject "$fault"
		nothing_written
	done
	bundle "$BATS_TEST_TMPDIR/good"
	inject renameat2:error=EINVAL # a file system without this call: link and unlink
	cmp "$OUT" "$BATS_TEST_TMPDIR/good"
	[ -z "$(find "$BATS_TEST_TMPDIR" -name '.*part')" ]
}

@test "bundle: killed at any point it leaves no half bundle, and the next run is identical" {
	strace -qq -o /dev/null true || skip "no strace here"
	"$LABGEN" lock "$LAB"
	bundle "$BATS_TEST_TMPDIR/good"
	for fault in write:signal=KILL:when=1 write:signal=KILL:when=2 fsync:signal=KILL renameat2:signal=KILL; do
		run inject "$fault"
		[ "$status" -ne 0 ]
		[ ! -e "$OUT" ] || "$LABVERIFY" check "$OUT" -p "$KEY.pub" # killed after the rename: whole
		rm -f "$OUT"
		bundle
		cmp "$OUT" "$BATS_TEST_TMPDIR/good"
		[ -z "$(find "$BATS_TEST_TMPDIR" -name '.*part')" ]
		rm "$OUT"
	done
}

@test "key: what exists is never overwritten, and the secret half is private" {
	cd "$BATS_TEST_TMPDIR"
	(umask 000 && "$LABGEN" key new a --no-password)
	[ "$(stat -c %a a.key)" = 600 ]
	cp a.key a.before
	refused 2 "a.key: exists already" "$LABGEN" key new a --no-password
	rm a.key
	refused 2 "a.pub: exists already" "$LABGEN" key new a --no-password
	[ ! -e a.key ]
	refused 2 "exclude each other" "$LABGEN" key new b --no-password --password-file a.pub
	refused 2 "use --password-file" setsid "$LABGEN" key new b </dev/null
	[ ! -e b.key ]
	[ ! -e b.pub ]
}

@test "key: minisign signs with labgen's key, and labgen with minisign's" {
	cd "$BATS_TEST_TMPDIR"
	"$LABGEN" key new ours --no-password
	minisign -S -W -s ours.key -m "$SRC/text" -x text.minisig
	minisign -Vm "$SRC/text" -x text.minisig -p ours.pub
	minisign -R -s ours.key -p again.pub
	[ "$(tail -n 1 ours.pub)" = "$(tail -n 1 again.pub)" ]
	minisign -G -W -s theirs.key -p theirs.pub
	"$LABGEN" lock "$LAB"
	"$LABGEN" bundle "$LAB" -o "$OUT" --key theirs.key
	"$LABVERIFY" check "$OUT" -p theirs.pub
}

# Gives a program a terminal and types the lines: typing LINES COMMAND
typing() {
	(for line in $1; do sleep 1; echo "$line"; done; sleep "${3:-12}") | script -qec "$2" /dev/null
}

@test "key: passwords, asked for on the terminal, both ways with minisign" {
	cd "$BATS_TEST_TMPDIR"
	typing "horse horse" "$LABGEN key new ours" 4
	[ -s ours.key ]
	[ -s ours.pub ]
	typing "horse" "minisign -S -s ours.key -m $SRC/text -x text.minisig" 6
	minisign -Vm "$SRC/text" -x text.minisig -p ours.pub
	typing "staple staple" "minisign -G -s theirs.key -p theirs.pub" 6
	"$LABGEN" lock "$LAB"
	echo staple >password
	"$LABGEN" bundle "$LAB" -o "$OUT" --key theirs.key --password-file password
	"$LABVERIFY" check "$OUT" -p theirs.pub
	rm "$OUT"
	echo stable >password
	refused 2 "theirs.key: the password is wrong" "$LABGEN" bundle "$LAB" -o "$OUT" --key theirs.key --password-file password
	out=$(typing "horse house" "$LABGEN key new third" 1 || true)
	[[ $out == *"the two passwords differ"* ]]
	[[ $out != *horse* ]] # nothing typed is shown
	[ ! -e third.key ]
	nothing_written
}

@test "key: a signal at the password prompt gives the terminal back" {
	cd "$BATS_TEST_TMPDIR"
	python3 - "$LABGEN" <<-'PY'
		import os, pty, signal, sys, termios
		for sig in (signal.SIGINT, signal.SIGTERM):
		    pid, fd = pty.fork()
		    if pid == 0:
		        os.execv(sys.argv[1], [sys.argv[1], "key", "new", "k"])
		    while b"Password" not in os.read(fd, 1000):
		        pass
		    assert not termios.tcgetattr(fd)[3] & termios.ECHO
		    os.kill(pid, sig)
		    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == sig
		    assert termios.tcgetattr(fd)[3] & termios.ECHO
	PY
	[ ! -e k.key ]
}
