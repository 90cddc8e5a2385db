"""Passive health: what the data path sees of clients' connections takes servers out where probes are a minute apart; slow start."""

import re
import socket
import time

from lab.cluster import Cluster, service_name
from lab.shell import stays, wait_until

PASSIVE = "warmup 0\n    passive_check {\n        interval 1\n        hold 3\n    }\n"
NETWORKS = [f"198.51.{number}.1" for number in range(1, 9)]


def running(lab, method="NAT", delay=60, extra=PASSIVE, **options):
    """Probes far apart, in front of servers that have passed their first."""
    cluster = Cluster(lab, 2 if method == "NAT" else 1, method).start_webs()
    for address in NETWORKS:
        cluster.client.ip(f"address add {address}/32 dev lo")
    for web in cluster.webs:
        web.ip(f"route add 198.51.0.0/16 via {cluster.gateway if method == 'NAT' else cluster.client.address('front')}")
    cluster.start(cluster.service(delay=delay, extra=extra, **options), both=False)
    for number in range(1, len(cluster.webs) + 1):
        wait_until(lambda: re.search("accepted|connect", server(cluster, number).get("reason", "")), f"web{number} was probed")
        assert server(cluster, number)["state"] == "up"
    return cluster


def server(cluster, number):
    return cluster.b1.server(service_name(cluster.vip), cluster.server(number))


class Knocks:
    """Connections that are begun at once, in turn from each of some addresses of the client; the kernel sends SYNs again."""

    def __init__(self, cluster, sources, count=48):
        self.cluster, self.sources, self.count = cluster, sources, count
        self.sockets = []

    def _begin(self, number):
        made = socket.socket()
        made.setblocking(False)
        made.bind((self.sources[number % len(self.sources)], 0))
        made.connect_ex((self.cluster.vip, 80))
        return made

    def __enter__(self):
        self.sockets = self.cluster.client.inside(lambda: [self._begin(number) for number in range(self.count)])
        return self

    def __exit__(self, *_):
        for each in self.sockets:
            each.close()


def silence(node):
    node.run("nft", "-f", "-", stdin="table ip silent {\n chain in {\n type filter hook input priority 0\n tcp dport 80 drop\n }\n}\n")


def speak(node):
    node.run("nft", "delete", "table", "ip", "silent")


def taken_out(cluster, number, words, count=48):
    """Clients come again and again: what the first interval holds is where counting begins."""
    def knocks():
        with Knocks(cluster, NETWORKS, count):
            end = time.monotonic() + 4
            while time.monotonic() < end:
                if server(cluster, number)["state"] == "down":
                    return True
                time.sleep(0.05)
        return False

    wait_until(knocks, f"web{number} is taken out", limit=40)
    assert words in server(cluster, number)["reason"], server(cluster, number)


def test_a_server_that_drops_syns_is_taken_out_and_comes_back_after_hold_and_probe(lab):
    cluster = running(lab)
    silence(cluster.webs[0])
    taken_out(cluster, 1, "were not answered (")
    assert server(cluster, 2)["state"] == server(cluster, 3)["state"] == "up"
    stays(lambda: server(cluster, 1)["state"] == "down", "the probe after the hold gets no answer either", 5)
    speak(cluster.webs[0])
    assert cluster.b1.reload(cluster.configuration(150, cluster.service(delay=1, extra=PASSIVE))).returncode == 0
    cluster.b1.wait_server(service_name(cluster.vip), cluster.server(1), "up", limit=20)


def test_a_server_that_refuses_is_taken_out_and_is_probed_when_its_hold_ends(lab):
    cluster = running(lab)
    cluster.nginx["web2"].kill()
    taken_out(cluster, 2, "were refused (")
    cluster.nginx["web2"].start()
    cluster.b1.wait_server(service_name(cluster.vip), cluster.server(2), "up", limit=20)
    log = (cluster.lb1.folder / "ballast.log").read_text(encoding="utf-8")
    assert "were refused (" in log


def test_one_client_alone_takes_no_server_out(lab):
    cluster = running(lab)
    silence(cluster.webs[0])
    for _ in range(2):
        with Knocks(cluster, [cluster.client.address("front")]):
            stays(lambda: server(cluster, 1)["state"] == "up", "web1 is up", 3)


def test_clients_that_take_no_answer_take_no_dr_server_out(lab):
    cluster = running(lab, "DR")
    cluster.client.run("nft", "-f", "-", stdin="table ip deaf {\n chain in {\n type filter hook input priority 0\n"
                       f" ip saddr {cluster.vip} drop\n }}\n}}\n")
    with Knocks(cluster, NETWORKS, 96):
        stays(lambda: all(server(cluster, number)["state"] == "up" for number in (1, 2, 3)), "the probes decide", 6)


def test_a_dr_server_that_drops_syns_fails_the_probe_that_its_clients_silence_asks_for(lab):
    cluster = running(lab, "DR")
    silence(cluster.webs[0])
    taken_out(cluster, 1, "timed out", 96)


def test_slow_start_gives_a_server_that_comes_up_its_weight_little_by_little(lab):
    weights = {}
    cluster = Cluster(lab, 2, "NAT").start_webs()
    for number in (1, 2, 3):
        weights[cluster.server(number)] = 100
    cluster.start(cluster.service(scheduler="wrr", weights=weights, extra="slow_start 6"), both=False)
    name = service_name(cluster.vip)
    for number in (1, 2, 3):
        cluster.b1.wait_server(name, cluster.server(number), "up")
        assert server(cluster, number)["weight"] == 100, "nobody rises at the beginning"
    cluster.nginx["web1"].kill()
    cluster.b1.wait_server(name, cluster.server(1), "down")
    cluster.nginx["web1"].start()
    cluster.b1.wait_server(name, cluster.server(1), "up")
    seen = []

    def watch():
        weight = server(cluster, 1).get("weight", 0)
        if weight and (not seen or weight != seen[-1]):
            seen.append(weight)
        return weight == 100
    wait_until(watch, "web1 has its whole weight", limit=30)
    assert len(seen) >= 3 and seen == sorted(seen) and seen[0] < 100, seen
    assert server(cluster, 2)["weight"] == 100
