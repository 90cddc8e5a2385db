"""FRR's vrrpd as the other speaker: each takes over from the other, and hears it."""

import pytest

from lab.balancer import Ballast
from lab.cluster import Cluster, instance
from lab.frr import Frr
from lab.shell import stays, wait_until

CASES = [pytest.param(2, 4, 1, id="v2"), pytest.param(3, 4, 0.2, id="v3"), pytest.param(3, 6, 0.2, id="v3-ipv6")]


def addresses_of(cluster, family):
    return [f"{cluster.vip}/24"] if family == 4 else ["fe80::100/64", f"{cluster.vip6}/64"]


@pytest.mark.parametrize("version, family, advert", CASES)
def test_ballast_backs_up_an_frr_master(lab, version, family, advert):
    cluster = Cluster(lab, webs=0)
    frr, ballast = Frr(cluster.lb1), Ballast(cluster.lb2, "peer")
    addresses = addresses_of(cluster, family)
    frr.start(150, addresses, version, advert)
    frr.wait_state("Master")
    ballast.start(instance("VI_1", 100, addresses, advert=advert, version=version))
    ballast.wait_role("BACKUP")
    stays(lambda: ballast.role() == "BACKUP", "Ballast hears FRR", 4 * advert + 0.5)
    assert ballast.instance()["master"]
    frr.stop()
    ballast.wait_role("MASTER")
    frr.resume()
    frr.wait_state("Master")
    ballast.wait_role("BACKUP")


@pytest.mark.parametrize("version, family, advert", CASES)
def test_frr_backs_up_a_ballast_master(lab, version, family, advert):
    cluster = Cluster(lab, webs=0)
    ballast, frr = Ballast(cluster.lb1, "peer"), Frr(cluster.lb2)
    addresses = addresses_of(cluster, family)
    ballast.start(instance("VI_1", 150, addresses, advert=advert, version=version))
    ballast.wait_role("MASTER")
    frr.start(100, addresses, version, advert)
    frr.wait_state("Backup")
    stays(lambda: frr.state() == "Backup", "FRR hears Ballast", 4 * advert + 0.5)
    ballast.kill()
    frr.wait_state("Master")
    ballast.start()
    ballast.wait_role("MASTER")
    frr.wait_state("Backup")
    ballast.stop()
    frr.wait_state("Master")
    wait_until(lambda: not cluster.lb1.has(addresses[-1].split("/")[0]), "the VIP is not on both")
