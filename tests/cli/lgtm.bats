# The lgtm lab: its spec and lock agree, its own files keep the rules of a room without a network; and, where the true
# programs can be had, they accept what the lab gives them.

setup() {
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	LABGEN=${LABGEN:-$TOP/build/labgen}
	LGTM=$TOP/bundles/lgtm
}

teardown() {
	[ -z "${DAEMON:-}" ] || { kill "$DAEMON"; wait "$DAEMON"; } 2>/dev/null || :
	[ -z "${DAEMON_DIR:-}" ] || rm -rf "$DAEMON_DIR"
}

# tool NAME: the true program, or a skipped test.
tool() {
	TOOL=$(sh "$TOP/tests/lib/gotools.sh" "$1" 2>"$BATS_TEST_TMPDIR/why") || skip "$(tail -n 1 "$BATS_TEST_TMPDIR/why")"
}

# lock_images: the images of the lock, without those of Kubernetes and the node.
lock_images() {
	sed -n 's/^    ref: "\(.*\)"$/\1/p' "$LGTM/lab.lock" | grep -v '^registry\.k8s\.io/\|^gcr\.io/k8s-minikube/' | sort
}

# daemon: a docker of our own, in $DAEMON and DOCKER_HOST; in its own network, which has loopback alone.
daemon() {
	[ "$(id -u)" = 0 ] || skip "not root, so no docker daemon of our own"
	command -v dockerd >/dev/null || skip "no dockerd; Debian's docker.io has it"
	unshare -n true 2>/dev/null || skip "no network name space can be made here"
	local d
	# A socket's path may not be long.
	d=$(mktemp -d /tmp/lgtm-docker.XXXXXX)
	unshare -n sh -c 'ip link set lo up; exec dockerd --host "unix://$0/sock" --data-root "$0/data" --exec-root "$0/exec" --pidfile "$0/pid" \
		--bridge=none --iptables=false --ip6tables=false --storage-driver=vfs' "$d" >"$BATS_TEST_TMPDIR/dockerd.log" 2>&1 3>&- &
	DAEMON=$!
	DAEMON_DIR=$d
	export DOCKER_HOST=unix://$d/sock
	for _ in $(seq 100); do
		docker version >/dev/null 2>&1 && return 0
		kill -0 "$DAEMON" 2>/dev/null || skip "dockerd does not run here: $(tail -n 1 "$BATS_TEST_TMPDIR/dockerd.log" | cut -c 1-200)"
		sleep 0.2
	done
	skip "dockerd does not answer here"
}

@test "the lock answers the spec, without a network" {
	run unshare -n "$LABGEN" lock --check "$LGTM"
	[ "$status" -ne 1 ] || [[ $output != *unshare* ]] || run "$LABGEN" lock --check "$LGTM"
	[ "$status" -eq 0 ]
	[[ $output == *"answers lab.yaml"* ]]
}

@test "every artifact of the lock has a digest and who vouched for it; every system of the course is in it" {
	[ "$(grep -c '^  - id: ' "$LGTM/lab.lock")" -eq "$(grep -c '^    sha256: "[0-9a-f]\{64\}"$' "$LGTM/lab.lock")" ]
	[ "$(grep -c '^  - id: ' "$LGTM/lab.lock")" -eq "$(grep -c '^    evidence: ' "$LGTM/lab.lock")" ]
	for word in file/minikube@ file/kubectl@ file/helm@ file/minio@ grafana/loki grafana/grafana grafana/tempo grafana/mimir \
		grafana/promtail fluent/fluent-bit minio: library/redis redis-commander memcached; do
		grep -q "id: \".*$word" "$LGTM/lab.lock" || { echo "$word is not in the lock"; return 1; }
	done
	for platform in linux/amd64 linux/arm64 darwin/arm64; do
		for name in minikube kubectl helm minio kubelet kubeadm kubectl-node; do
			grep -q "id: \"file/$name@.*/$platform\"" "$LGTM/lab.lock" || { echo "$name lacks $platform"; return 1; }
		done
	done
}

@test "the manifests ask for images of the lock only, and never pull" {
	run sh -c 'sed -n "s/^ *image: //p" "$1"/manifests/*.yaml | sort -u' sh "$LGTM"
	[ "$(comm -23 <(echo "$output") <(lock_images))" = "" ]
	[ "$(grep -h 'image: ' "$LGTM"/manifests/*.yaml | grep -vc '#')" -eq "$(grep -hc 'imagePullPolicy: IfNotPresent' "$LGTM"/manifests/*.yaml | awk '{ n += $1 } END { print n }')" ]
	run grep -rnE 'pullPolicy: *Always|:latest\b' "$LGTM/manifests" "$LGTM/values"
	[ "$status" -eq 1 ]
}

@test "the dashboard is JSON, and asks data sources that are there" {
	python3 - "$LGTM" <<-'PY'
		import json, re, sys
		text = open(sys.argv[1] + "/manifests/39-grafana-dashboard.yaml").read()
		board = json.loads("\n".join(l[4:] for l in text.split("lgtm-lab.json: |\n")[1].split("\n")))
		values = open(sys.argv[1] + "/values/grafana.yaml").read()
		kinds = set()
		for panel in board["panels"]:
		    for target in panel.get("targets", []):
		        uid = target["datasource"]["uid"]
		        assert "uid: " + uid in values, uid
		        kinds.add(uid)
		assert kinds == {"loki", "mimir", "tempo"}, kinds
		assert len({p["id"] for p in board["panels"]}) == len(board["panels"])
		assert re.search(r"dashboards/lab/lgtm-lab.json", values)
	PY
}

@test "README.html is whole, in both languages, and refers to nothing outside of this machine" {
	python3 - "$LGTM/README.html" <<-'PY'
		import html.parser, sys
		class Page(html.parser.HTMLParser):
		    open, langs = [], set()
		    def handle_starttag(self, tag, attrs):
		        attrs = dict(attrs)
		        if tag == "article":
		            self.langs.add(attrs.get("lang", "en"))
		        for key in ("src", "href"):
		            link = attrs.get(key, "#")
		            assert link.startswith(("#", "http://127.0.0.1:")), link
		        if tag not in ("meta", "br"):
		            self.open.append(tag)
		    def handle_endtag(self, tag):
		        assert self.open.pop() == tag, self.getpos()
		page = Page()
		page.feed(open(sys.argv[1]).read())
		assert not page.open and page.langs == {"en", "ko"}, (page.open, page.langs)
	PY
}

# The charts' sources: LABGEN_CHARTS names a folder that holds loki/, tempo/, grafana/, promtail/ and fluent-bit/, as their
# repositories have them at the pinned versions, with the charts they depend on or without the key "dependencies".
@test "helm renders every chart with our values, and what they ask for is the lock" {
	tool helm
	[ -d "${LABGEN_CHARTS:-}" ] || skip "LABGEN_CHARTS is not set: it names a folder with the charts' sources"
	all=$BATS_TEST_TMPDIR/all.yaml
	cat "$LGTM"/manifests/*.yaml >"$all"
	for chart in loki:18.11.0 tempo:2.2.4 grafana:11.0.0 promtail:6.17.1 fluent-bit:0.58.1; do
		name=${chart%:*}
		grep -q "^version: ${chart#*:}$" "$LABGEN_CHARTS/$name/Chart.yaml"
		"$TOOL" template "$name" "$LABGEN_CHARTS/$name" --namespace lgtm --kube-version v1.35.1 --values "$LGTM/values/$name.yaml" \
			>"$BATS_TEST_TMPDIR/$name.yaml" 2>"$BATS_TEST_TMPDIR/$name.err"
		cat "$BATS_TEST_TMPDIR/$name.yaml" >>"$all"
	done
	diff <(sed -n 's/^ *\(- \)\{0,1\}image: *"\{0,1\}\([^" ]*\).*/\2/p' "$all" | sort) <(lock_images)
	run grep -E 'imagePullPolicy: *"?Always|stats\.grafana\.org' "$all"
	[ "$status" -eq 1 ]
	# What lab.yaml waits for and forwards to is there.
	for wait in "StatefulSet loki" "StatefulSet tempo" "Deployment grafana" "DaemonSet promtail" "DaemonSet fluent-bit"; do
		awk -v kind="${wait% *}" -v name="${wait#* }" '/^---/ { k = "" } $1 == "kind:" { k = $2 }
			/^  name: / && k == kind { gsub(/"/, "", $2); if ($2 == name) found = 1 } END { exit !found }' "$all"
	done
}

@test "true containerd and docker take what lab gives them, with the digests of the lock" {
	daemon
	. "$TOP/tests/lib/minikube-lab.sh"
	minikube_lab
	lab up -q
	ctr=$(command -v ctr) || skip "no ctr"
	node() { "$ctr" -a "$DAEMON_DIR/exec/containerd/containerd.sock" -n k8s.io images "$@"; }
	want() { awk '/^    ref: / { split($0, p, "\""); r = p[2] } /^    sha256: / { split($0, p, "\""); print r, "sha256:" p[2] }' "$LAB/lab.lock" | grep -v kicbase | sort; }
	# One image, as it lies in minikube's cache.
	node import "$(find "$LAB_STATE/minikube" -name pause_3.10.1)"
	[ "$(node ls | awk 'NR > 1 { print $1, $3 }')" = "$(want | grep pause)" ]
	# All of them, as one stream.
	tar -C "$LAB/images" -cf - . | node import -
	diff <(node ls | awk 'NR > 1 { print $1, $3 }' | sort) <(want)
	# The node's own, whose id in docker is what lab compares.
	rm "$FAKE/path/docker"
	tar -C "$LAB/kicbase" -cf - . | docker load
	[ "$(docker image inspect -f '{{.Id}}' gcr.io/k8s-minikube/kicbase:v0.0.50)" = "sha256:$(cat "$FAKE/base-id")" ]
}

# minikube --download-only does all of a start up to where the node would be made. It copies the node's image into its
# cache even where docker has it, which a start does not: so one is put there.
@test "true minikube accepts lab's flags, finds every file where lab put it, and fetches nothing" {
	tool minikube
	daemon
	MORE_IMAGES="gcr.io/k8s-minikube/storage-provisioner:v5 registry.k8s.io/etcd:3.6.6-0 registry.k8s.io/kube-apiserver:v1.35.1
		registry.k8s.io/kube-controller-manager:v1.35.1 registry.k8s.io/kube-proxy:v1.35.1 registry.k8s.io/kube-scheduler:v1.35.1"
	. "$TOP/tests/lib/minikube-lab.sh"
	minikube_lab
	rm "$FAKE/path/docker"
	# Of the machine that the test runs on, minikube wants no more than there is.
	sed -i "s/^LAB_CPUS=.*/LAB_CPUS='2'/; s/^LAB_MEMORY=.*/LAB_MEMORY='2200'/" "$LAB/lab.env"
	cat >"$LAB/bin/minikube" <<-SH
		#!/bin/sh
		kic=\$MINIKUBE_HOME/.minikube/cache/kic/$LAB_ARCH
		mkdir -p "\$kic" && echo x >"\$kic/kicbase_v0.0.50.tar"
		exec $TOOL "\$@" --download-only --alsologtostderr -v=1
	SH
	run unshare -n sh -c 'ip link set lo up; exec sh "$0" up' "$LAB/lab"
	log=$LAB_STATE/log/minikube.log
	grep -v 'cache.go' "$log" | tail -n 30
	# There is no node to import into after that.
	[ "$status" -eq 1 ]
	[[ $output == *"images: the 10 above are not in the node"* ]]
	grep -q 'Download complete!' "$log"
	grep -q 'Found gcr.io/k8s-minikube/kicbase:v0.0.50 in local docker daemon, skipping pull' "$log"
	[ "$(grep -c '] .*/cache/images/.* exists$' "$log")" -eq 8 ]
	[ "$(grep -c 'Not caching binary' "$log")" -ge 3 ]
	run grep -iE 'failed to download|unable to cache|error caching' "$log"
	[ "$status" -eq 1 ]
}

@test "lab pushes its images to a true registry, under names that the manifests get" {
	command -v docker-registry >/dev/null || skip "no docker-registry; Debian has a package of that name"
	. "$TOP/tests/lib/minikube-lab.sh"
	minikube_lab
	REGISTRY_PORT=$((GRAFANA + 9))
	cat >"$BATS_TEST_TMPDIR/registry.yml" <<-YAML
		version: 0.1
		storage: {filesystem: {rootdirectory: $BATS_TEST_TMPDIR/registry}}
		http: {addr: "127.0.0.1:$REGISTRY_PORT"}
	YAML
	docker-registry serve "$BATS_TEST_TMPDIR/registry.yml" >"$BATS_TEST_TMPDIR/registry.log" 2>&1 3>&- &
	DAEMON=$!
	for _ in $(seq 50); do curl -s 127.0.0.1:$REGISTRY_PORT/v2/ >/dev/null && break; sleep 0.1; done
	touch "$FAKE/running"
	run lab up --context there --registry 127.0.0.1:$REGISTRY_PORT
	echo "$output"
	[ "$status" -eq 0 ]
	manifest=$(curl -sf -H 'Accept: application/vnd.oci.image.manifest.v1+json' 127.0.0.1:$REGISTRY_PORT/v2/library/redis/manifests/8.10.1-alpine)
	for digest in $(grep -o 'sha256:[0-9a-f]\{64\}' <<<"$manifest"); do
		[ "sha256:$(curl -sf "127.0.0.1:$REGISTRY_PORT/v2/library/redis/blobs/$digest" | sha256sum | cut -d ' ' -f 1)" = "$digest" ]
	done
	[ "$(sed -f "$LAB_STATE/registry.sed" "$LAB/manifests/10-redis.yaml")" = "image: 127.0.0.1:$REGISTRY_PORT/library/redis:8.10.1-alpine" ]
	[ "$(echo '  image: "docker.io/grafana/loki:3.7.6"' | "$LAB_STATE/registry-renderer")" = "  image: \"127.0.0.1:$REGISTRY_PORT/grafana/loki:3.7.6\"" ]
	calls | grep -q -- '--post-renderer=STATE/registry-renderer'
}
