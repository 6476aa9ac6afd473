# shellcheck shell=bash disable=SC2016,SC2034,SC2154 # sourced by bats files, which share its variables
# Image registries and images for the tests: Debian's docker-registry on loopback. Sourced by bats files.
#
#	registry_start NAME [htpasswd|token]	serves $REG/storage, which all of them share; its address is in $REG/NAME.addr
#	registry_stop NAME
#	addr NAME				prints the address, as 127.0.0.1:40123
#	layer FILE NAME TEXT [gzip|zstd|none]	makes a layer with one file in it; FILE.diff holds its DiffID
#	image LAYOUT OS/ARCH LAYER...		makes an image in an OCI layout; prints "DIGEST SIZE"
#	index LAYOUT "DIGEST SIZE OS/ARCH[/VARIANT]"...	makes an index, or with OS/ARCH "-" an entry that is an index; prints "DIGEST SIZE"
#	tagged LAYOUT TAG "DIGEST SIZE" [index]	names it in the layout's index.json, for skopeo
#	push LAYOUT:TAG ADDR/NAME:TAG [OPTION...]	with skopeo, all platforms
#	put_blob ADDR NAME FILE, put_manifest ADDR NAME TAG FILE TYPE	with curl, as no tool would
#	registry_file DIGEST			the file in which the registries keep a blob

OCI=application/vnd.oci.image
export OCI

# A port that nobody listens on now.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

addr() {
	cat "$REG/$1.addr"
}

wait_for() {
	for _ in $(seq 100); do
		if curl -s -o /dev/null "$1"; then
			return 0
		fi
		sleep 0.1
	done
	echo "nothing answers at $1" >&2
	return 1
}

registry_start() {
	local name=$1 auth=${2:-} at
	at=127.0.0.1:$(free_port)
	mkdir -p "$REG/storage"
	cat >"$REG/$name.yml" <<-YAML
		version: 0.1
		log: {level: warn}
		storage:
		  filesystem: {rootdirectory: $REG/storage}
		  delete: {enabled: true}
		http: {addr: "$at"}
		validation: {manifests: {urls: {allow: ["^https://"]}}}
	YAML
	case $auth in
	htpasswd) printf 'auth: {htpasswd: {realm: test, path: %s}}\n' "$REG/htpasswd" >>"$REG/$name.yml" ;;
	token)
		printf 'auth: {token: {realm: "http://%s/token", service: the registry, issuer: tester, rootcertbundle: %s}}\n' \
			"$(addr tokens)" "$REG/token.crt" >>"$REG/$name.yml"
		;;
	esac
	docker-registry serve "$REG/$name.yml" >"$REG/$name.log" 2>&1 3>&- &
	echo $! >"$REG/$name.pid"
	echo "$at" >"$REG/$name.addr"
	wait_for "http://$at/v2/"
}

registry_stop() {
	if [ -e "$REG/$1.pid" ]; then
		kill "$(cat "$REG/$1.pid")" 2>/dev/null || true
		rm "$REG/$1.pid"
	fi
}

# The small token server, with a key and certificate that the registry trusts.
tokens_start() {
	local at
	at=127.0.0.1:$(free_port)
	openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=tester -days 2 -keyout "$REG/token.key" -out "$REG/token.crt" 2>/dev/null
	cc -std=c17 -D_GNU_SOURCE -O1 -Wall -Wextra -o "$REG/tokend" "$TOP/tests/lib/tokend.c" -lcrypto
	"$REG/tokend" "${at#*:}" "$REG/token.key" "$REG/token.crt" >"$REG/tokens.log" 2>&1 3>&- &
	echo $! >"$REG/tokens.pid"
	echo "$at" >"$REG/tokens.addr"
	wait_for "http://$at/"
}

hash_of() {
	sha256sum "$1" | cut -c 1-64
}

# keep LAYOUT FILE: makes it a blob of the layout; prints "DIGEST SIZE".
keep() {
	local digest
	digest=$(hash_of "$2")
	mkdir -p "$1/blobs/sha256"
	cp "$2" "$1/blobs/sha256/$digest"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$1/oci-layout"
	echo "$digest $(stat -c %s "$2")"
}

layer() {
	local dir
	dir=$(mktemp -d)
	if [ "$3" = - ]; then
		cat >"$dir/$2"
	else
		echo "$3" >"$dir/$2"
	fi
	tar -C "$dir" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$1.tar" "$2"
	hash_of "$1.tar" >"$1.diff"
	case ${4:-gzip} in
	gzip) gzip -n -1 <"$1.tar" >"$1" ;;
	zstd) zstd -q -1 <"$1.tar" >"$1" ;;
	none) cp "$1.tar" "$1" ;;
	esac
	echo "$OCI.layer.v1.tar$(case ${4:-gzip} in none) ;; *) echo "+${4:-gzip}" ;; esac)" >"$1.type"
	rm -r "$dir" "$1.tar"
}

image() {
	local layout=$1 platform=$2 l layers='' diffs='' d s config=$BATS_TEST_TMPDIR/config.json manifest=$BATS_TEST_TMPDIR/manifest.json
	shift 2
	for l in "$@"; do
		read -r d s <<<"$(keep "$layout" "$l")"
		layers="$layers,{\"mediaType\":\"$(cat "$l.type")\",\"digest\":\"sha256:$d\",\"size\":$s}"
		diffs="$diffs,\"sha256:$(cat "$l.diff")\""
	done
	printf '{"created":"2020-01-01T00:00:00Z","os":"%s","architecture":"%s","config":{"Cmd":["/run"]},"rootfs":{"type":"layers","diff_ids":[%s]},"history":[]}' \
		"${platform%%/*}" "${platform#*/}" "${diffs#,}" >"$config"
	read -r d s <<<"$(keep "$layout" "$config")"
	printf '{"schemaVersion":2,"mediaType":"%s.manifest.v1+json","config":{"mediaType":"%s.config.v1+json","digest":"sha256:%s","size":%s},"layers":[%s]}' \
		"$OCI" "$OCI" "$d" "$s" "${layers#,}" >"$manifest"
	keep "$layout" "$manifest"
}

index() {
	local layout=$1 entries='' e d s p type platform file=$BATS_TEST_TMPDIR/index.json
	shift
	for e in "$@"; do
		read -r d s p <<<"$e"
		type=manifest
		platform=",\"platform\":{\"os\":\"$(echo "$p" | cut -d / -f 1)\",\"architecture\":\"$(echo "$p" | cut -d / -f 2)\"$(
			case $p in */*/*) echo ",\"variant\":\"${p##*/}\"" ;; esac
		)}"
		if [ "$p" = - ]; then
			type=index platform=
		fi
		entries="$entries,{\"mediaType\":\"$OCI.$type.v1+json\",\"digest\":\"sha256:$d\",\"size\":$s$platform}"
	done
	printf '{"schemaVersion":2,"mediaType":"%s.index.v1+json","manifests":[%s]}' "$OCI" "${entries#,}" >"$file"
	keep "$layout" "$file"
}

tagged() {
	local d s type=${4:-manifest}
	read -r d s <<<"$3"
	printf '{"mediaType":"%s.%s.v1+json","digest":"sha256:%s","size":%s,"annotations":{"org.opencontainers.image.ref.name":"%s"}}\n' \
		"$OCI" "$type" "$d" "$s" "$2" >>"$1/names"
	printf '{"schemaVersion":2,"manifests":[%s]}' "$(paste -s -d , "$1/names")" >"$1/index.json"
}

push() {
	local from=$1 to=$2
	shift 2
	# Otherwise skopeo compresses what is not.
	[ $# -gt 0 ] || set -- --preserve-digests
	skopeo --insecure-policy copy -q --all --dest-tls-verify=false "$@" "oci:$from" "docker://$to"
}

put_blob() {
	local where
	where=$(curl -s -f -i -X POST "http://$1/v2/$2/blobs/uploads/" | tr -d '\r' | sed -n 's/^Location: //p')
	curl -s -f -o /dev/null -X PUT -H 'Content-Type: application/octet-stream' --data-binary "@$3" "$where&digest=sha256:$(hash_of "$3")"
}

put_manifest() {
	curl -s -f -o /dev/null -X PUT -H "Content-Type: $5" --data-binary "@$4" "http://$1/v2/$2/manifests/$3"
}

registry_file() {
	echo "$REG/storage/docker/registry/v2/blobs/sha256/$(echo "$1" | cut -c 1-2)/$1/data"
}
