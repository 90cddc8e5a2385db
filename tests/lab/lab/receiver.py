"""A webhook's receiver by HTTPS. `python3 -m lab.receiver ADDRESS PORT FOLDER MOOD CERTIFICATE KEY`

Each event it takes is a file in FOLDER: `{"headers": …, "body": …, "path": …}`. Moods:
  fine     takes everything
  busy     answers 503 to the first two
  never    answers 400
  hang     takes the connection and the request, and never answers"""

import http.server
import json
import pathlib
import ssl
import sys
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    folder, mood, asked, lock = pathlib.Path(), "fine", 0, threading.Lock()

    def do_POST(self):  # pylint: disable=invalid-name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with Handler.lock:
            Handler.asked += 1
            number = Handler.asked
        if self.mood == "hang":
            (self.folder / "asked").touch()
            threading.Event().wait()
        status = {"never": 400}.get(self.mood, 503 if self.mood == "busy" and number <= 2 else 200)
        if status == 200:
            new = self.folder / f"new{number}"
            new.write_text(json.dumps({"path": self.path, "headers": dict(self.headers), "body": json.loads(body)}),
                           encoding="utf-8")
            new.rename(self.folder / f"{number:05}.event")
        else:
            (self.folder / f"refused{number}").touch()
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format, *words):  # pylint: disable=redefined-builtin
        pass


def main(address, port, folder, mood, certificate, key):
    Handler.folder, Handler.mood = pathlib.Path(folder), mood
    server = http.server.ThreadingHTTPServer((address, int(port)), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    (Handler.folder / "ready").touch()
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
