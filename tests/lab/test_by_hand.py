"""An operator hands roles over: it survives restarts, and is undone when its time is up."""

import time

import pytest

from lab.cluster import Cluster, instance
from lab.shell import stays, wait_until

@pytest.fixture
def pair(lab):
    cluster = Cluster(lab, webs=0)
    cluster.b1.start(cluster.vrrp(150))
    cluster.b1.wait_role("MASTER")
    cluster.b2.start(cluster.vrrp(100))
    cluster.b2.wait_role("BACKUP")
    return cluster


def test_failover_hands_the_role_to_the_peer_until_undone(pair):
    result = pair.b1.ctl("failover", "VI_1")
    assert result.returncode == 0, result.stderr
    assert f"MASTER is {pair.lb2.address('front')}" in result.stdout
    pair.b2.wait_role("MASTER")
    wait_until(lambda: pair.lb2.has(pair.vip) and not pair.lb1.has(pair.vip), "the VIP is on lb2 alone")
    stays(lambda: pair.b1.role() == "BACKUP", "the higher priority is held back", 2)
    assert "handed over by root" in pair.b1.instance()["reason"]
    assert pair.b1.ctl("failover", "VI_1", "--undo").returncode == 0
    pair.b1.wait_role("MASTER")


def test_who_is_held_back_takes_over_when_the_other_dies(pair):
    assert pair.b1.ctl("failover", "VI_1").returncode == 0
    pair.b2.wait_role("MASTER")
    pair.b2.kill()
    pair.b1.wait_role("MASTER")
    pair.b2.start()
    pair.b2.wait_role("MASTER")


def test_without_a_peer_it_says_so_and_goes_on_serving(pair):
    pair.b2.stop()
    result = pair.b1.ctl("failover", "VI_1", "--for", "1h")
    assert result.returncode == 1
    assert "nobody took over" in result.stdout
    assert pair.b1.role() == "MASTER" and pair.lb1.has(pair.vip)


def test_it_is_undone_when_its_time_is_up(pair):
    assert pair.b1.ctl("failover", "VI_1", "--for", "3s").returncode == 0
    assert pair.b2.role() == "MASTER"
    pair.b1.wait_role("MASTER")


def test_maintenance_survives_a_restart_of_everything_here(pair):
    assert pair.b1.ctl("maintenance", "on").returncode == 0
    pair.b2.wait_role("MASTER")
    pair.b1.kill_daemon("vrrpd")
    stays(lambda: pair.b2.role() == "MASTER", "vrrpd restarted knows it", 2)
    pair.b1.stop()
    pair.b1.start()
    pair.b1.wait_role("BACKUP")
    stays(lambda: pair.b1.role() == "BACKUP", "the family restarted knows it", 2)
    assert pair.b1.ctl("maintenance", "off").returncode == 0
    pair.b1.wait_role("MASTER")


def test_a_sync_group_goes_together(lab):
    cluster = Cluster(lab, arms=2, webs=0)

    def text(priority):
        return "\n".join([instance("VI_1", priority, [f"{cluster.vip}/24"]),
                          instance("VI_2", priority, [f"{cluster.gateway}/24"], interface="eth1", vrid=52),
                          "vrrp_sync_group G {\n    group {\n        VI_1\n        VI_2\n    }\n}\n"])
    cluster.b1.start(text(150))
    cluster.b2.start(text(100))
    for name in ("VI_1", "VI_2"):
        cluster.b1.wait_role("MASTER", name)
        cluster.b2.wait_role("BACKUP", name)
    began = time.monotonic()
    result = cluster.b1.ctl("failover", "VI_2")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "VI_1" in result.stdout and "VI_2" in result.stdout
    for name in ("VI_1", "VI_2"):
        cluster.b2.wait_role("MASTER", name)
        assert cluster.b1.role(name) == "BACKUP"
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("words, said", [(("failover", "VI_9"), "no vrrp_instance 'VI_9'; there are VI_1"),
                                         (("failover", "VI_1", "--for", "soon"), "'soon' is no span of time")])
def test_what_cannot_be_is_said(pair, words, said):
    result = pair.b1.ctl(*words)
    assert result.returncode != 0 and said in result.stdout + result.stderr
    assert pair.b1.role() == "MASTER"
