"""The lab itself: it can be built beside another, and nothing stays behind even when its process is killed."""

import pathlib
import subprocess
import sys

from lab.cluster import Cluster
from lab.shell import wait_until
from lab.topology import BPFFS, FOLDER, Lab, alive, remove_leftovers
from lab.web import curl

DIES = """
import os, signal, sys
from lab.cluster import Cluster
from lab.topology import Lab
cluster = Cluster(Lab(), webs=1).start_webs()
cluster.lab.pin_dir("pins").mkdir()
print(cluster.lab.name, cluster.webs[0].pids("nginx")[0], flush=True)
{end}
"""


def start_one_that(end):
    """A lab in a process of its own; its name and the id of a process in it."""
    child = subprocess.Popen([sys.executable, "-c", DIES.format(end=end)], stdout=subprocess.PIPE, text=True,
                             cwd=pathlib.Path(__file__).parent)
    name, pid = child.stdout.readline().split()
    child.stdout.close()
    child.wait()
    return name, int(pid)


def left_of(name):
    return [*pathlib.Path("/run/netns").glob(f"{name}-*"), *BPFFS.glob(f"{name}-*"), *FOLDER.glob(name)]


def test_what_a_killed_lab_left_is_removed_by_the_next():
    name, pid = start_one_that("os.kill(os.getpid(), signal.SIGKILL)")
    assert alive(pid) and left_of(name)
    with Lab():
        assert not alive(pid)
        assert left_of(name) == []


def test_a_kept_lab_goes_on_until_it_is_taken_down():
    name, pid = start_one_that("cluster.lab.keep(); os._exit(0)")
    with Lab():
        assert alive(pid) and left_of(name)
    assert name in remove_leftovers(kept=True)
    assert not alive(pid) and left_of(name) == []


def test_two_labs_stand_side_by_side_and_leave_nothing(lab):
    first = Cluster(lab, method="DR", webs=1).start_webs()
    with Lab() as other:
        second = Cluster(other, arms=2, method="DR", webs=2).start_webs()
        assert curl(first.client, f"http://{first.webs[0].address('front')}/") == "web1"
        assert curl(second.client, f"http://[{second.webs[1].address('back', 6)}]/") == "web2"
        name = other.name
    assert left_of(name) == []
    assert curl(first.client, f"http://{first.webs[0].address('front')}/") == "web1"


def test_power_and_wires(lab):
    cluster = Cluster(lab, method="DR", webs=2).start_webs()
    web = f"http://{cluster.webs[0].address('front')}/"
    cluster.webs[0].ip("address add 10.1.0.99/24 dev eth0")
    assert curl(cluster.client, web) == "web1"
    cluster.webs[0].power_off()
    assert curl(cluster.client, web, timeout=1) is None
    cluster.webs[0].power_on()
    assert not cluster.webs[0].has("10.1.0.99")
    cluster.nginx["web1"].start()
    assert curl(cluster.client, web) == "web1"
    cluster.webs[0].link("front", up=False)
    wait_until(lambda: "NO-CARRIER" in cluster.webs[0].run("ip", "link", "show", "eth0").stdout, "the carrier is lost")
    cluster.webs[0].link("front", up=True)
    wait_until(lambda: curl(cluster.client, web, timeout=1) == "web1", "web1 answers again")


def test_without_root_the_lab_says_so_and_is_skipped():
    result = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-m", "pytest", "-q", "test_lab.py"],
                            cwd=pathlib.Path(__file__).parent, capture_output=True, text=True, check=False)
    assert result.returncode == 77
    assert "run it as root" in result.stdout + result.stderr
