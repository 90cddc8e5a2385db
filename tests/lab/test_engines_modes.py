"""Every mode of both engines at once: a client gets its answer, and the packet on the server's wire is what that mode says."""

import socket

import pytest
from scapy.compat import raw
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import GRE, Ether

from lab.cluster import service, service_name, tcp_check
from lab.realserver import RealServer, mac
from lab.stage import VIPS, fixture_engine, stage  # noqa: F401 # pylint: disable=unused-import
from lab.web import UdpEcho

UDP_PORT, GUE_PORT, CHANGED_PORT, FULL_TTL = 5353, 6080, 8080, 64
# The VIP's family, the server's, lvs_method, the server's port.
MODES = {
    "nat-4": (4, 4, "NAT", 80), "nat-6": (6, 6, "NAT", 80), "nat-4-port": (4, 4, "NAT", CHANGED_PORT),
    "dr-4": (4, 4, "DR", 80), "dr-6": (6, 6, "DR", 80),
    "ipip-4in4": (4, 4, "TUN", 80), "ipip-6in6": (6, 6, "TUN", 80),
    "ipip-4in6": (4, 6, "TUN", 80), "ipip-6in4": (6, 4, "TUN", 80),
    "gre-4in4": (4, 4, "TUN type gre", 80), "gre-4in4-csum": (4, 4, "TUN type gre csum", 80),
    "gre-6in6": (6, 6, "TUN type gre", 80),
    "gue-4in4": (4, 4, f"TUN type gue port {GUE_PORT}", 80), "gue-4in4-csum": (4, 4, f"TUN type gue port {GUE_PORT} csum", 80),
    "gue-6in6-csum": (6, 6, f"TUN type gue port {GUE_PORT} csum", 80),
}
HOSTS = dict(zip(MODES, VIPS))


def vip_of(running, mode):
    return running.vip(HOSTS[mode], MODES[mode][0])


@pytest.fixture(scope="module", name="running")
def fixture_running(engine):
    """One server, a VIP for each mode: port 80 by TCP, 5353 by UDP."""
    with stage(engine, webs=1) as made:
        web = made.webs[0]
        direct = [vip_of(made, mode) for mode in MODES if not mode.startswith("nat")]
        RealServer(web).up("--mode", "tun", "--vip", ",".join(direct), "--interface", "eth0", "--gue-port", GUE_PORT)
        UdpEcho(web).start(UDP_PORT, *direct, made.server(1, 4), made.server(1, 6))
        services = []
        for mode, (version, outer, method, port) in MODES.items():
            for number, protocol in ((80, "TCP"), (UDP_PORT, "UDP")):
                services.append(service(made.vip(HOSTS[mode], version), [made.server(1, outer)], port=number,
                                        server_port=port if protocol == "TCP" else None, method=method, protocol=protocol,
                                        check=tcp_check() if mode == "nat-4" and protocol == "TCP" else "# none", delay=2))
        made.start(*services, hosts=HOSTS.values(), versions=(4, 6))
        made.macs = {"server": mac(web), "balancer": mac(made.lb, "eth1")}
        yield made


class Wire:
    """What goes to the server while the block runs, as it is on the wire: its own XDP program comes later."""

    def __init__(self, running):
        self.node, self.port, self.sock = running.lab.switch, running.webs[0].port("back"), None
        self.server_mac = bytes.fromhex(running.macs["server"].replace(":", ""))
        self.frames = []

    def __enter__(self):
        def listen():
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            sock.bind((self.port, 0))
            sock.setblocking(False)
            return sock
        self.sock = self.node.inside(listen)
        return self

    def __exit__(self, *_):
        while True:  # what was answered has been here; nothing is waited for
            try:
                frame = self.sock.recv(65535)
            except BlockingIOError:
                break
            if frame[:6] == self.server_mac and frame[12:14] in (b"\x08\x00", b"\x86\xdd"):
                self.frames.append(Ether(frame))
        self.sock.close()

    def carrying(self, protocol, port):
        """The frames of clients' packets of this service, innermost header looked at, health checks left out."""
        found = []
        for frame in self.frames:
            inner = innermost(frame)
            if protocol in inner and inner[protocol].dport == port:
                found.append(frame)
        return found


def innermost(frame):
    """The client's IP packet in a frame, through IPIP, GRE and GUE."""
    packet = frame[IP] if IP in frame else frame[IPv6]
    while True:
        if UDP in packet and packet[UDP].dport == GUE_PORT:
            header = raw(packet[UDP].payload)
            return (IP if header[1] == 4 else IPv6)(header[4 + (header[0] & 0x1f) * 4:])
        inner = packet.payload[GRE].payload if GRE in packet else packet.payload
        if not isinstance(inner, (IP, IPv6)):
            return packet
        packet = inner


def check_sums(packet):
    """Every checksum in the packet is what scapy computes anew."""
    again = packet.__class__(raw(packet))
    layer = again
    while layer:
        if isinstance(layer, (IP, TCP, ICMP)) or (isinstance(layer, UDP) and layer.chksum):
            del layer.chksum
        layer = layer.payload
    assert raw(again) == raw(packet), f"a checksum is wrong: {packet!r}"


def check_outer(frame, running, method, outer):
    """The tunnel: from the load balancer to the server, of the kind configured."""
    header = frame[IPv6] if outer == 6 else frame[IP]
    assert header.dst == running.server(1, outer)
    assert header.src in (running.lb.address("back", outer), running.back.address(254, outer)), "not from the load balancer"
    assert header is frame.payload
    number = header.nh if outer == 6 else header.proto
    words = method.split()
    if "gre" in words:
        assert number == 47 and bool(header[GRE].chksum_present) == ("csum" in words)
    elif "gue" in words:
        assert number == 17 and header[UDP].dport == GUE_PORT
        assert "csum" not in words or header[UDP].chksum, "a checksum was asked for"
    else:
        assert number in (4, 41)


def check_frame(frame, running, mode, port):
    """A client's packet on its way to the server, as this mode sends it."""
    version, outer, method, _ = MODES[mode]
    assert frame.dst == running.macs["server"]
    assert frame.src == running.macs["balancer"]
    inner = innermost(frame)
    assert inner.src == running.client.address("front", version), "who the client is stays in the packet"
    check_sums(inner)
    # IPVS routes in every mode, Ballast where addresses change (docs/guide/engines.md).
    routed = running.engine == "ipvs" or method == "NAT"
    assert (inner.ttl if version == 4 else inner.hlim) == FULL_TTL - routed
    if method == "NAT":
        assert inner is frame.payload and inner.dst == running.server(1, version)
        assert inner.payload.dport == port
    else:
        assert inner.dst == vip_of(running, mode), "the server gets what the client sent"
        if method == "DR":
            assert inner is frame.payload
        else:
            assert inner is not frame.payload
            check_outer(frame, running, method, outer)


@pytest.mark.parametrize("mode", MODES)
def test_tcp(running, mode):
    port = MODES[mode][3]
    with Wire(running) as wire:
        assert running.ask(2, vip_of(running, mode)) == ["web1"] * 2
    client = running.client.address("front", MODES[mode][0])
    frames = [frame for frame in wire.carrying(TCP, port) if innermost(frame).src == client]
    assert len(frames) >= 2 * 3, "SYN, ACK and request of two connections"
    for frame in frames:
        check_frame(frame, running, mode, port)


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "nat-4-port"])
def test_udp(running, mode):
    with Wire(running) as wire:
        for number in range(3):
            with running.client.udp(vip_of(running, mode), UDP_PORT) as sock:
                sock.send(b"%d" % number)
                assert sock.recv(100) == b"web1 %d" % number
    frames = wire.carrying(UDP, UDP_PORT)
    assert len(frames) == 3
    for frame in frames:
        check_frame(frame, running, mode, UDP_PORT)


def test_each_service_is_forwarded_by_this_engine_and_counted(running, engine):
    running.ask(1, vip_of(running, "dr-4"))
    for mode, (version, _, method, _) in MODES.items():
        told = running.balancer.service(service_name(running.vip(HOSTS[mode], version)))
        assert (told["engine"], told["method"], told["state"]) == (engine, method.split()[0], "up"), told
    server = running.balancer.server(service_name(vip_of(running, "dr-4")), running.server(1))
    assert server["connections"] >= 1 and server["packets_in"] >= 4
