#!/bin/sh
# Stands in for docker: see minikube-lab.sh. "ctr images import" takes the stream apart and checks each blob, as the true
# one does.
printf 'docker %s\n' "$*" >>"$FAKE/calls"
case "$1 $2" in
"info -f")
	[ -r "$FAKE/docker.info" ] || { echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?" >&2; exit 1; }
	cat "$FAKE/docker.info"
	;;
"container inspect") cat "$FAKE/container" ;;
"volume inspect") [ -e "$FAKE/volume" ] ;;
"image inspect")
	[ -e "$FAKE/base" ] || exit 1
	printf 'sha256:%s\n' "$(cat "$FAKE/base")"
	;;
load*)
	rm -rf "$FAKE/load" && mkdir "$FAKE/load" && tar -xf - -C "$FAKE/load" || exit 1
	[ ! -e "$FAKE/load-fails" ] || { echo "no space left on device"; exit 1; }
	cp "$FAKE/base-id" "$FAKE/base"
	;;
"exec -i")
	shift 7
	case $1 in
	ls)
		echo "REF TYPE DIGEST SIZE PLATFORMS LABELS"
		cat "$FAKE/node-images" 2>/dev/null
		;;
	import)
		rm -rf "$FAKE/import" && mkdir "$FAKE/import" && tar -xf - -C "$FAKE/import" || exit 1
		for b in "$FAKE"/import/blobs/sha256/*; do
			[ "$(sha256sum <"$b" | cut -d ' ' -f 1)" = "${b##*/}" ] || { echo "ctr: failed commit on ref: unexpected commit digest"; exit 1; }
		done
		tr '{' '\n' <"$FAKE/import/index.json" | sed -n 's/.*"digest":"\([^"]*\)".*/D \1/p; s/.*io.containerd.image.name":"\([^"]*\)".*/N \1/p' |
			awk '$1 == "D" { d = $2 } $1 == "N" { print $2, "application/vnd.oci.image.index.v1+json", d, "1.0 KiB linux/amd64 -" }' >"$FAKE/node-images"
		[ ! -e "$FAKE/import-loses" ] || sed -i 1d "$FAKE/node-images"
		;;
	esac
	;;
esac
