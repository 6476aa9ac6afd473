# shellcheck shell=sh disable=SC2034,SC2154 # the files of lib/ share variables
# What "lab check" is for the target host. What a check may call stands in services.sh.

check_begin() {
	services_find
	isolation_find
	enter_show
	check_more="'./lab status' and the logs in $STATE/log say more"
}

check_end() { :; }

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
