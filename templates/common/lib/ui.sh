# shellcheck shell=sh
# Words on a screen: options that every verb takes, messages, JSON.
#
# Set here, for everybody: DRY_RUN, JSON, QUIET (0 or 1).
DRY_RUN=0
JSON=0
QUIET=0
ui_tab=$(printf '\t')

# ui_options ARGS: takes the options that may stand before or behind the verb.
ui_options() {
	for ui_arg in "$@"; do
		case $ui_arg in
		--dry-run) DRY_RUN=1 ;;
		--json) JSON=1 ;;
		-q | --quiet) QUIET=1 ;;
		--) break ;;
		esac
	done
	ui_good='' ui_bad='' ui_plain=''
	if [ -z "${NO_COLOR:-}" ] && [ -t 1 ] && [ "${TERM:-dumb}" != dumb ]; then
		ui_good=$(printf '\033[32m') ui_bad=$(printf '\033[31m') ui_plain=$(printf '\033[0m')
	fi
}

# ui_global ARG: whether ARG is one of the options that ui_options took.
ui_global() {
	case $1 in
	--dry-run | --json | -q | --quiet) return 0 ;;
	esac
	return 1
}

# ui_no_arguments VERB ARGS: a usage error where anything but the common options is left.
ui_no_arguments() {
	ui_verb=$1
	shift
	for ui_arg in "$@"; do
		ui_global "$ui_arg" || usage "$ui_verb: unexpected argument '$ui_arg'"
	done
}

# say TEXT: progress for people, silent with -q and --json.
say() {
	[ "$QUIET" = 1 ] || [ "$JSON" = 1 ] || printf '%s\n' "$*"
}

# ui_line MARK TEXT: one result for people; MARK is ok, FAIL or note.
ui_line() {
	[ "$JSON" = 0 ] || return 0
	case $1 in
	ok) [ "$QUIET" = 1 ] || printf '%s%-4s%s  %s\n' "$ui_good" "$1" "$ui_plain" "$2" ;;
	FAIL) printf '%s%-4s%s  %s\n' "$ui_bad" "$1" "$ui_plain" "$2" ;;
	*) [ "$QUIET" = 1 ] || printf '%-4s  %s\n' "$1" "$2" ;;
	esac
}

# warn "WHAT: WHY; WHAT TO DO"
warn() {
	printf 'lab: %s\n' "$*" >&2
}

# die "WHAT: WHY; WHAT TO DO": could not work.
die() {
	warn "$*"
	exit 1
}

# usage "WHAT": wrong command line.
usage() {
	warn "$*; see '$LAB_DIR/lab help'"
	exit 2
}

# run COMMAND...: does it, or with --dry-run prints it so that a shell would take it.
run() {
	if [ "$DRY_RUN" = 1 ]; then
		ui_command "$@"
	else
		"$@"
	fi
}

# ui_command COMMAND...: prints one command, quoted.
ui_command() {
	ui_out=''
	for ui_arg in "$@"; do
		case $ui_arg in
		'' | *[!A-Za-z0-9_./:=@%,+-]*)
			ui_arg=\'$(printf '%s\n' "$ui_arg" | sed "s/'/'\\\\''/g")\' ;;
		esac
		ui_out="$ui_out${ui_out:+ }$ui_arg"
	done
	printf '%s\n' "$ui_out"
}

# json_string TEXT: TEXT as a JSON string; control characters other than tab and newline are left out.
json_string() {
	printf '"%s"' "$(printf '%s\n' "$1" | tr -d '\000-\010\013-\037\177' |
		sed "s/\\\\/\\\\\\\\/g; s/\"/\\\\\"/g; s/$ui_tab/\\\\t/g" | awk 'NR > 1 { printf "\\n" } { printf "%s", $0 }')"
}

# json_bool STATUS: true for 0.
json_bool() {
	if [ "$1" = 0 ]; then printf true; else printf false; fi
}

# pause: a moment between two looks; whole seconds where sleep takes no fractions.
pause() {
	sleep 0.1 2>/dev/null || sleep 1
}

# has COMMAND: whether it is there.
has() {
	command -v "$1" >/dev/null 2>&1
}
