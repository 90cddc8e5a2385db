"""digest.py PORT: an HTTP server of uploads (PUT); answers each with the SHA-256 of what came."""

import hashlib
import http.server
import socket
import sys


class Digest(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        digest = hashlib.sha256()
        left = int(self.headers["Content-Length"])
        while left:
            data = self.rfile.read(min(left, 1 << 16))
            if not data:
                return
            digest.update(data)
            left -= len(data)
        answer = digest.hexdigest().encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


with Server(("::", int(sys.argv[1])), Digest) as server:
    print("ready", flush=True)
    server.serve_forever()
