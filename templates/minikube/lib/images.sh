# shellcheck shell=sh disable=SC2034,SC2154 # the files of lib/ share variables
# The images: what the lock says they are, how they come into the node, and whether what is in there is the same.

# images_wanted: prints "REFERENCE sha256:DIGEST" of each image of the lock for this platform but the node's own. The
# lock has one spelling, so lines are enough.
images_wanted() {
	awk -v platform="$LAB_PLATFORM" -v base="$LAB_BASE_IMAGE" '
		function flush() {
			if (ref != "" && ref != base && (listed == 0 || mine))
				print ref " sha256:" sha
			ref = ""; listed = 0; mine = 0
		}
		/^  - id: / { flush(); image = /^  - id: "image\// }
		image && /^    ref: / { split($0, part, "\""); ref = part[2] }
		image && /^    sha256: / { split($0, part, "\""); sha = part[2] }
		image && /^      - platform: / { split($0, part, "\""); listed = 1; if (part[2] == platform) mine = 1 }
		END { flush() }' "$LAB_DIR/lab.lock"
}

# images_kubernetes: prints those among them that the node needs before there is a cluster.
images_kubernetes() {
	images_wanted | awk '$1 ~ /^(registry\.k8s\.io|gcr\.io\/k8s-minikube)\// { print $1 }'
}

# images_entries: prints the descriptors of images/index.json, one a line.
images_entries() {
	awk '
		{ text = text $0 }
		END {
			at = index(text, "\"manifests\"")
			quoted = 0; depth = 0; entry = ""
			for (i = at + 11; at && i <= length(text); i++) {
				c = substr(text, i, 1)
				if (depth)
					entry = entry c
				if (quoted) {
					if (c == "\\") { i++; entry = entry substr(text, i, 1) }
					else if (c == "\"") quoted = 0
				} else if (c == "\"") quoted = 1
				else if (c == "{" && depth++ == 0) entry = c
				else if (c == "}" && --depth == 0) print entry
				else if (c == "]" && depth == 0) exit
			}
		}' "$LAB_DIR/images/index.json"
}

# images_blobs DIGEST: prints the blobs of that image that the bundle has, as paths below images/: what its manifest
# names, and what those name. Only manifests are looked into: they begin with a brace and are small.
images_blobs() {
	images_todo=${1#sha256:}
	for images_depth in 1 2 3; do
		images_next=''
		for images_hex in $images_todo; do
			images_file=$LAB_DIR/images/blobs/sha256/$images_hex
			[ -f "$images_file" ] || continue
			printf 'blobs/sha256/%s\n' "$images_hex"
			if [ "$(head -c 1 "$images_file")" = '{' ] && [ "$(wc -c <"$images_file")" -le 4194304 ]; then
				images_next="$images_next $(grep -o 'sha256:[0-9a-f]\{64\}' "$images_file" | sed 's/^sha256://' | tr '\n' ' ')"
			fi
		done
		images_todo=$images_next
	done | sort -u
}

# images_archive REFERENCE FILE: one image of the bundle as an archive of its own, in OCI's layout.
images_archive() {
	images_digest=$(images_wanted | awk -v ref="$1" '$1 == ref { print $2 }')
	images_stage=$STATE/stage
	rm -rf "$images_stage"
	mkdir -p "$images_stage/blobs/sha256" "$(dirname "$2")"
	images_list=$(images_entries | grep -F "\"$images_digest\"" | awk 'NR > 1 { printf "," } { printf "%s", $0 }') || images_list=''
	{ [ -n "$images_digest" ] && [ -n "$images_list" ]; } ||
		die "images/index.json: does not have $1 as the lock knows it; extract the bundle again"
	printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}' "$images_list" \
		>"$images_stage/index.json"
	cp "$LAB_DIR/images/oci-layout" "$images_stage/oci-layout"
	for images_file in $(images_blobs "$images_digest"); do
		ln -s "$LAB_DIR/images/$images_file" "$images_stage/$images_file"
	done
	{ COPYFILE_DISABLE=1 tar -chf "$2.part" -C "$images_stage" oci-layout index.json blobs && mv "$2.part" "$2"; } ||
		die "$2: cannot be written; is there room where $STATE is?"
	rm -rf "$images_stage"
}

# images_have: prints "REFERENCE DIGEST" of what the node has.
images_have() {
	node_run ctr -n k8s.io images ls 2>/dev/null </dev/null | awk 'NR > 1 { print $1, $3 }'
}

# images_missing: prints each image that the node lacks, or has with another digest than the lock's, and why.
images_missing() {
	{
		images_have | sed 's/^/have /'
		images_wanted | sed 's/^/want /'
	} | awk '
		$1 == "have" { have[$2] = $3 }
		$1 == "want" && !($2 in have) { print $2 ": not there" }
		$1 == "want" && ($2 in have) && have[$2] != $3 { print $2 ": is " have[$2] ", the lock says " $3 }'
}

# images_damaged: prints the first file of images/ whose content is not what its name says.
images_damaged() {
	for images_file in "$LAB_DIR"/images/blobs/sha256/*; do
		if has sha256sum; then
			images_sum=$(sha256sum <"$images_file")
		elif has shasum; then
			images_sum=$(shasum -a 256 <"$images_file")
		else
			return 0
		fi
		if [ "${images_sum%% *}" != "${images_file##*/}" ]; then
			printf '%s\n' "images/blobs/sha256/${images_file##*/}"
			return 0
		fi
	done
}

# images_stream: the whole layout as one stream into the node.
images_stream() {
	if [ "$DRY_RUN" = 1 ]; then
		printf '%s | %s\n' "$(ui_command tar -C "$LAB_DIR/images" -cf - .)" "$(node_run ctr -n k8s.io images import -)"
		return 0
	fi
	mkdir -p "$STATE/log"
	COPYFILE_DISABLE=1 tar -C "$LAB_DIR/images" -cf - . | node_run ctr -n k8s.io images import - >"$STATE/log/images.log" 2>&1
}

# images_import: brings them into the node, and proves that they are there. Nothing is done where they are already.
images_import() {
	if [ "$DRY_RUN" = 0 ] && [ -z "$(images_missing)" ]; then
		say "images: all $(images_wanted | wc -l | tr -d ' ') are in the node, with the digests of the lock"
		return 0
	fi
	say "images: importing $(du -sh "$LAB_DIR/images" 2>/dev/null | cut -f 1 || :) in one stream"
	images_status=0
	images_stream || images_status=1
	[ "$DRY_RUN" = 0 ] || return 0
	images_left=$(images_missing)
	if [ -z "$images_left" ]; then
		say "images: all $(images_wanted | wc -l | tr -d ' ') are in the node, with the digests of the lock"
		return 0
	fi
	images_bad=$(images_damaged)
	[ -z "$images_bad" ] ||
		die "up: $LAB_DIR/$images_bad: damaged, its content is not what its name says; extract the bundle again"
	[ "$images_status" = 0 ] || tail -n 5 "$STATE/log/images.log" | sed 's/^/    /' >&2
	printf '%s\n' "$images_left" | sed 's/^/    /' >&2
	die "up: images: the $(printf '%s\n' "$images_left" | wc -l | tr -d ' ') above are not in the node as the lock has them; \
look at $STATE/log/images.log, make room on the disk, then run up again"
}
