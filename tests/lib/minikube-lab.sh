# A small lab for the target minikube whose programs are stand-ins: they write down how they were called, and answer as the
# files in $FAKE say. They stand for minikube, docker, kubectl and helm alone, none of which has a cluster to talk to here;
# the lab's own scripts, its images and its lock are real. Sourced by bats files.
#
#	minikube_lab	makes the lab ($LAB, with ./lab), its state folder $LAB_STATE, and puts docker on PATH
#	calls		prints what was called, without the bundle's path
#	never PATTERN	nothing of the kind was called
#	refused_lab CODE TEXT ARGUMENTS...	runs lab: it must end with that status, and say that

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)

# An image of one layer: index, manifest, configuration, layer, as a registry has them.
fake_image() {
	local dir=$1 name=$2 blobs=$1/blobs/sha256 layer config manifest index
	mkdir -p "$blobs"
	put_blob() { local h; h=$(printf '%s' "$1" | sha256sum | cut -d ' ' -f 1); printf '%s' "$1" >"$blobs/$h"; echo "$h"; }
	layer=$(put_blob "layer of $name")
	config=$(put_blob "{\"architecture\":\"amd64\",\"os\":\"linux\",\"comment\":\"$name\"}")
	manifest=$(put_blob "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"config\":{\"digest\":\"sha256:$config\"},\"layers\":[{\"digest\":\"sha256:$layer\"}]}")
	index=$(put_blob "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[{\"digest\":\"sha256:$manifest\",\"platform\":{\"architecture\":\"amd64\"}},{\"digest\":\"sha256:$(printf '%064d' 7)\",\"platform\":{\"architecture\":\"s390x\"}}]}")
	IMAGE_INDEX=$index IMAGE_CONFIG=$config
	IMAGE_ENTRY="{\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"digest\":\"sha256:$index\",\"size\":1,\"annotations\":{\"io.containerd.image.name\":\"$name\"}}"
}

# The images of the lab, their lock, and the node's own image.
fake_images() {
	local name entries='' lock='format: 1\nartifacts:\n'
	for name in docker.io/grafana/loki:3.7.6 docker.io/library/redis:8.10.1-alpine registry.k8s.io/pause:3.10.1 \
		registry.k8s.io/coredns/coredns:v1.13.1; do
		fake_image "$LAB/images" "$name"
		entries="$entries${entries:+,}$IMAGE_ENTRY"
		lock="$lock  - id: \"image/$name\"\n    kind: \"image\"\n    name: \"$name\"\n    ref: \"$name\"\n    sha256: \"$IMAGE_INDEX\"\n    evidence: \"registry\"\n"
	done
	printf '{"schemaVersion":2,"manifests":[%s]}' "$entries" >"$LAB/images/index.json"
	printf '{"imageLayoutVersion":"1.0.0"}' >"$LAB/images/oci-layout"
	name=gcr.io/k8s-minikube/kicbase:v0.0.50
	fake_image "$LAB/kicbase" "$name"
	printf '{"schemaVersion":2,"manifests":[%s]}' "$IMAGE_ENTRY" >"$LAB/kicbase/index.json"
	printf '[{"Config":"blobs/sha256/%s","RepoTags":["%s"]}]' "$IMAGE_CONFIG" "$name" >"$LAB/kicbase/manifest.json"
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
		LAB_PORTS='Grafana|33000|svc/grafana:3000|http://127.0.0.1:33000
		MinIO console|39001|svc/minio:9001|http://127.0.0.1:39001
		Redis Commander|38081|svc/redis-commander:8081|http://127.0.0.1:38081
		Redis|36379|svc/redis:6379|
		Memcached|31211|svc/memcached:11211|
		Loki|33100|svc/loki:3100|
		Mimir|39009|svc/mimir:8080|
		Tempo|33200|svc/tempo:3200|
		OTLP|34318|svc/tempo:4318|'
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
	local arch
	case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) arch=$(uname -m) ;; esac
	sed -i "s,linux/ARCH,linux/$arch," "$LAB/lab.env"
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
