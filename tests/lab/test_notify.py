"""Programs that are told of roles, FIFOs and vrrp_scripts, run by scriptd; keepalived beside it is told the same."""

import os

import pytest

from lab.balancer import Ballast, Keepalived
from lab.cluster import Cluster, instance
from lab.shell import stays, wait_until

SPEAKERS = {"ballast": Ballast, "keepalived": Keepalived}


class Listener:
    """A program that writes down its arguments, and a FIFO that is read."""

    def __init__(self, node, name):
        self.said, self.fifo = node.folder / f"{name}.said", node.folder / f"{name}.fifo"
        self.program = node.folder / f"{name}.sh"
        self.said.touch()
        # In one write: keepalived runs several at once.
        self.program.write_text(f'#!/bin/sh\nline=\nfor word; do line="$line<$word>"; done\necho "$line" >>{self.said}\n', encoding="utf-8")
        self.program.chmod(0o755)
        os.mkfifo(self.fifo, 0o660)
        self._pipe = os.open(self.fifo, os.O_RDWR | os.O_NONBLOCK)
        self._read = b""

    def globals(self):
        return f"global_defs {{\n    script_user root\n    vrrp_notify_fifo {self.fifo}\n}}\n"

    def notify(self):
        program = self.program
        return (f'notify_master "{program} to master \'a b\'"\n    notify_backup "{program} to_backup"\n'
                f'    notify_stop "{program} to_stop"\n    notify_deleted "{program} to_deleted"\n    notify {program}')

    def calls(self):
        return self.said.read_text(encoding="utf-8").splitlines()

    def lines(self):
        try:
            self._read += os.read(self._pipe, 65536)
        except BlockingIOError:
            pass
        return self._read.decode().splitlines()


ONE_LIFE = ["<to_backup>", "<INSTANCE><VI_1><BACKUP><150>", "<to><master><a b>", "<INSTANCE><VI_1><MASTER><150>",
            "<to_stop>", "<INSTANCE><VI_1><STOP><150>"]


@pytest.mark.parametrize("kind", SPEAKERS)
def test_a_life_of_an_instance_is_told_to_programs_and_the_fifo(lab, kind):
    cluster = Cluster(lab, webs=0)
    listener = Listener(cluster.lb1, kind)
    speaker = SPEAKERS[kind](cluster.lb1, "told")
    speaker.start(listener.globals() + cluster.vrrp(150, extra=listener.notify()))
    wait_until(lambda: ONE_LIFE[3] in listener.calls(), "MASTER is told", limit=20)
    speaker.stop()
    wait_until(lambda: len(listener.calls()) >= len(ONE_LIFE), "the stop is told")
    # keepalived runs its programs side by side, Ballast one after the other
    assert (listener.calls() if kind == "ballast" else sorted(listener.calls())) == \
        (ONE_LIFE if kind == "ballast" else sorted(ONE_LIFE))
    wait_until(lambda: len(listener.lines()) >= 3, "the FIFO has three lines")
    assert listener.lines() == [f'INSTANCE "VI_1" {role} 150' for role in ("BACKUP", "MASTER", "STOP")]


@pytest.mark.parametrize("kind", SPEAKERS)
def test_a_sync_group_is_told_as_one(lab, kind):
    cluster = Cluster(lab, webs=0)
    listener = Listener(cluster.lb1, kind)
    speaker = SPEAKERS[kind](cluster.lb1, "told")
    speaker.start(listener.globals() + cluster.vrrp(150) + instance("VI_2", 150, ["10.1.0.77/24"], vrid=77) +
                  f"vrrp_sync_group G {{\n    group {{\n        VI_1\n        VI_2\n    }}\n    notify {listener.program}\n}}\n")
    wait_until(lambda: "<GROUP><G><MASTER><0>" in listener.calls(), "the group's MASTER is told", limit=20)
    wait_until(lambda: 'GROUP "G" MASTER 0' in listener.lines(), "and written")
    speaker.stop()


def test_a_removed_instance_is_deleted_and_a_restarted_scriptd_repeats_nothing(lab):
    cluster = Cluster(lab, webs=0)
    listener = Listener(cluster.lb1, "ballast")
    other = instance("VI_2", 150, ["10.1.0.77/24"], vrid=77)
    cluster.b1.start(listener.globals() + cluster.vrrp(150, extra=listener.notify()) + other)
    wait_until(lambda: ONE_LIFE[3] in listener.calls(), "MASTER is told")
    before = cluster.b1.kill_daemon("scriptd")
    wait_until(lambda: cluster.b1.pid("scriptd") not in (None, before), "scriptd is back")
    stays(lambda: listener.calls() == ONE_LIFE[:4], "nothing is told a second time", 2)
    assert cluster.b1.reload(listener.globals() + other).returncode == 0
    wait_until(lambda: "<to_deleted>" in listener.calls(), "the removal is told")
    wait_until(lambda: listener.calls()[-1] == "<INSTANCE><VI_1><DELETED><0>", "and by notify")


def test_a_vrrp_script_is_up_or_down_by_its_exit_status_and_the_log_says_why(lab):
    cluster = Cluster(lab, webs=0)
    flag = cluster.lb1.folder / "flag"
    flag.touch()
    log = cluster.lb1.folder / "ballast.log"
    cluster.b1.start("global_defs {\n    script_user root\n}\n"
                     f'vrrp_script FLAG {{\n    script "/usr/bin/test -e {flag}"\n    interval 0.2\n    fall 2\n}}\n'
                     'vrrp_script SLOW {\n    script "/bin/sleep 300"\n    interval 0.5\n}\n'
                     'vrrp_script NONE {\n    script /no/such/program\n    interval 0.5\n}\n' + cluster.vrrp(150))

    def said(line):
        wait_until(lambda: line in log.read_text(encoding="utf-8"), line)

    said("vrrp_script FLAG: up (exit status 0)")
    said("vrrp_script SLOW: down (killed after 0.5 s)")
    said("vrrp_script NONE: down (cannot be executed: /no/such/program: No such file or directory)")
    flag.unlink()
    said("vrrp_script FLAG: down (exit status 1, 2 times)")


def test_a_program_that_hangs_delays_no_other_instance_and_is_overtaken(lab):
    cluster = Cluster(lab, webs=0)
    listener = Listener(cluster.lb1, "ballast")
    second = instance("VI_2", 150, ["10.1.0.77/24"], vrid=77, extra=f"notify {listener.program}")
    cluster.b1.start(listener.globals() + cluster.vrrp(150, extra='notify_backup "/bin/sleep 300"') + second)
    wait_until(lambda: "<INSTANCE><VI_2><MASTER><150>" in listener.calls(), "the other one is told", limit=20)
    sleepers = cluster.lb1.pids("sleep")
    assert sleepers
    cluster.b1.stop()
    assert not any(os.path.exists(f"/proc/{pid}") for pid in sleepers), "it ends with scriptd"


def test_a_program_of_root_may_change_routes_and_others_have_no_rights(lab):
    cluster = Cluster(lab, webs=0)
    program = cluster.lb1.folder / "route.sh"
    program.write_text(f"#!/bin/sh\nip route add 203.0.113.0/24 via {cluster.client.address('front')}\n", encoding="utf-8")
    program.chmod(0o755)
    rights = cluster.lb1.folder / "rights"
    rights.touch()
    rights.chmod(0o666)
    extra = f'notify_master "{program}" root\n    notify_backup "/bin/sh -c \'grep CapEff /proc/self/status >{rights}\'" nobody'
    cluster.b1.start(cluster.vrrp(150, extra=extra))
    wait_until(lambda: "203.0.113.0/24" in cluster.lb1.run("ip", "route").stdout, "the notify script has set the route")
    assert rights.read_text(encoding="utf-8").split() == ["CapEff:", "0" * 16]


def test_a_shutdown_script_has_the_time_that_it_was_given(lab):
    cluster = Cluster(lab, webs=0)
    said = cluster.lb1.folder / "said"
    said.touch()
    cluster.b1.start(f"global_defs {{\n    script_user root\n    shutdown_script \"/bin/sh -c 'sleep 9; echo done >{said}'\"\n"
                     "    shutdown_script_timeout 30\n}\n" + cluster.vrrp(150))
    cluster.b1.wait_role("MASTER")
    cluster.b1.stop()
    assert said.read_text(encoding="utf-8") == "done\n"
