"""Debian's keepalived as the other speaker: either takes over from the other, and both read what the other sends."""

import pytest

from lab.balancer import Ballast, Keepalived
from lab.cluster import Cluster, instance
from lab.shell import stays, wait_until

CASES = [pytest.param(version, family, advert, way, id=f"v{version}-ipv{family}-{way}")
         for version, family, advert in ((2, 4, 1), (3, 4, 0.2), (3, 6, 0.2)) for way in ("multicast", "unicast")]


def text(cluster, own, priority, version, family, advert, way):
    addresses = [f"{cluster.vip}/24"] if family == 4 else ["fe80::100/64", f"{cluster.vip6}/64"]
    peer = cluster.lb2 if own is cluster.lb1 else cluster.lb1
    source, destination = (node.address("front", family) for node in (own, peer))
    extra = f"unicast_src_ip {source}\n    unicast_peer {{\n        {destination}\n    }}" if way == "unicast" else ""
    return instance("VI_1", priority, addresses, advert=advert, version=version, extra=extra)


def vip_moves_to(cluster, owner, other, family):
    vip = cluster.vip if family == 4 else cluster.vip6
    wait_until(lambda: owner.has(vip) and not other.has(vip), f"the VIP is on {owner.name} alone", limit=20)


@pytest.mark.parametrize("version, family, advert, way", CASES)
def test_ballast_backs_up_a_keepalived_master(lab, version, family, advert, way):
    cluster = Cluster(lab, webs=0)
    keepalived, ballast = Keepalived(cluster.lb1), Ballast(cluster.lb2, "peer")
    keepalived.start(text(cluster, cluster.lb1, 150, version, family, advert, way))
    vip_moves_to(cluster, cluster.lb1, cluster.lb2, family)
    ballast.start(text(cluster, cluster.lb2, 100, version, family, advert, way))
    ballast.wait_role("BACKUP")
    stays(lambda: ballast.role() == "BACKUP", "Ballast hears keepalived", 4 * advert + 0.5)
    keepalived.stop()
    vip_moves_to(cluster, cluster.lb2, cluster.lb1, family)
    ballast.wait_role("MASTER")
    keepalived.start()
    vip_moves_to(cluster, cluster.lb1, cluster.lb2, family)
    ballast.wait_role("BACKUP")


@pytest.mark.parametrize("version, family, advert, way", CASES)
def test_keepalived_backs_up_a_ballast_master(lab, version, family, advert, way):
    cluster = Cluster(lab, webs=0)
    ballast, keepalived = Ballast(cluster.lb1, "peer"), Keepalived(cluster.lb2)
    ballast.start(text(cluster, cluster.lb1, 150, version, family, advert, way))
    vip_moves_to(cluster, cluster.lb1, cluster.lb2, family)
    keepalived.start(text(cluster, cluster.lb2, 100, version, family, advert, way))
    vip = cluster.vip if family == 4 else cluster.vip6
    stays(lambda: not cluster.lb2.has(vip), "keepalived hears Ballast", 4 * advert + 0.5)
    ballast.kill()
    wait_until(lambda: cluster.lb2.has(vip), "keepalived takes over", limit=20)
    ballast.start()
    vip_moves_to(cluster, cluster.lb1, cluster.lb2, family)
    ballast.stop()
    vip_moves_to(cluster, cluster.lb2, cluster.lb1, family)


def test_what_is_sent_is_well_formed_on_the_wire(lab):
    cluster = Cluster(lab, webs=0)
    capture = cluster.client.folder / "vrrp.pcap"
    sniffer = cluster.client.start("tcpdump", "-i", "eth0", "-U", "-w", capture, "-c", "12", "ip proto 112 or ip6 proto 112",
                                   log="tcpdump.log")
    wait_until(lambda: "listening" in (cluster.client.folder / "tcpdump.log").read_text(encoding="utf-8"), "tcpdump listens")
    ballast = Ballast(cluster.lb1, "sender")
    ballast.start("\n".join([cluster.vrrp(150), cluster.vrrp(150, version=6),
                             instance("VI_2", 150, ["10.1.0.77/24"], vrid=77, version=2, advert=1)]))
    wait_until(lambda: sniffer.poll() is not None, "12 advertisements are on the wire")

    def shark(expression):
        out = cluster.client.run("tshark", "-r", capture, "-o", "ip.check_checksum:TRUE", "-Y", expression).stdout
        return [line for line in out.splitlines() if line.strip()]

    assert len(shark("vrrp")) == 12
    assert shark("vrrp && ipv6"), "some are IPv6"
    assert shark("_ws.malformed || ip.checksum.status == 0 || vrrp.checksum.status == 0 || vrrp.checksum_bad.expert") == []
    assert len(shark("ip.ttl == 255 || ipv6.hlim == 255")) == 12
