# shellcheck shell=sh disable=SC2034,SC2154 # the files of lib/ share variables
# Where the lab runs: on a minikube of its own, or on a cluster that is there already. What "up" was told is kept in the
# state folder until "down --purge", so that every later verb finds the same.
#
# Set here, for everybody: DRIVER PROFILE CONTEXT REGISTRY NODE_ARCH MINI KUBECTL.

help_options() {
	cat <<EOF

preflight and up take as well:
  --driver NAME    docker (default); none: this very machine, as root; qemu2, kvm2: where the bundle carries minikube's ISO
  --profile NAME   the name of minikube's cluster; now ${PROFILE:-$LAB_NAME}
  --context NAME   no minikube: install into the cluster of that context of your kubeconfig
  --registry HOST  with --context: push the images to this registry first, and take them from there
EOF
}

# settings_load: what an earlier "up" was told.
settings_load() {
	DRIVER='' PROFILE='' CONTEXT='' REGISTRY=''
	[ -r "$STATE/cluster" ] || return 0
	while IFS='=' read -r settings_key settings_value; do
		case $settings_key in
		driver) DRIVER=$settings_value ;;
		profile) PROFILE=$settings_value ;;
		context) CONTEXT=$settings_value ;;
		registry) REGISTRY=$settings_value ;;
		esac
	done <"$STATE/cluster"
}

# settings_take NAME VALUE: an option; refuses to move a lab that is there already.
settings_take() {
	case $2 in
	'' | -* | *[!A-Za-z0-9._:/@+-]*) usage "--$1: '$2' is not a name; use letters, digits and ._:/@+-" ;;
	esac
	case $1 in
	driver)
		settings_old=$DRIVER DRIVER=$2
		case $2 in
		docker | none | qemu2 | kvm2) ;;
		*) usage "--driver: '$2' is none of docker, none, qemu2 and kvm2" ;;
		esac
		;;
	profile) settings_old=$PROFILE PROFILE=$2 ;;
	context) settings_old=$CONTEXT CONTEXT=$2 ;;
	registry) settings_old=$REGISTRY REGISTRY=$2 ;;
	esac
	[ ! -r "$STATE/cluster" ] || [ "$settings_old" = "$2" ] ||
		die "--$1 $2: the lab was brought up with ${settings_old:-another kind of cluster}; run down --purge first, or leave --$1 away"
}

# settings_options ARGUMENTS: the options of preflight and up.
settings_options() {
	while [ $# -gt 0 ]; do
		case $1 in
		--driver | --profile | --context | --registry)
			[ $# -ge 2 ] || usage "$1: a name is needed"
			settings_take "${1#--}" "$2"
			shift
			;;
		--driver=* | --profile=* | --context=* | --registry=*)
			settings_name=${1%%=*}
			settings_take "${settings_name#--}" "${1#*=}"
			;;
		*) ui_global "$1" || usage "unexpected argument '$1'" ;;
		esac
		shift
	done
	[ -z "$REGISTRY" ] || [ -n "$CONTEXT" ] || usage "--registry: needs --context; minikube gets its images directly"
	[ -z "$CONTEXT" ] || [ -z "$DRIVER$PROFILE" ] || usage "--context: not together with --driver or --profile"
}

# settings_fill: what nobody said.
settings_fill() {
	MINI=1
	if [ -n "$CONTEXT" ]; then
		MINI=0
	else
		DRIVER=${DRIVER:-docker}
		# minikube knows this driver under no other name.
		[ "$DRIVER" != none ] || PROFILE=${PROFILE:-minikube}
		PROFILE=${PROFILE:-$LAB_NAME}
	fi
	KUBECTL="$LAB_DIR/bin/kubectl"
	NODE_ARCH=${LAB_PLATFORM#*/}
}

# settings_environment: tools of the lab, files of the lab, and nothing that leads outside. minikube takes every flag from
# a variable of its name, and passes proxies on into the node.
settings_environment() {
	for settings_name in $(env | sed -n 's/^\(MINIKUBE_[A-Za-z0-9_]*\)=.*/\1/p; s/^\(HELM_[A-Za-z0-9_]*\)=.*/\1/p'); do
		unset "$settings_name"
	done
	unset HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy
	PATH=$LAB_DIR/bin:$PATH
	export PATH
	HELM_CACHE_HOME=$STATE/helm/cache HELM_CONFIG_HOME=$STATE/helm/config HELM_DATA_HOME=$STATE/helm/data
	export HELM_CACHE_HOME HELM_CONFIG_HOME HELM_DATA_HOME
	if [ "$MINI" = 1 ]; then
		MINIKUBE_HOME=$STATE/minikube KUBECONFIG=$STATE/kubeconfig
		export MINIKUBE_HOME KUBECONFIG
	fi
}

# settings_keep: remembers them.
settings_keep() {
	{
		printf 'driver=%s\nprofile=%s\n' "$DRIVER" "$PROFILE" >"$STATE/cluster.part" &&
			printf 'context=%s\nregistry=%s\n' "$CONTEXT" "$REGISTRY" >>"$STATE/cluster.part" &&
			mv "$STATE/cluster.part" "$STATE/cluster"
	} || die "$STATE: cannot write the file cluster; is the disk full?"
}

# lab_find VERB ARGUMENTS: everything above; changes nothing.
lab_find() {
	settings_verb=$1
	shift
	state_find
	settings_load
	case $settings_verb in
	preflight | up) settings_options "$@" ;;
	*) ui_no_arguments "$settings_verb" "$@" ;;
	esac
	settings_fill
	settings_environment
	ports_init
}

# mini ARGUMENTS: minikube, on the lab's own profile.
mini() {
	run "$LAB_DIR/bin/minikube" --profile="$PROFILE" "$@"
}

# kube ARGUMENTS: kubectl on the lab's cluster, in its namespace.
kube() {
	run "$KUBECTL" --context="${CONTEXT:-$PROFILE}" --namespace="$LAB_NAMESPACE" "$@"
}

# kube_helm ARGUMENTS
kube_helm() {
	run "$LAB_DIR/bin/helm" --kube-context="${CONTEXT:-$PROFILE}" --namespace="$LAB_NAMESPACE" "$@"
}

# kube_reachable: whether the cluster answers; sets kube_why where not.
kube_reachable() {
	kube_why=$("$KUBECTL" --context="${CONTEXT:-$PROFILE}" --request-timeout=10s get --raw /readyz 2>&1) && [ "$kube_why" = ok ]
}

verb_env() {
	lab_find env "$@"
	ui_command export "PATH=$LAB_DIR/bin:\$PATH" | sed "s/'//g"
	[ "$MINI" = 0 ] || ui_command export "KUBECONFIG=$KUBECONFIG" "MINIKUBE_HOME=$MINIKUBE_HOME"
	ui_command export "HELM_CACHE_HOME=$HELM_CACHE_HOME" "HELM_CONFIG_HOME=$HELM_CONFIG_HOME" "HELM_DATA_HOME=$HELM_DATA_HOME"
}
