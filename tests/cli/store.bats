# The store: what gc keeps and removes, and what verify finds.

load ../lib/minilab.sh

setup() {
	minilab
	cd "$BATS_TEST_TMPDIR" || return
	"$LABGEN" lock "$LAB" 2>/dev/null
	TOOL=$(cat "$SRC/tool.sha256")
	TEXT=$(cat "$SRC/text.sha256")
}

blobs() {
	find "$LABGEN_STORE/blobs" -type f -printf '%f\n' | sort
}

blob() {
	echo "$LABGEN_STORE/blobs/sha256/${1:0:2}/$1"
}

damage() {
	chmod u+w "$(blob "$1")"
	printf X | dd of="$(blob "$1")" bs=1 seek=3 conv=notrunc status=none
}

# Another version of the lab in other/, with a tool of its own; the store then has three blobs.
other() {
	cp -r "$LAB" other
	echo more >>"$SRC/tool"
	minilab_sums
	NEW=$(cat "$SRC/tool.sha256")
	"$LABGEN" lock other --update tool 2>/dev/null
	[ "$(blobs | wc -l)" -eq 3 ]
}

@test "gc: keeps what the locks need, and nothing else" {
	other
	"$LABGEN" gc "$LAB" other | grep -q "removed 0 blobs, 0 B, and 0 unfinished downloads, 0 B; kept 3, 5.1 MiB"
	[ "$(blobs | wc -l)" -eq 3 ]
	run "$LABGEN" gc other
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "removed    2.6 MiB  $TOOL" ]
	[ "${lines[1]}" = "$LABGEN_STORE: removed 1 blob, 2.6 MiB, and 0 unfinished downloads, 0 B; kept 2, 2.6 MiB" ]
	[ "$(blobs)" = "$(printf '%s\n' "$NEW" "$TEXT" | sort)" ]
	"$LABGEN" gc other/lab.lock -q | grep -q "removed 0 blobs"
	"$LABGEN" bundle other -o other.tar --key "$KEY.key" -q
}

@test "gc: a dry run tells the same, and does nothing" {
	other
	mkdir -p "$LABGEN_STORE/part"
	echo x >"$LABGEN_STORE/part/sha256-$TOOL"
	find "$LABGEN_STORE" | sort >before
	run "$LABGEN" gc other --dry-run
	[ "$status" -eq 0 ]
	[[ $output == *"would remove    2.6 MiB  $TOOL"* ]]
	[[ $output == *"would remove 1 blob, 2.6 MiB, and 1 unfinished download, 2 B; kept 2, 2.6 MiB"* ]]
	find "$LABGEN_STORE" | sort | cmp - before
}

@test "gc: unfinished downloads and hints of what is needed stay" {
	other
	mkdir -p "$LABGEN_STORE/known"
	for d in "$TOOL" "$TEXT"; do
		echo x >"$LABGEN_STORE/part/sha256-$d"
		printf %s "$d" >"$LABGEN_STORE/known/sha512-$d"
	done
	echo x >"$LABGEN_STORE/part/url-$TEXT"
	echo rubbish >"$LABGEN_STORE/known/sha512-0"
	"$LABGEN" gc other -q | grep -q "and 2 unfinished downloads, 4 B"
	[ "$(ls "$LABGEN_STORE/part")" = "sha256-$TEXT" ]
	[ "$(ls "$LABGEN_STORE/known")" = "sha512-$TEXT" ]
}

@test "gc: with a lock that cannot be read nothing is removed" {
	other
	blobs >before
	mkdir empty
	refused 2 "no lab.lock in it" "$LABGEN" gc other empty
	refused 1 "none: No such file" "$LABGEN" gc other none
	sed -i 's/sha256: "\(...\)/sha256: "xyz/' "$LAB/lab.lock"
	refused 2 "$LAB/lab.lock:" "$LABGEN" gc other "$LAB"
	refused 2 "it needs LABDIR..." "$LABGEN" gc
	blobs | cmp - before
}

@test "gc: nothing is taken from under another labgen" {
	other
	blobs >before
	exec 9<"$LABGEN_STORE"
	flock -s 9 # as every labgen does that has the store open
	refused 1 "another labgen uses it now" "$LABGEN" gc other
	blobs | cmp - before
	"$LABGEN" gc other --dry-run
	"$LABGEN" fetch other -q
	exec 9<&-
	"$LABGEN" gc other
}

@test "gc: a labgen at work holds the store" {
	strace -qq -o /dev/null true || skip "no strace here"
	other
	rm "$(blob "$NEW")"
	# It is stopped for as long as it takes when it gives the blob its name.
	ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o /dev/null -e trace=renameat -e inject=renameat:delay_exit=3000000 \
		"$LABGEN" fetch other -q 3>&- 4>&- &
	for _ in $(seq 50); do
		[ ! -e "$(blob "$NEW")" ] || break
		sleep 0.1
	done
	refused 1 "another labgen uses it now" "$LABGEN" gc "$LAB"
	wait $!
	[ -e "$(blob "$NEW")" ]
	"$LABGEN" gc "$LAB"
	[ ! -e "$(blob "$NEW")" ]
}

@test "gc: comes before a labgen that opens the store meanwhile" {
	exec 9<"$LABGEN_STORE"
	flock -x 9 # as gc does
	"$LABGEN" fetch "$LAB" -q >out 3>&- 4>&- 9<&- &
	sleep 0.5
	[ ! -s out ]
	exec 9<&-
	wait $!
	grep -q "the store has all" out
}

@test "store verify: a good one, and an empty one" {
	other
	"$LABGEN" store verify | grep -qx "$LABGEN_STORE: 3 blobs, 5.1 MiB: all good"
	LABGEN_STORE=$PWD/none "$LABGEN" store verify | grep -q "0 blobs, 0 B: all good"
}

@test "store verify: each damaged blob is named and removed" {
	other
	damage "$TOOL"
	: >empty
	mv -f empty "$(blob "$TEXT")"
	touch "$LABGEN_STORE/blobs/sha256/${TEXT:0:2}/stray"
	refused 3 "of 3 blobs, 5.1 MiB, 2 were damaged; labgen fetch brings again" env LC_ALL=C "$LABGEN" store verify
	[[ $output == *"$TOOL: damaged, and removed"* && $output == *"$TEXT: damaged, and removed"* ]]
	[ ! -e "$(blob "$TOOL")" ]
	[ ! -e "$(blob "$TEXT")" ]
	[ -e "$(blob "$NEW")" ]
	[ -e "$LABGEN_STORE/blobs/sha256/${TEXT:0:2}/stray" ]
	"$LABGEN" store verify | grep -q "1 blob,"
	"$LABGEN" fetch other -q
	"$LABGEN" store verify | grep -q "2 blobs"
}

@test "store verify: a link is no blob, and what it leads to stays" {
	cp "$SRC/text" target
	ln -sf "$PWD/target" "$(blob "$TEXT")"
	refused 3 "1 was damaged" "$LABGEN" store verify
	[ ! -L "$(blob "$TEXT")" ]
	cmp target "$SRC/text"
}

@test "store verify: a blob that cannot be read is no damage" {
	strace -qq -o /dev/null true || skip "no strace here"
	# The first reads are the loader's.
	find "$LABGEN_STORE/blobs" -type f | sort >before
	refused 1 "1 could not be read" env ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o /dev/null -P "$(blob "$TEXT")" -e trace=read -e inject=read:error=EIO \
		"$LABGEN" store verify
	[[ $output == *"$TEXT: cannot read: Input/output error"* ]]
	find "$LABGEN_STORE/blobs" -type f | sort | cmp - before
	refused 2 "it is: labgen store verify" "$LABGEN" store frob
}
