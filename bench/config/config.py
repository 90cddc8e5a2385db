#!/usr/bin/python3
"""Prints how long a large configuration takes: to check (beside keepalived -t), until every daemon runs it, and to
reload with one weight changed, while a stream of packets passes through a service; and the memory that it costs.

Three namespaces: a client, a load balancer, and a machine of servers; removed at the end."""

import argparse
import os
import pathlib
import resource
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/lab"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from lab import topology  # noqa: E402
from lab.shell import enter_namespace, run, wait_until  # noqa: E402
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "datapath"))
import generate  # noqa: E402
import report  # noqa: E402

BIN = pathlib.Path(os.environ.get("BALLAST_BIN", pathlib.Path(__file__).resolve().parents[2] / "build/bin"))
DAEMONS = ("ballastd", "vrrpd", "scriptd", "checkd", "forwardd")
FORMS = {"a keyword a line": generate.SPREAD, "a server a line": generate.COMPACT}
HEAD = "global_defs {\nconnection_table_size 16384\n}\n"
WATCHED = """virtual_server 10.1.0.100 9 {
    delay_loop 3600
    lvs_sched wrr
    lvs_method DR
    protocol UDP
    real_server 10.2.0.2 9 {
        weight 1
    }
}
"""


def timed(*command):
    """Wall time, user and system time in seconds, largest memory in MiB, and the exit status of a program."""
    started = time.monotonic()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


def checks(path, runs):
    """ballastctl check and keepalived -t on the same file, in turn."""
    taken = {"ballastctl check": [], "keepalived -t": []}
    for _ in range(runs):
        taken["ballastctl check"].append(timed(BIN / "ballastctl", "check", path))
        taken["keepalived -t"].append(timed("keepalived", "-t", "-f", path))
    return taken


class Stream:
    """Numbered datagrams through the service that is watched, a thousand a second; counts what does not arrive."""

    def __init__(self, client, server):
        self.stopped, self.sent, self.seen = threading.Event(), 0, set()
        self.threads = [threading.Thread(target=self._run, args=(node, what), daemon=True)
                        for node, what in ((server, self._receive), (client, self._send))]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def _run(node, what):
        enter_namespace(node.namespace)
        what()

    def _receive(self):
        sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sink.bind(("0.0.0.0", 9))
        sink.settimeout(0.5)
        while True:
            try:
                self.seen.add(int(sink.recv(64)))
            except socket.timeout:
                if self.stopped.is_set():
                    return

    def _send(self):
        source = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        due = time.monotonic()
        while not self.stopped.is_set():
            source.sendto(str(self.sent).encode(), ("10.1.0.100", 9))
            self.sent += 1
            due = max(due + 0.001, time.monotonic() - 0.1)
            time.sleep(max(0.0, due - time.monotonic()))

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()
        return self.sent, self.sent - len(self.seen)


class Servers:
    """Takes connections on port 80 of every address of a node."""

    def __init__(self, node):
        self.socket = node.inside(lambda: socket.create_server(("0.0.0.0", 80), backlog=4096))
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self):
        while True:
            self.socket.accept()[0].close()


class Family:
    """A ballastd --standalone, timed."""

    def __init__(self, node, text):
        self.node = node
        self.folder = node.folder / "family"
        self.folder.mkdir(mode=0o755)
        self.conf = self.folder / "ballast.conf"
        self.conf.write_text(text)
        self.log = self.folder / "ballast.log"
        self.process = None

    def start(self):
        pins = self.node.lab.pin_dir("config")
        with open(self.log, "w", encoding="utf-8") as sink:
            self.process = subprocess.Popen(self.node.command(BIN / "ballastd", "--config", self.conf, "--standalone", "--run-dir", self.folder,
                                                              "--pin-dir", pins, "--unload-on-exit"), stderr=sink)

    def ctl(self, *words):
        return run(BIN / "ballastctl", "--run-dir", self.folder, *words, check=False, timeout=600)

    def pids(self):
        return {topology.command_name(pid): pid for pid in self.node.pids(*DAEMONS)}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)


def memory_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def settle(family, limit=180):
    """Until the daemons take less than a third of a core: all states have been told to all."""
    used = lambda: sum(map(cpu_seconds, family.pids().values()))  # noqa: E731
    end = time.monotonic() + limit
    before = used()
    while time.monotonic() < end:
        time.sleep(2)
        now = used()
        if now - before < 0.66:
            return
        before = now


def family_runs(lab, services, servers, arguments, say):
    """Start, memory and reloads of a family; a line each."""
    # Two networks: a veth's peer without an XDP program is not woken by what is sent back the way it came (XDP_TX).
    lab.network("front")
    lab.network("back")
    balancer = lab.node("lb", 1, "front", "back")
    far, client = lab.node("far", 2, "back"), lab.node("client", 3, "front")
    balancer.ip("route add 10.64.0.0/10 via 10.2.0.2", "address add 10.1.0.100/32 dev eth0")
    far.sysctl("net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2")
    far.ip("address add 10.1.0.100/32 dev lo", "route add local 10.64.0.0/10 dev lo")
    Servers(far)
    family = Family(balancer, HEAD + WATCHED + generate.configuration(services, servers))
    started = time.monotonic()
    family.start()
    try:
        def applied():
            assert family.process.poll() is None, family.log.read_text()[-2000:]
            text = family.log.read_text()
            return "checks running" in text and "service udp:10.1.0.100:9" in text
        wait_until(applied, "checkd and forwardd run the configuration", arguments.limit, 0.05)
        say(f"| start until checkd and forwardd run it | {time.monotonic() - started:.2f} s | |")
        settle(family)
        say(f"| start until they are at rest | {time.monotonic() - started:.0f} s | probes go on, one an hour each |")
        for name, pid in sorted(family.pids().items()):
            say(f"| {name} | {memory_mib(pid):.0f} MiB | {cpu_seconds(pid):.1f} s CPU so far |")
        stream = Stream(client, far)
        time.sleep(2)
        taken, failed = [], []
        for number in range(arguments.reloads):
            # One server's weight, far from the file's beginning.
            changed = HEAD + WATCHED + generate.configuration(services, servers, weights={(services // 2, 0): 2 + number})
            family.conf.write_text(changed)
            begun = time.monotonic()
            answer = family.ctl("reload")
            taken.append(time.monotonic() - begun)
            if answer.returncode != 0:
                failed.append((answer.stdout + answer.stderr).strip())
            time.sleep(2)
        sent, lost = stream.stop()
        taken.sort()
        if taken:
            say(f"| reload, one weight changed | median {statistics.median(taken) * 1e3:.0f} ms | {taken[0] * 1e3:.0f} to {taken[-1] * 1e3:.0f}, {len(taken)} times |")
        if failed:
            say(f"| reloads refused | {len(failed)} of {arguments.reloads} | {failed[0]} |")
        say(f"| packets through a service meanwhile | {sent} sent | {lost} lost |")
        for name, pid in sorted(family.pids().items()):
            say(f"| {name} after the reloads | {memory_mib(pid):.0f} MiB | {cpu_seconds(pid):.1f} s CPU so far |")
    finally:
        family.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=10_000)
    parser.add_argument("--servers", type=int, default=40)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--reloads", type=int, default=5)
    parser.add_argument("--limit", type=int, default=600, help="seconds a start may take")
    parser.add_argument("--no-family", action="store_true")
    parser.add_argument("--no-check", action="store_true")
    parser.add_argument("--family", default="10000x40", help="services x servers of the family")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    arguments = parser.parse_args()
    lines = []

    def say(line):
        print(line, flush=True)
        lines.append(line)

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with topology.Lab() as lab:
        lab.folder.chmod(0o755)
        if not arguments.no_check:
            say(f"{arguments.services:,} services of {arguments.servers} servers, a TCP_CHECK each; {arguments.runs} runs, best (median)\n")
            say("| form | lines | MB | program | seconds | CPU seconds | MiB |\n|---|---|---|---|---|---|---|")
            for form, text in FORMS.items():
                path = lab.folder / "large.conf"
                content = generate.configuration(arguments.services, arguments.servers, form=text)
                path.write_text(content)
                for program, taken in checks(path, arguments.runs).items():
                    wall, cpu = sorted(each[0] for each in taken), sorted(each[1] for each in taken)
                    say(f"| {form} | {content.count(chr(10)):,} | {len(content) / 1e6:.0f} | {program} | {wall[0]:.2f} ({statistics.median(wall):.2f}) | "
                          f"{cpu[0]:.2f} ({statistics.median(cpu):.2f}) | {taken[0][2]:.0f} |")
        if not arguments.no_family:
            services, servers = (int(word) for word in arguments.family.split("x"))
            say(f"\n{services:,} services of {servers} servers, a family of daemons\n\n| | | |\n|---|---|---|")
            family_runs(lab, services, servers, arguments, say)
    if arguments.write:
        report.write_into("performance.md", {"config": f"{report.machine()}.\n\n" + "\n".join(lines)})


if __name__ == "__main__":
    main()
