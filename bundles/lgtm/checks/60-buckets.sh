# shellcheck shell=sh disable=SC2034,SC2154 # shared with lab
# Loki, Tempo and Mimir are told to write what they hold in memory; then there are objects in their buckets.
check_title='Buckets'
check_needs='Loki|Tempo|Mimir'

bucket_has() {
	ask "$2" "$3" '{}' || :
	[ -n "$(kube exec deploy/minio -- ls -A "/data/$1" 2>/dev/null </dev/null)" ]
}

check_run() {
	while read -r bucket_name bucket_port bucket_flush <&6; do
		ask_until 120 bucket_has "$bucket_name" "$bucket_port" "$bucket_flush" ||
			{ echo "no object of $bucket_port is in the bucket $bucket_name: flush answered HTTP $ASK_STATUS"; return 1; }
	done 6<<-EOF
		loki-chunks Loki /flush
		tempo-traces Tempo /flush
		mimir-blocks Mimir /ingester/flush?wait=true
	EOF
	echo "objects of Loki, Tempo and Mimir are in MinIO"
}
