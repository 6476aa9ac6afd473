"""A web server that misbehaves, for the tests of downloads: faults.py FOLDER LOG. Prints its port.

/cut/FILE      closes the connection after 1000 bytes, whatever it promised; heeds ranges
/none/FILE     closes the connection before the first byte of the body
/more/FILE     sends the file and 100000 bytes more, without saying how long it is
/wrong/FILE    answers a range with another one
/past/FILE     answers a range with 416
/later/FILE    429 with Retry-After: 1 to the first request, then the file
/away/FILE     redirects to 127.0.0.2, where the file is
/local/FILE    redirects to file:///etc/passwd
/loop/FILE     redirects to itself
http://...     as a proxy: the file of that name
Each request is a line of the log: METHOD PATH, host, range, and whether it bore credentials.
"""
import http.server
import os
import re
import sys

folder, log_name = sys.argv[1:]
seen = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self):
        with open(log_name, "a") as f:
            print("GET", self.path, self.headers.get("Host"), self.headers.get("Range", "-"),
                  "credentials" if self.headers.get("Authorization") else "-", file=f)

    def begin(self, status, length, extra=()):
        self.send_response(status)
        if length is None:
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(length))
        for key, value in extra:
            self.send_header(key, value)
        self.end_headers()

    def whole(self, data):
        self.begin(200, len(data))
        self.wfile.write(data)

    def redirect(self, to):
        self.begin(302, 0, [("Location", to)])

    def do_GET(self):
        self.note()
        path = re.sub(r"^http://[^/]*", "/proxied", self.path)
        kind, name = path.lstrip("/").split("/", 1)
        with open(os.path.join(folder, os.path.basename(name)), "rb") as f:
            data = f.read()
        wanted = re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))
        start = int(wanted.group(1)) if wanted else 0
        getattr(self, "do_" + kind)(data, start, name)

    def part(self, data, start):
        extra = [("Content-Range", "bytes %d-%d/%d" % (start, len(data) - 1, len(data)))] if start else []
        self.begin(206 if start else 200, len(data) - start, extra)

    def do_cut(self, data, start, name):
        self.part(data, start)
        self.wfile.write(data[start:start + 1000])
        self.close_connection = True

    def do_none(self, data, start, name):
        self.part(data, start)
        self.close_connection = True

    def do_more(self, data, start, name):
        self.begin(200, None)
        self.wfile.write(data + b"x" * 100000)
        self.close_connection = True

    def do_wrong(self, data, start, name):
        if not start:
            return self.whole(data)
        self.begin(206, len(data), [("Content-Range", "bytes 0-%d/%d" % (len(data) - 1, len(data)))])
        self.wfile.write(data)

    def do_past(self, data, start, name):
        if start:
            self.begin(416, 0, [("Content-Range", "bytes */%d" % len(data))])
        else:
            self.whole(data)

    def do_later(self, data, start, name):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] == 1:
            self.begin(429, 0, [("Retry-After", "1")])
        else:
            self.whole(data)

    def do_away(self, data, start, name):
        self.redirect("http://127.0.0.2:%d/plain/%s" % (self.server.server_port, name))

    def do_local(self, data, start, name):
        self.redirect("file:///etc/passwd")

    def do_loop(self, data, start, name):
        self.redirect(self.path)

    def do_plain(self, data, start, name):
        self.whole(data)

    do_proxied = do_plain


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
server.server_address = ("0.0.0.0", 0)  # 127.0.0.1 and 127.0.0.2
server.server_bind()
server.server_activate()
print(server.server_port, flush=True)
server.serve_forever()
