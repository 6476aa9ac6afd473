#!/bin/sh
# Runs the static checkers over the C files and the shell scripts: LINT_FLAGS='-I...' sh tests/lib/lint.sh [TOOL]...
# Every one runs, also behind one that found something; any finding is a failure. A finding that stands has its reason in
# the source beside it, or in .clang-tidy.
set -u
cd "$(dirname "$0")/../.." || exit
: "${LINT_FLAGS:?the preprocessor flags; make lint sets them}"
tools=${*:-gcc clang tidy cppcheck shellcheck}
sources=$(ls verify/*.c gen/*.c)
jobs=$(nproc)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
trap 'exit 1' HUP INT TERM
bad=0

# each COMMAND...: runs it for every C file; @@ in it is the file's name. lint.h says what a checker cannot see from one file;
# it would not do for err.c, which is what it speaks of.
each() {
	# shellcheck disable=SC2086 # a list of names
	printf '%s\n' $sources | grep -v '^verify/err.c$' | xargs -P "$jobs" -I @@ "$@" -include tests/lib/lint.h &&
		echo verify/err.c | xargs -I @@ "$@"
}

# Shell scripts, by their first line.
scripts() {
	git ls-files -- .ci bundles gen templates tests | while read -r f; do
		head -n 1 "$f" | grep -aq '^#!.*sh$' && echo "$f"
	done
}

# What bats files source: bash.
libraries() {
	git ls-files -- 'tests/lib/*.sh' | while read -r f; do
		head -n 1 "$f" | grep -q '^#!' || echo "$f"
	done
}

# run TOOL FLAG...
run() {
	tool=$1
	shift
	case $tool in
	gcc) each gcc -c -o /dev/null -std=c17 -O1 -fanalyzer -fdiagnostics-path-format=none -Wall -Wextra -Wno-unused-value -Werror @@ "$@" ;;
	clang) each clang -std=c17 --analyze -Xclang -analyzer-werror -Xclang -analyzer-output=text -Wno-unused-value -o /dev/null @@ "$@" ;;
	# One file a call: over several its analyzer mistakes one's va_list for another's.
	tidy) each clang-tidy --quiet @@ -- -std=c17 -Wno-unused-value "$@" 2>"$out/noise" ;;
	cppcheck)
		for flag; do
			shift
			case $flag in -D* | -Iverify | -Igen) set -- "$@" "$flag" ;; esac
		done
		# shellcheck disable=SC2086
		cppcheck --std=c11 --language=c --enable=warning,performance,portability --inline-suppr --error-exitcode=1 -q -j "$jobs" \
			--suppress=missingIncludeSystem "$@" $sources
		;;
	shellcheck) scripts | xargs shellcheck -x -s sh && libraries | xargs shellcheck -x -s bash ;;
	*) echo "lint.sh: $tool: no such tool" && return 1 ;;
	esac
}

eval "set -- $LINT_FLAGS" # they hold quotes, as make has them
for tool in $tools; do
	if run "$tool" "$@" >"$out/$tool" 2>&1 && ! grep -qE '(warning|error):' "$out/$tool"; then
		echo "$tool: clean"
	else
		bad=1
		cat "$out/$tool"
		echo "$tool: findings, see above"
	fi
done
exit "$bad"
