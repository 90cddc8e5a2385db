"""no_accept: the host takes nothing for the VIP itself; what is forwarded passes."""

import pytest

from lab.balancer import BIN, Ballast
from lab.cluster import Cluster, instance, service_name
from lab.objects import ruleset
from lab.shell import stays, wait_until


@pytest.fixture
def host(lab):
    network = lab.network("front")
    client, node = lab.node("client", 1, network.name), lab.node("lb1", 11, network.name)
    return client, node, Ballast(node)


def answers(client, address):
    return client.run("ping", "-c", "1", "-W", "1", address, check=False).returncode == 0


def knows(client, address):
    """Neighbour discovery goes on."""
    client.run("ip", "neigh", "flush", "all", check=False)
    client.run("ping", "-c", "1", "-W", "1", address, check=False)
    return "lladdr" in client.run("ip", "neigh", "show", address).stdout


@pytest.mark.parametrize("vips, vip", [(["10.1.0.100/24"], "10.1.0.100"), (["fe80::100/64", "fd01::100/64"], "fd01::100"),
                                       (["fe80::100/64", "fd01::100/64"], "fe80::100%eth0")], ids=["ipv4", "ipv6", "link-local"])
def test_the_vip_is_found_but_does_not_answer(host, vips, vip):
    client, _, ballast = host
    ballast.start(instance("VI_1", 150, vips))
    ballast.wait_role("MASTER")
    assert answers(client, vip)
    ballast.reload(instance("VI_1", 150, vips, extra="no_accept"))
    wait_until(lambda: not answers(client, vip), "it does not answer")
    if "%" not in vip:
        assert knows(client, vip)
    assert answers(client, "10.1.0.11"), "other addresses do"
    ballast.reload(instance("VI_1", 150, vips))
    wait_until(lambda: answers(client, vip), "it answers again")


def test_the_owner_answers(host):
    client, node, ballast = host
    ballast.start(instance("VI_1", 255, ["10.1.0.100/24"], extra="no_accept"))
    ballast.wait_role("MASTER")
    assert answers(client, "10.1.0.100") and "ballast_vrrp" not in ruleset(node)


def test_the_table_goes_with_the_last_such_vip_and_leaves_others_alone(host):
    client, node, ballast = host
    node.run("nft", "add table inet other")
    text = "global_defs {\n nftables lb_vips\n nftables_priority -3\n nftables_counters\n}\n"
    ballast.start(text + instance("VI_1", 150, ["10.1.0.100/24"], extra="no_accept"))
    ballast.wait_role("MASTER")
    assert not answers(client, "10.1.0.100")
    told = ruleset(node)
    assert "table ip lb_vips" in told and "priority filter - 3" in told and "counter packets" in told
    ballast.reload(text + instance("VI_1", 150, ["10.1.0.100/24"]))
    wait_until(lambda: "lb_vips" not in ruleset(node), "the table is gone")
    assert "table inet other" in ruleset(node)


def test_a_ruleset_loaded_over_it_does_not_open_the_vip(host):
    client, node, ballast = host
    ballast.start(instance("VI_1", 150, ["10.1.0.100/24"], extra="no_accept"))
    ballast.wait_role("MASTER")
    before = ruleset(node)
    for command in ("flush ruleset", "flush table ip ballast_vrrp", "delete element ip ballast_vrrp vips { 10.1.0.100 }"):
        node.run("nft", command)
        wait_until(lambda: ruleset(node) == before, f"the table is back after `{command}`")
    assert not answers(client, "10.1.0.100")


def test_it_outlives_vrrpd_and_withdraw_takes_it_away(host):
    _, node, ballast = host
    ballast.start(instance("VI_1", 150, ["10.1.0.100/24"], extra="no_accept"))
    ballast.wait_role("MASTER")
    before = ruleset(node)
    pid = ballast.kill_daemon("vrrpd")
    stays(lambda: ruleset(node) == before, "the table stays", 0.3)
    wait_until(lambda: ballast.pid("vrrpd") not in (None, pid), "vrrpd is back")
    ballast.wait_role("MASTER")
    assert ruleset(node) == before
    ballast.kill()
    node.run(BIN / "vrrpd", "--withdraw", "--run-dir", ballast.run_dir)
    assert "ballast_vrrp" not in ruleset(node)


def test_a_service_on_the_vip_is_forwarded(lab):
    cluster = Cluster(lab, 2, "NAT", webs=1).start_webs()
    cluster.start(both=False, extra="no_accept")
    cluster.b1.wait_server(service_name(cluster.vip), cluster.server(1), "up")
    assert cluster.client.run("curl", "-sS", "-m", "5", f"http://{cluster.vip}/").returncode == 0
    assert not answers(cluster.client, cluster.vip)
