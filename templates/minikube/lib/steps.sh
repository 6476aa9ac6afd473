# shellcheck shell=sh disable=SC2034,SC2154 # the files of lib/ share variables
# What is installed into the cluster, in the order of lab.env, each waited for: a node of four processors that starts ten
# servers at once fails their probes.

STEP_WAIT=${LAB_WAIT:-900}	# seconds for one of them

# steps_list: prints "m|PATH|WAIT" for a manifest and "c|RELEASE|NAME|VERSION|VALUES|WAIT" for a chart, in order.
steps_list() {
	{
		[ -z "$LAB_MANIFESTS" ] || printf '%s\n' "$LAB_MANIFESTS" | awk -F'|' '{ print $1 "|0|m|" $2 "|" $3 }'
		[ -z "$LAB_CHARTS" ] || printf '%s\n' "$LAB_CHARTS" | awk -F'|' '{ print $1 "|1|c|" $2 "|" $3 "|" $4 "|" $5 "|" $6 }'
	} | sort -t '|' -k 1,1n -k 2,2n | cut -d '|' -f 3-
}

# steps_backwards: the same, the last first.
steps_backwards() {
	steps_list | awk '{ line[NR] = $0 } END { for (i = NR; i; i--) print line[i] }'
}

# step_do COMMAND...: what it says goes into the step's log; with --dry-run it is shown.
step_do() {
	if [ "$DRY_RUN" = 1 ]; then
		"$@"
	else
		"$@" >>"$STATE/log/step.log" 2>&1 </dev/null
	fi
}

# step_manifest PATH WAIT
step_manifest() {
	if [ -n "$REGISTRY" ] && [ "$DRY_RUN" = 0 ]; then
		registry_rename <"$LAB_DIR/$1" >"$STATE/manifest.yaml"
		step_do kube apply --filename="$STATE/manifest.yaml" || return 1
	else
		step_do kube apply --filename="$LAB_DIR/$1" || return 1
	fi
	step_wait "$2"
}

# step_wait OBJECT: until it is ready; nothing where there is nothing to wait for.
step_wait() {
	case $1 in
	'') return 0 ;;
	job/* | jobs.batch/*) step_do kube wait "$1" --for=condition=complete --timeout="${STEP_WAIT}s" ;;
	*) step_do kube rollout status "$1" --timeout="${STEP_WAIT}s" ;;
	esac
}

# step_chart RELEASE NAME VERSION VALUES WAIT: from the bundle's own archive, which holds what the chart depends on.
step_chart() {
	step_object=$5
	step_unstick "$1" || return 1
	set -- "$1" "$LAB_DIR/charts/$2-$3.tgz" "${4:+$LAB_DIR/$4}"
	[ "$DRY_RUN" = 1 ] || [ -r "$2" ] || die "$2: missing; extract the bundle again"
	set -- upgrade --install "$1" "$2" ${3:+"--values=$3"} --timeout="${STEP_WAIT}s" --wait
	[ -z "$REGISTRY" ] || set -- "$@" --post-renderer="$STATE/registry-renderer"
	step_do kube_helm "$@" || return 1
	step_wait "$step_object"
}

# step_unstick RELEASE: helm refuses to go on where it was killed in the middle of something.
step_unstick() {
	[ "$DRY_RUN" = 0 ] || return 0
	step_state=$(kube_helm status "$1" 2>/dev/null </dev/null | sed -n 's/^STATUS: //p') || :
	case $step_state in
	pending-install | uninstalling | failed) step_do kube_helm uninstall "$1" --wait --timeout="${STEP_WAIT}s" ;;
	pending-upgrade | pending-rollback) step_do kube_helm rollback "$1" --wait --timeout="${STEP_WAIT}s" ;;
	esac
}

# step_run LINE: one line of steps_list.
step_run() {
	IFS='|' read -r step_kind step_a step_b step_c step_d step_e <<EOF
$1
EOF
	case $step_kind in
	m) step_name=${step_a##*/} ;;
	*) step_name="$step_a (chart $step_b $step_c)" ;;
	esac
	step_count=$((step_count + 1))
	if [ "$DRY_RUN" = 0 ]; then
		say "[$step_count/$step_total] $step_name"
		: >"$STATE/log/step.log"
	fi
	case $step_kind in
	m) step_manifest "$step_a" "$step_b" ;;
	*) step_chart "$step_a" "$step_b" "$step_c" "$step_d" "$step_e" ;;
	esac
}

# steps_up: all of them; the first that gets stuck is explained.
steps_up() {
	step_count=0 step_total=$(steps_list | wc -l | tr -d ' ')
	[ "$DRY_RUN" = 1 ] || mkdir -p "$STATE/log"
	steps_namespace
	steps_registry
	while IFS= read -r step_line <&4; do
		step_run "$step_line" || {
			steps_explain
			die "up: $step_name did not get ready${step_state:+ (it was $step_state)}; what is known stands above; \
mend that, then run up again, which goes on from here"
		}
	done 4<<EOF
$(steps_list)
EOF
}

steps_namespace() {
	[ "$DRY_RUN" = 1 ] || : >"$STATE/log/step.log"
	if [ "$DRY_RUN" = 1 ] || ! kube get namespace "$LAB_NAMESPACE" >/dev/null 2>&1; then
		step_do kube create namespace "$LAB_NAMESPACE" || {
			tail -n 3 "$STATE/log/step.log" | sed 's/^/    /' >&2
			die "up: the namespace $LAB_NAMESPACE cannot be made; see the lines above"
		}
	fi
}

# steps_unready: prints "POD STATUS" of each pod that is not ready.
steps_unready() {
	"$KUBECTL" --context="${CONTEXT:-$PROFILE}" --namespace="$LAB_NAMESPACE" get pods --no-headers 2>/dev/null | awk '
		{ split($2, ready, "/") }
		$3 != "Completed" && (ready[1] != ready[2] || $3 != "Running") { print $1, $3 }'
}

# steps_explain: what the last command said, and of each pod that is not ready its events and last words.
steps_explain() {
	{
		tail -n 5 "$STATE/log/step.log" 2>/dev/null | sed 's/^/    /' || :
		steps_unready | while read -r step_pod step_status; do
			printf '    pod %s: %s\n' "$step_pod" "$step_status"
			step_hint "$step_status"
			kube get events --field-selector="involvedObject.name=$step_pod" --sort-by=.lastTimestamp \
				-o 'jsonpath={range .items[*]}{.type}: {.message}{"\n"}{end}' 2>/dev/null </dev/null | tail -n 5 | cut -c 1-300 | sed 's/^/        /'
			kube logs "$step_pod" --all-containers --tail=8 2>/dev/null </dev/null | cut -c 1-300 | sed 's/^/        log: /' || :
		done
	} >&2
}

# step_hint STATUS: what a pod's state means in this lab.
step_hint() {
	case $1 in
	*ImagePull* | ErrImageNeverPull | InvalidImageName)
		echo "        its image is not in the node: run up again, which imports and compares all of them" ;;
	OOMKilled) echo "        it ran out of its memory: is the node smaller than $LAB_MEMORY MiB?" ;;
	Pending) echo "        no room for it, or its volume is not there yet: the events say which" ;;
	CrashLoopBackOff | Error) echo "        it starts and ends: its log says why" ;;
	esac
}

# step_failed TEXT: a removal that did not work.
step_failed() {
	tail -n 5 "$STATE/log/step.log" 2>/dev/null | sed 's/^/    /' >&2 || :
	die "$1"
}

# steps_down: removes what steps_up made, the last first, with all its data.
steps_down() {
	if [ "$DRY_RUN" = 0 ]; then
		mkdir -p "$STATE/log"
		: >"$STATE/log/step.log"
	fi
	while IFS='|' read -r step_kind step_a step_b <&4; do
		case $step_kind in
		c)
			[ "$DRY_RUN" = 1 ] || kube_helm status "$step_a" >/dev/null 2>&1 </dev/null || continue
			step_do kube_helm uninstall "$step_a" --wait --timeout="${STEP_WAIT}s" ||
				step_failed "helm could not uninstall $step_a; see the lines above, then try again"
			;;
		m) step_do kube delete --filename="$LAB_DIR/$step_a" --ignore-not-found --wait=false || : ;;
		esac
	done 4<<EOF
$(steps_backwards)
EOF
	step_do kube delete namespace "$LAB_NAMESPACE" --ignore-not-found --timeout="${STEP_WAIT}s" ||
		step_failed "the namespace $LAB_NAMESPACE does not go away; 'kubectl get all --namespace $LAB_NAMESPACE' shows what holds it"
}
