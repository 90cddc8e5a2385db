"""ballast-realserver behind FULLNAT: unmodified servers show the client that TOA tells, and the plain peer without it."""

import contextlib
import pathlib
import sys

import pytest

from lab.realserver import Fullnat, RealServer, is_v6, start_in, toa
from lab.shell import wait_until

NGINX = """daemon off;
worker_processes 1;
pid {folder}/clients.pid;
error_log {folder}/nginx.log warn;
events {{ worker_connections 64; }}
http {{
    log_format plain '$remote_addr $remote_port';
    access_log {folder}/access.log plain;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{
        listen 80; listen 85 deferred; listen [::]:80 ipv6only=on; listen [::]:81 ipv6only=off;
        location / {{ return 200 "$remote_addr $remote_port\\n"; }}
    }}
}}
"""

HAPROXY = """global
    log stdout format raw local0
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 5s
    log global
    log-format "%ci %cp"
frontend answers
    bind :::82 v4v6
    http-request return status 200 content-type text/plain lf-string "%[src] %[src_port]\\n"
frontend forwards
    bind :::83 v4v6
    option forwardfor
    default_backend tells
backend tells
    server self 127.0.0.1:84
frontend tells
    bind 127.0.0.1:84
    http-request return status 200 content-type text/plain lf-string "%[req.hdr(x-forwarded-for)]\\n"
"""

DUAL_NGINX, HA, FORWARDFOR, DEFERRED, PYTHON, PYTHON4 = 81, 82, 83, 85, 9000, 9001
LIP, LIP6 = "10.1.0.200", "fd01::200"


@pytest.fixture
def servers(wire, group):
    """nginx, haproxy and Python on the server, in one cgroup, started before anybody prepares the server."""
    _, server = wire
    (server.folder / "clients.conf").write_text(NGINX.format(folder=server.folder), encoding="utf-8")
    (server.folder / "haproxy.cfg").write_text(HAPROXY, encoding="utf-8")
    start_in(group, server, "nginx", "-p", server.folder, "-c", server.folder / "clients.conf", "-e",
             server.folder / "nginx.log", log="nginx.log")
    start_in(group, server, "haproxy", "-db", "-f", server.folder / "haproxy.cfg", log="haproxy.log")
    peer = pathlib.Path(__file__).parent / "lab/peer.py"
    start_in(group, server, sys.executable, peer, PYTHON, log="peer.log")
    start_in(group, server, sys.executable, peer, PYTHON4, "ipv4", log="peer4.log")
    for port in (80, DUAL_NGINX, HA, FORWARDFOR, PYTHON, PYTHON4):
        wait_until(lambda port=port: answers(server, port), f"port {port} answers")
    return server


def answers(server, port):
    try:
        server.connect("127.0.0.1", port, 1).close()
    except OSError:
        return False
    return True


class Balancer:
    """Connections from a LIP, each from a port of its own."""

    def __init__(self, client, server):
        self.client, self.server, self._port = client, server, 20000

    def ask(self, port, told=None, lip=LIP, on_ack=None, on_data=None):
        """What the server's program says its client is: the last line of its answer. The options are TOA of `told` on the
        handshake's ACK and the same on the data, where they are not given."""
        self._port += 1
        on_ack = toa(told) if on_ack is None else on_ack
        on_data = on_ack if on_data is None else on_data
        connection = Fullnat(self.client, (lip, self._port), self.server)
        with contextlib.closing(connection):
            connection.open((self.server.address("front", 6 if is_v6(lip) else 4), port), on_ack)
            connection.say(b"GET / HTTP/1.0\r\n\r\n", on_data)
            return connection.hear().strip().split("\n")[-1].strip()

    @property
    def source_port(self):
        """Of the last connection."""
        return self._port

    def clients(self):
        """The counters that are not 0."""
        return {name: value for name, value in self.realserver.status()["clients"].items() if value}


@pytest.fixture
def balancer(wire, servers, group):
    client, server = wire
    realserver = RealServer(server)
    realserver.up("--mode", "fnat", "--trust", f"{LIP},{LIP6}", "--cgroup", group)
    made = Balancer(client, server)
    made.realserver = realserver
    yield made
    realserver.undo()


IPV4_CLIENT, IPV6_CLIENT = ("198.51.100.7", 40000), ("2001:db8:77::7", 50000)


@pytest.mark.parametrize("lip, told", [(LIP, IPV4_CLIENT), (LIP6, IPV6_CLIENT)])
def test_fnat_nginx_haproxy_and_python_see_the_client(balancer, servers, lip, told):
    address, port = told
    shown = f"{address} {port}"
    assert balancer.ask(80, told, lip) == shown
    assert (servers.folder / "access.log").read_text(encoding="utf-8").split("\n")[-2] == shown
    assert balancer.ask(HA, told, lip) in (shown, f"::ffff:{shown}")
    wait_until(lambda: shown in (servers.folder / "haproxy.log").read_text(encoding="utf-8"), "haproxy logs the client")
    assert balancer.ask(FORWARDFOR, told, lip) in (address, f"::ffff:{address}")
    accepted = f"{'' if is_v6(address) else '::ffff:'}{shown}"
    assert balancer.ask(PYTHON, told, lip) == f"{accepted} {accepted}"
    assert balancer.clients() == {"restored_ipv6" if is_v6(address) else "restored_ipv4": 4}


def test_fnat_dual_stack_listeners_get_mapped_addresses(balancer):
    mapped = f"::ffff:{IPV4_CLIENT[0]} {IPV4_CLIENT[1]}"
    assert balancer.ask(DUAL_NGINX, IPV4_CLIENT) == mapped
    assert balancer.ask(PYTHON, IPV4_CLIENT) == f"{mapped} {mapped}"
    assert balancer.ask(PYTHON4, IPV4_CLIENT) == " ".join(2 * [f"{IPV4_CLIENT[0]} {IPV4_CLIENT[1]}"])


def test_fnat_an_ipv6_client_behind_ipv4_is_shown_where_it_can_be(balancer):
    shown = f"{IPV6_CLIENT[0]} {IPV6_CLIENT[1]}"
    assert balancer.ask(PYTHON, IPV6_CLIENT) == f"{shown} {shown}"
    assert balancer.ask(DUAL_NGINX, IPV6_CLIENT) == shown
    plain = balancer.ask(PYTHON4, IPV6_CLIENT)  # an IPv4 socket has no room for it
    assert plain == " ".join(2 * [f"{LIP} {balancer.source_port}"])
    assert balancer.ask(80, IPV6_CLIENT) == f"{LIP} {balancer.source_port}"
    assert balancer.realserver.status()["clients"]["other_family"] > 0


def test_fnat_without_toa_the_address_is_the_plain_one(balancer):
    assert balancer.ask(80) == f"{LIP} {balancer.source_port}"
    assert balancer.ask(PYTHON, lip=LIP6).startswith(f"{LIP6} {balancer.source_port} ")
    assert balancer.clients() == {"absent": 2}


@pytest.mark.parametrize("liar", ["10.1.0.201", "fd01::201"])
def test_fnat_nobody_else_can_tell_a_client(balancer, liar):
    told = IPV6_CLIENT if is_v6(liar) else IPV4_CLIENT
    assert balancer.ask(80, told, liar) == f"{liar} {balancer.source_port}"
    assert balancer.clients() == {"untrusted": 1}


CLIENTS = [(LIP, IPV4_CLIENT), (LIP6, IPV6_CLIENT)]


@pytest.mark.parametrize("lip, told", CLIENTS)
def test_fnat_a_client_told_only_by_the_data_is_shown_from_then_on(balancer, lip, told):
    shown = f"{'' if is_v6(lip) else '::ffff:'}{told[0]} {told[1]}"
    assert balancer.ask(PYTHON, lip=lip, on_ack=b"", on_data=toa(told)).endswith(f" {shown}")
    assert balancer.clients() == {"absent": 1, "late": 1, "restored_ipv6" if is_v6(lip) else "restored_ipv4": 1}


@pytest.mark.parametrize("first_options", [b"", b"\x01\x01\x01\x01"])  # the kernel's fast path and its slow one
def test_fnat_the_first_data_is_the_last_chance(balancer, first_options):
    connection = Fullnat(balancer.client, (LIP, 30000), balancer.server)
    with contextlib.closing(connection):
        connection.open((balancer.server.address("front", 4), PYTHON))
        connection.say(b"first", first_options)
        connection.say(b"second\n", toa(IPV4_CLIENT))
        assert connection.hear().strip() == " ".join(2 * [f"::ffff:{LIP} 30000"])
    assert balancer.clients() == {"absent": 1}


def test_fnat_an_accept_deferred_until_data_shows_the_client(balancer):
    assert balancer.ask(DEFERRED, IPV4_CLIENT) == f"{IPV4_CLIENT[0]} {IPV4_CLIENT[1]}"
    assert balancer.clients() == {"restored_ipv4": 1}


def of_length(length):
    """Of TOA's kind, with as many bytes as it says."""
    return toa(IPV6_CLIENT)[:1] + bytes([length]) + (toa(IPV6_CLIENT)[2:] + b"\x07" * 20)[:length - 2]


MALFORMED = {**{f"length {length}": of_length(length) for length in (2, 3, 7, 9, 19, 21, 40)},
             "an IPv6 option cut by the header's end": toa(IPV6_CLIENT)[:12],
             "an IPv4 option cut by the header's end": toa(IPV4_CLIENT)[:4],
             "longer than the header": bytes([254, 255]) + b"\x07" * 10}


@pytest.mark.parametrize("lip", [LIP, LIP6])
def test_fnat_malformed_toa_leaves_the_plain_address(balancer, lip):
    for number, (what, option) in enumerate(MALFORMED.items(), 1):
        assert balancer.ask(80, lip=lip, on_ack=option) == f"{lip} {balancer.source_port}", what
        assert balancer.clients() == {"malformed": number}, what
    for length in (0, 1):  # where options end being options, as for the kernel itself
        assert balancer.ask(80, lip=lip, on_ack=bytes([254, length, 7, 7])) == f"{lip} {balancer.source_port}"


def test_fnat_malformed_toa_on_the_data_leaves_the_plain_address(balancer):
    for option in MALFORMED.values():
        assert balancer.ask(PYTHON, on_ack=b"", on_data=option).endswith(f" ::ffff:{LIP} {balancer.source_port}")
    assert balancer.clients() == {"absent": len(MALFORMED), "malformed": len(MALFORMED)}


def test_fnat_trust_changes_without_a_gap_and_undo_ends_it(balancer, group):
    other = "10.1.0.201"
    balancer.realserver.up("--mode", "fnat", "--trust", "10.1.0.201/32", "--cgroup", group)
    assert balancer.ask(80, IPV4_CLIENT, other) == f"{IPV4_CLIENT[0]} {IPV4_CLIENT[1]}"
    assert balancer.ask(80, IPV4_CLIENT) == f"{LIP} {balancer.source_port}"
    balancer.realserver.undo()
    assert balancer.ask(80, IPV4_CLIENT, other) == f"{other} {balancer.source_port}"
