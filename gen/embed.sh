#!/bin/sh
# Writes the C source that embeds every file below a folder: sh embed.sh FOLDER > templates.c
set -eu
export LC_ALL=C
dir=$1
printf '#include "templates.h"\n\n'
list=$(find "$dir" -type f | sort)
i=0
for f in $list; do
	printf 'static const unsigned char t%d[] = {' "$i"
	od -An -v -tu1 "$f" | sed 's/  */,/g; s/^,//; s/$/,/'
	printf '0};\n'
	i=$((i + 1))
done
printf '\nconst struct template templates[] = {\n'
i=0
for f in $list; do
	printf '\t{ "%s", (const char *)t%d, sizeof(t%d) - 1 },\n' "${f#"$dir"/}" "$i" "$i"
	i=$((i + 1))
done
printf '};\nconst size_t templates_n = %d;\n' "$i"
