# Source kind image: against Debian's docker-registry, with images that skopeo pushes, and each fault that a registry can have.

load ../lib/minilab.sh
load ../lib/registry.sh

setup_file() {
	export REG=$BATS_FILE_TMPDIR/reg
	local tool
	for tool in docker-registry skopeo zstd curl openssl htpasswd nginx; do
		command -v "$tool" >/dev/null || { echo "$tool" >"$BATS_FILE_TMPDIR/lacks"; return 0; }
	done
	mkdir -p "$REG"
	htpasswd -bnB alice wonderland >"$REG/htpasswd"
	registry_start plain
	registry_start basic htpasswd
	tokens_start
	registry_start token token
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR make_images
}

teardown_file() {
	local name
	for name in plain basic token tokens; do
		registry_stop "$name"
	done
}

# The images that most tests use: an index whose base layer the others have too, with an entry that no one here wants.
make_images() {
	local at l a r x i
	at=$(addr plain)
	l=$BATS_FILE_TMPDIR/layout
	cd "$BATS_FILE_TMPDIR"
	layer base base.txt 'the base'
	layer one one.txt 'layer one'
	layer two two.txt 'layer two' zstd
	layer arm arm.txt 'for arm'
	layer x86 x86.txt 'for old machines'
	layer plain plain.txt 'not compressed' none
	seq 3000000 | layer big big.txt -
	a=$(image "$l" linux/amd64 base one)
	r=$(image "$l" linux/arm64 base arm)
	x=$(image "$l" linux/386 x86)
	i=$(index "$l" "$x linux/386" "$a linux/amd64" "$r linux/arm64/v8" "$x unknown/unknown")
	tagged "$l" multi "$i" index
	tagged "$l" single "$(image "$l" linux/amd64 base two plain)"
	tagged "$l" other "$(image "$l" linux/amd64 base plain)"
	tagged "$l" big "$(image "$l" linux/amd64 base big)"
	push "$l:multi" "$at/app/multi:1"
	push "$l:multi" "$at/app/nested:inner"
	read -r i _ <<<"$(index "$l" "$i -")" # skopeo pushes no index in an index
	put_manifest "$at" app/nested 1 "$l/blobs/sha256/$i" "$OCI.index.v1+json"
	push "$l:single" "$at/app/single:1"
	push "$l:big" "$at/app/big:1"
	push "$l:other" "$at/library/short:2"
	push "$l:multi" "$at/app/docker:1" --format v2s2
	push "$l:other" "$at/public/open:1"
	push "$l:other" "$at/private/closed:1"
	push "$l:other" "$at/private/slow:1"
}

setup() {
	if [ -e "$BATS_FILE_TMPDIR/lacks" ]; then
		skip "no $(cat "$BATS_FILE_TMPDIR/lacks") here"
	fi
	minilab
	export DOCKER_CONFIG=$BATS_TEST_TMPDIR/docker XDG_CONFIG_HOME=$BATS_TEST_TMPDIR/config
	AT=$(addr plain)
	LAYOUT=$BATS_FILE_TMPDIR/layout
	OUT=$BATS_TEST_TMPDIR/mini.tar
}

teardown() {
	if [ -e "$BATS_TEST_TMPDIR/nginx.pid" ]; then
		kill "$(cat "$BATS_TEST_TMPDIR/nginx.pid")" || true
	fi
}

# A lab of these images.
lab() {
	cat >"$LAB/lab.yaml" <<-YAML
		lab: mini
		version: 1.0
		target: minikube
		platforms: [${PLATFORMS:-linux/amd64}]
		cluster: {memory: 2000, cpus: 2, kubernetes: v1.35.1${BASE:+, base_image: "$BASE"}}
		images:
		$(printf '  - %s\n' "$@")
	YAML
}

# The command must fail: to bash, "! command" is no error either way.
not() {
	if "$@"; then
		echo "unexpected: $*"
		return 1
	fi
}

# The digest that a registry serves for a name and tag.
served() {
	skopeo inspect --raw --tls-verify=false "docker://$1" | sha256sum | cut -c 1-64
}

stored() {
	[ -e "$LABGEN_STORE/blobs/sha256/$(echo "$1" | cut -c 1-2)/$1" ]
}

bundle() {
	"$LABGEN" bundle "$LAB" -o "${1:-$OUT}" --key "$KEY.key" --platform "${2:-linux/amd64}" -q
}

unpacked() {
	rm -rf "$BATS_TEST_TMPDIR/out"
	mkdir "$BATS_TEST_TMPDIR/out"
	tar xf "${1:-$OUT}" -C "$BATS_TEST_TMPDIR/out" --strip-components=1
	cd "$BATS_TEST_TMPDIR/out"
}

# A web server with these lines as its server block, on $WEB; its root is $SRC.
web() {
	WEB=127.0.0.1:$(free_port)
	cat >"$BATS_TEST_TMPDIR/nginx.conf" <<-CONF
		$([ "$(id -u)" != 0 ] || echo 'user root;')
		pid $BATS_TEST_TMPDIR/nginx.pid;
		error_log $BATS_TEST_TMPDIR/nginx.err;
		events {}
		http {
			log_format seen '\$host:\$server_port \$request_uri "\$http_authorization"';
			access_log $BATS_TEST_TMPDIR/nginx.log seen;
			client_body_temp_path $BATS_TEST_TMPDIR; proxy_temp_path $BATS_TEST_TMPDIR; fastcgi_temp_path $BATS_TEST_TMPDIR;
			uwsgi_temp_path $BATS_TEST_TMPDIR; scgi_temp_path $BATS_TEST_TMPDIR;
			root $SRC;
			server { listen $WEB; location = /v2/ { return 200; } $(cat) }
			$WEB_MORE
		}
	CONF
	nginx -c "$BATS_TEST_TMPDIR/nginx.conf" 3>&-
	wait_for "http://$WEB/v2/"
}

@test "lock pins what the registry serves, for the wanted platforms, and the same bytes again" {
	PLATFORMS='linux/amd64, linux/arm64, darwin/arm64' lab "$AT/app/multi:1" "$AT/app/docker:1" "$AT/app/nested:1"
	"$LABGEN" lock "$LAB" -q | grep -q '3 artifacts, written'
	cp "$LAB/lab.lock" "$BATS_TEST_TMPDIR/first"
	for name in multi docker nested; do
		grep -A 8 "id: \"image/$AT/app/$name:1\"" "$LAB/lab.lock" | grep -q "sha256: \"$(served "$AT/app/$name:1")\""
	done
	[ "$(grep -c 'platform: "linux/amd64"' "$LAB/lab.lock")" = 3 ]
	[ "$(grep -c 'platform: "linux/arm64"' "$LAB/lab.lock")" = 3 ]
	not grep -q 'platform: "darwin' "$LAB/lab.lock"
	grep -q 'vnd.docker.image.rootfs.diff.tar.gzip' "$LAB/lab.lock"
	grep -q 'vnd.oci.image.layer.v1.tar+gzip' "$LAB/lab.lock"
	[ "$(grep -c 'evidence: "registry"' "$LAB/lab.lock")" = 3 ]
	rm -r "$LABGEN_STORE"
	TZ=Asia/Seoul "$LABGEN" lock "$LAB" -q -j 1 | grep -q '3 artifacts, unchanged'
	cmp "$LAB/lab.lock" "$BATS_TEST_TMPDIR/first"
	"$LABGEN" lock "$LAB" --check
}

@test "a short name is docker's, and a mirror stands for its registry without leaving a trace" {
	lab short:2
	"$LABGEN" lock "$LAB" -q --mirror "docker.io=http://$AT"
	grep -q 'id: "image/docker.io/library/short:2"' "$LAB/lab.lock"
	not grep -q 127.0.0.1 "$LAB/lab.lock"
	"$LABGEN" plan "$LAB" --mirror "docker.io=http://$AT" | grep -q "docker.io/library/short:2 by way of http://$AT"
	mkdir -p "$XDG_CONFIG_HOME/labgen"
	printf 'mirrors:\n  docker.io: http://%s\n' "$AT" >"$XDG_CONFIG_HOME/labgen/config.yaml"
	"$LABGEN" fetch "$LAB" -q
	rm -r "$LABGEN_STORE"
	refused 1 'cannot connect to 127.0.0.1:1' "$LABGEN" fetch "$LAB" -q --mirror docker.io=http://127.0.0.1:1
	echo 'mirrors: {docker.io: ftp://x}' >"$XDG_CONFIG_HOME/labgen/config.yaml"
	refused 2 'config.yaml:1:22: docker.io must be a URL' "$LABGEN" fetch "$LAB" -q
	refused 2 "it must be HOST=URL" "$LABGEN" fetch "$LAB" --mirror x
}

@test "a mirror's path goes before the repository" {
	lab "example.invalid/multi:1"
	"$LABGEN" lock "$LAB" -q --mirror "example.invalid=http://$AT/app"
	grep -q "sha256: \"$(served "$AT/app/multi:1")\"" "$LAB/lab.lock"
}

@test "a layer of many images is fetched and stored once, and counted once" {
	local base
	base=$(hash_of "$BATS_FILE_TMPDIR/base")
	lab "$AT/app/multi:1" "$AT/app/single:1" "$AT/app/docker:1"
	"$LABGEN" lock "$LAB" -q
	not stored "$base"
	"$LABGEN" fetch "$LAB" 2>"$BATS_TEST_TMPDIR/log"
	[ "$(grep -c "$(echo "$base" | cut -c 1-12)" "$BATS_TEST_TMPDIR/log")" = 1 ]
	stored "$base"
	"$LABGEN" plan "$LAB" | grep -q 'to fetch: 0, 0 B'
	rm "$LABGEN_STORE/blobs/sha256/$(echo "$base" | cut -c 1-2)/$base"
	"$LABGEN" plan "$LAB" | grep -q "to fetch: 3, $(stat -c %s "$BATS_FILE_TMPDIR/base") B"
	# Nothing of other platforms.
	not stored "$(hash_of "$BATS_FILE_TMPDIR/arm")"
}

@test "the bundle's images are one layout, whole and nothing more, and the same bytes from another store" {
	BASE="$AT/app/big:1" lab "$AT/app/multi:1" "$AT/app/single:1" "$AT/app/nested:1"
	"$LABGEN" lock "$LAB" -q
	bundle
	LABGEN_STORE=$BATS_TEST_TMPDIR/store2 bundle "$BATS_TEST_TMPDIR/again.tar"
	cmp "$OUT" "$BATS_TEST_TMPDIR/again.tar"
	"$LABVERIFY" check "$OUT" -p "$KEY.pub"
	unpacked
	for f in images/blobs/sha256/* kicbase/blobs/sha256/*; do
		[ "$(hash_of "$f")" = "${f##*/}" ]
	done
	[ "$(cat images/oci-layout)" = '{"imageLayoutVersion":"1.0.0"}' ]
	grep -c 'io.containerd.image.name' images/index.json | grep -qx 6
	grep -q "\"io.containerd.image.name\":\"$AT/app/multi:1\"" images/index.json
	grep -q "\"io.containerd.image.name\":\"$AT/app/multi@sha256:$(served "$AT/app/multi:1")\"" images/index.json
	grep -q "\"$AT/app/big:1\"" kicbase/manifest.json
	not grep -q "$AT/app/big" images/manifest.json
	python3 "$TOP/tests/lib/oci-layout.py" images kicbase
}

@test "a mac's bundle carries the images of linux nodes on arm64" {
	PLATFORMS='linux/amd64, darwin/arm64' lab "$AT/app/multi:1"
	cp "$LABGEN" "$BATS_TEST_TMPDIR/labgen"
	touch "$BATS_TEST_TMPDIR/labverify-darwin-arm64"
	"$LABGEN" lock "$LAB" -q
	LABGEN=$BATS_TEST_TMPDIR/labgen bundle "$OUT" darwin/arm64
	unpacked
	[ -e "images/blobs/sha256/$(hash_of "$BATS_FILE_TMPDIR/arm")" ]
	[ ! -e "images/blobs/sha256/$(hash_of "$BATS_FILE_TMPDIR/one")" ]
}

@test "basic auth: refused without a login, with a wrong one, taken with the right one and from a helper" {
	local at
	at=$(addr basic)
	lab "$at/app/multi:1"
	refused 1 "docker login $at" "$LABGEN" lock "$LAB" -q
	mkdir -p "$DOCKER_CONFIG"
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$at" "$(printf alice:wrong | base64)" >"$DOCKER_CONFIG/config.json"
	refused 1 "refuses the login for $at" "$LABGEN" lock "$LAB" -q
	[ ! -e "$LAB/lab.lock" ]
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$at" "$(printf alice:wonderland | base64)" >"$DOCKER_CONFIG/config.json"
	"$LABGEN" lock "$LAB" -q
	"$LABGEN" fetch "$LAB" -q
	rm -r "$LABGEN_STORE"
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\nread -r host || :\necho "$host" >>%s\necho %s\n' "$BATS_TEST_TMPDIR/asked" \
		"'{\"Username\":\"alice\",\"Secret\":\"wonderland\"}'" >"$BATS_TEST_TMPDIR/bin/docker-credential-test"
	chmod 755 "$BATS_TEST_TMPDIR/bin/docker-credential-test"
	printf '{"credHelpers":{"%s":"test"}}' "$at" >"$DOCKER_CONFIG/config.json"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH "$LABGEN" fetch "$LAB" -q
	grep -qx "$at" "$BATS_TEST_TMPDIR/asked"
	rm -r "$LABGEN_STORE"
	echo '{"auths":' >"$DOCKER_CONFIG/config.json"
	refused 2 "$DOCKER_CONFIG/config.json: it is not docker's JSON" "$LABGEN" lock "$LAB" -q
}

@test "bearer tokens: for everybody, with a login, with an identity token, and refused" {
	local at
	at=$(addr token)
	: >"$REG/tokens.log"
	lab "$at/public/open:1"
	"$LABGEN" lock "$LAB" -q
	"$LABGEN" fetch "$LAB" -q
	grep -qx 'GET public/open anonymous' "$REG/tokens.log"
	[ "$(wc -l <"$REG/tokens.log")" -le 2 ]
	lab "$at/private/closed:1"
	refused 1 "docker login $at" "$LABGEN" lock "$LAB" -q
	mkdir -p "$DOCKER_CONFIG"
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$at" "$(printf alice:wrong | base64)" >"$DOCKER_CONFIG/config.json"
	refused 1 "the token server refuses the login" "$LABGEN" lock "$LAB" -q
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$at" "$(printf alice:wonderland | base64)" >"$DOCKER_CONFIG/config.json"
	"$LABGEN" lock "$LAB" -q
	grep -qx 'GET private/closed alice' "$REG/tokens.log"
	printf '{"auths":{"%s":{"identitytoken":"alice-identity"}}}' "$at" >"$DOCKER_CONFIG/config.json"
	rm -r "$LABGEN_STORE"
	"$LABGEN" fetch "$LAB" -q
	grep -qx 'POST private/closed alice' "$REG/tokens.log"
	# A token that the registry does not take is no endless loop.
	lab "$at/private/slow:1"
	refused 1 "docker login $at" timeout 30 "$LABGEN" lock "$LAB" -q
}

@test "the secret of a login is in no message and no lock" {
	local at
	at=$(addr basic)
	lab "$at/app/multi:1" "$at/app/none:1"
	mkdir -p "$DOCKER_CONFIG"
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$at" "$(printf alice:wonderland | base64)" >"$DOCKER_CONFIG/config.json"
	run "$LABGEN" lock "$LAB"
	[ "$status" -eq 1 ]
	[[ $output != *wonderland* && $output != *YWxpY2U6* ]]
	not grep -rq 'wonderland\|YWxpY2U6' "$LABGEN_STORE" "$LAB"
}

@test "a redirect to another host does not take the login along" {
	local at other digest
	at=$(addr basic)
	other=$(free_port)
	digest=$(hash_of "$BATS_FILE_TMPDIR/base")
	cp "$BATS_FILE_TMPDIR/base" "$SRC/blob"
	WEB_MORE="server { listen 127.0.0.1:$other; location / { rewrite ^ /blob break; } }"
	web <<-CONF
		location /v2/app/multi/blobs/sha256:$digest { if (\$http_authorization = "") { return 401; }
			return 307 http://localhost:$other/elsewhere; }
		location /v2/app { proxy_pass http://$at; proxy_set_header Host \$http_host; }
	CONF
	sed -i "s|location = /v2/ { return 200; }|location = /v2/ { proxy_pass http://$at; }|" "$BATS_TEST_TMPDIR/nginx.conf"
	nginx -c "$BATS_TEST_TMPDIR/nginx.conf" -s reload
	sleep 0.5
	mkdir -p "$DOCKER_CONFIG"
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$WEB" "$(printf alice:wonderland | base64)" >"$DOCKER_CONFIG/config.json"
	lab "$WEB/app/multi:1"
	"$LABGEN" lock "$LAB" -q
	"$LABGEN" fetch "$LAB" -q
	grep -q "/v2/app/multi/blobs/sha256:$digest \"Basic " "$BATS_TEST_TMPDIR/nginx.log"
	grep -q '/elsewhere "-"' "$BATS_TEST_TMPDIR/nginx.log"
	not grep -q '/elsewhere "Basic' "$BATS_TEST_TMPDIR/nginx.log"
}

@test "a tag that moves after the lock: fetch brings what is pinned, lock refuses, and an update takes it" {
	local was
	push "$LAYOUT:other" "$AT/app/moves:1"
	was=$(served "$AT/app/moves:1")
	lab "$AT/app/moves:1"
	"$LABGEN" lock "$LAB" -q
	push "$LAYOUT:single" "$AT/app/moves:1"
	[ "$(served "$AT/app/moves:1")" != "$was" ]
	rm -r "$LABGEN_STORE"
	"$LABGEN" fetch "$LAB" -q
	stored "$was"
	cp "$LAB/lab.lock" "$BATS_TEST_TMPDIR/first"
	refused 3 "it had sha256 $was and now has" "$LABGEN" lock "$LAB" -q
	cmp "$LAB/lab.lock" "$BATS_TEST_TMPDIR/first"
	"$LABGEN" lock "$LAB" -q --update "$AT/app/moves:1"
	grep -q "sha256: \"$(served "$AT/app/moves:1")\"" "$LAB/lab.lock"
	# The old one is gone for good: then there is no way, and it is said.
	curl -s -f -X DELETE "http://$AT/v2/app/moves/manifests/sha256:$was"
	cp "$BATS_TEST_TMPDIR/first" "$LAB/lab.lock"
	rm -r "$LABGEN_STORE"
	refused 1 "not everything could be fetched" "$LABGEN" fetch "$LAB" -q
	[[ $output == *"manifests/sha256:$was: HTTP 404"* ]]
}

@test "what is not there is named, and stops nothing else" {
	lab "$AT/app/multi:1" "$AT/app/none:1"
	refused 1 "$LAB/lab.yaml:8:5: $AT/app/none:1: http://$AT/v2/app/none/manifests/1: HTTP 404" "$LABGEN" lock "$LAB" -q
	[ ! -e "$LAB/lab.lock" ]
	layer "$BATS_TEST_TMPDIR/lost" lost.txt "a layer that gets lost"
	tagged "$BATS_TEST_TMPDIR/l" lost "$(image "$BATS_TEST_TMPDIR/l" linux/amd64 "$BATS_TEST_TMPDIR/lost")"
	push "$BATS_TEST_TMPDIR/l:lost" "$AT/app/lost:1"
	lab "$AT/app/multi:1" "$AT/app/lost:1"
	"$LABGEN" lock "$LAB" -q
	local digest
	digest=$(hash_of "$BATS_TEST_TMPDIR/lost")
	rm "$(registry_file "$digest")"
	run "$LABGEN" fetch "$LAB" -q
	[ "$status" -eq 1 ]
	[[ $output == *"image/$AT/app/lost:1: http://$AT/v2/app/lost/blobs/sha256:$digest: HTTP 404"* ]]
	stored "$(hash_of "$BATS_FILE_TMPDIR/base")"
	run bundle
	[ "$status" -eq 1 ]
	[ ! -e "$OUT" ]
}

@test "a layer with other bytes is refused and not kept, and one bit does it" {
	local file digest
	layer "$BATS_TEST_TMPDIR/bad" bad.txt "a layer that gets damaged"
	tagged "$BATS_TEST_TMPDIR/l" bad "$(image "$BATS_TEST_TMPDIR/l" linux/amd64 "$BATS_TEST_TMPDIR/bad")"
	push "$BATS_TEST_TMPDIR/l:bad" "$AT/app/bad:1"
	lab "$AT/app/bad:1"
	"$LABGEN" lock "$LAB" -q
	digest=$(hash_of "$BATS_TEST_TMPDIR/bad")
	file=$(registry_file "$digest")
	printf 'X' | dd of="$file" bs=1 seek=40 conv=notrunc status=none
	refused 3 'not everything could be fetched' "$LABGEN" fetch "$LAB" -q
	[[ $output == *"digest differs: sha256 $digest is expected"* ]]
	not stored "$digest"
	[ -z "$(ls "$LABGEN_STORE/part")" ]
	# A short one, and a long one.
	head -c 50 "$BATS_TEST_TMPDIR/bad" >"$file"
	refused 3 'not everything could be fetched' "$LABGEN" fetch "$LAB" -q
	cat "$BATS_TEST_TMPDIR/bad" "$BATS_TEST_TMPDIR/bad" >"$file"
	refused 3 'not everything could be fetched' "$LABGEN" fetch "$LAB" -q
	not stored "$digest"
	cp "$BATS_TEST_TMPDIR/bad" "$file"
	"$LABGEN" fetch "$LAB" -q
	stored "$digest"
}

@test "a manifest with other bytes is refused" {
	local digest
	layer "$BATS_TEST_TMPDIR/m" m.txt "a manifest that gets damaged"
	tagged "$BATS_TEST_TMPDIR/l" m "$(image "$BATS_TEST_TMPDIR/l" linux/amd64 "$BATS_TEST_TMPDIR/m")"
	push "$BATS_TEST_TMPDIR/l:m" "$AT/app/m:1"
	lab "$AT/app/m:1"
	"$LABGEN" lock "$LAB" -q
	digest=$(served "$AT/app/m:1")
	rm -r "$LABGEN_STORE"
	web <<-CONF
		location /v2/app/m/manifests/ { rewrite ^ /manifest break; }
		location /v2/app { proxy_pass http://$AT; }
	CONF
	tr 'a' 'b' <"$BATS_TEST_TMPDIR/l/blobs/sha256/$digest" >"$SRC/manifest"
	refused 3 'not everything could be fetched' "$LABGEN" fetch "$LAB" -q --mirror "$AT=http://$WEB"
	[[ $output == *"digest differs: sha256 $digest is expected"* ]]
	not stored "$digest"
}

@test "what no lab can carry is refused with its reason" {
	local config digest size url
	# foreign
	echo '{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}' >"$SRC/config"
	put_blob "$AT" app/odd "$SRC/config"
	config="{\"mediaType\":\"application/vnd.docker.container.image.v1+json\",\"digest\":\"sha256:$(hash_of "$SRC/config")\",\"size\":$(stat -c %s "$SRC/config")}"
	digest=$(echo foreign | sha256sum | cut -c 1-64)
	printf '{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":%s,"layers":[{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","digest":"sha256:%s","size":8,"urls":["https://example.invalid/x"]}]}' \
		"$config" "$digest" >"$SRC/foreign"
	put_manifest "$AT" app/odd foreign "$SRC/foreign" application/vnd.docker.distribution.manifest.v2+json
	lab "$AT/app/odd:foreign"
	refused 1 "layer sha256:$digest is foreign" "$LABGEN" lock "$LAB" -q
	# a chart
	printf '{}' >"$SRC/helm"
	put_blob "$AT" app/odd "$SRC/helm"
	printf '{"schemaVersion":2,"mediaType":"%s.manifest.v1+json","config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"sha256:%s","size":2},"layers":[]}' \
		"$OCI" "$(hash_of "$SRC/helm")" >"$SRC/chart"
	put_manifest "$AT" app/odd chart "$SRC/chart" "$OCI.manifest.v1+json"
	lab "$AT/app/odd:chart"
	refused 1 'it is not an image: its configuration is a application/vnd.cncf.helm.config.v1+json' "$LABGEN" lock "$LAB" -q
	# another platform
	PLATFORMS='linux/amd64, linux/arm64' lab "$AT/app/single:1"
	refused 1 'it is not for linux/arm64; it is for linux/amd64' "$LABGEN" lock "$LAB" -q
	# no tag, latest, the same image by two names
	lab "$AT/app/single"
	refused 2 'must be an image with its tag or digest' "$LABGEN" lock "$LAB" -q
	lab "$AT/app/single:latest"
	refused 2 'never latest' "$LABGEN" lock "$LAB" -q
	lab short:2 docker.io/library/short:2
	refused 2 "image 'docker.io/library/short:2' is the same as 'short:2' in line 7" "$LABGEN" lock "$LAB" -q
	lab "$AT/App/single:1"
	refused 2 'is not the name of an image' "$LABGEN" lock "$LAB" -q
	[ ! -e "$LAB/lab.lock" ]
}

# served_as FILE TYPE [HEADER]: what a registry that is none of Debian's says of app/x:1.
served_as() {
	if [ -e "$BATS_TEST_TMPDIR/nginx.pid" ]; then
		kill "$(cat "$BATS_TEST_TMPDIR/nginx.pid")"
		while [ -e "$BATS_TEST_TMPDIR/nginx.pid" ]; do sleep 0.05; done
	fi
	cp "$1" "$SRC/x"
	web <<<"location /v2/app/x/manifests/ { rewrite ^ /x break; types {} default_type '$2'; $3 }
		location /v2/app/x/blobs/ { proxy_pass http://$AT/v2/app/single/blobs/; }"
	lab "$WEB/app/x:1"
}

@test "a registry that serves nonsense is refused" {
	echo '{"schemaVersion":1,"name":"x","tag":"1","fsLayers":[]}' >"$SRC/schema1"
	served_as "$SRC/schema1" application/vnd.docker.distribution.manifest.v1+prettyjws
	refused 1 "old manifest schema 1" "$LABGEN" lock "$LAB" -q
	echo '<html>Sign in</html>' >"$SRC/html"
	served_as "$SRC/html" text/html
	refused 1 "it is not JSON" "$LABGEN" lock "$LAB" -q
	: >"$SRC/empty"
	served_as "$SRC/empty" text/html
	refused 1 "it is not JSON" "$LABGEN" lock "$LAB" -q
	head -c 5000000 /dev/zero >"$SRC/huge"
	served_as "$SRC/huge" "$OCI.manifest.v1+json"
	refused 1 "more than the 4194304 that are taken" "$LABGEN" lock "$LAB" -q
	local good
	good=$LAYOUT/blobs/sha256/$(served "$AT/app/single:1")
	served_as "$good" "$OCI.manifest.v1+json" "add_header Docker-Content-Digest sha256:$(hash_of "$SRC/html");"
	refused 3 "digest differs: the registry says sha256:$(hash_of "$SRC/html")" "$LABGEN" lock "$LAB" -q
	served_as "$good" "$OCI.manifest.v1+json" "add_header Docker-Content-Digest ../../etc/passwd;"
	refused 3 "names the digest '../../etc/passwd'" "$LABGEN" lock "$LAB" -q
	served_as "$good" "$OCI.index.v1+json"
	refused 3 "the registry says that it is a $OCI.index.v1+json" "$LABGEN" lock "$LAB" -q
	printf '{"schemaVersion":2,"manifests":[{"mediaType":"%s.index.v1+json","digest":"sha256:%s","size":7}]}' "$OCI" \
		"../../../../../../etc/passwd" >"$SRC/path"
	served_as "$SRC/path" "$OCI.index.v1+json"
	refused 1 "an entry has no digest of the form" "$LABGEN" lock "$LAB" -q
	[ ! -e "$LAB/lab.lock" ]
}

@test "indexes in indexes have an end" {
	local d i
	d=$(index "$BATS_TEST_TMPDIR/l" "$(image "$BATS_TEST_TMPDIR/l" linux/amd64 "$BATS_FILE_TMPDIR/base") linux/amd64")
	tagged "$BATS_TEST_TMPDIR/l" n "$d" index
	push "$BATS_TEST_TMPDIR/l:n" "$AT/app/deep:0"
	for i in 1 2 3 4; do
		d=$(index "$BATS_TEST_TMPDIR/l" "$d -")
		put_manifest "$AT" app/deep "$i" "$BATS_TEST_TMPDIR/l/blobs/sha256/${d%% *}" "$OCI.index.v1+json"
	done
	lab "$AT/app/deep:3"
	"$LABGEN" lock "$LAB" -q
	lab "$AT/app/deep:4"
	refused 1 "too many indexes in indexes" "$LABGEN" lock "$LAB" -q
}

@test "a pin by digest alone, with nothing else known, is fetched and bundled, and the lock stays as it is" {
	local digest
	digest=$(served "$AT/app/multi:1")
	lab "$AT/app/multi@sha256:$digest"
	cat >"$LAB/lab.lock" <<-YAML
		format: 1
		lab: "mini"
		version: "1.0"
		platforms:
		  - "linux/amd64"
		answers:
		  - "image $AT/app/multi@sha256:$digest"
		artifacts:
		  - id: "image/$AT/app/multi@sha256:$digest"
		    kind: "image"
		    name: "$AT/app/multi@sha256:$digest"
		    ref: "$AT/app/multi@sha256:$digest"
		    sha256: "$digest"
		    evidence: "registry"
	YAML
	cp "$LAB/lab.lock" "$BATS_TEST_TMPDIR/first"
	"$LABGEN" lock "$LAB" --check
	"$LABGEN" plan "$LAB" | grep -q 'of unknown size; to fetch: 1'
	bundle
	cmp "$LAB/lab.lock" "$BATS_TEST_TMPDIR/first"
	"$LABGEN" plan "$LAB" | grep -q 'to fetch: 0'
	unpacked
	grep -q "\"io.containerd.image.name\":\"$AT/app/multi@sha256:$digest\"" images/index.json
	[ -e "images/blobs/sha256/$(hash_of "$BATS_FILE_TMPDIR/one")" ]
	cmp lab.lock "$LAB/lab.lock" || [ -s lab.lock ]
}

@test "with a tag and a digest it is the digest that counts" {
	local digest
	digest=$(served "$AT/app/single:1")
	lab "$AT/app/multi:1@sha256:$digest"
	refused 1 "HTTP 404" "$LABGEN" lock "$LAB" -q
	lab "$AT/app/single:no-such-tag@sha256:$digest"
	"$LABGEN" lock "$LAB" -q
	bundle
	unpacked
	grep -q "\"$AT/app/single:no-such-tag\"" images/index.json
	grep -q "\"$AT/app/single@sha256:$digest\"" images/index.json
}

@test "a lock whose pins are not the image's is refused" {
	lab "$AT/app/multi:1"
	"$LABGEN" lock "$LAB" -q
	sed -i "s/$(hash_of "$BATS_FILE_TMPDIR/one")/$(hash_of "$BATS_FILE_TMPDIR/arm")/" "$LAB/lab.lock"
	refused 3 'not everything could be fetched' "$LABGEN" fetch "$LAB" -q
	[[ $output == *"lab.lock pins other parts for linux/amd64 than sha256:"* ]]
}

@test "a damaged file of the store is found, and fetched anew" {
	local digest
	lab "$AT/app/multi:1"
	"$LABGEN" lock "$LAB" -q
	"$LABGEN" fetch "$LAB" -q
	for digest in "$(served "$AT/app/multi:1")" "$(hash_of "$BATS_FILE_TMPDIR/one")"; do
		file=$LABGEN_STORE/blobs/sha256/$(echo "$digest" | cut -c 1-2)/$digest
		chmod 644 "$file"
		printf 'X' | dd of="$file" bs=1 seek=9 conv=notrunc status=none
	done
	run bundle
	[ "$status" -eq 3 ]
	[ ! -e "$OUT" ]
	bundle
	"$LABVERIFY" check "$OUT" -p "$KEY.pub"
}

@test "killed again and again, a fetch ends in the same" {
	lab "$AT/app/big:1"
	"$LABGEN" lock "$LAB" -q
	for ms in 005 010 015 020 025 030 040 060; do
		timeout -s KILL "0.$ms" "$LABGEN" fetch "$LAB" -q || true
	done
	"$LABGEN" fetch "$LAB" -q
	bundle
	LABGEN_STORE=$BATS_TEST_TMPDIR/store2 bundle "$BATS_TEST_TMPDIR/again.tar"
	cmp "$OUT" "$BATS_TEST_TMPDIR/again.tar"
}

@test "the registry is not there: said once for all images" {
	lab "$AT/app/multi:1" "$AT/app/single:1" "$AT/app/big:1"
	"$LABGEN" lock "$LAB" -q
	rm -r "$LABGEN_STORE"
	run "$LABGEN" fetch "$LAB" -q --mirror "$AT=http://127.0.0.1:1"
	[ "$status" -eq 1 ]
	[ "$(grep -c 'cannot connect to 127.0.0.1:1' <<<"$output")" = 1 ]
	[[ $output == *'and 2 more'* ]]
}

# Engines that are told to import or load what a bundle holds. Where none can run here, that is said.
images_tar() {
	unpacked
	tar cf "$BATS_TEST_TMPDIR/images.tar" -C images .
}

@test "containerd imports the images by tag and by digest" {
	local sock=$BATS_TEST_TMPDIR/c/sock name
	if ! command -v containerd >/dev/null || [ "$(id -u)" != 0 ]; then
		skip "needs containerd, and root"
	fi
	lab "$AT/app/multi:1" "$AT/app/docker:1" "$AT/app/single:1" "$AT/app/nested:1"
	"$LABGEN" lock "$LAB" -q
	bundle
	images_tar
	mkdir "$BATS_TEST_TMPDIR/c"
	cat >"$BATS_TEST_TMPDIR/c/config.toml" <<-TOML
		version = 2
		root = "$BATS_TEST_TMPDIR/c/root"
		state = "$BATS_TEST_TMPDIR/c/state"
		disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
		[grpc]
		address = "$sock"
		[ttrpc]
		address = "$sock.ttrpc"
	TOML
	containerd -c "$BATS_TEST_TMPDIR/c/config.toml" >"$BATS_TEST_TMPDIR/c/log" 2>&1 3>&- &
	local pid=$!
	for _ in $(seq 100); do
		if ctr -a "$sock" version >/dev/null 2>&1; then break; fi
		sleep 0.1
	done
	if ! ctr -a "$sock" version >/dev/null 2>&1; then
		kill "$pid" || true
		skip "containerd does not start here: $(tail -n 1 "$BATS_TEST_TMPDIR/c/log")"
	fi
	run ctr -a "$sock" -n k8s.io images import --snapshotter native "$BATS_TEST_TMPDIR/images.tar"
	echo "$output"
	local imported=$status names
	names=$(ctr -a "$sock" -n k8s.io images ls -q)
	kill "$pid"
	wait "$pid" || true
	[ "$imported" -eq 0 ]
	for name in multi docker single nested; do
		grep -qx "$AT/app/$name:1" <<<"$names"
		grep -qx "$AT/app/$name@sha256:$(served "$AT/app/$name:1")" <<<"$names"
	done
}

@test "docker loads the images" {
	local sock=$BATS_TEST_TMPDIR/d/sock
	if ! command -v dockerd >/dev/null || [ "$(id -u)" != 0 ]; then
		skip "needs docker, and root"
	fi
	# Docker 20.10 reads no zstd.
	lab "$AT/app/multi:1" "$AT/app/docker:1" "$AT/library/short:2"
	"$LABGEN" lock "$LAB" -q
	bundle
	images_tar
	mkdir "$BATS_TEST_TMPDIR/d"
	dockerd --iptables=false --bridge=none --storage-driver vfs --data-root "$BATS_TEST_TMPDIR/d/root" \
		--exec-root "$BATS_TEST_TMPDIR/d/exec" -H "unix://$sock" -p "$BATS_TEST_TMPDIR/d/pid" >"$BATS_TEST_TMPDIR/d/log" 2>&1 3>&- &
	local pid=$!
	for _ in $(seq 200); do
		if docker -H "unix://$sock" version >/dev/null 2>&1; then break; fi
		sleep 0.1
	done
	if ! docker -H "unix://$sock" version >/dev/null 2>&1; then
		kill "$pid" || true
		skip "dockerd does not start here: $(tail -n 1 "$BATS_TEST_TMPDIR/d/log")"
	fi
	run docker -H "unix://$sock" load -i "$BATS_TEST_TMPDIR/images.tar"
	echo "$output"
	kill "$pid"
	wait "$pid" || true
	[ "$status" -eq 0 ]
	[[ $output == *"Loaded image: $AT/app/multi:1"* && $output == *"Loaded image: $AT/library/short:2"* ]]
}
