# shellcheck shell=sh disable=SC2034,SC2154 # shared with lab
# As the course does by hand: the console lets admin in with the password, and nobody with another.
check_title='MinIO'
check_needs='MinIO console'

minio_login() {
	ask 'MinIO console' /api/v1/login "{\"accessKey\":\"admin\",\"secretKey\":\"$1\"}"
}

check_run() {
	ask_until 30 minio_login password || { echo "the console does not answer"; return 1; }
	[ "$DRY_RUN" = 1 ] || [ "$ASK_STATUS" = 204 ] ||
		{ echo "the console refused admin with the password: HTTP $ASK_STATUS"; return 1; }
	minio_login "not$check_id" || :
	[ "$DRY_RUN" = 1 ] || [ "$ASK_STATUS" != 204 ] || { echo "the console let admin in with a wrong password"; return 1; }
	echo "the console let admin in, and refused a wrong password"
}
