# Downloads: from a real web server on loopback, and from one that misbehaves.
# shellcheck disable=SC2016 # ${os} and the like are labgen's

load ../lib/minilab.sh
load ../lib/nginx.sh

setup() {
	minilab
	export LABGEN_HTTP_BACKOFF_MS=20
	unset http_proxy https_proxy all_proxy no_proxy HTTPS_PROXY ALL_PROXY NO_PROXY
	PARTS=$LABGEN_STORE/part
}

teardown() {
	nginx_stop
	faults_stop
}

# weblab BASE NAME...: the lab has these files, which lie in $WEB, pinned from BASE.
weblab() {
	local base=$1 name
	shift
	{
		printf 'lab: mini\nversion: 1.0\ntitle: {en: Mini}\ntarget: host\nplatforms: [linux/amd64]\nfiles:\n'
		for name; do
			printf '  - {name: %s, version: v1, url: "%s/%s", sha256: "%s", to: files/%s}\n' "$name" "$base" "$name" \
				"$(sha256 "$WEB/$name")" "$name"
		done
	} >"$LAB/lab.yaml"
	"$LABGEN" lock "$LAB" -q
	rm -rf "$LABGEN_STORE"
}

sha256() {
	sha256sum <"$1" | cut -c 1-64
}

# relocate FROM TO: the lock's addresses; what is asked for stays as it is.
relocate() {
	sed -i "s|\"$1|\"$2|" "$LAB/lab.lock"
}

blob() {
	local digest
	digest=$(sha256 "$1")
	echo "$LABGEN_STORE/blobs/sha256/${digest:0:2}/$digest"
}

kept() {
	cmp "$1" "$(blob "$1")"
}

nothing_kept() {
	[ -z "$(find "$LABGEN_STORE" -type f)" ]
}

# start_slowly NAME: fetches it at 256 KiB a second, and kills that with -9 in the middle.
start_slowly() {
	relocate "$URL" "$URL/slow"
	"$LABGEN" fetch "$LAB" -q 3>&- &
	local pid=$! part
	part=$PARTS/sha256-$(sha256 "$WEB/$1")
	for _ in $(seq 100); do
		if [ -s "$part" ]; then
			break
		fi
		sleep 0.05
	done
	kill -9 $pid
	wait $pid || :
	[ -s "$part" ]
	[ "$(stat -c %s "$part")" -lt "$(stat -c %s "$WEB/$1")" ]
	[ ! -e "$(blob "$WEB/$1")" ]
	relocate "$URL/slow" "$URL"
}

random_file() {
	head -c "$2" /dev/urandom >"$WEB/$1"
}

@test "what the lock names comes into the store, and is asked for once" {
	nginx_start
	for i in $(seq 30); do
		random_file "f$i" "${i}000"
	done
	: >"$WEB/empty"
	# shellcheck disable=SC2046
	weblab "$URL" empty $(seq -f f%g 30)
	run "$LABGEN" fetch "$LAB" -j 8
	[ "$status" -eq 0 ]
	[ "$(grep -c '^fetch: file/f[0-9]*@v1 (.*B)$' <<<"$output")" -eq 30 ]
	for f in "$WEB"/*; do
		kept "$f"
	done
	[ -z "$(ls "$PARTS")" ]
	local before
	before=$(nginx_requests GET)
	run "$LABGEN" fetch "$LAB"
	[ "$status" -eq 0 ]
	lacks '^fetch: ' <(echo "$output")
	[ "$(nginx_requests GET)" -eq "$before" ]
}

@test "killed in the middle, it goes on where it was" {
	nginx_start
	random_file big 2000000
	weblab "$URL" big
	start_slowly big
	"$LABGEN" fetch "$LAB" -q
	kept "$WEB/big"
	[ "$(nginx_requests '"GET /big HTTP/1.1" 206')" -eq 1 ]
	[ -z "$(ls "$PARTS")" ]
}

@test "killed in the middle, from a server without ranges it begins anew" {
	nginx_start
	random_file big 2000000
	weblab "$URL" big
	start_slowly big
	relocate "$URL" "$URL/norange"
	"$LABGEN" fetch "$LAB" -q
	kept "$WEB/big"
}

@test "what was begun and is damaged is fetched anew" {
	nginx_start
	random_file big 2000000
	weblab "$URL" big
	start_slowly big
	printf 'XXXXXXXX' | dd of="$PARTS/sha256-$(sha256 "$WEB/big")" conv=notrunc bs=1 seek=500 status=none
	"$LABGEN" fetch "$LAB" -q
	kept "$WEB/big"
	[ -z "$(ls "$PARTS")" ]
}

@test "a part that is longer than the file, or complete already, is no obstacle" {
	nginx_start
	random_file a 5000
	random_file b 5000
	weblab "$URL" a b
	mkdir -p "$PARTS"
	head -c 6000 /dev/zero >"$PARTS/sha256-$(sha256 "$WEB/a")"
	cp "$WEB/b" "$PARTS/sha256-$(sha256 "$WEB/b")"
	"$LABGEN" fetch "$LAB" -q
	kept "$WEB/a"
	kept "$WEB/b"
	[ "$(nginx_requests 'GET /b')" -eq 1 ] # that of the lock
}

@test "two at once on one store fetch it once" {
	nginx_start
	random_file big 600000
	weblab "$URL" big
	relocate "$URL" "$URL/slow"
	"$LABGEN" fetch "$LAB" -q 3>&- &
	local pid=$!
	"$LABGEN" fetch "$LAB" -q
	wait $pid
	kept "$WEB/big"
	[ "$(nginx_requests 'GET /slow/big')" -eq 1 ]
}

@test "other bytes than the pinned ones are not kept, and no bundle is made of them" {
	nginx_start
	random_file a 5000
	local old new
	weblab "$URL" a
	old=$(sha256 "$WEB/a")
	random_file a 5000
	new=$(sha256 "$WEB/a")
	refused 3 "could be fetched" "$LABGEN" fetch "$LAB"
	[[ $output == *"file/a@v1"*"$old"*"$new"* ]]
	nothing_kept
	refused 3 "" "$LABGEN" bundle "$LAB" -o "$BATS_TEST_TMPDIR/out.tar" --key "$KEY.key"
	[ ! -e "$BATS_TEST_TMPDIR/out.tar" ]
	nothing_kept
}

@test "another size than the pinned one is not kept" {
	nginx_start
	random_file a 5000
	weblab "$URL" a
	random_file a 4000
	refused 3 "could be fetched" "$LABGEN" fetch "$LAB"
	[[ $output == *"size differs: 5000 bytes are expected, the server has 4000"* ]]
	random_file a 50000
	refused 3 "could be fetched" "$LABGEN" fetch "$LAB"
	[[ $output == *"the server has 50000"* ]]
	nothing_kept
}

@test "one that is gone does not stop the others" {
	nginx_start
	random_file a 5000
	random_file b 5000
	random_file c 5000
	weblab "$URL" a b c
	rm "$WEB/b"
	refused 1 "could be fetched" "$LABGEN" fetch "$LAB" -q
	[[ $output == *"file/b@v1"*"HTTP 404"* ]]
	lacks "file/a@v1" <(echo "$output")
	kept "$WEB/a"
	kept "$WEB/c"
}

@test "a server that is down is asked six times" {
	nginx_start
	random_file a 5000
	weblab "$URL" a
	relocate "$URL" "$URL/down"
	refused 1 "could be fetched" "$LABGEN" fetch "$LAB"
	[[ $output == *"HTTP 503"* ]]
	[ "$(nginx_requests 'GET /down/a')" -eq 6 ]
	nothing_kept || [ "$(find "$LABGEN_STORE" -type f -size +0)" = "" ]
}

@test "a server that asks for patience gets it" {
	faults_start
	random_file a 5000
	weblab "$FAULTS/plain" a
	relocate "$FAULTS/plain" "$FAULTS/later"
	local from=$SECONDS
	run "$LABGEN" fetch "$LAB"
	[ "$status" -eq 0 ]
	[[ $output == *"HTTP 429: try 2 of 6 in 1.0 s"* ]]
	[ $((SECONDS - from)) -ge 1 ]
	kept "$WEB/a"
}

@test "a body that breaks off is continued from there" {
	faults_start
	random_file a 5000
	weblab "$FAULTS/plain" a
	relocate "$FAULTS/plain" "$FAULTS/cut"
	"$LABGEN" fetch "$LAB" -q
	kept "$WEB/a"
	grep -q 'GET /cut/a .* bytes=4000- ' "$FAULTS_LOG"
}

@test "a body that never comes is an error in the end" {
	faults_start
	random_file a 5000
	weblab "$FAULTS/plain" a
	relocate "$FAULTS/plain" "$FAULTS/none"
	refused 1 "could be fetched" "$LABGEN" fetch "$LAB" -q
	[ "$(grep -c 'GET /none/a' "$FAULTS_LOG")" -eq 6 ]
	[ ! -e "$(blob "$WEB/a")" ]
}

@test "a body that does not end is cut off at the size that is pinned" {
	faults_start
	random_file a 5000
	weblab "$FAULTS/plain" a
	relocate "$FAULTS/plain" "$FAULTS/more"
	refused 3 "could be fetched" "$LABGEN" fetch "$LAB" -q
	[[ $output == *"5000 bytes are expected, and the server sends more"* ]]
	nothing_kept
}

@test "a server that mistakes the range is asked for everything" {
	faults_start
	random_file a 5000
	weblab "$FAULTS/plain" a
	for how in wrong past; do
		rm -rf "$LABGEN_STORE"
		mkdir -p "$PARTS"
		head -c 3000 "$WEB/a" >"$PARTS/sha256-$(sha256 "$WEB/a")"
		relocate "$FAULTS/[a-z]*" "$FAULTS/$how"
		"$LABGEN" fetch "$LAB" -q
		kept "$WEB/a"
		grep -q "GET /$how/a .* bytes=3000- " "$FAULTS_LOG"
		grep -q "GET /$how/a .* - -" "$FAULTS_LOG"
	done
}

@test "nobody there: the host is named, and what to do" {
	nginx_start
	random_file a 5000
	random_file b 5000
	weblab "$URL" a b
	local port
	port=$(free_port)
	relocate "$URL" "http://127.0.0.1:$port"
	refused 1 "could be fetched" "$LABGEN" fetch "$LAB" -q
	[[ $output == *"file/a@v1 and 1 more: cannot connect to 127.0.0.1:$port: Connection refused: is there a network?"* ]]
	relocate "http://127.0.0.1:$port" "http://nobody.invalid"
	refused 1 "could be fetched" "$LABGEN" fetch "$LAB" -q
	[[ $output == *"cannot resolve nobody.invalid: is there a network?"*"https_proxy"* ]]
}

@test "no network at lock: the host is named, and the lock that was stays" {
	faults_start
	random_file a 5000
	weblab "$FAULTS/plain" a
	cp "$LAB/lab.lock" "$BATS_TEST_TMPDIR/before"
	sed -i 's|http://[^/]*/|http://nobody.invalid/|' "$LAB/lab.yaml"
	refused 1 "lab.yaml:7:5: cannot resolve nobody.invalid: is there a network?" "$LABGEN" lock "$LAB" -q
	cmp "$LAB/lab.lock" "$BATS_TEST_TMPDIR/before"
}

@test "redirects are followed, but not by credentials, and not to files" {
	nginx_start
	faults_start
	random_file a 5000
	weblab "$URL" a
	relocate "$URL" "$URL/hop"
	"$LABGEN" fetch "$LAB" -q
	kept "$WEB/a"

	rm -rf "$LABGEN_STORE"
	relocate "$URL/hop" "http://user:secret@127.0.0.1:$FAULTS_PORT/away"
	"$LABGEN" fetch "$LAB" -q
	kept "$WEB/a"
	grep -q '^GET /away/a 127.0.0.1:[0-9]* - credentials' "$FAULTS_LOG"
	grep -q '^GET /plain/a 127.0.0.2:[0-9]* - -' "$FAULTS_LOG"

	rm -rf "$LABGEN_STORE"
	relocate "http://user:secret@127.0.0.1:$FAULTS_PORT/away" "http://user:secret@127.0.0.1:$FAULTS_PORT/local"
	refused 1 "could be fetched" "$LABGEN" fetch "$LAB" -q
	lacks secret <(echo "$output")
	relocate "http://user:secret@127.0.0.1:$FAULTS_PORT/local" "$FAULTS/loop"
	refused 1 "could be fetched" "$LABGEN" fetch "$LAB" -q
}

@test "a proxy is used where the environment names one" {
	faults_start
	random_file a 5000
	weblab "$FAULTS/plain" a
	relocate "$FAULTS/plain" "http://nobody.invalid"
	http_proxy=$FAULTS "$LABGEN" fetch "$LAB" -q
	kept "$WEB/a"
	grep -q '^GET http://nobody.invalid/a' "$FAULTS_LOG"
}

@test "a store on a full disk: said before, and nothing half written" {
	unshare -rm true 2>/dev/null || skip "no user name spaces here"
	nginx_start
	random_file a 3000000
	weblab "$URL" a
	mkdir "$LABGEN_STORE"
	refused 1 "could be fetched" unshare -rm sh -c \
		'mount -t tmpfs -o size=1m none "$1" && shift && "$@"' - "$LABGEN_STORE" "$LABGEN" fetch "$LAB" -q
	[[ $output == *"disk is too full"*"2.9 MiB"* ]]
}

@test "a damaged file in the store is noticed when it is used, and comes anew" {
	nginx_start
	random_file a 5000
	weblab "$URL" a
	"$LABGEN" fetch "$LAB" -q
	local b
	b=$(blob "$WEB/a")
	chmod 644 "$b"
	printf X | dd of="$b" conv=notrunc bs=1 seek=7 status=none
	refused 3 "" "$LABGEN" bundle "$LAB" -o "$BATS_TEST_TMPDIR/out.tar" --key "$KEY.key"
	[ ! -e "$BATS_TEST_TMPDIR/out.tar" ]
	"$LABGEN" fetch "$LAB" -q
	kept "$WEB/a"
}

# ---- what vouches for a file ----

# onefile LINE...: a lab with one file, file://$SRC/tool, and these lines for it.
onefile() {
	{
		printf 'lab: mini\nversion: 1.0\ntitle: {en: Mini}\ntarget: host\nplatforms: [linux/amd64]\nfiles:\n'
		printf '  - name: tool\n    version: v1\n    url: file://%s/${os}-tool\n    to: bin/tool\n' "$SRC"
		printf '    %s\n' "$@"
	} >"$LAB/lab.yaml"
	cp "$SRC/tool" "$SRC/linux-tool"
}

@test "a list of checksums: the line with the file's name counts" {
	onefile "checksum: file://$SRC/SHA256SUMS"
	(cd "$SRC" && sha256sum text ./linux-tool) >"$SRC/SHA256SUMS"
	"$LABGEN" lock "$LAB" -q
	grep -q 'evidence: "checksum-file"' "$LAB/lab.lock"
	(cd "$SRC" && sha256sum text) >"$SRC/SHA256SUMS"
	refused 1 "lab.yaml:7:5: file://$SRC/SHA256SUMS: the checksum file has no SHA-256 for 'linux-tool'" "$LABGEN" lock "$LAB" -q
	printf '%s  linux-tool\n%s  linux-tool\n' "$(sha256 "$SRC/tool")" "$(sha256 "$SRC/text")" >"$SRC/SHA256SUMS"
	refused 1 "more than one SHA-256" "$LABGEN" lock "$LAB" -q
	printf '%s  linux-tool\n' "$(sha256 "$SRC/text")" >"$SRC/SHA256SUMS"
	refused 3 "digest differs" "$LABGEN" lock "$LAB" -q
	rm "$SRC/SHA256SUMS"
	refused 1 "lab.yaml:7:5: checksum: file://$SRC/SHA256SUMS: no such file" "$LABGEN" lock "$LAB" -q
}

@test "a digest that is given inline" {
	onefile "sha256: \"$(sha256 "$SRC/tool")\""
	"$LABGEN" lock "$LAB" -q
	grep -q 'evidence: "inline"' "$LAB/lab.lock"
	onefile "sha256: \"$(sha256 "$SRC/text")\""
	refused 3 "$(sha256 "$SRC/text") is expected, what arrived has $(sha256 "$SRC/tool")" "$LABGEN" lock "$LAB" -q
	onefile
	"$LABGEN" lock "$LAB" -q --update tool
	grep -q 'evidence: "first-seen"' "$LAB/lab.lock"
}

@test "an upstream that signs with minisign" {
	local pub other
	minisign -G -W -p "$SRC/up.pub" -s "$SRC/up.key" >/dev/null
	minisign -G -W -p "$SRC/other.pub" -s "$SRC/other.key" >/dev/null
	pub=$(tail -n 1 "$SRC/up.pub")
	other=$(tail -n 1 "$SRC/other.pub")
	onefile "minisign: $pub"
	minisign -S -s "$SRC/up.key" -m "$SRC/linux-tool" >/dev/null
	"$LABGEN" lock "$LAB" -q
	grep -q 'evidence: "minisign"' "$LAB/lab.lock"

	onefile "minisign: $other"
	refused 3 "lab.yaml:7:5: file://$SRC/linux-tool.minisig" "$LABGEN" lock "$LAB" -q
	onefile "minisign: $pub"
	echo more >>"$SRC/linux-tool"
	refused 3 "linux-tool.minisig" "$LABGEN" lock "$LAB" -q --update tool
	onefile "minisign: $pub"
	minisign -S -l -t 'release v1' -s "$SRC/up.key" -m "$SRC/linux-tool" >/dev/null
	refused 3 "linux-tool.minisig" "$LABGEN" lock "$LAB" -q
	rm "$SRC/linux-tool.minisig"
	refused 1 "minisign signature" "$LABGEN" lock "$LAB" -q
}

@test "a file out of an archive, whatever it is packed with" {
	mkdir "$SRC/v1"
	cp "$SRC/tool" "$SRC/v1/tool"
	ln -s tool "$SRC/v1/link"
	(cd "$SRC" && tar czf a.tar.gz v1 && tar cJf a.tar.xz ./v1 && bsdtar -c --zstd -f a.tar.zst v1 && bsdtar -c --format zip -f a.zip v1)
	for archive in a.tar.gz a.tar.xz a.tar.zst a.zip; do
		onefile 'member: ${version}/tool'
		sed -i "s|\${os}-tool|$archive|" "$LAB/lab.yaml"
		rm -f "$LAB/lab.lock"
		"$LABGEN" lock "$LAB" -q
		"$LABGEN" bundle "$LAB" -o "$BATS_TEST_TMPDIR/$archive.tar" --key "$KEY.key" -q
		tar xOf "$BATS_TEST_TMPDIR/$archive.tar" mini-1.0-linux-amd64/bin/tool | cmp - "$SRC/tool"
	done
	for bad in "v1/none:no file 'v1/none' in it" "v1/link:is not a regular file" "v1:no"; do
		onefile "member: ${bad%%:*}"
		sed -i "s|\${os}-tool|a.tar.gz|" "$LAB/lab.yaml"
		"$LABGEN" lock "$LAB" -q
		refused 1 "file/tool@v1: tool: ${bad#*:}" "$LABGEN" bundle "$LAB" -o "$BATS_TEST_TMPDIR/bad.tar" --key "$KEY.key" -q ||
			refused 1 "${bad#*:}" "$LABGEN" bundle "$LAB" -o "$BATS_TEST_TMPDIR/bad.tar" --key "$KEY.key" -q
		[ ! -e "$BATS_TEST_TMPDIR/bad.tar" ]
	done
	onefile "member: v1/tool"
	"$LABGEN" lock "$LAB" -q
	refused 1 "cannot read the archive" "$LABGEN" bundle "$LAB" -o "$BATS_TEST_TMPDIR/bad.tar" --key "$KEY.key" -q
}
