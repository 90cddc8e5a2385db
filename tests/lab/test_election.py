"""Who becomes MASTER, when, and who takes over.

Bounds are RFC 9568's: master down interval = 3 x advert_int + skew, skew = (256 - priority) / 256 x advert_int. A busy
machine gets `SLACK` on top, which is far less than one interval where the test is about telling two bounds apart."""

import time

from lab.balancer import Ballast
from lab.cluster import Cluster, instance
from lab.shell import stays, wait_until

SLACK = 0.5  # seconds


def skew(priority, advert):
    return (256 - priority) / 256 * advert


def master_down(priority, advert):
    return 3 * advert + skew(priority, advert)


def addresses(node, device="eth0"):
    return node.run("ip", "address", "show", "dev", device).stdout


def takeover(cluster):
    """Seconds until the VIP is on lb2."""
    start = time.monotonic()
    wait_until(lambda: cluster.lb2.has(cluster.vip), "the VIP is on lb2", interval=0.002)
    return time.monotonic() - start


def pair(lab, advert=0.2, extra="", **options):
    """Two speakers of one instance, no services: lb1 with 150, lb2 with 100."""
    cluster = Cluster(lab, webs=0, **options)
    cluster.b1.start(cluster.vrrp(150, advert=advert, extra=extra))
    cluster.b1.wait_role("MASTER")
    cluster.b2.start(cluster.vrrp(100, advert=advert, extra=extra))
    cluster.b2.wait_role("BACKUP")
    return cluster


def test_the_higher_priority_becomes_master_and_holds_the_vip(lab):
    cluster = pair(lab)
    assert cluster.lb1.has(cluster.vip)
    stays(lambda: not cluster.lb2.has(cluster.vip), "lb2 has no VIP", 1)
    state = cluster.b2.instance()
    assert (state["priority"], state["vrid"], state["interface"]) == (100, 51, "eth0")
    assert state["master"] == cluster.lb1.address("front")
    assert cluster.b1.instance()["virtual_addresses"] and cluster.b1.instance()["reason"]


def test_kill_9_of_the_whole_family_is_taken_over_within_the_master_down_interval(lab):
    cluster, advert = pair(lab, advert=0.5), 0.5
    cluster.b1.kill()
    took = takeover(cluster)
    assert master_down(100, advert) - advert - 0.1 <= took <= master_down(100, advert) + SLACK
    cluster.b2.wait_role("MASTER")
    assert "no advertisement" in cluster.b2.instance()["reason"]


def test_a_clean_stop_hands_over_within_the_skew_time(lab):
    advert = 1
    cluster = pair(lab, advert=advert)
    cluster.b1.stop(wait=False)
    took = takeover(cluster)
    assert took <= skew(100, advert) + SLACK < 2 * advert
    cluster.b1.process.wait(15)
    assert cluster.b1.process.returncode == 0
    assert not cluster.lb1.has(cluster.vip)


def test_the_better_one_preempts_when_it_comes_back(lab):
    cluster = pair(lab)
    cluster.b1.kill()
    cluster.b2.wait_role("MASTER")
    cluster.b1.start()
    cluster.b1.wait_role("MASTER")
    cluster.b2.wait_role("BACKUP")
    assert cluster.lb1.has(cluster.vip)
    wait_until(lambda: not cluster.lb2.has(cluster.vip), "lb2 gives the VIP up")


def test_with_nopreempt_the_better_one_stays_backup(lab):
    cluster = pair(lab, extra="nopreempt")
    cluster.b1.stop()
    cluster.b2.wait_role("MASTER")
    cluster.b1.start()
    cluster.b1.wait_role("BACKUP")
    stays(lambda: cluster.lb2.has(cluster.vip) and not cluster.lb1.has(cluster.vip), "lb2 keeps the VIP", 2)


def test_preempt_delay_is_waited_before_taking_over_again(lab):
    cluster = pair(lab, extra="preempt_delay 2")
    cluster.b1.stop()
    cluster.b2.wait_role("MASTER")
    cluster.b1.start()
    cluster.b1.wait_role("BACKUP")
    stays(lambda: not cluster.lb1.has(cluster.vip), "lb1 waits", 1.2)
    cluster.b1.wait_role("MASTER")


def test_a_link_that_goes_down_is_a_fault_with_its_reason_and_is_left_by_itself(lab):
    cluster = pair(lab)
    cluster.lb1.link("front", up=False)
    cluster.b1.wait_role("FAULT")
    assert "eth0" in cluster.b1.instance()["reason"]
    cluster.b2.wait_role("MASTER")
    assert not cluster.lb1.has(cluster.vip)
    cluster.lb1.link("front", up=True)
    cluster.b1.wait_role("MASTER")
    cluster.b2.wait_role("BACKUP")


def test_a_tracked_interface_that_goes_down_is_a_fault_of_the_instance(lab):
    cluster = pair(lab, arms=2, extra="track_interface { eth1 }")
    cluster.lb1.link("back", up=False)
    cluster.b1.wait_role("FAULT")
    assert "eth1" in cluster.b1.instance()["reason"]
    cluster.b2.wait_role("MASTER")
    cluster.lb1.link("back", up=True)
    cluster.b1.wait_role("MASTER")


def test_a_sync_group_moves_together_when_one_of_its_links_goes_down(lab):
    cluster = Cluster(lab, arms=2, webs=0)

    def configuration(priority):
        return "\n".join([instance("VI_1", priority, [f"{cluster.vip}/24"], "eth0", 51),
                          instance("VI_2", priority, [f"{cluster.gateway}/24"], "eth1", 52),
                          "vrrp_sync_group VG {\n    group {\n        VI_1\n        VI_2\n    }\n}\n"])

    def both(balancer, role):
        wait_until(lambda: {balancer.role("VI_1"), balancer.role("VI_2")} == {role}, f"both of {balancer.node.name} are {role}")

    cluster.b1.start(configuration(150))
    both(cluster.b1, "MASTER")
    cluster.b2.start(configuration(100))
    both(cluster.b2, "BACKUP")
    cluster.lb1.link("back", up=False)
    both(cluster.b2, "MASTER")
    wait_until(lambda: cluster.b1.role("VI_1") != "MASTER", "VI_1 leaves with VI_2")
    wait_until(lambda: not cluster.lb1.has(cluster.vip), "lb1 gives the VIP up")
    assert cluster.lb2.has(cluster.vip) and cluster.lb2.has(cluster.gateway)
    cluster.lb1.link("back", up=True)
    both(cluster.b1, "MASTER")
    both(cluster.b2, "BACKUP")


def test_a_vip_deleted_by_hand_comes_back(lab):
    cluster = pair(lab)
    cluster.lb1.ip(f"address delete {cluster.vip}/24 dev eth0")
    wait_until(lambda: cluster.lb1.has(cluster.vip), "the VIP is back", limit=3, interval=0.005)
    assert addresses(cluster.lb1).count(f"{cluster.vip}/") == 1
    assert cluster.b1.role() == "MASTER" and cluster.b2.role() == "BACKUP"


def test_after_a_silent_cut_heals_there_is_one_master_again(lab):
    cluster = pair(lab)
    cluster.lb1.cut("front")
    cluster.b2.wait_role("MASTER")
    assert cluster.b1.role() == "MASTER", "lb1 cannot know"
    cluster.lb1.heal("front")
    cluster.b2.wait_role("BACKUP")
    wait_until(lambda: not cluster.lb2.has(cluster.vip), "lb2 gives the VIP up")
    stays(lambda: cluster.lb1.has(cluster.vip), "lb1 keeps the VIP", 0.5)


def test_ipv6_instance_moves_its_addresses(lab):
    cluster = Cluster(lab, webs=0)
    cluster.b1.start(cluster.vrrp(150, version=6))
    cluster.b1.wait_role("MASTER", "VI_6")
    cluster.b2.start(cluster.vrrp(100, version=6))
    cluster.b2.wait_role("BACKUP", "VI_6")
    assert cluster.lb1.has(cluster.vip6) and not cluster.lb2.has(cluster.vip6)
    cluster.b1.kill()
    cluster.b2.wait_role("MASTER", "VI_6")
    assert cluster.lb2.has(cluster.vip6)


def test_unicast_peers_elect_without_multicast(lab):
    cluster = Cluster(lab, webs=0)
    one, two = cluster.lb1.address("front"), cluster.lb2.address("front")
    words = "unicast_src_ip {}\n    unicast_peer {{\n        {}\n    }}"
    cluster.b1.start(cluster.vrrp(150, extra=words.format(one, two)))
    cluster.b1.wait_role("MASTER")
    cluster.b2.start(cluster.vrrp(100, extra=words.format(two, one)))
    cluster.b2.wait_role("BACKUP")
    wait_until(lambda: cluster.b2.instance().get("master") == one, "lb2 has heard lb1")
    cluster.b1.kill()
    cluster.b2.wait_role("MASTER")


def test_several_families_live_on_one_machine(lab):
    cluster = Cluster(lab, arms=2, webs=0)
    first, second = Ballast(cluster.lb1, "first"), Ballast(cluster.lb1, "second")
    first.start("global_defs { lb_interfaces eth0 }\n" + instance("VI_A", 150, [f"{cluster.vip}/24"], "eth0", 51))
    second.start("global_defs { lb_interfaces eth1 }\n" + instance("VI_B", 150, [f"{cluster.gateway}/24"], "eth1", 52))
    first.wait_role("MASTER", "VI_A")
    second.wait_role("MASTER", "VI_B")
    assert [each["name"] for each in first.status()["vrrp"]] == ["VI_A"]
    first.stop()
    wait_until(lambda: not cluster.lb1.has(cluster.vip), "the first family's VIP is gone")
    stays(lambda: cluster.lb1.has(cluster.gateway), "the second family's VIP stays", 1)
    assert second.role("VI_B") == "MASTER"
