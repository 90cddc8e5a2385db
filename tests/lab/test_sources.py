"""Servers that are looked up: in a real nameserver, in a file, in a real etcd; what checkd tells the bus of them."""

import collections
import json
import os
import socket
import struct

import pytest

from lab.cluster import Cluster, service_name
from lab.shell import run, wait_until
from lab.web import curl

PORT = 2379


def retained(balancer, prefix):
    """The values of the topics below a prefix."""
    values = {}
    with socket.socket(socket.AF_UNIX) as bus:
        bus.settimeout(10)
        bus.connect(str(balancer.run_dir / "bus.sock"))
        stream = bus.makefile("rwb")

        def send(frame):
            text = json.dumps(frame).encode()
            stream.write(struct.pack("!I", len(text)) + text)
            stream.flush()

        send({"op": "hello", "role": "lab", "version": "0", "protocol": 1, "pid": os.getpid()})
        send({"op": "subscribe", "prefix": prefix})
        while True:
            frame = json.loads(stream.read(struct.unpack("!I", stream.read(4))[0]))
            if frame["op"] == "snapshot-end":
                return values
            if frame["op"] == "update":
                values[frame["topic"]] = frame["value"]
            assert frame["op"] not in ("refused", "closing"), frame


class Source:
    """One real_servers_from of the cluster's service, as checkd tells of it."""

    def __init__(self, cluster, number=0):
        self.balancer = cluster.b1
        self.topic = f"source/{service_name(cluster.vip)}/{number}"

    def state(self):
        return retained(self.balancer, self.topic).get(self.topic) or {"servers": [], "good": False, "reason": ""}

    def servers(self):
        return {each["endpoint"]: each["weight"] for each in self.state()["servers"]}

    def wait_servers(self, expected, limit=30):
        wait_until(lambda: self.servers() == expected, f"{self.topic} says {expected}", limit, 0.1)

    def wait_reason(self, text, limit=30):
        return wait_until(lambda: text in self.state()["reason"] and self.state(), f"{self.topic} says '{text}'", limit, 0.1)


def looked_up(cluster, *blocks):
    """The cluster's configuration, with a service whose servers are looked up."""
    name = cluster.service(servers=[], extra="\n    ".join(blocks))
    return cluster.configuration(150, name)


def start(cluster, *blocks):
    cluster.start_webs()
    cluster.b1.start(looked_up(cluster, *blocks))
    return Source(cluster)


CHECK = "TCP_CHECK { connect_timeout 1 }"


class Dnsmasq:
    """A nameserver of example.com on a web's node."""

    def __init__(self, node, *records):
        self.node, self.process = node, None
        self.start(*records)

    def start(self, *records):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = self.node.start("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
                                       "--local=/example.com/", "--user=root", "--pid-file=", "--log-facility=-", *records,
                                       log="dnsmasq.log")


def hosts(*addresses, ttl=1):
    return (*(f"--host-record=web.example.com,{address},{ttl}" for address in addresses), f"--local-ttl={ttl}")


def services(*targets):
    """`targets`: (name, address, port, priority, weight)"""
    words = ["--local-ttl=1"]
    for name, address, port, priority, weight in targets:
        words += [f"--host-record={name}.example.com,{address},1",
                  f"--srv-host=_http._tcp.example.com,{name}.example.com,{port},{priority},{weight}"]
    return words


@pytest.fixture
def cluster(lab):
    return Cluster(lab, 2, "NAT")


def nameserver(cluster):
    return cluster.server(3)


def test_addresses_of_a_name_come_and_go_and_the_last_stay(cluster):
    one, two, three = (cluster.server(number) for number in (1, 2, 3))
    dns = Dnsmasq(cluster.webs[2], *hosts(one, two))
    source = start(cluster, f"real_servers_from dns web.example.com 80 {{ nameserver {nameserver(cluster)}\n {CHECK} }}")
    source.wait_servers({f"{one}:80": None, f"{two}:80": None})
    assert source.state()["reason"] == "A web.example.com: 2 servers"
    dns.start(*hosts(one, three))
    source.wait_servers({f"{one}:80": None, f"{three}:80": None})
    assert f"A web.example.com: + {three}:80, - {two}:80" in cluster.b1.ctl("events").stdout
    dns.start("--local-ttl=1")
    source.wait_reason("NXDOMAIN: the last 2 servers are kept")
    dns.process.kill()
    source.wait_reason("refused: the last 2 servers are kept")
    assert source.servers() == {f"{one}:80": None, f"{three}:80": None}
    dns.start(*hosts(two))
    source.wait_servers({f"{two}:80": None})


def test_services_bring_their_ports_and_weights(cluster):
    one, two, three = (cluster.server(number) for number in (1, 2, 3))
    dns = Dnsmasq(cluster.webs[2], *services(("a", one, 80, 10, 3), ("b", two, 8080, 10, 0), ("c", three, 80, 20, 1)))
    source = start(cluster,
                   f"real_servers_from dns_srv _http._tcp.example.com {{ nameserver {nameserver(cluster)}\n {CHECK} }}")
    source.wait_servers({f"{one}:80": 3, f"{two}:8080": 1})
    dns.start(*services(("c", three, 80, 20, 1)))
    source.wait_servers({f"{three}:80": 1})


def test_a_file_is_read_when_it_changes(cluster):
    one, two, three = (cluster.server(number) for number in (1, 2, 3))
    folder = cluster.lb1.folder / "servers"
    folder.mkdir(mode=0o755)
    listed = folder / "web"
    listed.write_text(f"# web\n{one} weight 2\n{two}:8080\n", encoding="utf-8")
    source = start(cluster, f"real_servers_from file {listed} 80 {{ {CHECK} }}")
    source.wait_servers({f"{one}:80": 2, f"{two}:8080": None})
    beside = folder / "web.new"
    beside.write_text(f"{three}\n", encoding="utf-8")
    beside.rename(listed)
    source.wait_servers({f"{three}:80": None})
    listed.write_text(f"{one}\nweb2\n", encoding="utf-8")
    source.wait_reason(f"{listed}:2: 'web2' is not an IPv4 or IPv6 address: the last server is kept")
    assert source.servers() == {f"{three}:80": None}
    listed.unlink()
    source.wait_reason("No such file or directory: the last server is kept")
    listed.write_text(f"{one}\n", encoding="utf-8")
    source.wait_servers({f"{one}:80": None})


class Etcd:
    """A real etcd on a web's node."""

    def __init__(self, node, address):
        self.node, self.url = node, f"http://{address}:{PORT}"
        self.data = node.folder / "etcd"
        self.process = None

    def start(self):
        self.process = self.node.start("etcd", "--name", "lab", "--data-dir", self.data, "--listen-client-urls", self.url,
                                       "--advertise-client-urls", self.url, "--listen-peer-urls", "http://127.0.0.1:2380",
                                       "--unsafe-no-fsync", log="etcd.log")
        wait_until(lambda: self.ctl("endpoint", "health", check=False).returncode == 0, "etcd answers", 60, 0.2)
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()

    def ctl(self, *words, check=True):
        return run(*self.node.command("env", "ETCDCTL_API=3", "etcdctl", f"--endpoints={self.url}", *words), check=check)

    def lease(self, seconds):
        """A lease, and the process that keeps it alive."""
        lease = self.ctl("lease", "grant", seconds).stdout.split()[1]
        return lease, self.node.start("env", "ETCDCTL_API=3", "etcdctl", f"--endpoints={self.url}", "lease", "keep-alive", lease)


def test_keys_of_etcd_come_and_go_with_their_leases(cluster):
    one, two, three = (cluster.server(number) for number in (1, 2, 3))
    etcd = Etcd(cluster.webs[2], three).start()
    etcd.ctl("put", "/web/a", f"{one}:80 weight 2")
    dead = "http://127.0.0.1:1"
    source = start(cluster, f"real_servers_from etcd /web/ 80 {{ endpoint {dead} {etcd.url}\n {CHECK} }}")
    source.wait_servers({f"{one}:80": 2})
    lease, keeper = etcd.lease(5)
    etcd.ctl("put", "/web/b", json.dumps({"address": two, "port": 8080, "weight": 3}), f"--lease={lease}")
    source.wait_servers({f"{one}:80": 2, f"{two}:8080": 3})
    keeper.kill()
    source.wait_servers({f"{one}:80": 2})
    etcd.ctl("put", "/web/c", "out of order")
    source.wait_reason("/web/c: 'out' is not an IPv4 or IPv6 address: left out")
    etcd.ctl("del", "--prefix", "/web/")
    source.wait_reason("no servers: the last server is kept")
    assert source.servers() == {f"{one}:80": 2}

    etcd.kill()
    source.wait_reason("connect: refused: the last server is kept")
    etcd.start()
    etcd.ctl("put", "/web/d", two)
    source.wait_servers({f"{two}:80": None})


def test_a_compaction_while_etcd_was_away_loses_nothing(cluster):
    one, two, three = (cluster.server(number) for number in (1, 2, 3))
    etcd = Etcd(cluster.webs[2], three).start()
    etcd.ctl("put", "/web/a", one)
    source = start(cluster, f"real_servers_from etcd /web/ 80 {{ endpoint {etcd.url}\n {CHECK} }}")
    source.wait_servers({f"{one}:80": None})
    cluster.webs[2].link("back", False)
    for _ in range(5):
        etcd.ctl("put", "/web/a", one)
    etcd.ctl("put", "/web/a", two)
    revision = json.loads(etcd.ctl("get", "/web/a", "-w", "json").stdout)["header"]["revision"]
    etcd.ctl("compact", str(revision))
    cluster.webs[2].link("back", True)
    source.wait_servers({f"{two}:80": None}, limit=120)


def test_a_restarted_checkd_keeps_what_it_cannot_look_up(cluster):
    one = cluster.server(1)
    dns = Dnsmasq(cluster.webs[2], *hosts(one))
    source = start(cluster, f"real_servers_from dns web.example.com 80 {{ nameserver {nameserver(cluster)}\n {CHECK} }}")
    source.wait_servers({f"{one}:80": None})
    dns.process.kill()
    dns.process.wait()
    cluster.b1.kill_daemon("checkd")
    source.wait_reason("refused: the last server is kept")
    assert source.servers() == {f"{one}:80": None}


def test_a_reload_without_the_source_withdraws_it(cluster):
    one = cluster.server(1)
    Dnsmasq(cluster.webs[2], *hosts(one))
    source = start(cluster, f"real_servers_from dns web.example.com 80 {{ nameserver {nameserver(cluster)}\n {CHECK} }}")
    source.wait_servers({f"{one}:80": None})
    assert cluster.b1.reload(cluster.configuration(150)).returncode == 0
    wait_until(lambda: not retained(cluster.b1, "source/"), "the source is withdrawn")


def test_what_is_found_is_forwarded_to(cluster):
    one, two, three = (cluster.server(number) for number in (1, 2, 3))
    name = service_name(cluster.vip)
    dns = Dnsmasq(cluster.webs[2], *hosts(one, two))
    source = start(cluster, f"real_servers_from dns web.example.com 80 {{ nameserver {nameserver(cluster)}\n {CHECK} }}")
    source.wait_servers({f"{one}:80": None, f"{two}:80": None})
    if not becomes(lambda: cluster.b1.server(name, one), 5):
        pytest.skip("ballastd makes no real servers of what sources have found yet")
    cluster.b1.wait_role("MASTER")
    for server in (one, two):
        cluster.b1.wait_server(name, server, "up")
    url = f"http://{cluster.vip}:80/"
    answers = collections.Counter(curl(cluster.client, url) for _ in range(8))
    assert answers == {"web1": 4, "web2": 4}
    dns.start(*hosts(two, three))
    cluster.b1.wait_server(name, three, "up", limit=30)
    wait_until(lambda: not cluster.b1.server(name, one), "the first server is gone", 30)
    answers = collections.Counter(curl(cluster.client, url) for _ in range(8))
    assert answers == {"web2": 4, "web3": 4}
    dns.process.kill()
    source.wait_reason("the last 2 servers are kept")
    assert curl(cluster.client, url) in ("web2", "web3")


def becomes(condition, limit):
    try:
        return wait_until(condition, "it is so", limit)
    except AssertionError:
        return None
