# shellcheck shell=sh disable=SC2034,SC2154 # the files of lib/ share variables
# "lab check": proves each system by using it. A check is a file checks/NN-NAME.sh, which sets
#
#	check_title='Redis'
#	check_needs='Redis|…'       what must run, joined by |; the target says what the words are
#
# and defines
#
#	check_run()                 uses the system; prints one line: what it proved, or else why it failed, and returns 1
#
# A target defines check_begin, check_end, check_needed, and check_more: the text behind "N of M failed".

# check_one FILE: sets check_title, check_text and check_status.
check_one() {
	check_title='' check_needs=''
	# shellcheck source=/dev/null
	. "$1"
	check_status=0
	if [ "$DRY_RUN" = 1 ]; then
		# A check reads what its commands print: show them past that.
		{ (ENTER_SHOW=3 && check_run >/dev/null 2>&1) || :; } 3>&1
		return 0
	fi
	check_text=$(check_needed && check_run 2>&1) || check_status=1
	[ -n "$check_text" ] || check_text="no answer"
}

verb_check() {
	lab_find check "$@"
	check_begin
	check_failed=0 check_count=0 check_json=''
	for check_file in "$LAB_DIR"/checks/[0-9][0-9]-*.sh; do
		[ -e "$check_file" ] || die "$LAB_DIR/checks: holds no check; extract the bundle again"
		check_one "$check_file"
		[ "$DRY_RUN" = 0 ] || continue
		check_count=$((check_count + 1))
		[ "$check_status" = 0 ] || check_failed=$((check_failed + 1))
		ui_line "$(if [ "$check_status" = 0 ]; then echo ok; else echo FAIL; fi)" \
			"$(printf '%-16s %s' "$check_title" "$(printf '%s' "$check_text" | tr '\n' ' ' | cut -c 1-300)")"
		check_json="$check_json${check_json:+,
}{\"name\":$(json_string "$check_title"),\"ok\":$(json_bool "$check_status"),\"detail\":$(json_string "$check_text")}"
	done
	[ "$JSON" = 0 ] || [ "$DRY_RUN" = 1 ] || printf '[%s]\n' "$check_json"
	check_end
	[ "$check_failed" = 0 ] || die "check: $check_failed of $check_count failed; $check_more"
}
