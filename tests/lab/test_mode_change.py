"""The way to the servers changes by a reload while clients are connected."""

import contextlib
import hashlib
import json

import pytest

from lab.client import KeptConnection, watching
from lab.cluster import service_name
from lab.realserver import RealServer
from lab.routed import UPLOADS, Routed
from lab.shell import wait_until

METHODS = ("NAT", "DR", "TUN", "FNAT")
EACH = 6


def take_every_way(cluster):
    """Servers that answer by the load balancer what came by NAT or FNAT, and past it what came to the VIP itself."""
    router = cluster.back.address(cluster.router.host, cluster.version)
    for web in cluster.webs:
        RealServer(web).up("--mode", "tun", "--vip", cluster.vip, "--interface", "eth0")
        web.ip(f"route add default via {router} table 100")
        web.run("ip", f"-{cluster.version}", "rule", "add", "from", cluster.vip, "table", "100")


@contextlib.contextmanager
def running(lab, version):
    with contextlib.ExitStack() as stack:
        cluster = Routed(lab, stack, "NAT", version)
        take_every_way(cluster)
        yield cluster.start_servers().start()


def change(cluster, method):
    cluster.method = method
    answer = cluster.balancer.reload(cluster.configuration())
    assert answer.returncode == 0, answer.stdout + answer.stderr
    name = service_name(cluster.vip)
    wait_until(lambda: cluster.balancer.service(name).get("method") == method, f"{method} is in force")
    for address in cluster.addresses():
        cluster.balancer.wait_server(name, address, "up")


def connect(cluster):
    return [KeptConnection(cluster.client, cluster.vip) for _ in range(EACH)]


def methods_in_use(cluster):
    """Of open connections to the web."""
    listed = json.loads(cluster.balancer.ctl("connections", "--json").stdout)
    return {each["method"] for each in listed if each["state"] == "ESTABLISHED"}


def active(cluster):
    return sum(server["active"] for server in cluster.balancer.service(service_name(cluster.vip))["servers"])


@pytest.mark.parametrize("version", [4, 6])
def test_connections_outlive_each_change_of_the_mode(lab, version):
    with running(lab, version) as cluster:
        kept = connect(cluster)
        with watching(cluster.client, cluster.vip) as watch:
            for method in (*METHODS[1:], METHODS[0], METHODS[2]):
                change(cluster, method)
                kept += connect(cluster)
                broken = [number for number, each in enumerate(kept) if not each.works()]
                assert broken == [], cluster.balancer.ctl("drops").stdout
                watch.wait_for(50)
            watch.stop()
            assert watch.failures() == [] and watch.slow() == []
        assert methods_in_use(cluster) == set(METHODS)
        wait_until(lambda: active(cluster) == len(kept), "status counts the connections of every way")


@pytest.mark.parametrize("method", METHODS[1:])
def test_an_upload_goes_on_over_a_change_of_the_mode(lab, method):
    """The server has the same bytes: nothing was lost or put in twice when the way changed in the middle."""
    with running(lab, 4) as cluster:
        with cluster.client.connect(cluster.vip, UPLOADS) as sock:
            size = 8 << 20
            body = bytes(range(256)) * (size // 256)
            sock.sendall(f"POST / HTTP/1.1\r\nHost: lab\r\nContent-Length: {size}\r\n\r\n".encode() + body[:size // 2])
            change(cluster, method)
            sock.sendall(body[size // 2:])
            with sock.makefile("rb") as answer:
                while answer.readline().strip():  # the head
                    pass
                assert answer.readline().decode().strip() == hashlib.sha256(body).hexdigest()
