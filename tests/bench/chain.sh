#!/bin/sh
# Times and memory of the whole chain on the datastores lab: with an empty store, then with that store warm.
# sh tests/bench/chain.sh BUILD
set -eu
build=$(cd "$1" && pwd)
top=$(cd "$(dirname "$0")/../.." && pwd)
LABGEN_STORE=$build/bench-store
LAB_PORT_OFFSET=${LAB_PORT_OFFSET:-0}
export LABGEN_STORE LAB_PORT_OFFSET
rm -rf "$LABGEN_STORE"
for store in empty warm; do
	if ! sh "$top/tests/e2e/demo.sh" "$build" >"$build/bench-chain.log" 2>&1; then
		tail -n 20 "$build/bench-chain.log"
		exit 1
	fi
	printf 'the whole chain, store %s\n' "$store"
	sed '1,/^== Summary/d; s/^/  /' "$build/bench-chain.log"
done
rm -rf "$LABGEN_STORE"
