# shellcheck shell=sh disable=SC2034,SC2154 # the files of lib/ share variables
# What "lab check" is for the target minikube: a check_needs is the name of a port. Checks may call
#
#	ask PORTNAME PATH [BODY]        an HTTP question at 127.0.0.1; sets ASK_STATUS and ASK_BODY
#	ask_session PORTNAME            a TCP session, over standard input and output
#	ask_until SECONDS COMMAND...    over and over
#	ask_encode, ask_now             for their questions
#	kube ARGUMENTS                  kubectl in the lab's namespace
#	check_id                        a word that no earlier check used

check_begin() {
	check_more="'./lab status' shows which pods are not ready"
	check_opened=0
	check_id=lab$(date +%s)x$$
	[ "$DRY_RUN" = 0 ] || return 0
	kube_reachable || die "check: the cluster does not answer (${kube_why:-no word from it}); run '$LAB_DIR/lab up'"
	state_lock check
	# Those of a machine that was started anew are gone; what was not open is closed again afterwards.
	if [ -z "$(forwards_alive)" ]; then
		check_opened=1
		trap 'check_end' EXIT
	fi
	forwards_open
	check_writer_start
}

check_end() {
	trap - EXIT
	[ "$DRY_RUN" = 0 ] || return 0
	check_writer_stop
	[ "$check_opened" = 0 ] || forwards_close
}

# check_needed: whether the ports of the check lead to something.
check_needed() {
	[ "$DRY_RUN" = 0 ] || return 0
	printf '%s\n' "$check_needs" | tr '|' '\n' | while read -r check_port; do
		[ -z "$check_port" ] || [ -n "$(port_holder "$(port "$check_port")")" ] || {
			printf 'nothing listens on port %s for %s; run open\n' "$(port "$check_port")" "$check_port"
			return 1
		}
	done
}

# A pod that does nothing but write lines, for the checks that want to find them again. Its image is Redis', which is in
# the cluster already.
check_writer_start() {
	check_image=$(kube get deploy/redis -o 'jsonpath={.spec.template.spec.containers[0].image}' 2>/dev/null) || check_image=''
	[ -n "$check_image" ] || return 0
	# shellcheck disable=SC2016 # for the shell in the pod
	kube run "$check_id" --image="$check_image" --image-pull-policy=IfNotPresent --restart=Never --labels=app=lab-check \
		--command -- sh -c 'i=0; while [ $i -lt 150 ]; do echo "$0 line $i"; i=$((i + 1)); sleep 2; done' "$check_id" >/dev/null 2>&1 || :
}

check_writer_stop() {
	kube delete pod --selector=app=lab-check --ignore-not-found --wait=false >/dev/null 2>&1 || :
}
