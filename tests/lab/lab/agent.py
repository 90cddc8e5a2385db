"""agent.py ADDRESS PORT FILE: HAProxy's agent protocol; each connection gets what FILE holds then."""

import pathlib
import socketserver
import sys


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(pathlib.Path(sys.argv[3]).read_bytes())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True


with Server((sys.argv[1], int(sys.argv[2])), Handler) as server:
    server.serve_forever()
