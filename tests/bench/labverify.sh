#!/bin/sh
# Measures labverify against the tools that one would use in its place, in one run, over files in the page cache:
# sh tests/bench/labverify.sh BUILD. Prints ratios; a slow machine is no failure. The best of BENCH_RUNS (3) runs counts.
# BENCH_DIR is where the bundles are made (about 10 GiB while it runs; BUILD/bench), BENCH_MIB the size of the large one (2048).
set -eu
build=$(cd "$1" && pwd)
verify=$build/labverify
dir=${BENCH_DIR:-$build/bench}
runs=${BENCH_RUNS:-3}
mib=${BENCH_MIB:-2048}
mkdir -p "$dir"
cd "$dir"

# wall COMMAND: runs it, puts the milliseconds that it took into $ms and its peak memory in KiB into $kib
wall() {
	start=$(date +%s%N)
	/usr/bin/time -o time.txt -f %M sh -c "exec $1" >out.txt 2>&1 || { echo "failed: $1" >&2; tail -n 3 out.txt >&2; exit 1; }
	ms=$((($(date +%s%N) - start) / 1000000))
	kib=$(tail -n 1 time.txt)
}

# best COMMAND: the least time of all runs, in $least, and the most memory, in $peak. COMMAND sees $run, the number of the run.
best() {
	least=''
	peak=0
	run=0
	while [ $((run += 1)) -le "$runs" ]; do
		export run
		sync -f . # what others have left to be written would slow down whoever writes next
		wall "$1"
		[ -n "$least" ] && [ "$least" -le "$ms" ] || least=$ms
		[ "$peak" -ge "$kib" ] || peak=$kib
		[ "$keep" = 1 ] || rm -rf "trees/tar.$run/"* trees/file.* trees/pipe.*
	done
}

# line NAME GOAL OURS THEIRS [least|most]: one line of the table; the ratio is of speeds (THEIRS/OURS), or of times for "most".
# GOAL 0: none is set.
line() {
	awk -v name="$1" -v goal="$2" -v ours="$3" -v theirs="$4" -v sense="${5:-least}" 'BEGIN {
		ratio = sense == "most" ? ours / theirs : theirs / ours
		met = sense == "most" ? ratio <= goal : ratio >= goal
		printf "%-46s %7.2f s %8.2f s %8.2f", name, ours / 1000, theirs / 1000, ratio
		if (goal)
			printf "   %s %.2f  %s", sense == "most" ? "<=" : ">=", goal, met ? "met" : "MISSED"
		print ""
	}'
}

memory() {
	awk -v name="$1" -v kib="$2" 'BEGIN { printf "%-46s %7.1f MiB %32s  %s\n", name, kib / 1024, "< 16.00", kib < 16384 ? "met" : "MISSED" }'
}

# measure NAME KEEP: all figures of the bundle NAME.tar. Extracted folders are new ones each time. KEEP 1: they go at the end,
# because a file system that has just deleted thousands of files is slow to make others; 0: at once, because memory is short.
measure() {
	keep=$2
	rm -rf trees
	mkdir trees
	for i in $(seq 0 "$runs"); do mkdir "trees/tar.$i"; done
	tar xf "$1.tar" -C trees/tar.0
	cat "$1.tar" >/dev/null
	best "$verify check $1.tar -p bench.pub"
	check=$least check_kib=$peak
	best "$verify check $1.tar -p bench.pub -j 1"
	one=$least
	best "env -C trees/tar.0/demo-1.0-linux-amd64 sha256sum --quiet -c SHA256SUMS"
	coreutils=$least
	best "openssl dgst -sha256 $1.tar"
	openssl=$least
	best "sh -c 'cat $1.tar | $verify check - -p bench.pub'"
	pipe=$least
	best "tar xf $1.tar -C trees/tar.\$run"
	tar=$least
	best "$verify extract $1.tar -p bench.pub -C trees/file.\$run"
	extract=$least extract_kib=$peak
	best "sh -c 'cat $1.tar | $verify extract - -p bench.pub -C trees/pipe.\$run'"
	extract_pipe=$least
	rm -rf trees

	line "$1: check / sha256sum -c" 6 "$check" "$coreutils"
	line "$1: check / openssl dgst" 1.7 "$check" "$openssl"
	line "$1: check, one thread / openssl dgst" 0 "$one" "$openssl"
	line "$1: check from a pipe / openssl dgst" 0.85 "$pipe" "$openssl"
	line "$1: extract / tar xf, time" 1.15 "$extract" "$tar" most
	line "$1: extract from a pipe / tar xf, time" 0 "$extract_pipe" "$tar" most
	memory "$1: check, peak memory" "$check_kib"
	memory "$1: extract, peak memory" "$extract_kib"
}

[ -e large.tar ] || "$build/tools/mkbundle" large.tar bench.pub 40 $((mib * 1024 * 1024 / 40))
[ -e small.tar ] || "$build/tools/mkbundle" small.tar bench.pub 20000 16384
[ -e sparse.tar ] || "$build/tools/mkbundle" sparse.tar bench.pub 5 4294967296 sparse
echo "labverify on $(nproc) processors; large: $mib MiB in 40 members; small: 20000 members of about 16 KiB; best of $runs"
printf '%-46s %9s %10s %8s   %s\n' '' 'this' 'other' 'ratio' 'goal'
measure large 0
measure small 1
wall "$verify check sparse.tar -p bench.pub"
memory "20 GiB sparse: check, peak memory" "$kib"
wall "sh -c 'cat sparse.tar | $verify check - -p bench.pub'"
memory "20 GiB sparse: check from a pipe, peak memory" "$kib"
