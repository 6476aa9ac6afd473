"""Speaks for the lab's systems behind fake-kubectl.sh: python3 lgtm-double.py PORT SVC REMOTE FAKE. It keeps what it is
sent, and gives nothing else back; a word in FAKE/break makes that system forget or refuse."""
import base64, http.server, json, os, socketserver, sys, urllib.parse

PORT, SVC, REMOTE, FAKE = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
STORE = os.path.join(FAKE, "store")
os.makedirs(STORE, exist_ok=True)


def broken(word):
    try:
        return word in open(os.path.join(FAKE, "break")).read().split()
    except FileNotFoundError:
        return False


def put(name, text):
    with open(os.path.join(STORE, urllib.parse.quote(name, safe="")), "a") as f:
        f.write(text + "\n")


def get(name):
    try:
        return open(os.path.join(STORE, urllib.parse.quote(name, safe=""))).read()
    except FileNotFoundError:
        return ""


def writer():
    try:
        return open(os.path.join(FAKE, "writer")).read().strip()
    except FileNotFoundError:
        return ""


class Lines(socketserver.StreamRequestHandler):
    def handle(self):
        for raw in self.rfile:
            words = raw.decode().split()
            if not words or self.answer(words):
                break

    def answer(self, words):
        say = lambda text: self.wfile.write(text.encode())
        if SVC == "svc/redis":
            if words[0] == "SET" and not broken("redis"):
                self.server.keys[words[1]] = words[2]
                put("redis " + words[1], words[2])
                say("+OK\r\n")
            elif words[0] == "GET":
                value = self.server.keys.get(words[1], "")
                say("$%d\r\n%s\r\n" % (len(value), value) if value else "$-1\r\n")
            else:
                say("+OK\r\n")
                return words[0] == "QUIT"
        elif words[0] == "set":
            self.server.keys[words[1]] = self.rfile.readline().decode().strip()
            say("STORED\r\n")
        elif words[0] == "get" and not broken("memcached"):
            value = self.server.keys.get(words[1])
            say(("VALUE %s 0 %d\r\n%s\r\n" % (words[1], len(value), value) if value else "") + "END\r\n")
        elif words[0] == "delete":
            say("DELETED\r\n" if self.server.keys.pop(words[1], None) else "NOT_FOUND\r\n")
        else:
            return True


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, status, body=""):
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if status != 204:
            self.wfile.write(data)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.headers.get("Content-Type") != "application/json":
            return self.say(415, "not JSON")
        data = json.loads(body)
        path = urllib.parse.urlsplit(self.path).path
        if path == "/api/v1/login":
            return self.say(204 if data["secretKey"] == "password" or broken("minio") else 401)
        if path in ("/flush", "/ingester/flush"):
            return self.say(204)
        if path == "/loki/api/v1/push":
            put("loki", data["streams"][0]["values"][0][1])
            return self.say(204)
        if path == "/otlp/v1/metrics":
            point = data["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0]["gauge"]["dataPoints"][0]
            put("metric " + point["attributes"][0]["value"]["stringValue"], str(point["asDouble"]))
            return self.say(200, "{}")
        if path == "/v1/traces":
            span = data["resourceSpans"][0]
            put("trace " + span["scopeSpans"][0]["spans"][0]["traceId"], span["scopeSpans"][0]["spans"][0]["name"])
            put("service", span["resource"]["attributes"][0]["value"]["stringValue"])
            return self.say(200, "{}")
        self.say(404, "no " + path)

    def do_GET(self):
        path = urllib.parse.urlsplit(self.path).path
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("query", [""])[0]
        signed = self.headers.get("Authorization") == "Basic " + base64.b64encode(b"admin:password").decode()
        if path == "/api/health":
            return self.say(200, {"database": "ok"})
        if path.startswith("/api/d"):
            if not signed and not broken("anonymous"):
                return self.say(401, "{}")
            return self.say(200, {"status": "ERROR" if broken(path.split("/")[-2]) else "OK"})
        if path.startswith("/apiv2/key/R:redis:6379:0/"):
            return self.say(200, {"value": get("redis " + path.split("/", 4)[4])})
        if path == "/loki/api/v1/query_range":
            return self.say(200, self.loki(query))
        if path == "/prometheus/api/v1/query":
            return self.say(200, self.mimir(query))
        if path.startswith("/api/traces/"):
            name = get("trace " + path.split("/")[-1])
            return self.say(200 if name else 404, {"name": name})
        self.say(200 if path == "/" else 404, "a page")

    def loki(self, query):
        result = []
        if 'job="lab-check"' in query and not broken("loki"):
            result = [{"values": [["1", line] for line in get("loki").split("\n")]}]
        for collector in ("promtail", "fluent-bit"):
            if 'collector="%s"' % collector in query and 'pod="%s"' % writer() in query and not broken(collector):
                result = [{"values": [["1", writer() + " line 1"]]}]
        return {"data": {"result": result}}

    def mimir(self, query):
        value = ""
        if query.startswith("lab_check{run="):
            value = "" if broken("mimir") else get("metric " + query.split('"')[1]).strip()
        elif query.startswith("traces_spanmetrics"):
            value = "1" if query.split('"')[1] in get("service") and not broken("spanmetrics") else ""
        elif query.startswith("fluentbit_uptime"):
            value = "9"
        # Written as the true ones write it, without spaces.
        return '{"data":{"result":[%s]}}' % ('{"value":[1,"%s"]}' % value if value else "")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, keys = True, True, {}


Server(("127.0.0.1", PORT), Lines if SVC in ("svc/redis", "svc/memcached") else Web).serve_forever()
