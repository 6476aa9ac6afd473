# shellcheck shell=bash disable=SC2016,SC2034,SC2154 # sourced by bats files, which share its variables
# A small lab for the target minikube whose programs are stand-ins: they write down how they were called, and answer as the
# files in $FAKE say. They stand for minikube, docker, kubectl and helm alone, none of which has a cluster to talk to here;
# the lab's own scripts, its images and its lock are real. Sourced by bats files.
#
#	minikube_lab	makes the lab ($LAB, with ./lab), its state folder $LAB_STATE, and puts docker on PATH
#	calls		prints what was called, without the bundle's path
#	never PATTERN	nothing of the kind was called
#	refused_lab CODE TEXT ARGUMENTS...	runs lab: it must end with that status, and say that

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

# An image of one layer, as a registry has it and as every runtime reads it: index, manifest, configuration, and a layer
# with one file in it. fake_image DIR NAME
fake_image() {
	local dir=$1 name=$2 blobs=$1/blobs/sha256 work=$BATS_TEST_TMPDIR/image arch=${LAB_ARCH:-amd64} oci=application/vnd.oci.image
	local layer config manifest index
	mkdir -p "$blobs" "$work"
	echo "$name" >"$work/name"
	tar --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 -C "$work" -cf "$work.tar" name
	layer=$(put_blob "$blobs" <"$work.tar")
	config=$(printf '{"architecture":"%s","os":"linux","config":{"Cmd":["/name"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
		"$arch" "$layer" | put_blob "$blobs")
	manifest=$(printf '{"schemaVersion":2,"mediaType":"%s.manifest.v1+json","config":{"mediaType":"%s.config.v1+json","digest":"sha256:%s","size":%d},
"layers":[{"mediaType":"%s.layer.v1.tar","digest":"sha256:%s","size":%d}]}' "$oci" "$oci" "$config" "$(wc -c <"$blobs/$config")" \
		"$oci" "$layer" "$(wc -c <"$blobs/$layer")" | put_blob "$blobs")
	# Of its platforms the bundle holds one.
	index=$(printf '{"schemaVersion":2,"mediaType":"%s.index.v1+json","manifests":[
{"mediaType":"%s.manifest.v1+json","digest":"sha256:%s","size":%d,"platform":{"architecture":"%s","os":"linux"}},
{"mediaType":"%s.manifest.v1+json","digest":"sha256:%064d","size":7,"platform":{"architecture":"s390x","os":"linux"}}]}' "$oci" "$oci" \
		"$manifest" "$(wc -c <"$blobs/$manifest")" "$arch" "$oci" 7 | put_blob "$blobs")
	IMAGE_INDEX=$index IMAGE_CONFIG=$config IMAGE_LAYER=$layer
	IMAGE_ENTRY=$(printf '{"mediaType":"%s.index.v1+json","digest":"sha256:%s","size":%d,"annotations":{"io.containerd.image.name":"%s"}}' \
		"$oci" "$index" "$(wc -c <"$blobs/$index")" "$name")
}

# put_blob FOLDER: standard input under the name of its digest, which it prints.
put_blob() {
	local h
	cat >"$BATS_TEST_TMPDIR/blob"
	h=$(sha256sum <"$BATS_TEST_TMPDIR/blob" | cut -d ' ' -f 1)
	mv "$BATS_TEST_TMPDIR/blob" "$1/$h"
	echo "$h"
}

# The images of the lab, their lock, and the node's own image.
fake_images() {
	local name entries='' lock='format: 1\nartifacts:\n'
	for name in docker.io/grafana/loki:3.7.6 docker.io/library/redis:8.10.1-alpine registry.k8s.io/pause:3.10.1 \
		registry.k8s.io/coredns/coredns:v1.13.1 ${MORE_IMAGES:-}; do
		fake_image "$LAB/images" "$name"
		entries="$entries${entries:+,}$IMAGE_ENTRY"
		lock="$lock  - id: \"image/$name\"\n    kind: \"image\"\n    name: \"$name\"\n    ref: \"$name\"\n    sha256: \"$IMAGE_INDEX\"\n    evidence: \"registry\"\n"
	done
	printf '{"schemaVersion":2,"manifests":[%s]}' "$entries" >"$LAB/images/index.json"
	printf '{"imageLayoutVersion":"1.0.0"}' >"$LAB/images/oci-layout"
	name=gcr.io/k8s-minikube/kicbase:v0.0.50
	fake_image "$LAB/kicbase" "$name"
	printf '{"schemaVersion":2,"manifests":[%s]}' "$IMAGE_ENTRY" >"$LAB/kicbase/index.json"
	printf '[{"Config":"blobs/sha256/%s","RepoTags":["%s"],"Layers":["blobs/sha256/%s"]}]' "$IMAGE_CONFIG" "$name" "$IMAGE_LAYER" >"$LAB/kicbase/manifest.json"
	printf '%s' "$IMAGE_CONFIG" >"$FAKE/base-id"
	lock="$lock  - id: \"image/$name\"\n    kind: \"image\"\n    ref: \"$name\"\n    sha256: \"$IMAGE_INDEX\"\n"
	printf '%b' "$lock" >"$LAB/lab.lock"
}

fake_env() {
	cat >"$LAB/lab.env" <<-'ENV'
		LAB_FORMAT='1'
		LAB_NAME='mini'
		LAB_VERSION='2026.11.1'
		LAB_PLATFORM='linux/ARCH'
		LAB_TARGET='minikube'
		LAB_TITLE_EN='A small lab'
		LAB_PORTS='Grafana|GRAFANA|svc/grafana:3000|http://127.0.0.1:GRAFANA
		MinIO console|CONSOLE|svc/minio:9001|http://127.0.0.1:CONSOLE
		Redis Commander|COMMANDER|svc/redis-commander:8081|http://127.0.0.1:COMMANDER
		Redis|REDIS|svc/redis:6379|
		Memcached|MEMCACHED|svc/memcached:11211|
		Loki|LOKI|svc/loki:3100|
		Mimir|MIMIR|svc/mimir:8080|
		Tempo|TEMPO|svc/tempo:3200|
		OTLP|OTLP|svc/tempo:4318|'
		LAB_MEMORY='12000'
		LAB_CPUS='4'
		LAB_KUBERNETES='v1.35.1'
		LAB_RUNTIME='containerd'
		LAB_NAMESPACE='mini'
		LAB_BASE_IMAGE='gcr.io/k8s-minikube/kicbase:v0.0.50'
		LAB_CHARTS='30|loki|loki|18.11.0|values/loki.yaml|statefulset/loki'
		LAB_MANIFESTS='10|manifests/10-redis.yaml|deploy/redis
		39|manifests/39-dashboard.yaml|'
	ENV
	# Ports of this run alone, below those that the system gives away: another run of the tests may be at work.
	GRAFANA=$((29000 + RANDOM % 200 * 10))
	local n=$GRAFANA name
	sed -i "s,linux/ARCH,linux/$LAB_ARCH," "$LAB/lab.env"
	for name in GRAFANA CONSOLE COMMANDER REDIS MEMCACHED LOKI MIMIR TEMPO OTLP; do
		sed -i "s/|$name|/|$n|/; s/127\.0\.0\.1:$name\>/127.0.0.1:$n/" "$LAB/lab.env"
		eval "$name=$n"
		n=$((n + 1))
	done
}

minikube_lab() {
	LAB=$BATS_TEST_TMPDIR/lab FAKE=$BATS_TEST_TMPDIR/fake
	export FAKE LAB_STATE=$BATS_TEST_TMPDIR/state LAB_FORWARD_WAIT=10
	mkdir -p "$LAB/bin" "$LAB/lib" "$LAB/charts" "$LAB/values" "$LAB/manifests" "$LAB/kubernetes/v1.35.1" "$FAKE/path"
	cp "$TOP/templates/common/lab" "$LAB/lab"
	cp "$TOP"/templates/common/lib/*.sh "$TOP"/templates/minikube/lib/*.sh "$LAB/lib"
	cp -R "$TOP/bundles/lgtm/checks" "$LAB/checks"
	chmod +x "$LAB/lab"
	echo sums >"$LAB/SHA256SUMS"
	for f in kubelet kubeadm kubectl; do echo "$f" >"$LAB/kubernetes/v1.35.1/$f"; done
	echo chart >"$LAB/charts/loki-18.11.0.tgz"
	echo '{}' >"$LAB/values/loki.yaml"
	echo 'image: docker.io/library/redis:8.10.1-alpine' >"$LAB/manifests/10-redis.yaml"
	echo '{}' >"$LAB/manifests/39-dashboard.yaml"
	case $(uname -m) in x86_64) LAB_ARCH=amd64 ;; aarch64) LAB_ARCH=arm64 ;; *) LAB_ARCH=$(uname -m) ;; esac
	fake_env
	fake_images
	for f in minikube kubectl helm; do cp "$TOP/tests/lib/fake-$f.sh" "$LAB/bin/$f"; done
	cp "$TOP/tests/lib/fake-docker.sh" "$FAKE/path/docker"
	cp "$TOP/tests/lib/lgtm-double.py" "$FAKE"
	chmod +x "$LAB"/bin/* "$FAKE/path/docker"
	# A machine that is large enough, whatever this one is.
	printf '17179869184|8|linux|28.2.2|%s|%s\n' "$BATS_TEST_TMPDIR" "$(date -u +%Y-%m-%dT%H:%M:%S.1Z)" >"$FAKE/docker.info"
	printf '#!/bin/sh\necho "${FAKE_CPUS:-8}"\n' >"$FAKE/path/getconf"
	chmod +x "$FAKE/path/getconf"
	PATH=$FAKE/path:$PATH
	: >"$FAKE/calls"
}

calls() {
	sed "s,$LAB/,,g; s,$LAB_STATE,STATE,g" "$FAKE/calls"
}

# Whether nothing was called that matches.
never() {
	if calls | grep -E -- "$1"; then
		return 1
	fi
}

lab() {
	"${LAB_SHELL:-sh}" "$LAB/lab" "$@"
}

refused_lab() {
	local code=$1 text=$2
	shift 2
	run lab "$@"
	if [ "$status" -ne "$code" ] || [[ $output != *"$text"* ]]; then
		echo "wanted $code and: $text"
		echo "got $status and: $output"
		return 1
	fi
}
