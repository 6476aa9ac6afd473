# Volumes: written by bundle and by split, read by labverify, without our programs, and all that can go wrong.

load ../lib/minilab.sh

setup() {
	minilab
	"$LABGEN" lock "$LAB" >/dev/null
	cd "$BATS_TEST_TMPDIR" || return
	OUT=mini.tar
}

bundle() {
	"$LABGEN" bundle "$LAB" -o "${1:-$OUT}" --key "$KEY.key" -q --volume-size "${2:-1M}"
}

# shellcheck disable=SC2120 # the size may be left out
split() {
	"$LABGEN" split "$OUT" --key "$KEY.key" -q --volume-size "${1:-1M}"
}

whole() {
	"$LABGEN" bundle "$LAB" -o "${1:-whole.tar}" --key "$KEY.key" -q
}

# Neither volumes nor anything beside them that bears their name.
nothing_written() {
	[ -z "$(find . -maxdepth 2 -name '*mini.tar*')" ]
}

@test "volumes: joined they are the bundle, and stock tools check the list" {
	whole
	run bundle
	[ "$status" -eq 0 ]
	[[ $output == "mini.tar.volumes: "*" in "*" volumes, bundle id "* ]]
	n=$(find . -name 'mini.tar.0*' | wc -l)
	[ "$n" -gt 2 ]
	cat mini.tar.0* | cmp - whole.tar
	[ "$(find . -name 'mini.tar.0*' -size 1048576c | wc -l)" -eq $((n - 1)) ]
	tail -n +2 mini.tar.volumes | sha256sum --quiet -c
	minisign -Vm mini.tar.volumes -p "$KEY.pub"
	[ ! -e mini.tar ]
	[ -z "$(find . -name '.mini*')" ]
	[ "$(stat -c '%a %h' mini.tar.001)" = "644 1" ]
}

@test "volumes: labverify checks, lists and extracts them, and each alone" {
	bundle
	"$LABVERIFY" check mini.tar.volumes -p "$KEY.pub"
	"$LABVERIFY" list mini.tar.volumes -p "$KEY.pub" | grep -q ' bin/tool$'
	"$LABVERIFY" extract mini.tar.volumes -p "$KEY.pub" -C out
	cmp out/bin/tool "$SRC/tool"
	for v in mini.tar.0*; do
		"$LABVERIFY" check "$v" -p "$KEY.pub" | grep -q '^good: volume'
	done
}

@test "volumes: a missing, swapped or foreign one is named" {
	bundle
	mv mini.tar.002 away
	refused 3 "mini.tar.002 is missing" "$LABVERIFY" check mini.tar.volumes -p "$KEY.pub"
	mv mini.tar.001 mini.tar.002
	cp away mini.tar.001
	refused 3 "mini.tar.001: digest differs from the list" "$LABVERIFY" check mini.tar.001 -p "$KEY.pub"
	refused 3 "mini.tar.001" "$LABVERIFY" check mini.tar.volumes -p "$KEY.pub"
	mv mini.tar.002 mini.tar.001
	mv away mini.tar.002
	"$LABVERIFY" check mini.tar.volumes -p "$KEY.pub"
	mkdir other
	echo more >>"$LAB/guide/a.md"
	bundle other/mini.tar
	cp other/mini.tar.001 .
	refused 3 "mini.tar.001: digest differs from the list" "$LABVERIFY" check mini.tar.volumes -p "$KEY.pub"
}

@test "volumes: the same bytes again, also with one volume for all" {
	bundle
	mkdir again
	(umask 077 && TZ=Asia/Seoul bundle again/mini.tar 1024K)
	for f in mini.tar.*; do
		cmp "$f" "again/$f"
	done
	bundle one.tar 1G
	whole
	cmp one.tar.001 whole.tar
	"$LABVERIFY" check one.tar.volumes -p "$KEY.pub"
}

@test "volumes: a size that cannot be is refused before anything is done" {
	rm -r "$LABGEN_STORE"
	for size in 0 1 1048575 1023K x 1MB 1.5G -1 M 99999999999999999999 1025T 16777216T ''; do
		refused 2 "--volume-size must be a size such as 4000M or 2G" "$LABGEN" bundle "$LAB" -o "$OUT" --key "$KEY.key" "--volume-size=$size"
	done
	[ ! -e "$LABGEN_STORE" ]
	nothing_written
}

@test "volumes: a name that they cannot have is refused" {
	refused 2 "named after NAME.tar" bundle mini.zip
	refused 2 "named after NAME.tar" bundle .tar
	refused 2 "named after NAME.tar" bundle "a b.tar"
}

@test "volumes: what exists is left as it is" {
	for f in mini.tar.volumes mini.tar.volumes.minisig mini.tar.003; do
		echo precious >$f
		refused 2 "$f: exists already; remove it or choose another name" bundle
		[ "$(cat $f)" = precious ]
		rm $f
		nothing_written
	done
}

# Under strace, one system call goes wrong: inject WHAT COMMAND...
inject() {
	local what=$1
	shift
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o /dev/null -e "trace=${what%%:*}" -e "inject=$what" "$@"
}

inject_bundle() {
	inject "$1" "$LABGEN" bundle "$LAB" -o "$OUT" --key "$KEY.key" -q --volume-size 1M
}

@test "volumes: a call that fails leaves nothing" {
	strace -qq -o /dev/null true || skip "no strace here"
	for fault in write:error=ENOSPC:when=2 fsync:error=EIO:when=1 fsync:error=EIO:when=3 fsync:error=EIO:when=7 fsync:error=EIO:when=8 \
		linkat:error=EIO:when=3; do
		refused 1 "mini.tar" inject_bundle "$fault"
		nothing_written
	done
}

@test "volumes: on a file system without hard links they get their names as well" {
	strace -qq -o /dev/null true || skip "no strace here"
	inject_bundle linkat:error=EPERM
	"$LABVERIFY" check mini.tar.volumes -p "$KEY.pub"
	[ -z "$(find . -name '.mini*')" ]
	bundle two.tar
	cat two.tar.0* | cmp - <(cat mini.tar.0*)
}

@test "volumes: killed at any point they leave nothing that counts, and the next run is identical" {
	strace -qq -o /dev/null true || skip "no strace here"
	bundle good.tar
	for fault in write:signal=KILL:when=1 write:signal=KILL:when=3 fsync:signal=KILL:when=3 linkat:signal=KILL:when=1 \
		linkat:signal=KILL:when=3 linkat:signal=KILL:when=4; do
		run inject_bundle "$fault"
		[ "$status" -ne 0 ]
		[ ! -e mini.tar.volumes ]
		bundle
		for f in good.tar.0*; do
			cmp "$f" "mini${f#good}"
		done
		"$LABVERIFY" check mini.tar.volumes -p "$KEY.pub"
		[ -z "$(find . -name '.mini*')" ]
		rm mini.tar.*
	done
	run inject_bundle unlinkat:signal=KILL:when=1 # all have their names
	"$LABVERIFY" check mini.tar.volumes -p "$KEY.pub"
	rm mini.tar.volumes
	bundle
	"$LABVERIFY" check mini.tar.volumes -p "$KEY.pub"
}

@test "volumes: what a killed run left is told from what others put there" {
	strace -qq -o /dev/null true || skip "no strace here"
	run inject_bundle linkat:signal=KILL:when=3
	[ -e mini.tar.001 ]
	rm mini.tar.001
	echo precious >mini.tar.001
	refused 2 "mini.tar.001: exists already" bundle
	[ "$(cat mini.tar.001)" = precious ]
	[ ! -e mini.tar.002 ]
	[ -z "$(find . -name '.mini*')" ]
}

@test "volumes: two writers do not meet" {
	mkdir .mini.tar.parts
	exec 9<.mini.tar.parts
	flock 9
	refused 1 "another labgen is writing it now" bundle
	exec 9<&-
	bundle
}

@test "split: the same volumes as from bundle" {
	mkdir a
	whole
	bundle a/mini.tar
	cp whole.tar mini.tar
	# shellcheck disable=SC2119
	split | grep -q '^mini.tar.volumes: [3-9] volumes$'
	for f in mini.tar.*; do
		cmp "$f" "a/$f"
	done
	cmp mini.tar whole.tar
	"$LABGEN" split whole.tar --volume-size 2M --key "$KEY.key" -o stick.tar
	cat stick.tar.0* | cmp - whole.tar
	"$LABGEN" split mini.tar.volumes --volume-size 2M --key "$KEY.key" -o again.tar
	for f in stick.tar.0*; do
		cmp "$f" "again${f#stick}"
	done
	refused 2 "mini.tar.volumes: exists already" split
}

@test "split: only of a good bundle, and by its own signer" {
	whole "$OUT"
	"$LABGEN" key new other --no-password
	refused 3 "mini.tar: SHA256SUMS.minisig: signed with key" "$LABGEN" split "$OUT" --volume-size 1M --key other.key
	refused 2 "it needs --volume-size SIZE and --key FILE" "$LABGEN" split "$OUT" --volume-size 1M
	refused 2 "it needs --volume-size SIZE and --key FILE" "$LABGEN" split "$OUT" --key other.key
	refused 1 "none.tar: No such file" "$LABGEN" split none.tar --volume-size 1M --key other.key
	refused 2 "not a file" "$LABGEN" split /dev/null --volume-size 1M --key other.key
	printf X | dd of="$OUT" bs=1 seek=1500000 conv=notrunc status=none
	cp "$OUT" damaged
	refused 3 "mini.tar: bin/tool: digest differs" split
	[ "$(find . -name '*mini.tar*')" = ./mini.tar ]
	cmp "$OUT" damaged
	truncate -s 2000000 "$OUT"
	refused 3 "cut short" split
	[ "$(find . -name '*mini.tar*')" = ./mini.tar ]
}
