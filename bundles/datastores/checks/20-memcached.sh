# shellcheck shell=sh disable=SC2034,SC2154 # shared with lab
# As the course does by hand, in a TCP session: "set key 0 60 5", "value", "get key". What was stored before under that
# name is removed first, so that the answer is this connection's.
check_title='Memcached'
check_needs='Memcached'

memcached_session='
const steps = [
	["delete key\r\n", /^(DELETED|NOT_FOUND)\r\n$/],
	["set key 0 60 5\r\nvalue\r\n", /^STORED\r\n$/],
	["get key\r\n", /^VALUE key 0 5\r\nvalue\r\nEND\r\n$/],
];
let got = "", at = 0;
const fail = why => { console.log(why); process.exit(1); };
const socket = require("net").connect(+process.argv[1], "127.0.0.1");
setTimeout(() => fail("no answer to " + JSON.stringify(steps[at][0]) + " within 5 seconds"), 5000);
socket.on("error", e => fail("TCP session: " + e.message));
socket.on("close", () => fail("TCP session: closed by Memcached"));
socket.on("connect", () => socket.write(steps[0][0]));
socket.on("data", data => {
	got += data;
	if (!/(DELETED|NOT_FOUND|STORED|END|ERROR.*)\r\n$/.test(got)) return;
	if (!steps[at][1].test(got)) fail(JSON.stringify(steps[at][0]) + " answered " + JSON.stringify(got));
	got = "";
	if (++at === steps.length) process.exit(0);
	socket.write(steps[at][0]);
});
'

check_run() {
	memcached=$(port Memcached)
	inside /usr/bin/node -e "$memcached_session" "$memcached" || return 1
	echo "TCP session: set key 0 60 5, value; get key returned value"
}
