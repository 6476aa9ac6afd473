# shellcheck shell=bash disable=SC2016,SC2034,SC2154 # sourced by bats files, which share its variables
# A lab of local files for the tests: no network, no packages. Sourced by bats files.
#
#	minilab [DIR]	makes the lab ($LAB, by default $BATS_TEST_TMPDIR/lab), its sources in $SRC, a key $KEY.key and
#			$KEY.pub without a password, and an empty store of its own
#	lacks TEXT FILE	the file does not hold the text ("! grep" would fail no test)
#	refused CODE TEXT COMMAND...	runs it: it must end with that status and say so in one line that holds the text

TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
LABGEN=${LABGEN:-$TOP/build/labgen}
LABVERIFY=${LABVERIFY:-$TOP/build/labverify}

minilab() {
	LAB=${1:-$BATS_TEST_TMPDIR/lab}
	SRC=$BATS_TEST_TMPDIR/src
	KEY=$BATS_TEST_TMPDIR/signer
	export LABGEN_STORE=$BATS_TEST_TMPDIR/store
	mkdir -p "$LAB/guide" "$LAB/checks" "$SRC"
	echo 'read me' >"$LAB/guide/a.md"
	echo 'true' >"$LAB/checks/10-a.sh"
	# Larger than the buffer that bundling copies through.
	seq 400000 >"$SRC/tool"
	echo 'a text' >"$SRC/text"
	minilab_sums
	cat >"$LAB/lab.yaml" <<-YAML
		lab: mini
		version: 1.0
		title: {en: Mini}
		target: host
		platforms: [linux/amd64]
		files:
		  - name: tool
		    version: v1
		    url: file://$SRC/tool
		    checksum: \${url}.sha256
		    to: bin/tool
		  - name: text
		    version: v1
		    url: file://$SRC/text
		    checksum: \${url}.sha256
		    to: guide/text
	YAML
	if [ ! -e "$KEY.key" ]; then
		"$LABGEN" key new "$KEY" --no-password >/dev/null
	fi
}

minilab_sums() {
	for f in tool text; do
		sha256sum "$SRC/$f" | cut -d ' ' -f 1 >"$SRC/$f.sha256"
	done
}

lacks() {
	if grep -q -e "$1" "$2"; then
		echo "$2 holds $1"
		return 1
	fi
}

# shellcheck disable=SC2154 # status, output and lines are what bats' run sets
refused() {
	local code=$1 text=$2
	shift 2
	run "$@"
	if [ "$status" -ne "$code" ] || [[ $output != *"$text"* ]] || [[ ${lines[-1]} != lab*": "* ]]; then
		echo "wanted $code and: $text"
		echo "got $status and: $output"
		return 1
	fi
}
