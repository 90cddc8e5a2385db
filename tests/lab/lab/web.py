"""Real servers: Debian's nginx, and a UDP echo."""

import pathlib
import signal
import sys

from .shell import SLOWNESS, run, wait_until
from .topology import alive, kill

NGINX = """daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_timeout 600;
    keepalive_requests 1000000;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{
        listen 80 backlog=4096; listen [::]:80 ipv6only=on backlog=4096;
        listen 8080; listen [::]:8080 ipv6only=on;
        location = /health {{
            if (-f {folder}/unhealthy) {{ return 503 "unwell\\n"; }}
            return 200 "well\\n";
        }}
        location /files/ {{ root {folder}; }}
        location / {{ return 200 "{name}\\n"; }}
    }}
}}
"""


class Nginx:
    """An nginx that answers its own name, and `/health` with 200 or, when told so, 503."""

    def __init__(self, node):
        self.node, self.process = node, None
        self._conf = node.folder / "nginx.conf"
        self._conf.write_text(NGINX.format(folder=node.folder, name=node.name), encoding="utf-8")

    def start(self):
        self.process = self.node.start("nginx", "-p", self.node.folder, "-c", self._conf,
                                       "-e", self.node.folder / "nginx.log", log="nginx.log")
        wait_until(self._answers, f"nginx on {self.node.name} answers")

    def _answers(self):
        assert self.process.poll() is None, f"nginx on {self.node.name} ended: {self.node.lab.logs()}"
        try:
            self.node.connect("127.0.0.1", 80, 1).close()
        except OSError:
            return False
        return True

    def kill(self):
        """Dies at once, all its processes, as by a power cut of the service."""
        pids = self.node.pids("nginx")
        kill(pids, signal.SIGKILL)
        wait_until(lambda: not any(map(alive, pids)), f"nginx on {self.node.name} is dead")
        self.process.wait()

    def healthy(self, well):
        mark = self.node.folder / "unhealthy"
        if well:
            mark.unlink(missing_ok=True)
        else:
            mark.touch()


class UdpEcho:
    """Answers each datagram with this node's name and what came, from the address it came to."""

    def __init__(self, node):
        self.node = node

    def start(self, port, *addresses):
        program = pathlib.Path(__file__).with_name("udp_echo.py")
        process = self.node.start(sys.executable, program, self.node.name, port, *addresses, log="udp.log")
        log = self.node.folder / "udp.log"
        wait_until(lambda: "ready" in log.read_text(encoding="utf-8"), f"UDP echo on {self.node.name} is ready")
        return process


def curl(node, url, *options, timeout=3):
    """What curl printed, or None when it failed."""
    result = run(*node.command("curl", "-sg", "--max-time", timeout * SLOWNESS, *options, url), check=False)
    return result.stdout.strip() if result.returncode == 0 else None
