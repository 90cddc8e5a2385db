"""What a load balancer depends on fails, and the role goes to the other one; the log tells why."""

import os
import shutil

import pytest

from lab.cluster import Cluster
from lab.shell import stays, wait_until
from lab.topology import kill


@pytest.fixture(name="cluster")
def make_cluster(lab):
    return Cluster(lab, webs=0)


def log_of(balancer):
    return (balancer.node.folder / f"{balancer.name}.log").read_text(encoding="utf-8", errors="replace")


def wait_log(balancer, text):
    wait_until(lambda: text in log_of(balancer), f"the log of {balancer.node.name} says {text!r}")


def start(cluster, extra, definitions=""):
    """lb1 (priority 150) tracks something, lb2 (100) does not."""
    cluster.b1.start(definitions + cluster.vrrp(150, extra=extra))
    cluster.b1.wait_role("MASTER")
    cluster.b2.start(cluster.vrrp(100))
    cluster.b2.wait_role("BACKUP")


def test_a_number_in_a_file_moves_the_role_and_moves_it_back(cluster):
    number = cluster.lb1.folder / "number"
    start(cluster, "track_file { demote }", f"vrrp_track_file demote {{\n file {number}\n weight -1\n init_file 0\n}}\n")
    assert number.read_text(encoding="utf-8") == "0\n"
    number.write_text("60\n", encoding="utf-8")
    cluster.b2.wait_role("MASTER")
    cluster.b1.wait_role("BACKUP")
    wait_log(cluster.b1, "priority 150 -> 90 (file demote says 60)")
    replaced = number.with_name("new")
    replaced.write_text("0\n", encoding="utf-8")
    replaced.rename(number)
    cluster.b1.wait_role("MASTER")
    number.write_text("many\n", encoding="utf-8")
    wait_log(cluster.b1, f"{number} holds no number: it counts as 0")
    number.write_text("254\n", encoding="utf-8")
    cluster.b1.wait_role("FAULT")
    number.unlink()
    cluster.b1.wait_role("MASTER")


def test_a_process_that_dies_is_a_fault_until_it_runs_again(cluster):
    program = cluster.lb1.folder / f"trk{os.getpid()}"
    shutil.copy("/bin/sleep", program)
    process = cluster.lb1.start(program, "1000", log="tracked.log")
    start(cluster, "track_process { worker }", f"vrrp_track_process worker {{\n process {program.name}\n}}\n")
    kill([process.pid])
    process.wait()
    cluster.b2.wait_role("MASTER")
    wait_log(cluster.b1, "MASTER -> FAULT (process worker: 0 running)")
    wait_log(cluster.b1, "processes")
    cluster.lb1.start(program, "1000", log="tracked.log")
    cluster.b1.wait_role("MASTER")
    # kill -9 of vrrpd is no reason to leave the role.
    cluster.b1.kill_daemon("vrrpd")
    stays(lambda: cluster.b2.role() == "BACKUP", "lb2 stays BACKUP", 2)
    cluster.b1.wait_role("MASTER")


def test_a_route_that_goes_takes_its_weight_with_it(cluster):
    cluster.lb1.ip(f"route add default via {cluster.client.address('front')}")
    start(cluster, "track_route { default weight -60 }")
    cluster.lb1.ip("route delete default")
    cluster.b2.wait_role("MASTER")
    wait_log(cluster.b1, "priority 150 -> 90 (route 0.0.0.0/0 is missing)")
    cluster.lb1.ip(f"route add default via {cluster.client.address('front')}")
    cluster.b1.wait_role("MASTER")


def test_a_gateway_that_answers_no_more(cluster):
    gateway = cluster.client.address("front")
    start(cluster, f"track_gateway {{ {gateway} weight -60 }}")
    cluster.client.cut("front")
    wait_until(lambda: cluster.b2.role() == "MASTER", "lb2 takes over", 60)
    wait_log(cluster.b1, f"priority 150 -> 90 (gateway {gateway} dev eth0 does not answer)")
    cluster.client.heal("front")
    wait_until(lambda: cluster.b1.role() == "MASTER", "lb1 is back", 60)


def test_a_load_balancer_without_healthy_servers_yields_to_one_that_has_some(lab):
    cluster = Cluster(lab, webs=2).start_webs()
    extra = f"track_service {{ {cluster.vip} 80 }}"
    cluster.start(extra=extra)
    # lb1 alone loses its way to the servers, as behind a broken port of a switch: it may not ask for them.
    rules = "".join(f"add rule inet cut out ip daddr {web.address('front')} drop\n" for web in cluster.webs)
    cluster.lb1.run("nft", "-f", "-", stdin="add table inet cut\n"
                    "add chain inet cut out { type filter hook output priority 0; }\n" + rules)
    cluster.b2.wait_role("MASTER", limit=30)
    wait_log(cluster.b1, "priority 150 -> 50 (service tcp:")
    cluster.lb1.run("nft", "delete", "table", "inet", "cut")
    cluster.b1.wait_role("MASTER", limit=30)


def test_a_sync_group_tracks_for_all_its_members(cluster):
    number = cluster.lb1.folder / "number"
    number.write_text("0\n", encoding="utf-8")
    group = "vrrp_sync_group G {\n group {\n VI_1\n VI_6\n }\n %s\n}\n"
    both = lambda priority: cluster.vrrp(priority) + cluster.vrrp(priority, 6)
    file = f"vrrp_track_file demote {{\n file {number}\n weight -1\n}}\n"
    cluster.b1.start(file + both(150) + group % "track_file { demote }")
    for name in ("VI_1", "VI_6"):
        cluster.b1.wait_role("MASTER", name)
    cluster.b2.start(both(100) + group % "")
    number.write_text("60\n", encoding="utf-8")
    for name in ("VI_1", "VI_6"):
        cluster.b2.wait_role("MASTER", name)
        cluster.b1.wait_role("BACKUP", name)


def test_a_script_that_fails_moves_the_role_and_tells_why(cluster):
    healthy = cluster.lb1.folder / "healthy"
    healthy.touch()
    cluster.lb1.folder.chmod(0o755)
    start(cluster, "track_script { chk }",
          f"vrrp_script chk {{\n script \"/usr/bin/test -e {healthy}\"\n interval 0.2\n fall 2\n weight -60\n}}\n")
    healthy.unlink()
    cluster.b2.wait_role("MASTER")
    wait_log(cluster.b1, "priority 150 -> 90 (script chk failed: exit status 1")
    healthy.touch()
    cluster.b1.wait_role("MASTER")
    # Who runs the scripts is away: their last word holds.
    cluster.b1.kill_daemon("scriptd")
    stays(lambda: cluster.b1.role() == "MASTER", "lb1 stays MASTER", 2)
