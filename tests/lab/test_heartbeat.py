"""A second path for heartbeats: a broken network is told from a dead load balancer."""

import pytest

from lab.balancer import Ballast
from lab.cluster import instance
from lab.shell import stays, wait_until

VERSIONS = pytest.mark.parametrize("version", (4, 6))


class Pair:
    """lb1 (150) and lb2 (100) on `front`, where the VIP is, and `heart`, where heartbeats go, too."""

    def __init__(self, lab, version):
        self.lab, self.version = lab, version
        self.front, self.heart = lab.network("front"), lab.network("heart")
        self.nodes = [lab.node(f"lb{number}", 10 + number, "front", "heart") for number in (1, 2)]
        self.lb1, self.lb2 = self.nodes
        self.b1, self.b2 = map(Ballast, self.nodes)
        self.vip = self.front.address(100, version)

    def start(self, priority=150, extra="heartbeat_interface eth1", other="heartbeat_interface eth1"):
        self.b1.start(self.configuration(priority, extra))
        self.b1.wait_role("MASTER")
        self.b2.start(self.configuration(100, other))
        self.b2.wait_role("BACKUP")
        wait_until(lambda: self.b2.instance().get("master"), "lb2 has heard lb1")

    def configuration(self, priority, extra):
        addresses = [f"{self.vip}/24"] if self.version == 4 else ["fe80::100/64", f"{self.vip}/64"]
        return instance("VI_1", priority, addresses, extra=extra)

    def cut(self, network, both=True):
        for node in self.nodes if both else self.nodes[:1]:
            node.cut(network)

    def heal(self, network):
        for node in self.nodes:
            node.heal(network)


def log_of(balancer):
    return (balancer.node.folder / f"{balancer.name}.log").read_text(encoding="utf-8", errors="replace")


def wait_log(balancer, text):
    wait_until(lambda: text in log_of(balancer), f"the log of {balancer.node.name} says {text!r}")


@VERSIONS
def test_the_main_network_breaks_and_there_is_no_second_master(lab, version):
    pair = Pair(lab, version)
    pair.start()
    pair.cut("front")
    wait_log(pair.b2, "the network of eth0 is at fault, not the router")
    stays(lambda: pair.b2.role() == "BACKUP" and pair.b1.role() == "MASTER", "no second master", 2)
    assert "the network of eth0 is at fault" in pair.b2.instance()["reason"]
    pair.heal("front")
    wait_log(pair.b2, "advertisements are heard on eth0 again")
    assert pair.b2.role() == "BACKUP"


@VERSIONS
def test_behind_the_broken_network_the_master_dies(lab, version):
    pair = Pair(lab, version)
    pair.start()
    pair.cut("front")
    wait_log(pair.b2, "the network of eth0 is at fault")
    pair.b1.kill()
    pair.b2.wait_role("MASTER")
    wait_log(pair.b2, "and none on a heartbeat link any more")


def test_the_master_loses_its_carrier_and_says_so_over_the_heartbeat_link(lab):
    pair = Pair(lab, 4)
    pair.start()
    pair.lb1.link("front", False)
    pair.b2.wait_role("MASTER")
    wait_log(pair.b2, f"BACKUP -> MASTER ({pair.heart.address(11)} left: priority 0)")
    pair.lb1.link("front", True)
    pair.b1.wait_role("MASTER")


def test_the_heartbeat_link_breaks_and_nothing_happens_but_a_word(lab):
    pair = Pair(lab, 4)
    pair.start()
    pair.lb2.link("heart", False)
    wait_log(pair.b2, "VI_1: no heartbeat on eth1: eth1 has no carrier")
    wait_log(pair.b2, "no advertisement on eth1 for")
    assert pair.b1.role() == "MASTER" and pair.b2.role() == "BACKUP"
    pair.lb2.link("heart", True)
    wait_log(pair.b2, "VI_1: heartbeats on eth1 again")
    wait_log(pair.b2, "advertisements are heard on eth1 again")
    pair.b1.kill()
    pair.b2.wait_role("MASTER")


def test_two_masters_behind_a_cut_are_one_again_when_the_heartbeat_link_heals(lab):
    pair = Pair(lab, 4)
    pair.start()
    pair.cut("front")
    pair.cut("heart")
    pair.b2.wait_role("MASTER")
    assert pair.b1.role() == "MASTER"
    pair.heal("heart")
    pair.b2.wait_role("BACKUP")
    wait_log(pair.b2, f"{pair.heart.address(11)} advertises priority 150 on eth1, ours is 100")
    stays(lambda: pair.b1.role() == "MASTER" and pair.b2.role() == "BACKUP", "one master", 2)


def test_a_forged_heartbeat_holds_nobody_back(lab):
    """Signed advertisements are signed on the heartbeat link, too."""
    pair = Pair(lab, 4)
    plain = "heartbeat_interface eth1"
    pair.b1.start(pair.configuration(150, plain))
    pair.b1.wait_role("MASTER")
    pair.b2.start(pair.configuration(100, f"auth_hmac {{\n key 1 hex:{'5a' * 32}\n}}\n{plain}"))
    pair.b2.wait_role("MASTER")
    wait_log(pair.b2, "advertisement refused")


def test_a_heartbeat_is_taken_up_and_given_up_by_a_reload(lab):
    pair = Pair(lab, 4)
    pair.start(extra="", other="")
    for balancer, priority in ((pair.b1, 150), (pair.b2, 100)):
        balancer.reload(pair.configuration(priority, "heartbeat_interface eth1"))
    pair.cut("front")
    wait_log(pair.b2, "the network of eth0 is at fault")
    assert pair.b2.role() == "BACKUP"
    pair.b2.reload(pair.configuration(100, ""))
    pair.b2.wait_role("MASTER")


def test_both_links_on_one_segment_are_told_and_harmless(lab):
    """Over IPv4 the kernel itself drops what comes back with our own address as its source."""
    pair = Pair(lab, 6)
    lab.switch_ip("link add loop0 type veth peer name loop1", "link set loop0 master front", "link set loop1 master heart",
                  "link set loop0 up", "link set loop1 up")
    pair.start()
    wait_log(pair.b1, "a heartbeat_interface wants a network of its own")
    stays(lambda: pair.b1.role() == "MASTER" and pair.b2.role() == "BACKUP", "roles", 2)
