#!/usr/bin/env bats
# The trusted room stands alone: what it includes, what it links, what it calls.

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	LABVERIFY=${LABVERIFY:-$PWD/build/labverify}
}

@test "verify/ includes nothing of gen/, and of libraries only libsodium and libcrypto" {
	mine=$(cd verify && echo *.h)
	for f in verify/*.[ch]; do
		for h in $(sed -n 's/^#[[:space:]]*include "\(.*\)".*/\1/p' "$f"); do
			case " $mine " in *" $h "*) ;; *) echo "$f: $h" && return 1 ;; esac
		done
		! grep -nE '^#[[:space:]]*include.*(gen/|\.\./)' "$f"
		! grep -nE '^#[[:space:]]*include <(curl|jansson|yaml|archive|git2|zlib)' "$f"
	done
	for f in verify/*.c; do
		${CC:-cc} -D_GNU_SOURCE -DLABGEN_VERSION='"x"' -include verify/banned.h -Iverify -MM "$f"
	done | tr ' \\' '\n\n' | grep -E '(^|/)gen/' && return 1
	true
}

@test "labverify links libc, libsodium and libcrypto, and nothing else" {
	libs=$(ldd "$LABVERIFY" | sed 's/^[[:space:]]*//; s/ .*//; s,.*/,,' | sort | tr '\n' ' ')
	echo "$libs"
	for l in $libs; do
		case $l in linux-vdso.so.* | ld-linux*.so.* | libc.so.* | libsodium.so.* | libcrypto.so.*) ;; *) return 1 ;; esac
	done
}

@test "labverify calls no network, no other program, no unsafe function" {
	calls=$(nm -D --undefined-only "$LABVERIFY" | sed 's/.* //; s/@.*//')
	[ -n "$calls" ]
	! echo "$calls" | grep -xE 'socket|connect|bind|listen|accept4?|getaddrinfo|gethostbyname|send(to|msg)?|recv(from|msg)?'
	! echo "$calls" | grep -xE 'system|popen|exec[vlpe]*|fork|vfork|posix_spawnp?|dlopen|dlsym'
	! echo "$calls" | grep -xE 'strcpy|strcat|v?sprintf|gets|strtok|atoi|rand|random|setlocale|time|localtime|tmpnam|mktemp'
}
