"""Virtual MACs: what the network sees of them, and what a backup does not say."""

import json

import pytest

from lab.balancer import BIN, Ballast, Keepalived
from lab.cluster import Cluster, instance, service_name
from lab.objects import addresses, links, sysctl
from lab.shell import run, stays, wait_until

VMAC4, VMAC6 = "00:00:5e:00:01:33", "00:00:5e:00:02:33"
IPV4, IPV6 = ["10.1.0.100/24"], ["fe80::100/64", "fd01::100/64"]


class Pair:
    """A client and two load balancers on one network."""

    def __init__(self, lab):
        network = lab.network("front")
        self.client = lab.node("client", 1, network.name)
        self.nodes = [lab.node(f"lb{number}", 10 + number, network.name) for number in (1, 2)]
        self.ballasts = [Ballast(node) for node in self.nodes]

    def start(self, vips, extra="use_vmac"):
        for ballast, priority, role in zip(self.ballasts, (150, 100), ("MASTER", "BACKUP")):
            ballast.start(instance("VI_1", priority, vips, extra=extra))
            ballast.wait_role(role)
        return self


@pytest.fixture
def pair(lab):
    return Pair(lab)


def neighbour(client, address):
    """The MAC that the client has for an address, asked for anew."""
    client.run("ip", "neigh", "flush", "all", check=False)
    client.run("ping", "-c", "1", "-W", "1", address, check=False)
    for entry in json.loads(client.run("ip", "-j", "neigh", "show", address).stdout or "[]"):
        if entry.get("lladdr"):
            return entry["lladdr"]
    return None


def capture(client, count, expression, seconds=5):
    """`tcpdump -e` lines of so many packets."""
    return client.run("timeout", seconds, "tcpdump", "-i", "eth0", "-e", "-n", "-c", count, expression,
                      check=False).stdout.splitlines()


@pytest.mark.parametrize("vips, mac, vip", [(IPV4, VMAC4, "10.1.0.100"), (IPV6, VMAC6, "fd01::100")], ids=["ipv4", "ipv6"])
def test_the_vip_has_the_virtual_mac_before_and_after_a_failover(pair, vips, mac, vip):
    pair.start(vips)
    assert neighbour(pair.client, vip) == mac
    pair.ballasts[0].kill_daemon("vrrpd")
    assert neighbour(pair.client, vip) == mac
    pair.ballasts[0].stop()
    pair.ballasts[1].wait_role("MASTER")
    assert neighbour(pair.client, vip) == mac
    assert "vrrp.51" not in links(pair.nodes[0])


def test_the_link_is_private_and_has_the_vip_alone(pair):
    pair.start(IPV6)
    for node, expected in zip(pair.nodes, ({"fe80::100", "fd01::100"}, set())):
        link = links(node)["vrrp.51"]
        assert link["address"] == VMAC6 and link["link"] == "eth0"
        assert link["linkinfo"]["info_data"]["mode"] == "private"
        assert link["inet6_addr_gen_mode"] == "none"
        assert set(addresses(node, "vrrp.51")) == expected


@pytest.mark.parametrize("vips, mac, protocol", [(IPV4, VMAC4, "ip proto 112"), (IPV6, VMAC6, "ip6 proto 112")],
                         ids=["ipv4", "ipv6"])
def test_advertisements_come_from_the_virtual_mac_or_from_the_interface(pair, vips, mac, protocol):
    pair.start(vips)
    lines = capture(pair.client, 3, protocol)
    assert len(lines) == 3 and all(mac in line for line in lines), lines
    source = "10.1.0.11" if vips is IPV4 else "fe80::"
    assert all(source in line for line in lines)
    for ballast, priority in zip(pair.ballasts, (150, 100)):
        ballast.reload(instance("VI_1", priority, vips, extra="use_vmac\n vmac_xmit_base"))
    pair.ballasts[0].wait_role("MASTER")
    pair.ballasts[1].wait_role("BACKUP")
    own = links(pair.nodes[0])["eth0"]["address"]
    wait_until(lambda: all(own in line for line in capture(pair.client, 3, protocol)), "the interface's MAC is the source")
    stays(lambda: pair.ballasts[1].role() == "BACKUP", "it is heard", 1)


def test_gratuitous_arp_and_unsolicited_advertisements_come_from_the_virtual_mac(pair):
    file, log = pair.client.folder / "announced.pcap", pair.client.folder / "tcpdump.log"
    sniffer = pair.client.start("tcpdump", "-i", "eth0", "-U", "-w", file, "arp or (icmp6 and ip6[40] == 136)", log="tcpdump.log")
    wait_until(lambda: "listening" in log.read_text(), "tcpdump listens")
    ballast = pair.ballasts[0]
    ballast.start(instance("VI_1", 150, IPV4, extra="use_vmac") + instance("VI_6", 150, IPV6, extra="use_vmac"))
    ballast.wait_role("MASTER", "VI_6")

    def announced(mac, address):
        lines = run("tcpdump", "-e", "-n", "-r", file, check=False).stdout.splitlines()
        return [line for line in lines if f" {address}" in line and f" {mac} > " in line]

    wait_until(lambda: announced(VMAC4, "10.1.0.100") and announced(VMAC6, "fd01::100"), "both are announced")
    sniffer.terminate()
    own = links(pair.nodes[0])["eth0"]["address"]
    assert not announced(own, "10.1.0.100") and not announced(own, "fd01::100")


def test_a_reload_moves_the_vip_between_the_interface_and_the_virtual_mac(pair):
    node, ballast = pair.nodes[0], pair.ballasts[0]
    for extra, device in (("", "eth0"), ("use_vmac", "vrrp.51"), ("use_vmac other", "other"), ("", "eth0")):
        text = instance("VI_1", 150, IPV4, extra=extra)
        if ballast.process is None:
            ballast.start(text)
        else:
            assert ballast.reload(text).returncode == 0
        wait_until(lambda there=device: "10.1.0.100" in addresses(node, there), f"the VIP is on {device}")
        assert {"vrrp.51", "other"} & set(links(node)) == {device} - {"eth0"}


def test_one_that_sends_from_the_interface_hears_one_that_does_not(pair):
    """The other's frames carry our own link's MAC: they reach that link alone."""
    for ballast, priority, extra in zip(pair.ballasts, (150, 100), ("use_vmac", "use_vmac\n vmac_xmit_base")):
        ballast.start(instance("VI_1", priority, IPV4, extra=extra))
    pair.ballasts[0].wait_role("MASTER")
    pair.ballasts[1].wait_role("BACKUP")
    stays(lambda: pair.ballasts[1].role() == "BACKUP", "it is heard", 1)


def test_a_backup_says_nothing_from_the_virtual_mac(pair):
    pair.start(IPV4)
    capture_file = pair.nodes[1].folder / "vmac.pcap"
    pair.ballasts[0].stop()
    pair.ballasts[1].wait_role("MASTER")
    pair.ballasts[0].start()
    pair.ballasts[0].wait_role("MASTER")
    pair.ballasts[1].wait_role("BACKUP")
    sniffer = pair.nodes[1].start("tcpdump", "-i", "eth0", "-Q", "out", "-U", "-w", capture_file, f"ether src {VMAC4}")
    assert neighbour(pair.client, "10.1.0.100") == VMAC4
    stays(lambda: pair.ballasts[1].role() == "BACKUP", "it is a backup", 1.5)
    sniffer.terminate()
    sniffer.wait(10)
    assert not run("tcpdump", "-n", "-r", capture_file).stdout


def test_who_answers_for_the_vip_when_only_a_backup_hears(pair):
    pair.start(IPV4)
    pair.nodes[0].cut("front")
    pair.ballasts[1].wait_role("MASTER")
    pair.nodes[0].heal("front")
    pair.ballasts[1].wait_role("BACKUP")
    answers = pair.client.run("arping", "-c", "3", "-w", "3", "-I", "eth0", "10.1.0.100", check=False).stdout
    assert answers.lower().count(VMAC4) == 3, answers
    pair.client.ip("neigh flush all")


def test_what_a_link_is_told_is_set_back_at_the_end(pair):
    node, ballast = pair.nodes[0], pair.ballasts[0]
    node.sysctl("net.ipv4.conf.all.rp_filter=1")
    ballast.start(instance("VI_1", 150, IPV4, extra="use_vmac"))
    ballast.wait_role("MASTER")
    wait_until(lambda: sysctl(node, "net.ipv4.conf.eth0.arp_ignore") == "1", "the interface keeps quiet")
    assert sysctl(node, "net.ipv4.conf.eth0.arp_filter") == "1"
    assert sysctl(node, "net.ipv4.conf.eth0.rp_filter") == "1" and sysctl(node, "net.ipv4.conf.all.rp_filter") == "0"
    assert sysctl(node, "net.ipv4.conf.vrrp%51.accept_local") == "1"
    pair.client.run("ping", "-c", "1", "-W", "2", "10.1.0.100")
    ballast.kill()
    node.run(BIN / "vrrpd", "--withdraw", "--run-dir", ballast.run_dir)
    assert "vrrp.51" not in links(node)
    for name, value in {"eth0.arp_ignore": "0", "eth0.arp_filter": "0", "eth0.arp_announce": "0", "eth0.rp_filter": "0", "all.rp_filter": "1"}.items():
        assert sysctl(node, f"net.ipv4.conf.{name}") == value, name


def test_a_killed_vrrpd_adopts_its_link_and_a_deleted_one_comes_back(pair):
    pair.start(IPV4)
    node, ballast = pair.nodes[0], pair.ballasts[0]
    index = links(node)["vrrp.51"]["ifindex"]
    pid = ballast.kill_daemon("vrrpd")
    wait_until(lambda: ballast.pid("vrrpd") not in (None, pid), "vrrpd is back")
    ballast.wait_role("MASTER")
    assert links(node)["vrrp.51"]["ifindex"] == index
    node.ip("link del vrrp.51")
    wait_until(lambda: "10.1.0.100" in addresses(node, "vrrp.51"), "the link and the VIP are back")
    assert neighbour(pair.client, "10.1.0.100") == VMAC4
    lines = capture(pair.client, 3, "ip proto 112")
    assert len(lines) == 3 and all(VMAC4 in line for line in lines)


def test_a_link_of_that_name_that_is_another_s_is_left_alone_and_is_fault(pair):
    node, ballast = pair.nodes[0], pair.ballasts[0]
    node.ip("link add vrrp.51 type veth peer name other")
    ballast.start(instance("VI_1", 150, IPV4, extra="use_vmac"))
    ballast.wait_role("FAULT")
    assert "is not the virtual MAC" in ballast.instance()["reason"]
    node.ip("link del other")
    ballast.wait_role("MASTER")


@pytest.mark.parametrize("vips", [IPV4, IPV6], ids=["ipv4", "ipv6"])
def test_the_links_are_keepalived_s(lab, vips):
    network = lab.network("front")
    ours, theirs = (lab.node(name, host, network.name) for name, host in (("ours", 11), ("theirs", 12)))
    text = instance("VI_1", 100, vips, extra="use_vmac")
    ballast, keepalived = Ballast(ours), Keepalived(theirs)
    keepalived.start(text)
    wait_until(lambda: vips[0].split("/")[0] in addresses(theirs, "vrrp.51"), "keepalived is master", limit=20)
    theirs_link, theirs_addresses = links(theirs)["vrrp.51"], addresses(theirs, "vrrp.51")
    keepalived.stop()
    ballast.start(text)
    ballast.wait_role("MASTER")
    ours_link, ours_addresses = links(ours)["vrrp.51"], addresses(ours, "vrrp.51")
    for link in (ours_link, theirs_link):
        for volatile in ("ifindex", "ifalias"):
            link.pop(volatile, None)
    assert ours_link == theirs_link
    # keepalived puts the interface's own link-local address there, too
    theirs_addresses = {local: each for local, each in theirs_addresses.items()
                        if not local.startswith("fe80::") or local == "fe80::100"}
    assert set(ours_addresses) == set(theirs_addresses)


def test_reports_of_memberships_leave_by_the_interface_below(pair):
    ballast, own = pair.ballasts[0], links(pair.nodes[0])["eth0"]["address"]
    file = pair.client.folder / "reports.pcap"
    sniffer = pair.client.start("tcpdump", "-i", "eth0", "-U", "-w", file, "igmp or ip6[6] == 0", log="tcpdump.log")
    wait_until(lambda: "listening" in (pair.client.folder / "tcpdump.log").read_text(), "tcpdump listens")
    ballast.start(instance("VI_1", 150, IPV4, extra="use_vmac") + instance("VI_6", 150, IPV6, vrid=52, extra="use_vmac"))
    ballast.wait_role("MASTER", "VI_6")

    def lines():
        return run("tcpdump", "-e", "-n", "-v", "-r", file, check=False).stdout.replace("\n    ", " ").splitlines()

    wait_until(lambda: any("224.0.0.18" in line for line in lines()) and any("ff02::12" in line for line in lines()),
               "both memberships are told")
    sniffer.terminate()
    told = [line for line in lines() if "224.0.0.18" in line or "ff02::12" in line]
    assert all(f" {own} > " in line for line in told), told
    assert not any("00:00:5e:00:0" in line for line in lines()), lines()


def test_addresses_on_other_interfaces_have_a_virtual_mac_of_their_own(lab):
    front, back = lab.network("front"), lab.network("back")
    client = lab.node("client", 1, back.name)
    node = lab.node("lb1", 11, front.name, back.name)
    ballast = Ballast(node)
    ballast.start(instance("VI_1", 150, ["10.1.0.100/24", "10.2.0.100/24 dev eth1 use_vmac", "10.2.0.101/24 dev eth1"],
                           extra="use_vmac"))
    ballast.wait_role("MASTER")
    assert set(addresses(node, "vrrp.51")) == {"10.1.0.100"} and set(addresses(node, "vrrp1.51")) == {"10.2.0.100"}
    assert neighbour(client, "10.2.0.100") == VMAC4
    assert neighbour(client, "10.2.0.101") == links(node)["eth1"]["address"]
    ballast.stop()
    assert not {"vrrp.51", "vrrp1.51"} & set(links(node))


def test_a_service_is_reached_through_the_virtual_mac_before_and_after_a_failover(lab):
    cluster = Cluster(lab, 2, "NAT", webs=1).start_webs().start(extra="use_vmac")
    for number, ballast in enumerate((cluster.b1, cluster.b2)):
        ballast.wait_role("MASTER")
        ballast.wait_server(service_name(cluster.vip), cluster.server(1), "up")
        answer = cluster.client.run("curl", "-sS", "-m", "5", f"http://{cluster.vip}/", check=False)
        assert answer.returncode == 0, answer.stderr
        assert VMAC4 in cluster.client.run("ip", "neigh", "show", cluster.vip).stdout
        if number == 0:
            ballast.stop()


def test_a_cable_pulled_is_fault_unless_the_interface_is_not_tracked(pair):
    node, ballast = pair.nodes[0], pair.ballasts[0]
    ballast.start(instance("VI_1", 150, IPV4))
    ballast.wait_role("MASTER")
    node.link("front", up=False)
    ballast.wait_role("FAULT")
    node.link("front", up=True)
    ballast.wait_role("MASTER")
    ballast.reload(instance("VI_1", 150, IPV4, extra="dont_track_primary"))
    node.link("front", up=False)
    stays(lambda: ballast.role() == "MASTER", "the link does not matter", 1)
