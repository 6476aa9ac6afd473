# Packages of Debian and of npm, from the registries that this machine is configured for.

load ../lib/minilab.sh

setup_file() {
	export SHARED=$BATS_FILE_TMPDIR/store
	LAB=$BATS_FILE_TMPDIR/locked
	mkdir -p "$LAB"
	packages memcached ms@2.1.3
	LABGEN_STORE=$SHARED "$LABGEN" lock "$LAB" -q
}

setup() {
	minilab
	export LABGEN_STORE=$SHARED # apt's indexes are fetched once, and then only looked at
	export LABGEN_HTTP_BACKOFF_MS=20
	OFFLINE=
	if [ "$(id -u)" = 0 ]; then
		OFFLINE='unshare -n'
	elif unshare -rn true 2>/dev/null; then
		OFFLINE='unshare -rn'
	fi
}

# packages DEB NPM: the lab asks for these lists.
packages() {
	cat >"$LAB/lab.yaml" <<-YAML
		lab: mini
		version: 1.0
		title: {en: Mini}
		target: host
		platforms: [linux/amd64]
		packages:
		  deb: [$1]
		  npm: [$2]
	YAML
}

# locked: the lab asks for memcached and ms, and has its lock; the store has no blobs.
locked() {
	cp "$BATS_FILE_TMPDIR"/locked/lab.* "$LAB/"
	rm -rf "$LABGEN_STORE/blobs" "$LABGEN_STORE/known"
}

needs_offline() {
	[ -n "$OFFLINE" ] || skip "no name spaces here"
}

# Debian's and npm's hosts, as this machine knows them.
hosts() {
	# shellcheck disable=SC2016 # apt's own variable
	apt-get indextargets --format '$(SITE)' | sed 's|^[a-z+]*://||; s|/.*||' | sort -u
	npm config get registry | sed 's|^[a-z]*://||; s|/.*||'
}

@test "a closure is pinned, fetched and becomes one root file system" {
	locked
	grep -q 'id: "deb/libc6/amd64"' "$LAB/lab.lock"
	grep -q 'id: "npm/ms@2.1.3"' "$LAB/lab.lock"
	grep -q 'paths:' "$LAB/lab.lock"
	for host in $(hosts); do
		lacks "$host" "$LAB/lab.lock"
	done
	"$LABGEN" fetch "$LAB" -q
	"$LABGEN" bundle "$LAB" -o "$BATS_TEST_TMPDIR/a.tar" --key "$KEY.key" -q
	tar xOf "$BATS_TEST_TMPDIR/a.tar" mini-1.0-linux-amd64/rootfs.tar >"$BATS_TEST_TMPDIR/rootfs.tar"
	mkdir "$BATS_TEST_TMPDIR/root" "$BATS_TEST_TMPDIR/busybox"
	tar xof "$BATS_TEST_TMPDIR/rootfs.tar" -C "$BATS_TEST_TMPDIR/root"
	[ "$(readlink "$BATS_TEST_TMPDIR/root/bin")" = usr/bin ]
	[ -s "$BATS_TEST_TMPDIR/root/opt/npm/node_modules/ms/index.js" ]
	[ -s "$BATS_TEST_TMPDIR/root/usr/share/doc/memcached/copyright" ]
	[ -z "$(find "$BATS_TEST_TMPDIR/root" -perm /6000)" ]
	busybox tar xf "$BATS_TEST_TMPDIR/rootfs.tar" -C "$BATS_TEST_TMPDIR/busybox"
	diff -r --no-dereference "$BATS_TEST_TMPDIR/root" "$BATS_TEST_TMPDIR/busybox"
	if unshare -rm true 2>/dev/null; then
		unshare -rm chroot "$BATS_TEST_TMPDIR/root" /usr/bin/memcached -V | grep -q '^memcached 1'
	fi

	# Another folder, umask, language and time zone, nothing in the store but the indexes: the same lock and bundle.
	cp -r "$LAB" "$BATS_TEST_TMPDIR/other"
	rm -r "$BATS_TEST_TMPDIR/other/lab.lock" "$LABGEN_STORE/blobs" "$LABGEN_STORE/known"
	(
		umask 077
		export TZ=Asia/Seoul LC_ALL=C.UTF-8
		"$LABGEN" lock "$BATS_TEST_TMPDIR/other" -q -j 2
		"$LABGEN" fetch "$BATS_TEST_TMPDIR/other" -q -j 2
		"$LABGEN" bundle "$BATS_TEST_TMPDIR/other" -o "$BATS_TEST_TMPDIR/b.tar" --key "$KEY.key" -q
	)
	cmp "$LAB/lab.lock" "$BATS_TEST_TMPDIR/other/lab.lock"
	cmp "$BATS_TEST_TMPDIR/a.tar" "$BATS_TEST_TMPDIR/b.tar"
}

@test "what is installed on this machine makes no difference" {
	packages coreutils ""
	sed -i '/npm:/d' "$LAB/lab.yaml"
	"$LABGEN" lock "$LAB" -q
	grep -q 'id: "deb/coreutils/amd64"' "$LAB/lab.lock"
	grep -q 'id: "deb/libc6/amd64"' "$LAB/lab.lock"
}

@test "a package or a version that does not exist is named with its place" {
	packages "memcached, no-such-package" ms@2.1.3
	refused 1 "lab.yaml:7:20: apt cannot find or combine the packages: Unable to locate package no-such-package" \
		"$LABGEN" lock "$LAB" -q
	packages "awk" ms@2.1.3
	refused 1 "lab.yaml:7:9: apt cannot find or combine the packages: Package 'awk' has no installation candidate" \
		"$LABGEN" lock "$LAB" -q
	packages "memcached=0.0-1" ms@2.1.3
	refused 1 "lab.yaml:7:9: apt cannot find or combine the packages: Version '0.0-1' for 'memcached' was not found" \
		"$LABGEN" lock "$LAB" -q
	packages memcached "ms@2.1.3, redis-errors@99.0.0"
	refused 1 "lab.yaml:8:19: npm package redis-errors@99.0.0: the registry has no such version" "$LABGEN" lock "$LAB" -q
	packages memcached ms@2.1.3
	sed -i 's/^  deb:/  deb_origin: Nobody\n  deb:/' "$LAB/lab.yaml"
	refused 1 "Package 'memcached' has no installation candidate" "$LABGEN" lock "$LAB" -q
	[ ! -e "$LAB/lab.lock" ]
	[ -z "$(ls -A "$LABGEN_STORE/tmp")" ]
}

@test "a Debian package's version can be asked for" {
	locked
	version=$(awk -F '"' '/name: "memcached"/ { getline; print $2; exit }' "$LAB/lab.lock")
	packages "memcached=$version" ms@2.1.3
	"$LABGEN" lock "$LAB" -q
	grep -q "^  - \"deb memcached@$version\"" "$LAB/lab.lock"
	awk -F '"' -v v="$version" '/name: "memcached"/ { getline; good = $2 == v } END { exit !good }' "$LAB/lab.lock"
	"$LABGEN" lock --check "$LAB"
}

@test "a version that the mirror no longer has: lock again" {
	locked
	sed -i '/name: "libevent-2.1-7"/{n;s/version: ".*"/version: "2.0-1"/}' "$LAB/lab.lock"
	refused 1 "could be fetched" "$LABGEN" fetch "$LAB" -q
	[[ $output == *"deb/libevent-2.1-7/amd64: the mirror no longer has version 2.0-1: run labgen lock"* ]]
	# The others came all the same.
	[ -e "$LABGEN_STORE/blobs/sha256/$(awk -F '"' '/name: "memcached"/ { m = 1 } m && /sha256:/ { print substr($2, 1, 2) "/" $2; exit }' "$LAB/lab.lock")" ]
}

@test "other bytes than the lock's are not kept" {
	locked
	sed -i '/name: "\(ms\|libevent-2.1-7\)"/,/sha256:/s/sha256: "....../sha256: "000000/' "$LAB/lab.lock"
	refused 3 "could be fetched" "$LABGEN" fetch "$LAB" -q
	[[ $output == *"deb/libevent-2.1-7/amd64: "*"digest differs: sha256 000000"* ]]
	[[ $output == *"npm/ms@2.1.3: "*"digest differs: sha256 000000"* ]]
	[ -z "$(ls "$LABGEN_STORE/part")" ]
	sed -i '/name: "ms"/,/sha256:/s|integrity: "sha512-......|integrity: "sha512-AAAAAA|' "$LAB/lab.lock"
	refused 3 "could be fetched" "$LABGEN" fetch "$LAB" -q
}

@test "no network: which host, and what to do" {
	needs_offline
	locked
	local debian npm
	debian=$(hosts | head -n 1)
	npm=$(hosts | tail -n 1)
	# shellcheck disable=SC2086 # words
	refused 1 "is there a network?" $OFFLINE "$LABGEN" lock "$LAB" -q
	[[ $output == *"$debian"*"Run it again when there is one"* ]]
	# shellcheck disable=SC2086
	refused 1 "could be fetched" $OFFLINE "$LABGEN" fetch "$LAB" -q
	[[ $output == *"deb/"*" more: cannot resolve $debian"* ]]
	[[ $output == *"npm/ms@2.1.3: cannot resolve $npm"* ]]
	rm -r "$LABGEN_STORE/apt"
	# shellcheck disable=SC2086
	refused 1 "could be fetched" $OFFLINE "$LABGEN" fetch "$LAB" -q
	[[ $output == *"package indexes: "*"$debian"*"is there a network?"* ]]
	sed -i '/deb:/d' "$LAB/lab.yaml"
	# shellcheck disable=SC2086
	refused 1 "npm cannot reach its registry" $OFFLINE "$LABGEN" lock "$LAB" -q
	[[ $output == *"$npm"*"is there a network?"* ]]
}
