"""MISC_CHECK: a program says how a server is. checkd asks, scriptd runs it as its user."""

import json

import pytest

from lab.cluster import Cluster
from lab.shell import stays, wait_until

class Program:
    """Ends as the file beside it says: `0`, `12`, `hang`; and writes down who runs it."""

    def __init__(self, node, name="check"):
        self.path, self.mood, self.said = (node.folder / f"{name}{end}" for end in (".sh", ".mood", ".said"))
        self.path.write_text(f'#!/bin/sh\necho "$(id -un) $*" >>{self.said}\nread mood <{self.mood}\n'
                             '[ "$mood" = hang ] && exec sleep 300\nexit "$mood"\n', encoding="utf-8")
        self.path.chmod(0o755)
        self.said.touch()
        self.said.chmod(0o666)
        self.says(0)

    def says(self, mood):
        new = self.mood.with_suffix(".new")
        new.write_text(f"{mood}\n", encoding="utf-8")
        new.chmod(0o644)
        new.rename(self.mood)

    def calls(self):
        return self.said.read_text(encoding="utf-8").splitlines()

def misc(program, *lines, words=""):
    body = "\n            ".join((f'misc_path "{program.path}{words}"', "misc_timeout 0.5", *lines))
    return f"MISC_CHECK {{\n            {body}\n        }}"

@pytest.fixture(name="cluster")
def make_cluster(lab):
    return Cluster(lab, webs=2).start_webs()

def start(cluster, check, user="nobody"):
    cluster.name = f"tcp:{cluster.vip}:80"
    cluster.b1.start(f"global_defs {{\n    script_user {user}\n    connection_table_size 16384\n}}\n" + cluster.vrrp(150) +
                     cluster.service(check=check))
    cluster.b1.wait_server(cluster.name, cluster.server(1), "up")

def reason(cluster):
    return cluster.b1.server(cluster.name, cluster.server(1)).get("reason", "")

def test_a_server_is_what_its_program_says(cluster):
    program = Program(cluster.lb1)
    start(cluster, misc(program, words=" one 'two three'"))
    wait_until(lambda: "nobody one two three" in program.calls(), "the program was run as its user, with its arguments")
    wait_until(lambda: "exit status 0" in reason(cluster), "the reason is how it ended")
    program.says(3)
    cluster.b1.wait_server(cluster.name, cluster.server(1), "down")
    assert f"{program.path}: exit status 3" in reason(cluster)
    program.says(0)
    cluster.b1.wait_server(cluster.name, cluster.server(1), "up")
    program.says("hang")
    cluster.b1.wait_server(cluster.name, cluster.server(1), "down")
    assert f"{program.path}: killed after 0.5 s" in reason(cluster)
    program.says(0)
    cluster.b1.wait_server(cluster.name, cluster.server(1), "up")

def test_the_checks_own_user_runs_it(cluster):
    program = Program(cluster.lb1)
    start(cluster, misc(program, "user root"), user="nobody")
    wait_until(lambda: "root " in program.calls(), "root runs it")

def test_a_dynamic_status_passes_and_only_one_fails(cluster):
    program = Program(cluster.lb1)
    start(cluster, misc(program, "misc_dynamic"))
    program.says(1)
    cluster.b1.wait_server(cluster.name, cluster.server(1), "down")
    program.says(12)
    cluster.b1.wait_server(cluster.name, cluster.server(1), "up")
    wait_until(lambda: "exit status 12 (weight 10)" in reason(cluster), "the weight is in the reason")


def test_a_dynamic_status_is_the_weight(cluster):
    program = Program(cluster.lb1)
    start(cluster, misc(program, "misc_dynamic"))
    program.says(12)
    wait_until(lambda: cluster.b1.server(cluster.name, cluster.server(1)).get("weight") == 10, "the weight is 10")
    program.says(0)
    wait_until(lambda: cluster.b1.server(cluster.name, cluster.server(1)).get("weight") == 1, "its own again")


def test_no_scriptd_says_nothing_about_the_server(cluster):
    program = Program(cluster.lb1)
    start(cluster, misc(program))
    program.says("hang")
    wait_until(lambda: cluster.lb1.pids("sleep"), "a probe is under way")
    cluster.b1.kill_daemon("scriptd")
    program.says(0)
    stays(lambda: cluster.b1.server(cluster.name, cluster.server(1)).get("state") == "up", "the server stays up", 2)
    program.says(5)
    cluster.b1.wait_server(cluster.name, cluster.server(1), "down", limit=30)

def test_many_that_hang_delay_others_and_fail_none(cluster):
    """More servers than run at a time: what a program waits is none of its time."""
    slow, quick = Program(cluster.lb1, "slow"), Program(cluster.lb1, "quick")
    slow.says("hang")
    servers = "\n".join(f"    real_server 10.1.0.{30 + number} 80 {{\n        {misc(slow)}\n    }}" for number in range(100))
    cluster.name = f"tcp:{cluster.vip}:80"
    cluster.b1.start("global_defs {\n    script_user nobody\n    connection_table_size 16384\n}\n" + cluster.vrrp(150) +
                     cluster.service(check=misc(quick)) +
                     f"virtual_server 10.1.0.250 80 {{\n    lvs_sched rr\n    lvs_method NAT\n    protocol TCP\n"
                     f"    delay_loop 0.5\n    retry 0\n{servers}\n}}\n")
    wait_until(lambda: "(killed after 0.5 s)" in json.dumps(cluster.b1.service("tcp:10.1.0.250:80")) or
               all(server["state"] == "down" for server in cluster.b1.service("tcp:10.1.0.250:80").get("servers", [{"state": 0}])),
               "those that hang are down", limit=60)
    assert cluster.b1.server(cluster.name, cluster.server(1))["state"] == "up"
