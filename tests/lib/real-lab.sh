#!/bin/sh
# Makes the datastores lab for real, from the distribution's packages and npm, and prints the folder of the extracted
# bundle. sh real-lab.sh BUILD. Beside it: real.tar, real.pub and the lab's folder with its lock.
set -eu
build=$1
top=$(cd "$(dirname "$0")/../.." && pwd)
dir=$build/real
rm -rf "$dir"
mkdir -p "$dir"
cp -R "$top/bundles/datastores" "$dir/lab"
(
	cd "$dir"
	"$build/labgen" key new real --no-password
	"$build/labgen" lock lab
	"$build/labgen" bundle lab -o real.tar --key real.key
	"$build/labverify" extract real.tar -p real.pub -C bundle
) >&2
echo "$dir/bundle"
