"""What a client sees: requests one by one, a steady stream of them, connections that stay open."""

import collections
import contextlib
import dataclasses
import itertools
import pathlib
import socket
import struct
import sys

from .shell import SLOWNESS, wait_until

_numbers = itertools.count(1)


@dataclasses.dataclass
class Request:
    start: float  # time.monotonic()
    took: float   # seconds
    server: str   # who answered; empty when nobody did
    error: str

    @property
    def end(self):
        return self.start + self.took


class Watch:
    """A stream of requests through a VIP, each on a new connection."""

    def __init__(self, node, address, port=80, interval=0.01):
        self._path = node.folder / f"watch{next(_numbers)}.tsv"
        self._path.touch()
        self._process = node.start(sys.executable, pathlib.Path(__file__).with_name("watch.py"), address, port, interval * SLOWNESS,
                                   self._path, log="watch.log")

    def requests(self, since=0.0, until=float("inf")):
        """Those that are finished, by time of their start."""
        lines = self._path.read_text(encoding="utf-8").split("\n")[:-1]
        rows = (line.split("\t") for line in lines)
        all_of_them = (Request(float(start), float(took), server, error) for start, took, server, error in rows)
        return sorted((each for each in all_of_them if since <= each.start < until), key=lambda each: each.start)

    def failures(self, since=0.0, until=float("inf")):
        return [each for each in self.requests(since, until) if each.error]

    def slow(self, limit=0.95):
        """Those that took so long that a packet must have been lost (a SYN is sent again after 1 s)."""
        return [each for each in self.requests() if each.took > limit]

    def servers(self, since=0.0, until=float("inf")):
        return collections.Counter(each.server for each in self.requests(since, until) if each.server)

    def wait_for(self, count):
        """Waits until so many more have been answered."""
        def answered():
            return sum(1 for each in self.requests() if not each.error)
        target = answered() + count
        wait_until(lambda: answered() >= target, f"{count} more requests are answered", limit=20, interval=0.05)

    def stop(self):
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(20 * SLOWNESS)
        return self


@contextlib.contextmanager
def watching(node, address, port=80, interval=0.01):
    """A `Watch` for as long as the block runs; the first requests are answered when it begins."""
    watch = Watch(node, address, port, interval)
    try:
        watch.wait_for(10)
        yield watch
    finally:
        watch.stop()


class KeptConnection:
    """One HTTP connection that stays open over many requests."""

    def __init__(self, node, address, port=80, source_port=0):
        self._socket = node.connect(address, port, source_port=source_port)
        self.server = self.ask()

    def ask(self):
        """The name of the server, or an OSError."""
        self._socket.sendall(b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n")
        answer = b""
        while True:
            more = self._socket.recv(4096)
            if not more:
                raise ConnectionError("closed by the server")
            answer += more
            head, end, body = answer.partition(b"\r\n\r\n")
            if end and body.endswith(b"\n"):
                return body.decode().strip()

    def works(self):
        """Whether it is still answered, by the same server."""
        try:
            return self.ask() == self.server
        except OSError:
            return False

    def close(self):
        self._socket.close()

    def reset(self):
        """Closes with a RST, so that neither side remembers the connection and its port is free at once."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()


def udp_flow(client, address, port, packets=3):
    """The server (UdpEcho's name, as bytes) that answers all packets of one new flow."""
    with client.udp(address, port) as sock:
        said = set()
        for number in range(packets):
            sock.send(b"%d" % number)
            server, text = sock.recv(2048).split(b" ")
            assert text == b"%d" % number
            said.add(server)
    assert len(said) == 1, "one flow, one server"
    return said.pop()
