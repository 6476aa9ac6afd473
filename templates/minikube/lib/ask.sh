# shellcheck shell=sh disable=SC2034,SC2154 # the files of lib/ share variables
# Questions to the lab's systems, at the addresses that students use: 127.0.0.1 and the port of lab.env. With curl or wget,
# whichever the machine has. Where it has neither, the same question is asked inside the cluster, by the wget of Redis'
# image: ask_way tells.

# ask_way: prints which way is taken: curl, wget or cluster.
ask_way() {
	if [ -n "${LAB_ASK:-}" ]; then
		printf '%s\n' "$LAB_ASK"
	elif has curl; then
		echo curl
	elif has wget; then
		echo wget
	else
		echo cluster
	fi
}

# ask_base PORTNAME: prints the address, on this machine or in the cluster.
ask_base() {
	if [ "$(ask_way)" = cluster ]; then
		printf 'http://%s\n' "$(printf '%s\n' "$LAB_PORTS" | awk -F'|' -v name="$1" -v ns="$LAB_NAMESPACE" '
			$1 == name { split($3, part, "[/:]"); print part[2] "." ns ".svc.cluster.local:" part[3] }')"
	else
		printf 'http://127.0.0.1:%s\n' "$(port "$1")"
	fi
}

# ask PORTNAME PATH [BODY]: GET, or POST of a JSON body. Sets ASK_STATUS and ASK_BODY; ASK_USER, as name:password, is sent
# where it is set. Returns 1 where no answer came.
ask() {
	ask_url=$(ask_base "$1")$2
	if [ "$DRY_RUN" = 1 ]; then
		printf '%s %s\n' "$(if [ $# -ge 3 ]; then echo POST; else echo GET; fi)" "$ask_url" >&"${ENTER_SHOW:-1}"
		ASK_STATUS=200 ASK_BODY=''
		return 0
	fi
	ask_dir=$STATE/run
	mkdir -p "$ask_dir"
	ask_auth=''
	[ -z "${ASK_USER:-}" ] || ask_auth="Authorization: Basic $(printf '%s' "$ASK_USER" | ask_base64)"
	ASK_STATUS=000 ASK_BODY=''
	set -- "$ask_url" ${3+"$3"}
	case $(ask_way) in
	curl) ask_curl "$@" ;;
	wget) ask_wget wget "$@" ;;
	*) ask_wget ask_inside "$@" ;;
	esac
	rm -f "$ask_dir/ask.body" "$ask_dir/ask.head"
	[ "$ASK_STATUS" != 000 ]
}

# ask_base64: a filter: RFC 4648's base64, without a program that a machine may lack.
ask_base64() {
	od -An -v -tu1 | awk '{ for (i = 1; i <= NF; i++) byte[n++] = $i }
		END {
			set = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
			for (i = 0; i < n; i += 3) {
				v = byte[i] * 65536 + byte[i + 1] * 256 + byte[i + 2]
				printf "%s%s%s%s", substr(set, int(v / 262144) + 1, 1), substr(set, int(v / 4096) % 64 + 1, 1),
					i + 1 < n ? substr(set, int(v / 64) % 64 + 1, 1) : "=", i + 2 < n ? substr(set, v % 64 + 1, 1) : "="
			}
		}'
}

# ask_curl URL [BODY]
ask_curl() {
	ask_at=$1
	shift
	set -- ${1+--header} ${1+'Content-Type: application/json'} ${1+--data-binary} ${1+"$1"}
	[ -z "$ask_auth" ] || set -- "$@" --header "$ask_auth"
	ASK_STATUS=$(curl --silent --max-time 15 --noproxy '*' --output "$ask_dir/ask.body" --write-out '%{http_code}' "$@" "$ask_at") ||
		ASK_STATUS=000
	ASK_BODY=$(cat "$ask_dir/ask.body" 2>/dev/null || :)
}

# ask_wget PROGRAM URL [BODY]: GNU's and busybox' have these in common. What the server says first stands on their error
# output.
ask_wget() {
	ask_program=$1 ask_at=$2
	shift 2
	set -- ${1+--header} ${1+'Content-Type: application/json'} ${1+--post-data} ${1+"$1"}
	[ -z "$ask_auth" ] || set -- "$@" --header "$ask_auth"
	"$ask_program" -S -q -T 15 -O - "$@" "$ask_at" >"$ask_dir/ask.body" 2>"$ask_dir/ask.head" || :
	ASK_STATUS=$(sed -n 's/.*HTTP\/[0-9.]* \([0-9][0-9][0-9]\).*/\1/p' "$ask_dir/ask.head" | tail -n 1)
	ASK_STATUS=${ASK_STATUS:-000}
	ASK_BODY=$(cat "$ask_dir/ask.body")
}

# ask_inside ARGUMENTS: wget in Redis' pod.
ask_inside() {
	kube exec deploy/redis -- wget "$@"
}

# ask_encode TEXT: for a query.
ask_encode() {
	printf '%s' "$1" | od -An -v -tx1 | tr -d '\n' | sed 's/ /%/g'
}

# ask_now [SHIFT]: the time, in nanoseconds since 1970.
ask_now() {
	printf '%s000000000\n' $(($(date +%s) + ${1:-0}))
}

# ask_until SECONDS COMMAND...: over and over until it succeeds.
ask_until() {
	ask_end=$(($(date +%s) + ${LAB_CHECK_WAIT:-$1}))
	shift
	if [ "$DRY_RUN" = 1 ]; then
		"$@" || :
		return 0
	fi
	until "$@"; do
		[ "$(date +%s)" -lt "$ask_end" ] || return 1
		sleep 2
	done
}

# ask_session PORTNAME: a TCP session: standard input there, the answer back, until the server closes it.
ask_session() {
	if [ "$DRY_RUN" = 1 ]; then
		printf 'TCP 127.0.0.1:%s\n' "$(port "$1")" >&"${ENTER_SHOW:-1}"
		return 0
	fi
	if [ "$(ask_way)" != cluster ] && has curl && curl --version | grep -q telnet; then
		curl --silent --max-time 10 --noproxy '*' "telnet://127.0.0.1:$(port "$1")"
	elif [ "$(ask_way)" != cluster ] && has nc; then
		nc -w 10 127.0.0.1 "$(port "$1")"
	else
		ask_at=$(LAB_ASK=cluster ask_base "$1")
		kube exec -i deploy/redis -- nc -w 10 "$(printf '%s\n' "${ask_at#http://}" | sed 's/:.*//')" "${ask_at##*:}"
	fi
}
