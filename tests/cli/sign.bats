# Countersigning: verified before, read by labverify and by stock minisign after.

load ../lib/minilab.sh

setup() {
	minilab
	"$LABGEN" lock "$LAB" >/dev/null
	cd "$BATS_TEST_TMPDIR" || return
	OUT=mini.tar
	"$LABGEN" bundle "$LAB" -o "$OUT" --key "$KEY.key" -q >/dev/null
	"$LABGEN" key new officer --no-password >/dev/null
	ID=$(key_id officer.pub)
}

key_id() {
	sed -n 's/.*public key //p' "$1"
}

countersign() {
	"$LABGEN" sign "${1:-$OUT}" --key officer.key -p "$KEY.pub"
}

nothing_signed() {
	[ -z "$(find . -name "*$ID*")" ]
}

@test "sign: either key suffices then, and both can be asked for" {
	cp mini.tar before
	refused 3 "signed with key" "$LABVERIFY" check mini.tar -p officer.pub
	countersign | grep -q "^mini.tar.$ID.minisig: written"
	cmp mini.tar before
	"$LABVERIFY" check mini.tar -p officer.pub
	"$LABVERIFY" check mini.tar --all -p "$KEY.pub" -p officer.pub
	"$LABVERIFY" extract mini.tar --all -p "$KEY.pub" -p officer.pub -C out
	(cd out && minisign -Vm SHA256SUMS -x "../mini.tar.$ID.minisig" -p ../officer.pub)
	"$LABGEN" key new third --no-password
	refused 3 "" "$LABVERIFY" check mini.tar --all -p "$KEY.pub" -p officer.pub -p third.pub
	"$LABGEN" sign mini.tar --key third.key -p "$KEY.pub" -p officer.pub
	"$LABVERIFY" check mini.tar --all -p "$KEY.pub" -p officer.pub -p third.pub
}

@test "sign: again is the same, and what else bears the name stays" {
	countersign
	cp "mini.tar.$ID.minisig" first
	countersign | grep -q "is there already"
	cmp "mini.tar.$ID.minisig" first
	echo precious >"mini.tar.$ID.minisig"
	refused 2 "mini.tar.$ID.minisig: exists already" countersign
	[ "$(cat "mini.tar.$ID.minisig")" = precious ]
}

@test "sign: volumes, and their list" {
	"$LABGEN" split mini.tar --volume-size 1M --key "$KEY.key" -q
	mv mini.tar whole.tar
	run countersign mini.tar.volumes
	[ "$status" -eq 0 ]
	[[ $output == *"mini.tar.$ID.minisig: written"* && $output == *"mini.tar.volumes.$ID.minisig: written"* ]]
	"$LABVERIFY" check mini.tar.volumes -p officer.pub
	"$LABVERIFY" check mini.tar.volumes --all -p "$KEY.pub" -p officer.pub
	"$LABVERIFY" check mini.tar.002 --all -p "$KEY.pub" -p officer.pub
	minisign -Vm mini.tar.volumes -x "mini.tar.volumes.$ID.minisig" -p officer.pub
	mv whole.tar mini.tar
	countersign | grep -q "mini.tar.$ID.minisig: is there already"
	refused 2 "one volume; name the list" countersign mini.tar.002
}

@test "sign: nothing is signed that is not good" {
	"$LABGEN" key new stranger --no-password
	refused 2 "it needs --key FILE and --pub PUB" "$LABGEN" sign mini.tar --key officer.key
	refused 2 "it needs --key FILE and --pub PUB" "$LABGEN" sign mini.tar -p "$KEY.pub"
	refused 3 "signed with key" "$LABGEN" sign mini.tar --key officer.key -p stranger.pub
	refused 3 "signed with key" "$LABGEN" sign mini.tar --key officer.key -p "$KEY.pub" -p stranger.pub
	refused 2 "signed it already; a countersignature is another key's" "$LABGEN" sign mini.tar --key "$KEY.key" -p "$KEY.pub"
	refused 2 "public key" "$LABGEN" sign mini.tar --key officer.key -p none.pub
	refused 1 "none.tar: No such file" countersign none.tar
	"$LABGEN" split mini.tar --volume-size 1M --key "$KEY.key" -q
	cp mini.tar.002 good
	printf X | dd of=mini.tar.002 bs=1 seek=500000 conv=notrunc status=none
	refused 3 "mini.tar.002: digest differs from the list" countersign mini.tar.volumes
	cp good mini.tar.002
	printf X | dd of=mini.tar bs=1 seek=1500000 conv=notrunc status=none
	refused 3 "bin/tool: digest differs" countersign
	truncate -s 2000000 mini.tar
	refused 3 "cut short" countersign
	nothing_signed
}

@test "sign: a countersignature that was changed, or is another bundle's, is refused" {
	countersign
	cp "mini.tar.$ID.minisig" good
	size=$(stat -c %s good)
	for at in 5 40 100 160 200 250 $((size - 5)); do
		cp good "mini.tar.$ID.minisig"
		printf '!' | dd of="mini.tar.$ID.minisig" bs=1 seek="$at" conv=notrunc status=none
		refused 3 "mini.tar.$ID.minisig" "$LABVERIFY" check mini.tar -p officer.pub
		refused 3 "mini.tar.$ID.minisig" "$LABVERIFY" check mini.tar --all -p "$KEY.pub" -p officer.pub
	done
	cp good "mini.tar.$ID.minisig"
	echo more >>"$LAB/guide/a.md"
	"$LABGEN" bundle "$LAB" -o other.tar --key "$KEY.key" -q
	cp good "other.tar.$ID.minisig"
	refused 3 "other.tar.$ID.minisig" "$LABVERIFY" check other.tar -p officer.pub
	# The same members, signed by someone else: the countersignature was of the signature as well.
	"$LABGEN" key new stranger --no-password
	"$LABGEN" bundle "$LAB" -o again.tar --key stranger.key -q
	countersign other.tar 2>/dev/null || :
	rm "other.tar.$ID.minisig"
	countersign other.tar
	cp "other.tar.$ID.minisig" "again.tar.$ID.minisig"
	refused 3 "countersigns another bundle" "$LABVERIFY" check again.tar -p officer.pub
}

@test "sign: a key with a password; a write that fails leaves nothing" {
	strace -qq -o /dev/null true || skip "no strace here"
	echo horse >password
	"$LABGEN" key new locked --password-file password
	"$LABGEN" sign mini.tar --key locked.key --password-file password -p "$KEY.pub"
	"$LABVERIFY" check mini.tar -p locked.pub
	echo house >password
	refused 2 "locked.key: the password is wrong" "$LABGEN" sign mini.tar --key locked.key --password-file password -p "$KEY.pub"
	for fault in fsync:error=EIO write:error=ENOSPC:when=1 renameat2:error=EIO; do
		ASAN_OPTIONS=detect_leaks=0 refused 1 "mini.tar.$ID.minisig" strace -f -qq -o /dev/null -e "trace=${fault%%:*}" \
			-e "inject=$fault" "$LABGEN" sign mini.tar --key officer.key -p "$KEY.pub"
		nothing_signed
	done
}
