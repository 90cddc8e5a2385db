"""Programs, FIFOs and mails that tell of servers and services."""

import os

import pytest

from lab.cluster import Cluster
from lab.shell import stays, wait_until


class Ears:
    """A program that writes down who runs it and what it was given, and a FIFO that is read."""

    def __init__(self, node):
        self.said, self.program, self.fifo = (node.folder / f"told{end}" for end in ("", ".sh", ".fifo"))
        self.said.touch()
        self.said.chmod(0o666)
        self.program.write_text(f'#!/bin/sh\necho "$(id -un) $*" >>{self.said}\n', encoding="utf-8")
        self.program.chmod(0o755)
        os.mkfifo(self.fifo, 0o660)
        self._pipe = os.open(self.fifo, os.O_RDWR | os.O_NONBLOCK)
        self._read = b""

    def calls(self):
        return self.said.read_text(encoding="utf-8").splitlines()

    def lines(self):
        try:
            self._read += os.read(self._pipe, 1 << 20)
        except BlockingIOError:
            pass
        return self._read.decode().splitlines()

    def wait_call(self, call):
        wait_until(lambda: call in self.calls(), f"{call!r} was told", limit=30)


@pytest.fixture(name="cluster")
def make_cluster(lab):
    cluster = Cluster(lab, webs=2).start_webs()
    cluster.name, cluster.ears = f"tcp:{cluster.vip}:80", Ears(cluster.lb1)
    return cluster


def configuration(cluster, extra="", globals_extra="", servers=(1, 2)):
    ears = cluster.ears
    blocks = "\n".join(f"""    real_server {cluster.server(number)} 80 {{
        notify_up "{ears.program} web{number} up"
        notify_down "{ears.program} web{number} down" root
        TCP_CHECK {{
            connect_timeout 1
        }}
    }}""" for number in servers)
    return f"""global_defs {{
    script_user nobody
    connection_table_size 16384
    lvs_notify_fifo {ears.fifo}
    {globals_extra}
}}
{cluster.vrrp(150)}
virtual_server {cluster.vip} 80 {{
    lvs_sched rr
    lvs_method NAT
    protocol TCP
    delay_loop 0.3
    retry 0
    quorum_up "{ears.program} service gained"
    quorum_down "{ears.program} service lost"
    {extra}
{blocks}
}}
"""


def rs(cluster, number, state):
    return f"RS [{cluster.server(number)}]:tcp:80 [{cluster.vip}]:tcp:80 {state}"


def vs(cluster, state):
    return f"VS [{cluster.vip}]:tcp:80 {state}"


def settled(cluster, *numbers):
    for number in numbers:
        cluster.b1.wait_server(cluster.name, cluster.server(number), "up")


def test_a_server_and_then_a_service_die_and_come_back(cluster):
    cluster.b1.start(configuration(cluster))
    settled(cluster, 1, 2)
    cluster.ears.wait_call("nobody service gained")
    cluster.nginx["web1"].kill()
    cluster.ears.wait_call("root web1 down")
    cluster.nginx["web2"].kill()
    cluster.ears.wait_call("root web2 down")
    cluster.ears.wait_call("nobody service lost")
    cluster.nginx["web1"].start()
    cluster.ears.wait_call("nobody web1 up")
    wait_until(lambda: cluster.ears.calls().count("nobody service gained") == 2, "the quorum is gained again")
    wait_until(lambda: len(cluster.ears.lines()) >= 6, "the FIFO has its lines")
    lines = cluster.ears.lines()
    assert lines[:2] == [vs(cluster, "UP"), rs(cluster, 1, "DOWN")]
    assert sorted(lines[2:4]) == sorted([rs(cluster, 2, "DOWN"), vs(cluster, "DOWN")])
    assert sorted(lines[4:]) == sorted([rs(cluster, 1, "UP"), vs(cluster, "UP")])


def test_nothing_is_told_twice_and_what_happened_meanwhile_is(cluster):
    cluster.b1.start(configuration(cluster))
    settled(cluster, 1, 2)
    cluster.ears.wait_call("nobody service gained")
    before = cluster.b1.kill_daemon("scriptd")
    wait_until(lambda: cluster.b1.pid("scriptd") not in (None, before), "scriptd is back")
    stays(lambda: cluster.ears.calls() == ["nobody service gained"], "nothing is told a second time", 2)
    assert cluster.b1.reload(configuration(cluster, extra="hysteresis 0")).returncode == 0
    cluster.b1.kill_daemon("scriptd")
    cluster.nginx["web1"].kill()
    cluster.ears.wait_call("root web1 down")
    assert cluster.ears.calls() == ["nobody service gained", "root web1 down"]


def test_rs_init_notifies_tells_of_the_first_state_and_a_removal_is_told(cluster):
    cluster.b1.start(configuration(cluster, globals_extra="rs_init_notifies"))
    for call in ("nobody web1 up", "nobody web2 up", "nobody service gained"):
        cluster.ears.wait_call(call)
    assert cluster.b1.reload(configuration(cluster, servers=(1,))).returncode == 0
    cluster.ears.wait_call("root web2 down")
    wait_until(lambda: rs(cluster, 2, "DOWN") in cluster.ears.lines(), "and written")
    stays(lambda: len(cluster.ears.calls()) == 4, "nothing else is told", 1)


@pytest.mark.parametrize("omega", (True, False))
def test_the_end_is_told_with_omega(cluster, omega):
    cluster.b1.start(configuration(cluster, extra="omega" if omega else ""))
    settled(cluster, 1, 2)
    cluster.ears.wait_call("nobody service gained")
    cluster.b1.stop()
    told = sorted(cluster.ears.calls()[1:])
    assert told == (["nobody service lost", "root web1 down", "root web2 down"] if omega else [])


def test_a_service_and_its_servers_have_mails(cluster):
    from test_mail import MailServer  # pylint: disable=import-outside-toplevel
    server = MailServer(cluster.client, "fine")
    mail = f"""router_id lb1
    notification_email {{
        oncall@example.com
    }}
    smtp_server {server.address}
    smtp_alert_checker on"""
    cluster.b1.start(configuration(cluster, globals_extra=mail, extra="quorum 2"))
    settled(cluster, 1, 2)
    server.wait_mail(f"[lb1] Virtualserver [{cluster.vip}]:tcp:80 - UP")
    cluster.nginx["web1"].kill()
    _, letter = server.wait_mail(f"[lb1] Realserver [{cluster.server(1)}]:tcp:80 of virtual server [{cluster.vip}]:tcp:80 - DOWN")
    assert "Reason:   connect to" in letter.get_payload()
    server.wait_mail(f"[lb1] Virtualserver [{cluster.vip}]:tcp:80 - DOWN")
