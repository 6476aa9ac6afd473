# lab for the target minikube: its control flow, what it refuses, and what its checks can tell apart. The programs that
# need a cluster are stand-ins that write down how they were called (tests/lib/minikube-lab.sh).

setup() {
	. "$BATS_TEST_DIRNAME/../lib/minikube-lab.sh"
	minikube_lab
}

teardown() {
	[ ! -e "$LAB_STATE/lab-state" ] || lab close >/dev/null 2>&1 || :
}

@test "preflight: a machine that is large enough has no shortfall" {
	run lab preflight
	[ "$status" -eq 0 ]
	[[ $output == *"ok    docker: 28.2.2 runs"* ]]
	[[ $output != *FAIL* ]]
	[ ! -e "$LAB_STATE" ]
}

@test "preflight: everything that is wrong at once, each with its remedy" {
	printf '8589934592|2|linux|28.2.2|%s|2020-01-01T00:00:00.0Z\n' "$BATS_TEST_TMPDIR" >"$FAKE/docker.info"
	echo exited >"$FAKE/container"
	rm "$LAB/kubernetes/v1.35.1/kubeadm"
	sed -i "s/^LAB_MEMORY=.*/LAB_MEMORY='99999999'/" "$LAB/lab.env"
	FAKE_CPUS=1 run lab preflight
	[ "$status" -eq 1 ]
	[[ $output == *"FAIL  bundle: not there: kubernetes/v1.35.1/kubeadm; extract the bundle again"* ]]
	[[ $output == *"FAIL  memory: this machine has "*" MiB, the cluster needs 99999999; use a machine with more memory"* ]]
	[[ $output == *"FAIL  processors: this machine has 1, the cluster needs 4; use a machine with more processors"* ]]
	[[ $output == *"FAIL  docker's memory: docker has 8192 MiB, the cluster needs 99999999; give Docker Desktop's machine"* ]]
	[[ $output == *"FAIL  docker's processors: docker has 2, the cluster needs 4; "* ]]
	[[ $output == *"FAIL  docker's clock: is "*" minutes apart from this machine's; set the clock, or restart docker"* ]]
	[[ $output == *"FAIL  name: there is a container named mini (exited) that is not this lab's; choose another name with --profile"* ]]
}

@test "preflight: no docker, and docker that does not run" {
	rm "$FAKE/docker.info"
	refused_lab 1 "FAIL  docker: does not answer: Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?; start it" preflight
	rm "$FAKE/path/docker"
	mkdir "$FAKE/only"
	for p in $(echo "$PATH" | tr : ' '); do
		for f in "$p"/*; do [ "${f##*/}" = docker ] || [ -e "$FAKE/only/${f##*/}" ] || ln -s "$f" "$FAKE/only/${f##*/}" 2>/dev/null || :; done
	done
	PATH=$FAKE/only LAB_SHELL=$(command -v sh) refused_lab 1 "FAIL  docker: not found; install Docker Engine or Docker Desktop, or as root take --driver none" preflight
}

@test "preflight: too little disk, and a port that is taken" {
	printf '#!/bin/sh\nprintf "Filesystem 1024-blocks Used Available Capacity Mounted\\n/dev/x 1 1 512000 99%% /\\n"\n' >"$FAKE/path/df"
	chmod +x "$FAKE/path/df"
	python3 -m http.server --bind 127.0.0.1 $LOKI >/dev/null 2>&1 3>&- &
	web=$!
	for _ in $(seq 50); do curl -s 127.0.0.1:$LOKI >/dev/null && break; sleep 0.1; done
	run lab preflight
	kill "$web"
	[ "$status" -eq 1 ]
	[[ $output == *"FAIL  disk: 500 MiB free where docker keeps its data"*" needed; make room there"* ]]
	[[ $output == *"FAIL  state's disk: 500 MiB free where $LAB_STATE is, 1024 needed"* ]]
	[[ $output == *"FAIL  port $LOKI: needed for Loki, but taken by python3, process $web; end that, or shift all ports: LAB_PORT_OFFSET=10000"* ]]
	LAB_PORT_OFFSET=1000 run lab preflight
	[[ $output == *"ok    port $((LOKI + 1000)): free for Loki"* ]]
}

@test "preflight --json is JSON, with a remedy for each shortfall" {
	rm "$FAKE/docker.info"
	run lab preflight --json
	[ "$status" -eq 1 ]
	echo "$output" | python3 -c 'import json,sys
items = json.load(sys.stdin)
bad = [i for i in items if not i["ok"]]
assert [i["item"] for i in bad] == ["docker"] and bad[0]["remedy"], bad'
}

@test "preflight --driver none: what this very machine lacks" {
	for f in crictl conntrack; do ! command -v $f || skip "this machine has $f"; done
	refused_lab 1 "FAIL  the driver none: not found:" preflight --driver none
	[[ $output == *" crictl"* ]]
	[[ $output != *"docker"*"runs"* ]]
}

@test "preflight --driver kvm2: a bundle without the ISO says so" {
	refused_lab 1 "FAIL  minikube's ISO: this bundle carries none, and kvm2 starts from it; take --driver docker" preflight --driver=kvm2
}

@test "up: minikube's own command line as the course has it, with the switches that keep it offline" {
	HTTPS_PROXY=http://127.0.0.1:9 MINIKUBE_MEMORY=2000 run lab up
	[ "$status" -eq 0 ]
	run calls
	[[ $output == *"minikube start --memory=12000 --cpus=4 --profile=mini --driver=docker --container-runtime=containerd --cni=bridge --preload=false --kubernetes-version=v1.35.1 --interactive=false --auto-update-drivers=false --base-image=gcr.io/k8s-minikube/kicbase:v0.0.50"* ]]
}

@test "up: everything in order, and nothing that would reach outside" {
	run lab up
	[ "$status" -eq 0 ]
	calls | sed 's/--context=mini --namespace=mini //; s/--kube-context=mini --namespace=mini //' |
		grep -E '^(docker load|minikube|docker exec.*import|kubectl (create|apply|rollout)|helm upgrade)' | cut -d ' ' -f 1-5 >"$BATS_TEST_TMPDIR/order"
	diff - "$BATS_TEST_TMPDIR/order" <<-'WANT'
		docker load
		minikube start --memory=12000 --cpus=4 --profile=mini
		docker exec -i mini ctr
		kubectl create namespace mini
		kubectl apply --filename=manifests/10-redis.yaml
		kubectl rollout status deploy/redis --timeout=900s
		helm upgrade --install loki charts/loki-18.11.0.tgz
		kubectl rollout status statefulset/loki --timeout=900s
		kubectl apply --filename=manifests/39-dashboard.yaml
	WANT
	never '--repo|dependency|pull|https?://'
}

@test "up: minikube's cache has the binaries, and each image as an archive that containerd reads" {
	lab up
	cache=$LAB_STATE/minikube/.minikube/cache
	for f in kubelet kubeadm kubectl; do [ -x "$(echo "$cache"/linux/*/v1.35.1/$f)" ]; done
	for f in pause_3.10.1 coredns/coredns_v1.13.1; do
		tar=$(echo "$cache"/images/*/registry.k8s.io/$f)
		rm -rf "$BATS_TEST_TMPDIR/x" && mkdir "$BATS_TEST_TMPDIR/x" && tar -xf "$tar" -C "$BATS_TEST_TMPDIR/x"
		# The index, its manifest, its configuration and its layer; no other image's, no link.
		[ "$(ls "$BATS_TEST_TMPDIR/x/blobs/sha256" | wc -l)" -eq 4 ]
		[ -z "$(find "$BATS_TEST_TMPDIR/x" -type l)" ]
		python3 - "$BATS_TEST_TMPDIR/x/index.json" "$f" <<-'PY'
			import json, sys
			m = json.load(open(sys.argv[1]))["manifests"]
			assert len(m) == 1 and m[0]["annotations"]["io.containerd.image.name"] == "registry.k8s.io/" + sys.argv[2].replace("_", ":"), m
		PY
	done
	[ ! -e "$LAB_STATE/stage" ]
	# The workload's own do not belong there.
	[ -z "$(find "$cache/images" -name 'loki*')" ]
}

@test "up twice: the second starts, loads and imports nothing" {
	lab up
	: >"$FAKE/calls"
	run lab up
	[ "$status" -eq 0 ]
	never 'minikube start|docker load|images import'
	[[ $output == *"minikube runs already"* ]]
	[[ $output == *"images: all 4 are in the node, with the digests of the lock"* ]]
}

@test "up: an image with another digest than the lock's is imported again, and named where that does not help" {
	lab up
	sed -i '1s/sha256:[0-9a-f]*/sha256:'"$(printf '%064d' 1)"'/' "$FAKE/node-images"
	: >"$FAKE/calls"
	lab up
	calls | grep -q 'images import'
	touch "$FAKE/import-loses"
	rm "$FAKE/node-images"
	refused_lab 1 "lab: up: images: the 1 above are not in the node as the lock has them" up
	[[ $output == *"docker.io/grafana/loki:3.7.6: not there"* ]]
}

@test "up: a damaged image file is named" {
	blob=$(ls -S "$LAB"/images/blobs/sha256/* | tail -n 1)
	printf x >>"$blob"
	refused_lab 1 "images/blobs/sha256/${blob##*/}: damaged, its content is not what its name says; extract the bundle again" up
}

@test "up: docker load that fails" {
	touch "$FAKE/load-fails"
	refused_lab 1 "lab: up: docker load: gcr.io/k8s-minikube/kicbase:v0.0.50 is not there afterwards as the bundle has it" up
	[[ $output == *"no space left on device"* ]]
	never 'minikube start'
	rm "$FAKE/load-fails"
	lab up
}

@test "up: docker has another image of that name, so the bundle's is loaded" {
	printf '%064d' 5 >"$FAKE/base"
	lab up
	calls | grep -q 'docker load'
}

@test "up: too little memory is minikube's own refusal, explained" {
	echo 14 >"$FAKE/start-status"
	echo 'RSRC_DOCKER_STORAGE: memory' >"$FAKE/start-why"
	refused_lab 1 "lab: up: minikube start ended with status 14: it has too little memory for 12000 MiB; run './lab preflight'" up
	[[ $output == *"X Exiting due to RSRC_DOCKER_STORAGE: memory"* ]]
	rm "$FAKE/start-status"
	lab up
}

@test "up: shortfalls are found before anything is done" {
	rm "$FAKE/docker.info"
	refused_lab 1 "lab: up: 1 of the needs above are not met; meet them, then run up again" up
	[ "$(calls | grep -vc '^docker \(info\|container\|volume\)')" -eq 0 ]
}

@test "up: a foreign cluster of the same name is left alone" {
	echo running >"$FAKE/container"
	refused_lab 1 "there is a container named mini (running) that is not this lab's; choose another name with --profile" up
	never 'minikube start'
	run lab up --profile other
	[ "$status" -eq 1 ]
	rm "$FAKE/container"
	lab up --profile other
	calls | grep -q 'minikube start --memory=12000 --cpus=4 --profile=other'
	calls | grep -q 'kubectl --context=other'
	refused_lab 1 "--profile third: the lab was brought up with other; run down --purge first" up --profile third
}

@test "up: minikube killed in the middle; the next up goes on" {
	echo 30 >"$FAKE/start-sleep"
	# In a session of its own, so that all of it ends at once, as with a machine that loses power.
	setsid sh "$LAB/lab" up >/dev/null 2>&1 3>&- &
	up=$!
	for _ in $(seq 100); do calls | grep -q 'minikube start' && break; sleep 0.1; done
	kill -9 -- "-$up"
	rm "$FAKE/start-sleep"
	[ -e "$LAB_STATE/minikube/.minikube/profiles/mini/config.json" ]
	[ ! -e "$FAKE/running" ]
	run lab up
	[ "$status" -eq 0 ]
}

@test "up: a stuck step is explained by its pods, their events and last words, and the next up goes on" {
	echo deploy/redis >"$FAKE/stuck"
	echo 'redis-1   0/1   ImagePullBackOff   0   5m' >"$FAKE/pods"
	echo 'Warning: Back-off pulling image "docker.io/library/redis:8.10.1-alpine"' >"$FAKE/events"
	echo 'the last words' >"$FAKE/logs"
	refused_lab 1 "lab: up: 10-redis.yaml did not get ready" up
	[[ $output == *"error: timed out waiting for the condition"* ]]
	[[ $output == *"pod redis-1: ImagePullBackOff"* ]]
	[[ $output == *"its image is not in the node: run up again"* ]]
	[[ $output == *"Warning: Back-off pulling image"* ]]
	[[ $output == *"log: the last words"* ]]
	never 'upgrade --install'
	rm "$FAKE/stuck"
	lab up
	calls | grep -q 'upgrade --install'
}

@test "up: helm was stopped in the middle of an installation, which is begun anew" {
	touch "$FAKE/stuck-chart"
	refused_lab 1 "lab: up: loki (chart loki 18.11.0) did not get ready" up
	[[ $output == *"context deadline exceeded"* ]]
	rm "$FAKE/stuck-chart"
	[ "$(cat "$FAKE/deployed")" = pending-install ]
	lab up
	calls | grep -q 'uninstall loki'
	echo pending-upgrade >"$FAKE/deployed"
	lab up
	calls | grep -q 'rollback loki'
}

@test "up: a chart's archive that is missing" {
	rm "$LAB/charts/loki-18.11.0.tgz"
	refused_lab 1 "charts/loki-18.11.0.tgz: missing; extract the bundle again" up
}

@test "up --context: an existing cluster, without minikube" {
	touch "$FAKE/running"
	run lab up --context kind-lab
	[ "$status" -eq 0 ]
	never '^minikube|^docker'
	calls | grep -q 'kubectl --context=kind-lab --namespace=mini apply'
	calls | grep -q 'helm --kube-context=kind-lab --namespace=mini upgrade --install loki'
	# Every later verb finds the same, and down leaves the cluster.
	run lab down
	[[ $output == *"kind-lab is not the lab's own, so it goes on"* ]]
	lab down --purge
	calls | grep -q 'helm --kube-context=kind-lab --namespace=mini uninstall loki'
	[ ! -e "$LAB_STATE" ]
	[ -e "$FAKE/running" ]
}

@test "up --context: a cluster that does not answer" {
	refused_lab 1 "FAIL  cluster: gone does not answer: The connection to the server was refused" up --context gone
}

@test "wrong options" {
	refused_lab 2 "--driver: 'podman' is none of docker, none, qemu2 and kvm2" up --driver podman
	refused_lab 2 "--profile: a name is needed" up --profile
	refused_lab 2 "--profile: 'a b' is not a name" up --profile "a b"
	refused_lab 2 "--registry: needs --context" up --registry r:5000
	refused_lab 2 "--context: not together with --driver or --profile" up --context a --driver docker
	refused_lab 2 "unexpected argument 'now'" up now
	refused_lab 2 "status: unexpected argument '--driver'" status --driver docker
	[ ! -e "$LAB_STATE" ]
}

@test "--dry-run prints commands, changes nothing and calls nothing" {
	run lab up --dry-run
	[ "$status" -eq 0 ]
	[[ $output == *"tar -C $LAB/kicbase -cf - . | docker load"* ]]
	[[ $output == *"tar -C $LAB/images -cf - . | docker exec -i mini ctr -n k8s.io images import -"* ]]
	[[ $output == *"/bin/helm --kube-context=mini --namespace=mini upgrade --install loki "* ]]
	for verb in open close reset down "down --purge" check; do
		# shellcheck disable=SC2086
		run lab $verb --dry-run
		[ "$status" -eq 0 ]
	done
	[ ! -s "$FAKE/calls" ]
	[ ! -e "$LAB_STATE" ]
}

@test "status: what is not ready, for people and for programs" {
	lab up
	run lab status
	[ "$status" -eq 0 ]
	echo 0/1 >"$FAKE/loki-ready"
	run lab status
	[ "$status" -eq 1 ]
	[[ $output == *"FAIL  loki             not ready, 0/1"* ]]
	run lab status --json
	[ "$status" -eq 1 ]
	echo "${lines[0]}" | grep -q '"healthy":false'
	lab down
	run lab status
	[ "$status" -eq 1 ]
	[[ $output == *"FAIL  cluster          does not answer"* ]]
}

@test "open, check and close: the addresses are there, each system is proved through them, and gone afterwards" {
	lab up
	run lab open
	[ "$status" -eq 0 ]
	[[ $output == *"Grafana          http://127.0.0.1:$GRAFANA"* ]]
	curl -sf http://127.0.0.1:$GRAFANA/api/health
	run lab check
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(grep -c '^ok ' <<<"$output")" -eq 11 ]
	# A forward that ends is begun again.
	pid=$(ss -ltnpH "sport = :$GRAFANA" | sed 's/.*pid=\([0-9]*\).*/\1/')
	kill "$pid"
	for _ in $(seq 50); do sleep 0.2; curl -sf http://127.0.0.1:$GRAFANA/api/health && break; done
	curl -sf http://127.0.0.1:$GRAFANA/api/health
	lab close
	run curl -s http://127.0.0.1:$GRAFANA/
	[ "$status" -ne 0 ]
	[ -z "$(ls "$LAB_STATE"/run)" ]
}

@test "check opens what is closed, and closes it again" {
	lab up
	run lab check --json
	[ "$status" -eq 0 ]
	echo "$output" | python3 -c 'import json,sys
items = json.load(sys.stdin)
assert len(items) == 11 and all(i["ok"] for i in items), items'
	[ -z "$(ls "$LAB_STATE"/run)" ]
	calls | grep -q 'delete pod --selector=app=lab-check'
}

@test "check with wget instead of curl" {
	command -v wget >/dev/null || skip "no wget"
	lab up
	LAB_ASK=wget run lab check
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "check can fail: each system that forgets, refuses or lets strangers in is found" {
	lab up
	export LAB_CHECK_WAIT=1
	echo "minio redis memcached loki promtail fluent-bit mimir spanmetrics anonymous" >"$FAKE/break"
	run lab check
	[ "$status" -eq 1 ]
	for name in MinIO Redis "Redis Commander" Memcached Loki Promtail "Fluent Bit" Mimir Tempo Grafana; do
		grep -q "^FAIL  $name  *[a-zA-Z]" <<<"$output" || { echo "$name: $output"; return 1; }
	done
	[[ $output == *"lab: check: 10 of 11 failed; './lab status' shows which pods are not ready"* ]]
	echo tempo >"$FAKE/break"
	run lab check
	[ "$status" -eq 1 ]
	[[ $output == *"FAIL  Grafana          the data source tempo is not healthy: HTTP 200"* ]]
	[[ $output == *"lab: check: 1 of 11 failed"* ]]
}

@test "open: a port that is taken, a pod that does not answer" {
	lab up
	python3 -m http.server --bind 127.0.0.1 $TEMPO >/dev/null 2>&1 3>&- &
	web=$!
	for _ in $(seq 50); do curl -s 127.0.0.1:$TEMPO >/dev/null && break; sleep 0.1; done
	refused_lab 1 "lab: open: port $TEMPO, for Tempo, is taken by python3, process $web" open
	kill "$web"
	lab close
	touch "$FAKE/no-forward"
	LAB_FORWARD_WAIT=1 refused_lab 1 "lab: open: Grafana: nothing listens on 127.0.0.1:$GRAFANA; does its pod run" open
	[[ $output == *"unable to forward port because pod is not running"* ]]
}

@test "reset: everything anew, in the same cluster" {
	lab up
	: >"$FAKE/calls"
	run lab reset
	[ "$status" -eq 0 ]
	never 'minikube (start|.*delete)'
	calls | grep -q 'uninstall loki --wait'
	calls | grep -q 'delete namespace mini'
	[ "$(calls | grep -n 'delete namespace' | cut -d : -f 1)" -lt "$(calls | grep -n 'create namespace' | cut -d : -f 1)" ]
}

@test "reset, open and check without a cluster say what to do" {
	for verb in reset open check; do
		refused_lab 1 "lab: $verb: the cluster does not answer" "$verb"
	done
}

@test "down stops, down --purge leaves nothing" {
	lab up
	lab open
	lab down
	calls | grep -q 'minikube --profile=mini stop'
	[ -e "$LAB_STATE/minikube" ]
	lab up
	run lab down --purge --json
	[ "$status" -eq 0 ]
	[[ $output == '{"lab":"mini","down":true,"purged":true}' ]]
	[ ! -e "$LAB_STATE" ]
	run lab down
	[ "$status" -eq 0 ]
}

@test "env: the settings for one's own shell" {
	run lab env
	[ "$status" -eq 0 ]
	(
		eval "$output"
		[ "$KUBECONFIG" = "$LAB_STATE/kubeconfig" ]
		[ "$(command -v helm)" = "$LAB/bin/helm" ]
	)
}

@test "the same under dash, bash and busybox ash" {
	for shell in dash bash "busybox ash"; do
		command -v ${shell%% *} >/dev/null || continue
		rm -f "$FAKE/container" "$FAKE/node-images" "$FAKE/namespace" "$FAKE/deployed" "$FAKE/base"
		for words in preflight "up -q" status check "down --purge"; do
			# shellcheck disable=SC2086
			run $shell "$LAB/lab" $words
			[ "$status" -eq 0 ] || { echo "$shell $words: $output"; return 1; }
		done
	done
}

@test "every check and every script of the lab passes shellcheck" {
	command -v shellcheck >/dev/null || skip "no shellcheck"
	shellcheck -s sh "$TOP"/templates/minikube/lib/*.sh "$TOP"/templates/common/lib/*.sh "$TOP"/bundles/lgtm/checks/*.sh
}
