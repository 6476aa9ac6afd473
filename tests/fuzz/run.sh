#!/bin/sh
# Runs each fuzz target for some seconds: sh tests/fuzz/run.sh BUILD SECONDS [WORD]. WORD picks targets. Ends in an error
# with any finding; what was found lies in BUILD/fuzz/found/, and "BUILD/fuzz/fuzz_NAME FILE" shows it again.
set -eu
build=$1
seconds=$2
word=${3:-}
cd "$(dirname "$0")/../.."
found=$build/fuzz/found
mkdir -p "$found"
bad=0
for target in "$build"/fuzz/fuzz_*; do
	name=${target##*/fuzz_}
	case $name in *.d | *.o) continue ;; *"$word"*) ;; *) continue ;; esac
	# What runs before found is kept outside the tree, and is where the next run begins.
	mkdir -p "$build/fuzz/corpus/$name"
	log=$build/fuzz/$name.log
	if "$target" -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=1024 -malloc_limit_mb=256 \
		-artifact_prefix="$found/$name-" -print_final_stats=1 "$build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" \
		>"$log" 2>&1 </dev/null; then
		verdict=clean
	else
		verdict=FOUND
		bad=1
	fi
	awk -v name="$name" -v verdict="$verdict" '
		/cov: [0-9]/ { for (i = 1; i < NF; i++) { if ($i == "cov:") cov = $(i + 1); if ($i == "corp:") corp = $(i + 1) } }
		/stat::number_of_executed_units/ { runs = $2 }
		/stat::peak_rss_mb/ { rss = $2 }
		END { printf "%-10s %-6s %10d runs, %5d edges, corpus %s, peak %d MiB\n", name, verdict, runs, cov, corp, rss }' "$log"
	[ "$verdict" = clean ] || { grep -E 'ERROR|does not hold|runtime error|Test unit written|SUMMARY' "$log" || tail -n 20 "$log"; } >&2
done
exit "$bad"
