# shellcheck shell=sh disable=SC2034,SC2154 # the files of lib/ share variables
# --registry: the lab's images into a registry that an existing cluster can reach, by the registry's own protocol
# (opencontainers.org, distribution-spec). A bundle holds one platform of each image; a registry takes no index of which
# parts are missing, so that platform's manifest is pushed under the tag, and what asked for the index by digest is
# renamed to the manifest's.

# registry_url: the registry's address; without TLS on this machine only.
registry_url() {
	case $REGISTRY in
	127.0.0.1 | 127.0.0.1:* | localhost | localhost:*) printf 'http://%s/v2\n' "$REGISTRY" ;;
	*) printf 'https://%s/v2\n' "$REGISTRY" ;;
	esac
}

# registry_manifest DIGEST: prints the digest, in hex, of the manifest that the bundle has of that image.
registry_manifest() {
	registry_top=${1#sha256:}
	registry_file=$LAB_DIR/images/blobs/sha256/$registry_top
	if grep -q '"layers"' "$registry_file"; then
		printf '%s\n' "$registry_top"
		return 0
	fi
	registry_found=$(grep -o 'sha256:[0-9a-f]\{64\}' "$registry_file" | sed 's/^sha256://' | while read -r registry_hex; do
		[ ! -f "$LAB_DIR/images/blobs/sha256/$registry_hex" ] || printf '%s\n' "$registry_hex"
	done | head -n 1)
	[ -n "$registry_found" ] && printf '%s\n' "$registry_found"
}

# registry_images: prints "REFERENCE MANIFEST NEW-REFERENCE" for each image that the lab itself asks for.
registry_images() {
	images_wanted | while read -r registry_ref registry_digest; do
		case $registry_ref in
		registry.k8s.io/* | gcr.io/k8s-minikube/*) continue ;;
		esac
		registry_hex=$(registry_manifest "$registry_digest") ||
			die "images/: has no manifest of $registry_ref; extract the bundle again"
		case $registry_ref in
		*@*) registry_new=${registry_ref%@*}@sha256:$registry_hex ;;
		*) registry_new=$registry_ref ;;
		esac
		printf '%s %s %s\n' "$registry_ref" "$registry_hex" "$REGISTRY/${registry_new#*/}"
	done
}

# registry_curl ARGUMENTS
registry_curl() {
	curl --silent --show-error --fail --netrc-optional --noproxy '*' "$@"
}

# registry_blob REPOSITORY HEX: one blob, unless it is there.
registry_blob() {
	! registry_curl --head "$(registry_url)/$1/blobs/sha256:$2" >/dev/null 2>&1 || return 0
	registry_at=$(registry_curl --request POST --data '' --dump-header - --output /dev/null "$(registry_url)/$1/blobs/uploads/" |
		tr -d '\r' | sed -n 's/^[Ll]ocation: *//p') && [ -n "$registry_at" ] || return 1
	case $registry_at in
	/*) registry_at=$(registry_url | sed 's,/v2$,,')$registry_at ;;
	esac
	case $registry_at in
	*\?*) registry_at="$registry_at&digest=sha256:$2" ;;
	*) registry_at="$registry_at?digest=sha256:$2" ;;
	esac
	registry_curl --request PUT --header 'Content-Type: application/octet-stream' --upload-file "$LAB_DIR/images/blobs/sha256/$2" \
		"$registry_at" >/dev/null
}

# registry_push REFERENCE HEX NEW-REFERENCE
registry_push() {
	registry_name=${3#*/} registry_name=${registry_name%@*}
	case $3 in
	*@*) registry_tag=sha256:$2 ;;
	*) registry_tag=${registry_name##*:} registry_name=${registry_name%:*} ;;
	esac
	for registry_file in $(images_blobs "$2"); do
		[ "${registry_file##*/}" = "$2" ] || registry_blob "$registry_name" "${registry_file##*/}" || return 1
	done
	registry_type=application/vnd.oci.image.manifest.v1+json
	! grep -q 'application/vnd.docker.distribution.manifest.v2+json' "$LAB_DIR/images/blobs/sha256/$2" ||
		registry_type=application/vnd.docker.distribution.manifest.v2+json
	registry_curl --request PUT --header "Content-Type: $registry_type" --data-binary "@$LAB_DIR/images/blobs/sha256/$2" \
		"$(registry_url)/$registry_name/manifests/$registry_tag" >/dev/null
}

# registry_rename: a filter that gives the images in a manifest their names in the registry.
registry_rename() {
	sed -f "$STATE/registry.sed"
}

# steps_registry: pushes, and leaves the filter behind for helm.
steps_registry() {
	[ -n "$REGISTRY" ] || return 0
	[ "$DRY_RUN" = 0 ] || return 0
	has curl || die "up: --registry needs curl on this machine; install it"
	registry_images >"$STATE/registry.list"
	: >"$STATE/registry.sed"
	while read -r registry_ref registry_hex registry_new <&3; do
		say "pushing $registry_new"
		registry_push "$registry_ref" "$registry_hex" "$registry_new" ||
			die "up: $registry_new: the registry does not take it; see the line above, and whether it wants a login (~/.netrc)"
		printf 's#\\(image: *"\\{0,1\\}\\)%s#\\1%s#\n' "$(printf '%s\n' "$registry_ref" | sed 's/\./\\./g')" "$registry_new" >>"$STATE/registry.sed"
	done 3<"$STATE/registry.list"
	printf '#!/bin/sh\nexec sed -f %s\n' "$(ui_command "$STATE/registry.sed")" >"$STATE/registry-renderer"
	chmod 755 "$STATE/registry-renderer"
}
