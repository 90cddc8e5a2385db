"""A handover that is meant to be costs no packet: the one who leaves serves until everybody knows the other."""

import pathlib
import signal

import pytest

from lab.cluster import Cluster
from lab.shell import stays, wait_until

TOOLS = pathlib.Path(__file__).parent / "lab"
PORT = 5300


def holds(node, address):
    """Whether it is on an interface; with ip_nonlocal_bind a socket can be bound to any."""
    return f" {address}/" in node.run("ip", "address").stdout


class Stream:
    """Datagrams to an address every 0.5 ms from a node, and what became of them."""

    def __init__(self, node, address):
        self.process = node.start("/usr/bin/python3", TOOLS / "udp_stream.py", address, PORT, log="stream.log")
        self.log = node.folder / "stream.log"
        wait_until(lambda: "answered" in self.log.read_text(encoding="utf-8"), "the first datagram is answered")

    def end(self):
        """How many were sent, and the numbers of those that were lost."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        sent, *lost = map(int, self.log.read_text(encoding="utf-8").splitlines()[-1].split())
        return sent, lost


def cluster_with_echo(lab, version, extra=""):
    """Two load balancers that answer datagrams to the VIP themselves; lb1 is MASTER."""
    cluster = Cluster(lab, webs=0)
    vip = cluster.vip if version == 4 else cluster.vip6
    for balancer in (cluster.lb1, cluster.lb2):
        balancer.sysctl("net.ipv4.ip_nonlocal_bind=1", "net.ipv6.ip_nonlocal_bind=1")
        balancer.start("/usr/bin/python3", TOOLS / "udp_echo.py", balancer.name, PORT, vip, log="echo.log")
        wait_until(lambda node=balancer: "ready" in (node.folder / "echo.log").read_text(encoding="utf-8"), "the echo listens")
    name = "VI_1" if version == 4 else "VI_6"
    cluster.b1.start(cluster.vrrp(150, version, advert=0.5, extra=extra))
    cluster.b1.wait_role("MASTER", name)
    cluster.b2.start(cluster.vrrp(100, version, advert=0.5, extra=extra))
    cluster.b2.wait_role("BACKUP", name)
    return cluster, vip, name


@pytest.mark.parametrize("version", [4, 6])
def test_a_clean_stop_and_the_return_lose_no_packet(lab, version):
    cluster, vip, name = cluster_with_echo(lab, version)
    stream = Stream(cluster.client, vip)
    cluster.b1.stop()
    cluster.b2.wait_role("MASTER", name)
    assert not holds(cluster.lb1, vip)
    stays(lambda: holds(cluster.lb2, vip), "lb2 serves", 1)
    cluster.b1.start()
    cluster.b1.wait_role("MASTER", name)
    cluster.b2.wait_role("BACKUP", name)
    wait_until(lambda: not holds(cluster.lb2, vip), "lb2 has let the VIP go")
    stays(lambda: holds(cluster.lb1, vip), "lb1 serves", 1)
    sent, lost = stream.end()
    assert sent > 2000
    assert lost == []


def test_who_leaves_alone_goes_all_the_same(lab):
    cluster = Cluster(lab, webs=0)
    cluster.b1.start(cluster.vrrp(150, advert=0.5))
    cluster.b1.wait_role("MASTER")
    cluster.b1.stop()
    assert not cluster.lb1.has(cluster.vip)
    assert cluster.b1.process.returncode == 0
