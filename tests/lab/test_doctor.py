"""A fault is planted, and `ballastctl doctor` names it; where nothing is wrong, it finds nothing."""

import json

import pytest

from lab.balancer import Ballast, Keepalived
from lab.cluster import Cluster, instance
from lab.shell import wait_until


def examine(balancer):
    """Its findings, checked against the exit status."""
    result = balancer.ctl("doctor", "--json")
    assert result.returncode in (0, 1), result.stderr
    answer = json.loads(result.stdout)
    assert answer["unchecked"] == [] and answer["instances"]
    assert result.returncode == (1 if answer["findings"] else 0)
    for finding in answer["findings"]:
        assert all(finding[word] for word in ("code", "where", "what", "meaning", "advice")), finding
    return answer["findings"]


def codes(balancer):
    return {finding["code"] for finding in examine(balancer)}


def finding(balancer, code):
    """The one finding of that code."""
    found = examine(balancer)
    matching = [each for each in found if each["code"] == code]
    assert len(matching) == 1, found
    return matching[0]


def filtered(node, hook, rule, family="inet"):
    """A firewall that somebody else wrote."""
    node.run("nft", "-f", "-", stdin=f"table {family} other {{\n chain c {{\n type filter hook {hook} priority 0\n {rule}\n }}\n}}\n")


@pytest.fixture
def cluster(lab):
    return Cluster(lab, webs=0, method="DR")


@pytest.fixture
def pair(cluster):
    cluster.b1.start(cluster.vrrp(150))
    cluster.b1.wait_role("MASTER")
    cluster.b2.start(cluster.vrrp(100))
    cluster.b2.wait_role("BACKUP")
    return cluster


class Beside:
    """Debian's keepalived as lb1, ours as lb2."""

    def __init__(self, cluster):
        self.cluster, self.keepalived, self.ballast = cluster, Keepalived(cluster.lb1), Ballast(cluster.lb2, "ours")
        self.peer = cluster.lb1.address("front")

    def start(self, theirs, ours):
        self.keepalived.start(theirs)
        wait_until(lambda: self.cluster.lb1.has(self.cluster.vip), "keepalived is master", limit=20)
        self.ballast.start(ours)
        wait_until(lambda: self.ballast.role() in ("BACKUP", "MASTER"), "ours has begun")
        return self

    def text(self, priority, host=None, **options):
        address = self.cluster.front.address(host) if host else self.cluster.vip
        return instance("VI_1", priority, [f"{self.cluster.vip}/24"] + ([f"{address}/24"] if host else []), **{"advert": 1, **options})


@pytest.fixture
def beside(cluster):
    return Beside(cluster)


@pytest.mark.parametrize("version", [4, 6])
def test_a_healthy_pair_has_no_finding(cluster, version):
    name = "VI_1" if version == 4 else "VI_6"
    cluster.b1.start(cluster.vrrp(150, version))
    cluster.b1.wait_role("MASTER", name)
    cluster.b2.start(cluster.vrrp(100, version))
    cluster.b2.wait_role("BACKUP", name)
    for balancer in (cluster.b1, cluster.b2):
        assert examine(balancer) == []
    text = cluster.b1.ctl("doctor").stdout
    assert text.startswith("checked 1 instance on eth0 for ") and text.endswith(": nothing found\n")


def test_a_healthy_pair_beside_keepalived_has_no_finding(beside):
    beside.start(beside.text(150), beside.text(100))
    beside.ballast.wait_role("BACKUP")
    assert examine(beside.ballast) == []


def test_a_healthy_pair_with_virtual_macs_has_no_finding(cluster):
    cluster.b1.start(cluster.vrrp(150, extra="use_vmac"))
    cluster.b1.wait_role("MASTER")
    cluster.b2.start(cluster.vrrp(100, extra="use_vmac"))
    cluster.b2.wait_role("BACKUP")
    for balancer in (cluster.b1, cluster.b2):
        assert examine(balancer) == []


@pytest.mark.parametrize("version", [4, 6])
def test_a_third_host_has_the_vip(cluster, version):
    name, vip = ("VI_1", cluster.vip) if version == 4 else ("VI_6", cluster.vip6)
    cluster.b1.start(cluster.vrrp(150, version))
    cluster.b1.wait_role("MASTER", name)
    cluster.b2.start(cluster.vrrp(100, version))
    cluster.b2.wait_role("BACKUP", name)
    cluster.client.ip(f"address add {vip}/{24 if version == 4 else 64} dev eth0 nodad")
    mac = json.loads(cluster.client.run("ip", "-j", "link", "show", "eth0").stdout)[0]["address"]
    for balancer in (cluster.b1, cluster.b2):
        found = finding(balancer, "duplicate-owner")
        assert found["gravity"] == "critical" and vip in found["where"] and mac in found["what"]


def test_a_host_has_the_vip_and_the_instance_is_in_fault(cluster):
    cluster.b2.start(cluster.vrrp(100).replace("interface eth0", "interface eth0\n    track_interface {\n eth7\n }"))
    cluster.b2.wait_role("FAULT")
    cluster.client.ip(f"address add {cluster.vip}/24 dev eth0")
    assert {"foreign-owner", "fault"} <= codes(cluster.b2)


def test_the_masters_address_answers_nobody(pair):
    pair.lb1.sysctl("net.ipv4.conf.all.arp_ignore=8")
    assert codes(pair.b2) == {"vip-unanswered"}


def test_a_firewall_drops_what_comes_in(pair):
    filtered(pair.lb2, "input", "meta l4proto 112 drop")
    pair.b2.wait_role("MASTER")
    found = finding(pair.b2, "input-dropped")
    assert pair.lb1.address("front") in found["where"] and "nft" in found["advice"]


@pytest.mark.parametrize("hook, family", [("output", "inet"), ("postrouting", "inet"), ("egress device eth0", "netdev")])
def test_a_firewall_drops_what_goes_out(pair, hook, family):
    rule = "ip protocol 112 drop" if family == "netdev" else "meta l4proto 112 drop"
    filtered(pair.lb1, hook, rule, family)
    pair.b2.wait_role("MASTER")
    assert finding(pair.b1, "output-dropped")["where"] == "eth0"


def test_two_masters_and_only_one_hears(pair):
    filtered(pair.lb2, "input", "meta l4proto 112 drop")
    pair.b2.wait_role("MASTER")
    assert "two-masters" in codes(pair.b1)


def test_a_ttl_that_was_changed_on_the_way(pair):
    filtered(pair.lb1, "postrouting", "ip protocol 112 ip ttl set 64")
    pair.b2.wait_role("MASTER")
    found = finding(pair.b2, "wrong-ttl")
    assert "TTL 64" in found["what"] and pair.lb1.address("front") in found["where"]


def test_strict_reverse_path_filter(pair):
    pair.b1.reload(pair.vrrp(150, extra="mcast_src_ip 192.0.2.1"))
    pair.b1.wait_role("MASTER")
    pair.lb2.ip("address add 198.18.0.1/24 dev lo", "route add 192.0.2.0/24 dev lo")
    pair.lb2.sysctl("net.ipv4.conf.eth0.rp_filter=1")
    pair.b2.wait_role("MASTER")
    assert "rp_filter" in finding(pair.b2, "rp-filter")["meaning"]


def test_somebody_added_the_vip_to_the_backup(pair):
    pair.lb2.ip(f"address add {pair.vip}/32 dev eth0")
    found = finding(pair.b2, "vip-not-ours")
    assert f"ip address delete {pair.vip} dev eth0" in found["advice"]


def test_an_interface_without_multicast(pair):
    pair.lb2.ip("link set eth0 multicast off")
    assert "no-multicast" in codes(pair.b2)


def test_a_setting_of_a_virtual_mac_was_changed(cluster):
    cluster.b1.start(cluster.vrrp(150, extra="use_vmac"))
    cluster.b1.wait_role("MASTER")
    cluster.lb1.sysctl("net.ipv4.conf.eth0.arp_ignore=0")
    assert finding(cluster.b1, "setting-changed")["where"] == "eth0"


def test_no_carrier(pair):
    pair.lb2.link("front", up=False)
    pair.b2.wait_role("FAULT")
    assert "no-carrier" in codes(pair.b2)


def test_ipv6_is_switched_off(cluster):
    cluster.lb2.sysctl("net.ipv6.conf.eth0.disable_ipv6=1")
    cluster.b2.start(cluster.vrrp(100, 6))
    cluster.b2.wait_role("FAULT", "VI_6")
    assert "ipv6-disabled" in codes(cluster.b2)


def test_keepalived_has_another_vrid(beside):
    beside.start(beside.text(150, vrid=52), beside.text(100))
    found = finding(beside.ballast, "other-vrid")
    assert f"{beside.peer} advertises VRID 52 with addresses of ours: {beside.cluster.vip}" in found["what"]


def test_keepalived_has_another_interval(beside):
    beside.start(beside.text(150, version=2, advert=2), beside.text(100, version=2))
    assert beside.peer in finding(beside.ballast, "interval-mismatch")["where"]


def test_keepalived_has_another_interval_that_version_3_learns(beside):
    beside.start(beside.text(150, advert=2), beside.text(100))
    beside.ballast.wait_role("BACKUP")
    found = finding(beside.ballast, "interval-mismatch")
    assert found["gravity"] == "warning" and "every 2.00 s, we do every 1.00 s" in found["what"]


def test_keepalived_has_another_password(beside):
    block = "authentication {{\n auth_type PASS\n auth_pass {}\n}}"
    beside.start(beside.text(150, version=2, extra=block.format("theirs")), beside.text(100, version=2, extra=block.format("ours")))
    found = finding(beside.ballast, "authentication-mismatch")
    assert "theirs" not in json.dumps(found) and beside.peer in found["where"]


def test_keepalived_knows_no_key(beside):
    key = "8f0c1d5a3b7e92640a1b2c3d4e5f60718293a4b5c6d7e8f9010203040506070a"
    block = f"auth_hmac {{\n key 1 hex:{key}\n active_key 1\n }}"
    beside.start(beside.text(150), beside.text(100, extra=block))
    found = codes(beside.ballast)
    assert "authentication-mismatch" in found
    assert key not in beside.ballast.ctl("doctor", "--json").stdout


def test_keepalived_has_another_version(beside):
    beside.start(beside.text(150, version=3), beside.text(100, version=2))
    assert "version 3" in finding(beside.ballast, "version-mismatch")["what"]


def test_keepalived_has_other_addresses(beside):
    beside.start(beside.text(150, host=101), beside.text(100, host=102))
    found = finding(beside.ballast, "address-mismatch")
    theirs, ours = (beside.cluster.front.address(host) for host in (101, 102))
    assert f"only there {theirs}, only here {ours}" in found["what"]


def test_another_group_has_our_vrid(beside):
    other = beside.cluster.front.address(77)
    beside.keepalived.start(instance("VI_1", 150, [f"{other}/24"], advert=1))
    wait_until(lambda: beside.cluster.lb1.has(other), "keepalived is master", limit=20)
    beside.ballast.start(beside.text(100))
    assert other in finding(beside.ballast, "vrid-collision")["what"]


def test_keepalived_speaks_unicast(beside):
    own, peer = beside.cluster.lb2.address("front"), beside.peer
    beside.start(beside.text(150, extra=f"unicast_src_ip {peer}\n unicast_peer {{\n {own}\n }}"), beside.text(100))
    assert "unicast" in finding(beside.ballast, "unicast-mismatch")["what"]


def test_keepalived_has_the_same_priority(beside):
    beside.start(beside.text(100), beside.text(100))
    assert "same-priority" in codes(beside.ballast)


def test_unicast_peers_that_do_not_name_each_other(beside):
    own, peer, nobody = beside.cluster.lb2.address("front"), beside.peer, beside.cluster.front.address(99)
    beside.start(beside.text(150, extra=f"unicast_src_ip {peer}\n unicast_peer {{\n {own}\n }}"),
                 beside.text(100, extra=f"unicast_src_ip {own}\n unicast_peer {{\n {nobody}\n }}"))
    assert peer in finding(beside.ballast, "no-unicast-peer")["what"]


def test_nobody_to_ask(cluster):
    cluster.b1.run_dir.mkdir(exist_ok=True)
    result = cluster.b1.ctl("doctor")
    assert result.returncode == 2 and "no ballastd" in result.stderr
