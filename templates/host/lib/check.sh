# shellcheck shell=sh disable=SC2034,SC2154 # the files of lib/ share variables
# "lab check": proves each system by using it. What a check is stands in services.sh.

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

# check_needed: whether the services that the check is about run, so that no other program on their ports is proved.
check_needed() {
	for check_name in $SERVICES; do
		service_load "$check_name"
		case "|$check_needs|" in
		*"|$service_title|"*)
			service_healthy "$check_name" || {
				printf '%s does not run; run up\n' "$service_title"
				return 1
			}
			;;
		esac
	done
}

verb_check() {
	ui_no_arguments check "$@"
	host_find
	services_find
	isolation_find
	enter_show
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
	[ "$check_failed" = 0 ] || die "check: $check_failed of $check_count failed; './lab status' and the logs in $STATE/log say more"
}
