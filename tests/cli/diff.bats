# What differs between two locks, and between two bundles.

load ../lib/minilab.sh

setup() {
	minilab
	cd "$BATS_TEST_TMPDIR" || return
	"$LABGEN" lock "$LAB" 2>/dev/null
	cp -r "$LAB" old
}

# The same lab, a version on: one artifact replaced, one gone, one more.
next() {
	echo 'more' >>"$SRC/tool"
	echo 'a third' >"$SRC/third"
	minilab_sums
	sha256sum "$SRC/third" | cut -d ' ' -f 1 >"$SRC/third.sha256"
	sed -i -e '0,/version: v1/s//version: v2/' -e 's/^version: 1.0/version: 1.1/' -e 's/text/third/' "$LAB/lab.yaml"
	"$LABGEN" lock "$LAB" 2>/dev/null
}

bundle() {
	"$LABGEN" bundle "$1" -o "$2" --key "$KEY.key" -q
}

@test "diff: of locks, for people" {
	[ "$("$LABGEN" diff old "$LAB")" = "no differences" ]
	[ "$("$LABGEN" diff old/lab.lock "$LAB")" = "no differences" ]
	next
	run "$LABGEN" diff old "$LAB"
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 6 ]
	[ "${lines[0]}" = "version: 1.0 -> 1.1" ]
	[ "${lines[1]}" = "lab.yaml asks for other things" ]
	[ "${lines[2]}" = "removed  file/text   v1        7 B" ]
	[ "${lines[3]}" = "added    file/third  v1        8 B" ]
	[ "${lines[4]}" = "changed  file/tool   v1 -> v2  2.6 MiB  version, digest, size" ]
	[ "${lines[5]}" = "1 added, 1 removed, 1 changed, 0 the same; 2.6 MiB -> 2.6 MiB (+6 B)" ]
	cp "$LAB/lab.lock" a.lock
	[ "$("$LABGEN" diff a.lock "$LAB/lab.lock")" = "no differences" ]
}

@test "diff: of locks, for programs" {
	"$LABGEN" diff old "$LAB" --json | python3 -c 'import json, sys; d = json.load(sys.stdin); assert d["equal"] and d["differences"] == [] and d["same"] == 2'
	next
	"$LABGEN" diff old "$LAB" --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert not d["equal"] and d["asks_differ"]
assert (d["added"], d["removed"], d["changed"], d["same"]) == (1, 1, 1, 0)
assert d["old"]["version"] == "1.0" and d["new"]["version"] == "1.1"
assert d["new"]["size"] - d["old"]["size"] == 6
by = {x["name"]: x for x in d["differences"]}
assert sorted(by) == ["file/text", "file/third", "file/tool"]
assert by["file/text"]["change"] == "removed" and "new" not in by["file/text"]
assert by["file/third"]["new"]["size"] == 8 and "old" not in by["file/third"]
assert by["file/tool"]["differs"] == ["version", "digest", "size"]
assert by["file/tool"]["old"]["version"] == "v1" and len(by["file/tool"]["new"]["sha256"]) == 64'
}

@test "diff: another origin of the same bytes is a difference" {
	cp -r "$SRC" moved
	sed -i "s,file://$SRC/tool,file://$PWD/moved/tool," "$LAB/lab.yaml"
	"$LABGEN" lock "$LAB" 2>/dev/null
	"$LABGEN" diff old "$LAB" | grep -qx 'changed  file/tool  v1  2.6 MiB  url, evidence_url'
}

@test "diff: of bundles, which are verified" {
	bundle old old.tar
	bundle old again.tar
	[ "$("$LABGEN" diff old.tar again.tar -p "$KEY.pub")" = "no differences" ]
	next
	bundle "$LAB" new.tar
	run "$LABGEN" diff old.tar new.tar -p "$KEY.pub"
	[ "$status" -eq 0 ]
	[[ $output == *"version: 1.0 -> 1.1"* ]]
	grep -Eq '^changed +bin/tool +2.6 MiB +digest, size$' <<<"$output"
	grep -Eq '^removed +guide/text +7 B$' <<<"$output"
	grep -Eq '^added +guide/third +8 B$' <<<"$output"
	grep -Eq '^changed +lab.lock .*digest' <<<"$output"
	grep -Eq '^1 added, 1 removed, [0-9]+ changed, [0-9]+ the same; ' <<<"$output"
	"$LABGEN" split new.tar --volume-size 1M --key "$KEY.key" -q
	[ "$("$LABGEN" diff new.tar new.tar.volumes -p "$KEY.pub")" = "no differences" ]
	"$LABGEN" diff old.tar new.tar.volumes -p "$KEY.pub" --json | python3 -c 'import json, sys; assert json.load(sys.stdin)["added"] == 1'
	# Another signer's is compared with another key.
	"$LABGEN" key new other --no-password
	"$LABGEN" bundle old -o other.tar --key other.key -q
	refused 3 "signed with key" "$LABGEN" diff old.tar other.tar -p "$KEY.pub"
	[ "$("$LABGEN" diff old.tar other.tar -p "$KEY.pub" -p other.pub)" = "no differences" ]
}

@test "diff: what cannot be compared is refused" {
	bundle old old.tar
	bundle old new.tar
	refused 2 "bundles are compared after they are verified: name the signer's key" "$LABGEN" diff old.tar new.tar
	refused 2 "compare two locks or two bundles" "$LABGEN" diff old new.tar -p "$KEY.pub"
	refused 2 "compare two locks or two bundles" "$LABGEN" diff old.tar old/lab.lock
	refused 2 "a lock is not signed" "$LABGEN" diff old old -p "$KEY.pub"
	refused 2 "it needs OLD NEW" "$LABGEN" diff old
	refused 2 "no lab.lock in it" "$LABGEN" diff old "$SRC"
	refused 1 "none.lock: No such file" "$LABGEN" diff old none.lock
	refused 1 "none.tar: No such file" "$LABGEN" diff old.tar none.tar -p "$KEY.pub"
	printf X | dd of=new.tar bs=1 seek=1500000 conv=notrunc status=none
	refused 3 "bin/tool: digest differs" "$LABGEN" diff old.tar new.tar -p "$KEY.pub"
	[ "${#lines[@]}" -eq 1 ]
	sed -i 's/sha256: "\(...\)/sha256: "xyz/' old/lab.lock
	refused 2 "old/lab.lock:" "$LABGEN" diff old "$LAB"
}
