# shellcheck shell=sh disable=SC2034,SC2154 # shared with lab
# Sets a key in Redis with redis-cli, and finds it on the web: the page answers 200, the API shows the key and its value.
check_title='Redis Commander'
check_needs='Redis|Redis Commander'

commander_session='
const { execFileSync } = require("child_process");
const [web, redis, value] = process.argv.slice(1);
const key = "lab:check:commander";
const cli = (...words) => execFileSync("/usr/bin/redis-cli", ["-h", "127.0.0.1", "-p", redis, ...words]).toString().trim();
const get = async path => {
	const answer = await fetch("http://127.0.0.1:" + web + path, { signal: AbortSignal.timeout(5000) });
	const text = await answer.text();
	if (answer.status !== 200) throw new Error("GET " + path + " answered " + answer.status);
	return text;
};
(async () => {
	const page = await get("/");
	if (!page.includes("Redis Commander")) throw new Error("GET / is not the page of Redis Commander");
	if (cli("SET", key, value, "EX", "60") !== "OK") throw new Error("redis-cli SET did not answer OK");
	const api = "/apiv2/key/R:127.0.0.1:" + redis + ":0/" + key;
	const shown = JSON.parse(await get(api));
	cli("DEL", key);
	if (shown.key !== key || shown.value !== value) throw new Error("GET " + api + " shows " + JSON.stringify(shown));
})().catch(e => { console.log(e.message + (e.cause ? ": " + e.cause.message : "")); process.exit(1); });
'

check_run() {
	redis=$(port Redis)
	web=$(port "Redis Commander")
	inside /usr/bin/node --no-warnings -e "$commander_session" "$web" "$redis" "hello-$$-$(date +%s)" || return 1
	echo "the page answered 200, and its API showed the key just set"
}
