# shellcheck shell=sh
# The verbs that every target has, and the way from a word to its function: the verb "up" is the function verb_up,
# which common/lib or the target's lib defines.

# lab_main ARGS
lab_main() {
	lab_verb=''
	for lab_arg in "$@"; do
		if ui_global "$lab_arg"; then
			continue
		fi
		case $lab_arg in
		-h | --help) lab_verb=help ;;
		-*) [ -n "$lab_verb" ] || usage "unknown option '$lab_arg'" ;;
		*) [ -n "$lab_verb" ] || lab_verb=$lab_arg ;;
		esac
	done
	[ -n "$lab_verb" ] || usage "no verb given"
	case $lab_verb in
	*[!a-z]*) usage "unknown verb '$lab_verb'" ;;
	esac
	has "verb_$lab_verb" || usage "unknown verb '$lab_verb'"

	# What is left behind the verb is the verb's own.
	lab_seen=0
	for lab_arg in "$@"; do
		shift
		if [ "$lab_seen" = 0 ] && { [ "$lab_arg" = "$lab_verb" ] || [ "$lab_arg" = -h ] || [ "$lab_arg" = --help ]; }; then
			lab_seen=1
		elif ! ui_global "$lab_arg"; then
			set -- "$@" "$lab_arg"
		fi
	done
	"verb_$lab_verb" "$@"
}

verb_help() {
	cat <<EOF
$LAB_TITLE_EN${LAB_TITLE_KO:+ / $LAB_TITLE_KO}
lab $LAB_NAME $LAB_VERSION for $LAB_PLATFORM

usage: ./lab [--dry-run] [--json] [-q] VERB

EOF
	while IFS='|' read -r lab_verb lab_text; do
		if has "verb_${lab_verb%% *}"; then
			printf '  %-16s %s\n' "$lab_verb" "$lab_text"
		fi
	done <<-EOF
		verify -p PUB|check the signature and every file of this folder; PUB is the signer's public key
		preflight|list everything that would keep the lab from running, each with its remedy
		up|start the lab, or what of it does not run; harmless when it runs
		status|show what runs
		check|prove each system by using it
		open|show the addresses
		close|stop what open started
		reset|wipe the lab's data and start again, as at the start of the lesson
		down [--purge]|stop the lab; --purge removes its files as well
		env|print the settings for your own shell: eval "\$(./lab env)"
		help|this text
	EOF
	! has help_options || help_options
	cat <<EOF

  --dry-run        print the commands and do nothing
  --json           answer for programs
  -q               only errors and failures

Environment: LAB_STATE (where the lab keeps its files; now $(state_path)),
LAB_PORT_OFFSET (added to each port), LAB_PUBKEY (as -p), NO_COLOR.
Exit status: 0 good, 1 could not work, 2 wrong usage, 3 not authentic.
EOF
}

# The trust comes from the key, so the key must not come with the bundle.
verb_verify() {
	lab_key=${LAB_PUBKEY:-}
	while [ $# -gt 0 ]; do
		case $1 in
		-p)
			[ $# -ge 2 ] || usage "verify: -p needs the public key's file"
			lab_key=$2
			shift
			;;
		-p?*) lab_key=${1#-p} ;;
		*) usage "verify: unexpected argument '$1'" ;;
		esac
		shift
	done
	[ -n "$lab_key" ] || usage "verify: no public key given (-p FILE or LAB_PUBKEY); ask the person who made this lab for it, \
by another way than the bundle came"
	[ -r "$lab_key" ] || die "verify: $lab_key: cannot be read; give the file of the signer's public key"
	[ -x "$LAB_DIR/bin/labverify" ] || die "verify: $LAB_DIR/bin/labverify: missing or not executable; extract the bundle again"
	set -- "$LAB_DIR/bin/labverify" check "$LAB_DIR" -p "$lab_key"
	[ "$JSON" = 0 ] || set -- "$@" --json
	run "$@"
}
