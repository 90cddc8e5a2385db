"""A real server prepared by ballast-realserver, and what its tests send to it: tunnels' packets, and TCP with TOA."""

import contextlib
import errno
import json
import pathlib
import socket
import struct
import time

from scapy.compat import raw
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt
from scapy.layers.l2 import GRE, Ether
from scapy.packet import Raw

from .balancer import BIN
from .shell import LabError, run, wait_until
from .topology import alive, kill

PROGRAM = BIN / "ballast-realserver"
GUE_PORT = 6080


class RealServer:
    """ballast-realserver on a node, with folders of its own."""

    def __init__(self, node):
        self.node = node
        self.state_dir = node.folder / "realserver"
        self.pin_dir = node.lab.pin_dir(f"{node.name}-realserver")

    def words(self, verb, *words):
        return [PROGRAM, verb, "--state-dir", self.state_dir, "--pin-dir", self.pin_dir, *words]

    def call(self, verb, *words):
        return self.node.run(*self.words(verb, *words), check=False)

    def up(self, *words):
        result = self.call("up", *words)
        if result.returncode != 0:
            raise LabError(f"ballast-realserver up: exit {result.returncode}\n{result.stderr}")
        return result.stderr

    def undo(self):
        result = self.call("undo")
        if result.returncode != 0:
            raise LabError(f"ballast-realserver undo: exit {result.returncode}\n{result.stderr}")
        return result.stderr

    def status(self):
        """What `status --json` says; its exit status must agree with it."""
        result = self.call("status", "--json")
        report = json.loads(result.stdout)
        assert result.returncode == (0 if report["whole"] else 1)
        return report

    def is_whole(self):
        return self.status()["whole"]

    def faults(self):
        return [f"{item['what']}: {item['state']}" for item in self.status()["items"] if not item["good"]]



def mac(node, device="eth0"):
    """Asked by netlink: /sys shows the namespace that mounted it."""
    return json.loads(run("ip", "-n", node.namespace, "-j", "link", "show", "dev", device).stdout)[0]["address"]


def is_v6(address):
    return ":" in address


def ip(source, destination, **fields):
    return (IPv6 if is_v6(source) else IP)(src=source, dst=destination, **fields)


# What stands between the outer IP header and the inner packet, by kind of tunnel.
def shim(kind, inner_is_v6):
    protocol = 41 if inner_is_v6 else 4
    ethertype = 0x86DD if inner_is_v6 else 0x0800
    return {
        "ipip": None,
        "gre": GRE(proto=ethertype),
        "gre-checksum-key": GRE(proto=ethertype, chksum_present=1, key_present=1, key=7, seqnum_present=1),
        "gue": UDP(sport=49152, dport=GUE_PORT) / Raw(struct.pack("!BBH", 0, protocol, 0)),
        "gue-direct": UDP(sport=49152, dport=GUE_PORT),
        "destination-options": IPv6ExtHdrDestOpt(),
    }[kind]


def encapsulate(kind, outer, inner):
    """`inner` in a tunnel of this kind from outer[0] to outer[1]."""
    between = shim(kind, isinstance(inner, IPv6))
    header = ip(*outer)
    if kind in ("ipip", "destination-options"):
        number = 41 if isinstance(inner, IPv6) else 4
        if between is None:
            setattr(header, "nh" if isinstance(header, IPv6) else "proto", number)
        else:
            between.nh = number
    elif kind.startswith("gre"):
        setattr(header, "nh" if isinstance(header, IPv6) else "proto", 47)
    return header / inner if between is None else header / between / Raw(raw(inner))


def send_frame(node, device, destination_mac, packet):
    """An IP packet in a frame of this node's, past its own IP stack."""
    frame = raw(Ether(src=mac(node, device), dst=destination_mac) / packet)

    def send():
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind((device, 0))
            sock.send(frame)
    node.inside(send)


def toa(client):
    """The TCP option that tells this client (address, port); without one, no bytes."""
    if client is None:
        return b""
    address, port = client
    told = struct.pack("!H", port) + socket.inet_pton(socket.AF_INET6 if is_v6(address) else socket.AF_INET, address)
    return bytes([254, 2 + len(told)]) + told


class Fullnat:
    """A load balancer's TCP towards a server: from an address that its kernel knows nothing of, with TOA where told.

    Options are bytes as on the wire, right behind the fixed header. The server is told where the address is, as nobody
    answers for it."""

    def __init__(self, node, source, server, device="eth0"):
        self.node, self.device, self.source, self.destination = node, device, source, None
        self.server_mac = mac(server)
        server.ip(f"neigh replace {source[0]} lladdr {mac(node, device)} dev eth0 nud permanent")
        self.sock = node.inside(self._open)
        self.sequence, self.acknowledged = 1000, 0
        self.unheard = []  # segments that may have an answer beside what was waited for

    def _open(self):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        sock.bind((self.device, 0))
        sock.settimeout(0.2)
        return sock

    def _send(self, flags, payload=b"", options=b""):
        options += b"\1" * (-len(options) % 4)
        segment = TCP(sport=self.source[1], dport=self.destination[1], flags=flags, seq=self.sequence, ack=self.acknowledged,
                      dataofs=5 + len(options) // 4)
        packet = ip(self.source[0], self.destination[0]) / segment / Raw(options + payload)
        self.sock.send(raw(Ether(src=mac(self.node, self.device), dst=self.server_mac) / packet))

    def _next(self):
        """A segment of this connection, or None when for a moment none came."""
        if self.unheard:
            return self.unheard.pop(0)
        try:
            frame = Ether(self.sock.recv(65535))
        except TimeoutError:
            return None
        if TCP in frame and (frame[TCP].sport, frame[TCP].dport) == (self.destination[1], self.source[1]):
            return frame[TCP]
        return None

    def _receive(self, condition, limit=10):
        """The next segment of this connection that fulfils the condition."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            segment = self._next()
            if segment is not None and condition(segment):
                return segment
        raise AssertionError(f"no answer from {self.destination} to {self.source}")

    def open(self, destination, options=b""):
        """The handshake; the options are of its ACK."""
        self.destination = destination
        self._send("S")
        syn_ack = self._receive(lambda tcp: tcp.flags.S and tcp.flags.A)
        self.sequence, self.acknowledged = self.sequence + 1, syn_ack.seq + 1
        self._send("A", options=options)

    def say(self, payload, options=b""):
        """Sends a segment and waits until the server has it."""
        self._send("PA", payload, options)
        self.sequence += len(payload)
        self.unheard.append(self._receive(lambda tcp: tcp.flags.R or tcp.ack == self.sequence))

    def hear(self):
        """What was answered until the server closed or reset."""
        answer = b""
        while True:
            segment = self._receive(lambda tcp: tcp.seq == self.acknowledged and
                                    (tcp.flags.F or tcp.flags.R or len(tcp.payload)))
            data = bytes(segment.payload.original) if Raw in segment else b""
            answer += data
            self.acknowledged += len(data) + (1 if segment.flags.F else 0)
            self._send("FA" if segment.flags.F else "A")
            if segment.flags.F or segment.flags.R:
                return answer.decode()

    def close(self):
        self.sock.close()


def cgroup2():
    for line in pathlib.Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words[2] == "cgroup2":
            return pathlib.Path(words[1])
    raise LabError("cgroup version 2 is not mounted")


@contextlib.contextmanager
def cgroup(name):
    """A cgroup for as long as the block runs; its processes end with it."""
    folder = cgroup2() / name
    folder.mkdir()
    try:
        yield folder
    finally:
        pids = [int(pid) for pid in (folder / "cgroup.procs").read_text(encoding="utf-8").split()]
        kill(pids)
        wait_until(lambda: not any(map(alive, pids)), f"the processes in {folder} end")
        wait_until(lambda: is_removed(folder), f"{folder} is empty")


def is_removed(folder):
    """Removes a cgroup; False while one of its processes, even a dead one, is there."""
    try:
        folder.rmdir()
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return False
    return True


def start_in(folder, node, *words, log):
    """Starts a program on a node, in a cgroup."""
    return node.start("sh", "-c", f'echo $$ >{folder}/cgroup.procs && exec "$@"', "sh", *words, log=log)
