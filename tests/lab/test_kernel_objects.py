"""Addresses with options, routes, rules and static objects: what keepalived programs, Ballast does, and keeps it there."""

import json

import pytest

from lab.balancer import BIN, Ballast, Keepalived
from lab.cluster import instance
from lab.objects import addresses, destinations, routes, rules
from lab.shell import stays, wait_until

ROUTES = """
    virtual_routes {
        192.168.50.0/24 dev eth0
        src 10.1.0.100 to 192.168.51.0/24 via 10.1.0.2 dev eth0
        192.168.53.0/24 via 10.1.0.2 dev eth0 table 100 metric 7 mtu 1400 advmss 1300
        192.168.54.0/24 via 10.99.8.2 dev eth0 onlink scope global mtu lock 1300 rto_min 300ms hoplimit 44 initcwnd 20
        default via 10.1.0.2 dev eth0 table 101
        prohibit 192.168.55.0/24
        throw 192.168.56.0/24 table 101
        unreachable 192.168.57.0/24
        blackhole 192.168.62.0/24
        192.168.58.0/24 tos 0x10 via 10.1.0.2 dev eth0
        192.168.60.0/24 dev eth0 scope host
        192.168.61.0/24 via 10.1.0.2 dev eth0 realms 4/5
        192.168.63.0/24 nexthop via 10.1.0.2 dev eth0 weight 1 nexthop via 10.1.0.3 dev eth0 weight 2
        2001:db8:1::/48 dev eth0
        2001:db8:2::/48 via fd01::2 dev eth0 mtu 1400 metric 88 pref high
        2001:db8:3::/48 nexthop via fd01::2 dev eth0 weight 3 nexthop via fd01::3 dev eth0
        2001:db8:4::/48 via fd01::2 dev eth0 src fd01::107
        blackhole 2001:db8:7::/48
        unreachable 2001:db8:8::/48 metric 5
    }
"""
RULES = """
    virtual_rules {
        from 192.168.2.0/24 table 1
        to 192.168.3.0/24 table 1
        from 192.168.28.0/24 to 192.168.29.0/26 table 100 iif eth0 oif lo tos 0x10 fwmark 24/12 preference 39 realms 30/20
        from 10.3.0.0/16 goto 32000 preference 40
        to 1:2:3:4:5:6:7:0/112 from 7:6:5:4:3:2::/96 table 6908 uidrange 10000-19999
        from 10.4.0.0/16 table main suppress_prefixlength 0
        from 10.5.0.0/16 blackhole
        from 10.6.0.0/16 prohibit
        not from 10.7.0.0/16 table 9
        fwmark 7 table 9
        from all iif eth0 unreachable preference 77
    }
"""
ADDRESSES = ["10.1.0.100/24", "10.1.0.101 peer 10.99.77.1/32", "10.1.0.102/32 noprefixroute", "10.5.0.103/24 scope link",
             "10.1.0.104/24 brd + label eth0:vip", "10.1.0.105/24 noprefixroute"]
EXCLUDED = """
    virtual_ipaddress_excluded {
        fd01::105/64 home -nodad mngtmpaddr preferred_lft forever
        fd01::106
        fd01::107 preferred_lft forever
        fd01::108/64 noprefixroute preferred_lft forever
        fd01::110 peer fd01::111/128
    }
"""


@pytest.fixture
def pair(lab):
    """Two load balancers on one network."""
    network = lab.network("front")
    return [lab.node(f"lb{number}", 10 + number, network.name) for number in (1, 2)]


@pytest.fixture
def twins(lab):
    """Two load balancers with the same address on networks of their own: what they program can be compared."""
    made = []
    for number in (1, 2):
        node = lab.node(f"lb{number}", 11)
        lab.switch_ip(f"link add t{number} type veth peer name eth0 netns {node.namespace}", f"link set t{number} up")
        node.ip("link set eth0 up", "address add 10.1.0.11/24 dev eth0", "address add fd01::11/64 dev eth0 nodad")
        made.append(node)
    return made


def start_both(twins, text):
    """keepalived on the first, Ballast on the second, each alone and MASTER."""
    keepalived, ballast = Keepalived(twins[0]), Ballast(twins[1])
    keepalived.start(text)
    ballast.start(text)
    ballast.wait_role("MASTER")
    wait_until(lambda: "10.1.0.100" in addresses(twins[0], "eth0"), "keepalived is master", limit=20)
    return keepalived, ballast


def vi_1(extra="", vips=("10.1.0.100/24",), priority=100):
    return instance("VI_1", priority, vips, extra=extra)



def test_routes_and_rules_are_keepalived_s_field_by_field(twins):
    keepalived, ballast = start_both(twins, vi_1(EXCLUDED + ROUTES + RULES, ADDRESSES))
    wait_until(lambda: len(routes(twins[0])) >= 18 and len(rules(twins[0])) >= 11, "keepalived has programmed all")
    wait_until(lambda: len(routes(twins[1])) >= 18 and len(rules(twins[1])) >= 11, "Ballast has programmed all")
    assert routes(twins[1]) == routes(twins[0])
    assert rules(twins[1]) == rules(twins[0])
    ballast.stop()
    keepalived.stop()
    assert not routes(twins[1]) and not rules(twins[1])


def test_addresses_with_options_are_keepalived_s_field_by_field(twins):
    start_both(twins, vi_1(EXCLUDED, ADDRESSES))
    wait_until(lambda: "fd01::110" in addresses(twins[0], "eth0"), "keepalived has put the last one")
    wait_until(lambda: "fd01::110" in addresses(twins[1], "eth0"), "Ballast has put the last one")
    theirs, ours = addresses(twins[0], "eth0"), addresses(twins[1], "eth0")
    for node in (theirs, ours):  # the kernel's own, out of the MAC
        for local in [local for local in node if local.startswith("fe80::") or local.startswith("fd01:0:0:0:")]:
            del node[local]
    for local in ("10.1.0.101", "fd01::110"):  # keepalived 2.2.7 loses the peer
        assert "address" in ours.pop(local) and "address" not in theirs.pop(local)
    # keepalived writes "no broadcast" as the network's address
    for address in theirs.values():
        if address.get("broadcast") == "10.1.0.0":
            del address["broadcast"]
    assert ours == theirs


def test_routes_and_rules_come_with_the_role_and_go_with_it(pair):
    first, second = (Ballast(node) for node in pair)
    extra = ROUTES + RULES + EXCLUDED
    first.start(vi_1(extra, ADDRESSES, 150))
    first.wait_role("MASTER")
    second.start(vi_1(extra, ADDRESSES, 100))
    second.wait_role("BACKUP")
    wait_until(lambda: len(routes(pair[0])) == 19 and len(rules(pair[0])) == 11, "the MASTER has them")
    assert not routes(pair[1]) and not rules(pair[1])
    first.stop()
    second.wait_role("MASTER")
    wait_until(lambda: len(routes(pair[1])) == 19 and len(rules(pair[1])) == 11, "the new MASTER has them")
    assert not routes(pair[0]) and not rules(pair[0])
    first.start()
    first.wait_role("MASTER")
    wait_until(lambda: len(routes(pair[0])) == 19 and not routes(pair[1]) and not rules(pair[1]), "they came back")


def test_what_others_remove_comes_back_but_for_no_track(pair):
    node, _ = pair
    text = """
    virtual_routes {
        192.168.50.0/24 via 10.1.0.2 dev eth0
        192.168.49.0/24 via 10.1.0.2 dev eth0 src 10.1.0.100
        192.168.51.0/24 via 10.1.0.2 dev eth0 no_track
        192.168.52.0/24 via 10.1.0.2 dev eth0 no_track proto 77
    }
    virtual_rules {
        from 10.3.0.0/16 table 100 preference 40
        from 10.4.0.0/16 table 100 preference 41 no_track
    }
"""
    ballast = Ballast(node)
    ballast.start(vi_1(text, ["10.1.0.100/24", "10.1.0.101/24 no_track"]))
    ballast.wait_role("MASTER")
    wait_until(lambda: len(routes(node)) == 3 and len(rules(node)) == 2, "all are there")
    own_protocol = "192.168.52.0/24"
    assert own_protocol in node.run("ip", "route", "show", "proto", "77").stdout
    node.ip("route del 192.168.50.0/24", "route del 192.168.51.0/24", "rule del preference 40", "rule del preference 41",
            "address del 10.1.0.100/24 dev eth0", "address del 10.1.0.101/24 dev eth0")
    kept = {"192.168.49.0/24", "192.168.50.0/24"}  # one went by itself, with its source address
    wait_until(lambda: destinations(node) == kept, "the tracked routes are back")
    wait_until(lambda: [rule["priority"] for rule in rules(node)] == [40], "the tracked rule is back")
    wait_until(lambda: "10.1.0.100" in addresses(node, "eth0"), "the tracked address is back")
    stays(lambda: "10.1.0.101" not in addresses(node, "eth0") and destinations(node) == kept,
          "what is not tracked stays away", 0.5)
    ballast.stop()
    assert not routes(node) and not rules(node)
    assert own_protocol not in node.run("ip", "route").stdout


def test_routes_of_others_are_never_touched(pair):
    node, _ = pair
    node.ip("route add 192.168.50.0/24 via 10.1.0.2 metric 9", "route add 192.168.70.0/24 via 10.1.0.2 proto 177",
            "rule add from 10.9.0.0/16 table 100 preference 90")
    ballast = Ballast(node)
    ballast.start(vi_1("virtual_routes {\n 192.168.50.0/24 via 10.1.0.3 dev eth0\n }\n"))
    ballast.wait_role("MASTER")
    wait_until(lambda: "192.168.50.0/24" in destinations(node), "the route is there")
    ballast.stop()
    left = node.run("ip", "route").stdout
    assert "192.168.50.0/24 via 10.1.0.2" in left and "192.168.70.0/24" in left and "via 10.1.0.3" not in left
    assert "from 10.9.0.0/16" in node.run("ip", "rule").stdout


def test_a_route_waits_for_its_interface(pair):
    node, _ = pair
    ballast = Ballast(node)
    ballast.start(vi_1("virtual_routes {\n 192.168.50.0/24 dev later\n }\n"))
    ballast.wait_role("MASTER")
    wait_until(lambda: "later does not exist" in (node.folder / "ballast.log").read_text(), "the log tells")
    node.ip("link add later type veth peer name far", "link set far up", "link set later up")
    wait_until(lambda: "192.168.50.0/24" in destinations(node), "the route is there as soon as its interface is")
    node.ip("link del later")
    wait_until(lambda: not routes(node), "it went with the interface")
    assert ballast.role() == "MASTER"


def test_a_killed_vrrpd_adopts_its_routes_and_withdraw_takes_them_away(pair):
    node, _ = pair
    ballast = Ballast(node)
    ballast.start(vi_1(ROUTES + RULES + EXCLUDED, ADDRESSES))
    ballast.wait_role("MASTER")
    wait_until(lambda: len(routes(node)) == 19 and len(rules(node)) == 11, "all are there")
    pid = ballast.kill_daemon("vrrpd")
    wait_until(lambda: ballast.pid("vrrpd") not in (None, pid), "vrrpd is back")
    ballast.wait_role("MASTER")
    assert len(routes(node)) == 19 and len(rules(node)) == 11
    ballast.kill()
    assert len(routes(node)) == 19
    node.run(BIN / "vrrpd", "--withdraw", "--run-dir", ballast.run_dir)
    assert not routes(node) and not rules(node) and "10.1.0.100" not in addresses(node, "eth0")


def test_a_reload_changes_what_has_changed(pair):
    node, _ = pair
    ballast = Ballast(node)
    ballast.start(vi_1("virtual_routes {\n 192.168.50.0/24 via 10.1.0.2\n 192.168.51.0/24 via 10.1.0.2\n }\n"))
    ballast.wait_role("MASTER")
    wait_until(lambda: destinations(node) == {"192.168.50.0/24", "192.168.51.0/24"}, "both are there")
    answer = ballast.reload(vi_1("virtual_routes {\n 192.168.50.0/24 via 10.1.0.3\n 192.168.52.0/24 via 10.1.0.2\n }\n"))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    wait_until(lambda: destinations(node) == {"192.168.50.0/24", "192.168.52.0/24"}, "one went, one came")
    assert {route["dst"]: route["gateway"] for route in routes(node)}["192.168.50.0/24"] == "10.1.0.3"


STATICS = """
track_group TG {
    group {
        VI_1
    }
}
static_ipaddress {
    10.1.0.7/24 dev eth0 track_group TG
    fd01::7 dev eth0
}
static_routes {
    192.168.70.0/24 via 10.1.0.2 dev eth1 onlink track_group TG
    192.168.71.0/24 via 10.1.0.2 dev eth0
}
static_rules {
    from 10.3.0.0/16 table 100 preference 40
}
"""


def test_static_objects_are_there_whatever_the_role_and_their_loss_is_fault(lab):
    front, back = lab.network("front"), lab.network("back")
    node = lab.node("lb1", 11, front.name, back.name)
    other = lab.node("lb2", 12, front.name)
    master, ballast = Ballast(other), Ballast(node)
    master.start(vi_1(priority=150))
    master.wait_role("MASTER")
    ballast.start(STATICS + vi_1(priority=100))
    ballast.wait_role("BACKUP")
    wait_until(lambda: destinations(node) == {"192.168.70.0/24", "192.168.71.0/24"}, "the routes are there")
    assert [rule["priority"] for rule in rules(node)] == [40]
    assert "10.1.0.7" in addresses(node, "eth0") and addresses(node, "eth0")["fd01::7"]["deprecated"]
    node.ip("route del 192.168.70.0/24", "address del 10.1.0.7/24 dev eth0", "rule del preference 40")
    wait_until(lambda: len(routes(node)) == 2 and len(rules(node)) == 1 and "10.1.0.7" in addresses(node, "eth0"),
               "they are put back")
    node.ip("link set eth1 down")
    ballast.wait_role("FAULT")
    assert "192.168.70.0/24" in json.dumps(ballast.instance())
    node.ip("link set eth1 up")
    ballast.wait_role("BACKUP")
    wait_until(lambda: len(routes(node)) == 2, "the route is back")
    ballast.stop()
    assert not routes(node) and not rules(node) and "10.1.0.7" not in addresses(node, "eth0")
