#!/usr/bin/env bats
# The program lab of the target host. Tests that need a real lab take it from LAB_BUNDLE_DIR, an extracted bundle of
# datastores; the others make a folder with the templates alone.

setup() {
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	export LAB_STATE="$BATS_TEST_TMPDIR/state folder"
	unset LAB_PUBKEY LAB_PORT_OFFSET NO_COLOR
	# Ports of our own, so that neither a Redis on the machine nor another run of these tests is in the way.
	OFFSET=$((10000 + $$ % 400 * 100))
}

teardown() {
	if [ -n "${LAB:-}" ]; then
		"$LAB" -q down --purge || return 1
	fi
	if [ -n "${HOLDER:-}" ]; then
		kill "$HOLDER" 2>/dev/null || :
	fi
}

# bare: a lab folder without a root file system, in BARE.
bare() {
	BARE="$BATS_TEST_TMPDIR/a lab"
	mkdir -p "$BARE/lib" "$BARE/bin" "$BARE/services" "$BARE/checks"
	cp "$TOP/templates/common/lab" "$BARE/"
	chmod 755 "$BARE/lab"
	cp "$TOP"/templates/common/lib/*.sh "$TOP"/templates/host/lib/*.sh "$BARE/lib/"
	cat >"$BARE/lab.env" <<-'EOF'
		LAB_FORMAT=1
		LAB_NAME='bare'
		LAB_VERSION='1'
		LAB_PLATFORM='linux/amd64'
		LAB_TARGET='host'
		LAB_TITLE_EN='A lab'
		LAB_TITLE_KO='랩'
		LAB_PORTS='Redis|26379||
		Web|28081||http://127.0.0.1:28081/'
	EOF
	printf "service_title='Redis'\nservice_exec() { enter /bin/false; }\n" >"$BARE/services/10-redis.sh"
}

# real: the real lab, in LAB, its ports shifted.
real() {
	[ -n "${LAB_BUNDLE_DIR:-}" ] || skip "LAB_BUNDLE_DIR is not set: it names an extracted bundle of datastores"
	[ -x "$LAB_BUNDLE_DIR/lab" ] || skip "LAB_BUNDLE_DIR=$LAB_BUNDLE_DIR: no lab in there"
	LAB=$(cd "$LAB_BUNDLE_DIR" && pwd)/lab
	export LAB_PORT_OFFSET=$OFFSET
}

# one_line TEXT: stderr is one line that begins as every error does.
one_line() {
	[ "$(printf '%s\n' "$1" | wc -l)" = 1 ]
	[[ $1 == "lab: "* ]]
}

pid_of() {
	cut -d' ' -f1 "$LAB_STATE/run/$1.pid"
}

# living: the processes that have something of this test's state folder mounted, as each service has its data folder.
# What lies on another file system than / is shown from that one's root on, so the path is looked for from bats' folder on.
living() {
	local state=${LAB_STATE#"${BATS_RUN_TMPDIR%/*}"}
	grep -lsF "${state// /\\040}/" /proc/[0-9]*/mountinfo
}

gone() {
	[ -z "$(living)" ]
}

json() {
	python3 -c 'import json, sys; d = json.load(sys.stdin); print('"$1"')'
}

@test "every script is clean for shellcheck" {
	command -v shellcheck >/dev/null || skip "shellcheck is not installed"
	cd "$TOP"
	shellcheck templates/common/lab templates/*/lib/*.sh bundles/*/services/*.sh bundles/*/checks/*.sh tests/airgap/run.sh tests/lib/deps.sh
}

@test "the libs of the targets have different file names" {
	[ -z "$(cd "$TOP/templates" && ls common/lib host/lib | grep '\.sh$' | sort | uniq -d)" ]
}

@test "help: names every verb, and the exit status" {
	bare
	run "$BARE/lab" help
	[ "$status" = 0 ]
	for verb in verify preflight up status check open close reset down help; do
		[[ $output == *"  $verb"* ]]
	done
	[[ $output == *"3 not authentic"* ]]
	[[ $output == *"랩"* ]]
}

@test "no verb, unknown verbs, unknown options, and arguments too many: usage" {
	bare
	for words in "" "frobnicate" "up now" "status --verbose" "--verbose up" "down --all" "_up" "../up"; do
		# shellcheck disable=SC2086
		run "$BARE/lab" $words
		[ "$status" = 2 ]
		one_line "$output"
	done
	run "$BARE/lab" frobnicate
	[[ $output == *"'frobnicate'"* ]]
}

@test "a verb that the target does not define is unknown, by name" {
	bare
	rm "$BARE/lib/check.sh"
	run "$BARE/lab" check
	[ "$status" = 2 ]
	[[ $output == *"unknown verb 'check'"* ]]
	run "$BARE/lab" help
	[ -z "$(grep '^  check ' <<<"$output")" ]
}

@test "works through a link, a relative path, and from any folder, in each shell" {
	bare
	ln -s "$BARE/lab" "$BATS_TEST_TMPDIR/one"
	mkdir "$BATS_TEST_TMPDIR/deep"
	ln -s ../one "$BATS_TEST_TMPDIR/deep/two"
	cd "$BATS_TEST_TMPDIR"
	for shell in "" dash bash "busybox ash"; do
		# shellcheck disable=SC2086
		for path in ./one deep/two "$BATS_TEST_TMPDIR/deep/two" "./a lab/lab"; do
			$shell "$path" help | grep -q '^lab bare 1'
		done
	done
	cd "$BARE"
	sh lab help | grep -q '^lab bare 1'
	CDPATH=/tmp PATH="$BARE:$PATH" lab help | grep -q '^lab bare 1'
}

@test "a folder that is not a whole lab says so" {
	bare
	rm "$BARE/lab.env"
	run "$BARE/lab" help
	[ "$status" = 1 ]
	one_line "$output"
}

@test "verify: without a key it is a usage error that says where to get one" {
	bare
	run "$BARE/lab" verify
	[ "$status" = 2 ]
	[[ $output == *"another way than the bundle"* ]]
	run "$BARE/lab" verify -p
	[ "$status" = 2 ]
	run "$BARE/lab" verify -p "$BATS_TEST_TMPDIR/none.pub"
	[ "$status" = 1 ]
	[[ $output == *"none.pub"* ]]
}

@test "verify: the checker gets this folder and the key, and its status is ours" {
	bare
	printf '#!/bin/sh\nprintf "%%s\\n" "$@"\nexit 3\n' >"$BARE/bin/labverify"
	chmod 755 "$BARE/bin/labverify"
	: >"$BATS_TEST_TMPDIR/a key.pub"
	for words in "-p|$BATS_TEST_TMPDIR/a key.pub" "-p$BATS_TEST_TMPDIR/a key.pub"; do
		IFS='|' read -r one two <<<"$words"
		run "$BARE/lab" verify "$one" ${two:+"$two"} --json
		[ "$status" = 3 ]
		[ "$output" = "check
$BARE
-p
$BATS_TEST_TMPDIR/a key.pub
--json" ]
	done
	LAB_PUBKEY="$BATS_TEST_TMPDIR/a key.pub" run "$BARE/lab" verify
	[ "$status" = 3 ]
}

@test "LAB_PORT_OFFSET: words, signs and what leads beyond 65535 are refused" {
	bare
	for offset in x -1 1e3 40000 999999 "1 2"; do
		LAB_PORT_OFFSET=$offset run "$BARE/lab" status
		[ "$status" = 2 ]
		[[ $output == *LAB_PORT_OFFSET* ]]
	done
	LAB_PORT_OFFSET=0010 run "$BARE/lab" status --json
	[[ $output == *26389* ]]
}

@test "state folder: what is not a lab's is refused, and never purged" {
	bare
	mkdir -p "$LAB_STATE"
	echo dear >"$LAB_STATE/diary"
	for verb in up "down --purge" reset status; do
		# shellcheck disable=SC2086
		run "$BARE/lab" $verb
		[ "$status" = 1 ]
		[[ $output == *"LAB_STATE"* ]]
	done
	[ "$(cat "$LAB_STATE/diary")" = dear ]
	rm "$LAB_STATE/diary"
	echo other >"$LAB_STATE/lab-state"
	run "$BARE/lab" down --purge
	[ "$status" = 1 ]
	[[ $output == *"'other'"* ]]
	run env -u LAB_STATE -u HOME -u XDG_STATE_HOME "$BARE/lab" status
	[ "$status" = 1 ]
	[[ $output == *"LAB_STATE"* ]]
}

@test "preflight: every shortfall at once, each with its remedy; json as well" {
	bare
	sed -i "s,linux/amd64,linux/arm64," "$BARE/lab.env"
	[ "$(uname -m)" != aarch64 ] || sed -i "s,linux/arm64,linux/amd64," "$BARE/lab.env"
	# A machine where name spaces are refused.
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\nexit 1\n' >"$BATS_TEST_TMPDIR/bin/unshare"
	chmod 755 "$BATS_TEST_TMPDIR/bin/unshare"
	PATH="$BATS_TEST_TMPDIR/bin:$PATH" LAB_MEMORY=99999999 run "$BARE/lab" preflight
	[ "$status" = 1 ]
	[[ $output == *"FAIL  platform: this machine is "*"ask for the bundle for"* ]]
	[[ $output == *"FAIL  bundle: not there: SHA256SUMS rootfs.tar"* ]]
	[[ $output == *"FAIL  isolation: "*"; "* ]]
	[[ $output == *"FAIL  memory: "* ]]
	[ ! -e "$LAB_STATE" ]
	PATH="$BATS_TEST_TMPDIR/bin:$PATH" "$BARE/lab" --json preflight >"$BATS_TEST_TMPDIR/json" || :
	json '[i["item"] for i in d if not i["ok"]]' <"$BATS_TEST_TMPDIR/json" | grep -q "'platform', 'bundle', 'isolation'"
}

@test "preflight: the switches that forbid user name spaces are named" {
	bare
	[ "$(id -u)" = 0 ] || skip "needs root, to lay a /proc/sys over the real one"
	unshare -m true 2>/dev/null || skip "no mount name space can be made here"
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\nexit 1\n' >"$BATS_TEST_TMPDIR/bin/unshare"
	printf '#!/bin/sh\necho 1000\n' >"$BATS_TEST_TMPDIR/bin/id"
	chmod 755 "$BATS_TEST_TMPDIR/bin"/*
	run unshare -m sh -c 'mount -t tmpfs tmpfs /proc/sys && mkdir /proc/sys/kernel /proc/sys/user &&
		echo 1 >/proc/sys/kernel/apparmor_restrict_unprivileged_userns &&
		echo 0 >/proc/sys/kernel/unprivileged_userns_clone && echo 0 >/proc/sys/user/max_user_namespaces &&
		PATH=$1:$PATH exec "$2" preflight' sh "$BATS_TEST_TMPDIR/bin" "$BARE/lab"
	[ "$status" = 1 ]
	[[ $output == *"sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"* ]]
	[[ $output == *"sysctl -w kernel.unprivileged_userns_clone=1"* ]]
	[[ $output == *"sysctl -w user.max_user_namespaces="* ]]
}

@test "json: quotes, backslashes, tabs, newlines and control characters in a text" {
	bare
	cat >"$BATS_TEST_TMPDIR/try" <<-'EOF'
		. "$1/lib/ui.sh"
		json_string "$(printf 'a"b\\c\td\ne\001f\\')"
	EOF
	for shell in dash bash "busybox ash"; do
		[ "$($shell "$BATS_TEST_TMPDIR/try" "$BARE" | json 'd')" = 'a"b\c	d
ef\' ]
	done
}

@test "a process of the same number that started at another time is not ours" {
	bare
	sleep 60 &
	HOLDER=$!
	mkdir -p "$LAB_STATE/run"
	echo bare >"$LAB_STATE/lab-state"
	echo "$HOLDER 1 $(cat /proc/sys/kernel/random/boot_id)" >"$LAB_STATE/run/10-redis.pid"
	run "$BARE/lab" status
	[ "$status" = 1 ]
	run "$BARE/lab" down
	[ "$status" = 0 ]
	kill -0 "$HOLDER"
}

@test "rootfs.tar that is not what the manifest says is refused, with nothing unpacked" {
	bare
	unshare -U -r -m true 2>/dev/null || [ "$(id -u)" = 0 ] || skip "user name spaces are not usable here"
	export LAB_PORT_OFFSET=$((100 + $$ % 300 * 100))
	[ "$(uname -m)" != aarch64 ] || sed -i "s,linux/amd64,linux/arm64," "$BARE/lab.env"
	echo rubbish >"$BARE/rootfs.tar"
	printf '%064d  rootfs.tar\n' 1 >"$BARE/SHA256SUMS"
	run "$BARE/lab" up
	[ "$status" = 3 ]
	[[ $output == *"rootfs.tar: not what SHA256SUMS says"* ]]
	[ -z "$(ls -d "$LAB_STATE"/root.* 2>/dev/null)" ]
	# Rubbish with the right digest cannot be unpacked, and is not taken for a root later.
	echo "$(sha256sum <"$BARE/rootfs.tar" | cut -d' ' -f1)  rootfs.tar" >"$BARE/SHA256SUMS"
	for again in 1 2; do
		run "$BARE/lab" up
		[ "$status" = 1 ]
		[[ $output == *"cannot be unpacked"* ]]
	done
}

@test "real: up, up again, status, check, open, close, down, down again; in each shell" {
	real
	for shell in dash bash "busybox ash"; do
		run $shell "$LAB" up
		[ "$status" = 0 ]
		before=$(cat "$LAB_STATE"/run/*.pid)
		run $shell "$LAB" up
		[ "$status" = 0 ]
		[ "$(cat "$LAB_STATE"/run/*.pid)" = "$before" ]
		[ "$($shell "$LAB" status --json | json 'd["healthy"], len(d["services"])')" = "True 3" ]
		[ "$(living | wc -l)" = 3 ]
		run $shell "$LAB" check
		[ "$status" = 0 ]
		[ "$(grep -c '^ok ' <<<"$output")" = 3 ]
		run $shell "$LAB" open
		[ "$status" = 0 ]
		[[ $output == *"http://127.0.0.1:$((8081 + OFFSET))/"* ]]
		run $shell "$LAB" close
		[ "$status" = 0 ]
		run $shell "$LAB" down
		[ "$status" = 0 ]
		gone
		run $shell "$LAB" down
		[ "$status" = 0 ]
		run $shell "$LAB" status
		[ "$status" = 1 ]
		run $shell "$LAB" check
		[ "$status" = 1 ]
		[ "$(grep -c '^FAIL ' <<<"$output")" = 3 ]
	done
}

@test "real: the services listen on 127.0.0.1 alone" {
	real
	"$LAB" -q up
	for port in $((6379 + OFFSET)) $((8081 + OFFSET)) $((11211 + OFFSET)); do
		hex=$(printf '%04X' "$port")
		[ "$(awk -v hex="$hex" '$4 == "0A" && $2 ~ ":" hex "$" { print $2 }' /proc/net/tcp /proc/net/tcp6)" = "0100007F:$hex" ]
	done
}

@test "real: the shift of the ports is remembered until down, and not changed in between" {
	real
	"$LAB" -q up
	unset LAB_PORT_OFFSET
	run "$LAB" check
	[ "$status" = 0 ]
	LAB_PORT_OFFSET=$((OFFSET + 1)) run "$LAB" up
	[ "$status" = 1 ]
	[[ $output == *"LAB_PORT_OFFSET=$OFFSET;"* ]]
	"$LAB" -q down
	[ ! -e "$LAB_STATE/port-offset" ]
}

@test "real: a taken port is named, with who holds it, and nothing stays started" {
	real
	python3 -c 'import socket, time
s = socket.socket(); s.bind(("127.0.0.1", '$((8081 + OFFSET))')); s.listen(); open("'"$BATS_TEST_TMPDIR"'/ready", "w"); time.sleep(60)' 3>&- &
	HOLDER=$!
	while [ ! -e "$BATS_TEST_TMPDIR/ready" ]; do sleep 0.1; done
	for verb in preflight up; do
		run "$LAB" $verb
		[ "$status" = 1 ]
		[[ $output == *"port $((8081 + OFFSET))"*"Redis Commander"*"python3, process $HOLDER"* ]]
	done
	[ -z "$(ls "$LAB_STATE/run" 2>/dev/null)" ]
	gone
}

@test "real: another program that answers in a dead service's place is not taken for it" {
	real
	"$LAB" -q up
	kill -9 "$(pid_of 20-memcached)"
	sleep 0.3
	python3 -c 'import socket, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", '$((11211 + OFFSET))')); s.listen(); open("'"$BATS_TEST_TMPDIR"'/ready", "w"); time.sleep(60)' 3>&- &
	HOLDER=$!
	while [ ! -e "$BATS_TEST_TMPDIR/ready" ]; do sleep 0.1; done
	run "$LAB" status
	[ "$status" = 1 ]
	run "$LAB" check
	[ "$status" = 1 ]
	[[ $output == *"FAIL  Memcached"* ]]
	run "$LAB" up
	[ "$status" = 1 ]
	[[ $output == *"$((11211 + OFFSET))"* ]]
}

@test "real: kill -9 of a service is seen by status and check, and up repairs it alone" {
	real
	"$LAB" -q up
	redis=$(pid_of 10-redis)
	kill -9 "$(pid_of 20-memcached)"
	run "$LAB" status
	[ "$status" = 1 ]
	[[ $output == *"FAIL  Memcached"*died* ]]
	[ "$("$LAB" status --json 2>/dev/null | json '[s["name"] for s in d["services"] if not s["healthy"]]')" = "['Memcached']" ]
	run "$LAB" check
	[ "$status" = 1 ]
	[[ $output == *"ok    Redis"*"FAIL  Memcached"* ]]
	run "$LAB" up
	[ "$status" = 0 ]
	[ "$(pid_of 10-redis)" = "$redis" ]
	"$LAB" -q check
}

@test "real: a service that hangs is seen, and up begins it anew" {
	real
	"$LAB" -q up
	kill -STOP "$(pid_of 10-redis)"
	run timeout 30 "$LAB" status
	[ "$status" = 1 ]
	[[ $output == *"FAIL  Redis"*"does not answer"* ]]
	run timeout 60 "$LAB" up
	[ "$status" = 0 ]
	"$LAB" -q check
}

@test "real: a service that will not start: its log is shown, and what was started is stopped" {
	real
	mkdir "$BATS_TEST_TMPDIR/broken"
	ln -s "$(dirname "$LAB")"/* "$BATS_TEST_TMPDIR/broken/"
	rm "$BATS_TEST_TMPDIR/broken/lab" "$BATS_TEST_TMPDIR/broken/services"
	cp "$LAB" "$BATS_TEST_TMPDIR/broken/"
	cp -r "$(dirname "$LAB")/services" "$BATS_TEST_TMPDIR/broken/"
	sed -i 's,bin/redis-commander.js,bin/nothing.js,' "$BATS_TEST_TMPDIR/broken/services/30-redis-commander.sh"
	run "$BATS_TEST_TMPDIR/broken/lab" up
	[ "$status" = 1 ]
	[[ $output == *"Redis Commander: it ended by itself"*"    "*"stopping redis "* ]]
	[ -z "$(ls "$LAB_STATE/run")" ]
	gone
}

@test "real: kill -9 of up at any moment; then up completes it, or down leaves nothing" {
	real
	for after in 0.05 0.3 0.8 1.2 1.5 1.8; do
		"$LAB" up >/dev/null 2>&1 3>&- &
		pid=$!
		sleep "$after"
		kill -9 "$pid" 2>/dev/null || :
		wait "$pid" || :
		"$LAB" -q down
		sleep 0.2
		gone
		"$LAB" -q down --purge
	done
	for after in 0.4 1.0 1.4; do
		"$LAB" up >/dev/null 2>&1 3>&- &
		pid=$!
		sleep "$after"
		kill -9 "$pid" 2>/dev/null || :
		wait "$pid" || :
	done
	"$LAB" -q up
	"$LAB" -q check
	[ -z "$(ls -d "$LAB_STATE"/root.*.part 2>/dev/null)" ]
}

@test "real: two at once do not disturb each other" {
	real
	"$LAB" -q up 3>&- &
	one=$!
	"$LAB" -q up 3>&- &
	two=$!
	wait "$one"
	wait "$two"
	"$LAB" -q check
}

@test "real: what was unpacked before the machine started is unpacked anew" {
	real
	"$LAB" -q up
	"$LAB" -q down
	root=$(ls -d "$LAB_STATE"/root.*[0-9a-f])
	: >"$root/usr/bin/memcached"
	echo another-boot >"$root.boot"
	"$LAB" -q up
	"$LAB" -q check
}

@test "real: reset wipes the data and starts again" {
	real
	"$LAB" -q up
	: >"$LAB_STATE/data/redis/homework"
	before=$(pid_of 10-redis)
	run "$LAB" reset
	[ "$status" = 0 ]
	[ ! -e "$LAB_STATE/data/redis/homework" ]
	[ "$(pid_of 10-redis)" != "$before" ]
	"$LAB" -q check
}

@test "real: --dry-run changes nothing" {
	real
	for verb in preflight up reset down "down --purge"; do
		# shellcheck disable=SC2086
		run "$LAB" --dry-run $verb
		[ "$status" = 0 ]
		[ ! -e "$LAB_STATE" ]
	done
	run "$LAB" --dry-run up
	[[ $output == *"tar -xof"*"/usr/bin/redis-server"*"/usr/bin/memcached"*"redis-commander.js"* ]]
	"$LAB" -q up
	before=$(cd "$LAB_STATE" && find . -path './root.*' -prune -o -type f -exec ls -l --time-style=full-iso {} +)
	run "$LAB" --dry-run check
	[ "$status" = 0 ]
	[[ $output == *"redis-cli"* ]]
	run "$LAB" --dry-run reset
	run "$LAB" --dry-run down --purge
	[ "$status" = 0 ]
	[[ $output == *"kill -TERM"*"rm -rf"* ]]
	[ "$(cd "$LAB_STATE" && find . -path './root.*' -prune -o -type f -exec ls -l --time-style=full-iso {} +)" = "$before" ]
	"$LAB" -q check
}

@test "real: --json parses, on every verb" {
	real
	"$LAB" --json preflight | json 'd[0]["item"]'
	"$LAB" --json up | json 'd["healthy"]'
	"$LAB" --json status | json 'd["services"][0]["pid"]'
	[ "$("$LAB" --json check | json '[c["ok"] for c in d]')" = "[True, True, True]" ]
	"$LAB" --json open | json 'd[1]["url"]'
	"$LAB" --json close | json 'd["closed"]'
	"$LAB" --json reset | json 'd["healthy"]'
	"$LAB" --json down | json 'd["down"]'
	"$LAB" --json check 2>/dev/null | json 'd[0]["ok"]' | grep -q False
}

@test "real: down --purge removes all of the state folder" {
	real
	"$LAB" -q up
	"$LAB" -q down --purge
	[ ! -e "$LAB_STATE" ]
}

@test "real: as an ordinary user" {
	real
	[ "$(id -u)" = 0 ] || skip "the other tests run as an ordinary user already"
	setpriv --reuid 65534 --regid 65534 --clear-groups unshare -U -r -m true 2>/dev/null || skip "user name spaces are not usable here"
	setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$LAB" || skip "LAB_BUNDLE_DIR is closed to other users"
	state=$(mktemp -d /tmp/lab-host-XXXXXX)
	chown 65534:65534 "$state"
	as() { setpriv --reuid 65534 --regid 65534 --clear-groups env LAB_STATE="$state/s" "$LAB" "$@"; }
	as -q up
	as -q check
	as -q down --purge
	rmdir "$state"
}

@test "real: as root where there are no user name spaces" {
	real
	[ "$(id -u)" = 0 ] || skip "needs root"
	/usr/bin/unshare -m true 2>/dev/null || skip "no mount name space can be made here"
	mkdir "$BATS_TEST_TMPDIR/bin"
	# shellcheck disable=SC2016
	printf '#!/bin/sh\n[ "$1" != -U ] || exit 1\nexec /usr/bin/unshare "$@"\n' >"$BATS_TEST_TMPDIR/bin/unshare"
	chmod 755 "$BATS_TEST_TMPDIR/bin/unshare"
	PATH="$BATS_TEST_TMPDIR/bin:$PATH"
	run "$LAB" preflight
	[[ $output == *"isolation: as root, with mount name spaces"* ]]
	before=$(wc -l </proc/self/mountinfo)
	"$LAB" -q up
	"$LAB" -q check
	[ "$(wc -l </proc/self/mountinfo)" = "$before" ]
	"$LAB" -q down
	gone
}

@test "real: where flock is missing, a link is the lock; a dead owner's is broken" {
	real
	mkdir "$BATS_TEST_TMPDIR/copy"
	ln -s "$(dirname "$LAB")"/* "$BATS_TEST_TMPDIR/copy/"
	rm "$BATS_TEST_TMPDIR/copy/lab" "$BATS_TEST_TMPDIR/copy/lib"
	cp "$LAB" "$BATS_TEST_TMPDIR/copy/"
	cp -r "$(dirname "$LAB")/lib" "$BATS_TEST_TMPDIR/copy/"
	sed -i 's/has flock/has no-flock-here/' "$BATS_TEST_TMPDIR/copy/lib/state.sh"
	LAB="$BATS_TEST_TMPDIR/copy/lab"
	"$LAB" -q up
	[ ! -h "$LAB_STATE/lock.link" ]
	sleep 60 3>&- &
	HOLDER=$!
	ln -s "$HOLDER" "$LAB_STATE/lock.link"
	run "$LAB" down
	[ "$status" = 1 ]
	[[ $output == *"process $HOLDER"* ]]
	kill "$HOLDER"
	wait "$HOLDER" || :
	"$LAB" -q down
	gone
	[ ! -h "$LAB_STATE/lock.link" ]
}
