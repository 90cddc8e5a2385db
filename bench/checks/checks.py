#!/usr/bin/python3
"""Prints what it costs to probe 10,000 servers by TCP and 2,000 by HTTP every second, how late probes come, and how soon
a death is found: Ballast's checkd beside Debian's keepalived and HAProxy, one after another with the same servers.

One load balancer and one machine of servers, each a network namespace; removed at the end."""

import argparse
import json
import os
import pathlib
import resource
import signal
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/lab"))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "datapath"))
from lab import topology  # noqa: E402
from lab.shell import run, wait_until  # noqa: E402
import report  # noqa: E402

BIN = pathlib.Path(os.environ.get("BALLAST_BIN", pathlib.Path(__file__).resolve().parents[2] / "build/bin"))
DYING = 50  # servers that refuse from one moment on, and as many that fall silent
PORTS = {"tcp": 80, "dying": 81, "http": 8080}



def address(number):
    return f"10.64.{number // 250}.{number % 250 + 1}"


class Servers:
    """The namespace of the servers, a process that is all of them, and its command line."""

    def __init__(self, node):
        self.node = node
        node.ip("route add local 10.64.0.0/16 dev lo")
        node.sysctl("net.core.somaxconn=16384", "net.ipv4.tcp_max_syn_backlog=65536")
        self.process = subprocess.Popen(["nice", "-n", "-15", *node.command(BIN / "bench_servers")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, preexec_fn=raise_limits, start_new_session=True)
        hurry(self.process)
        node.lab.processes.append(self.process)

    def ask(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def silence(self, addresses):
        self.node.ip(*(f"route add blackhole {each}" for each in addresses))

    def heal(self, addresses):
        self.node.ip(*(f"route delete blackhole {each}" for each in addresses))


class Load:
    """Which servers are probed how, and which of them will die."""

    def __init__(self, kind, count):
        self.kind, self.count = kind, count
        self.silent = range(DYING)
        self.refusing = range(DYING, 2 * DYING) if kind == "tcp" else range(0)

    def endpoints(self):
        for number in range(self.count):
            port = PORTS["dying"] if number in self.refusing else PORTS[self.kind]
            yield address(number), port

    def check(self):
        if self.kind == "tcp":
            return "TCP_CHECK { connect_timeout 1 }"
        return "HTTP_GET { connect_timeout 1 url { path /health status_code 200 } }"


def hurry(process):
    """What else the machine does counts less: nice alone weighs within a session where the kernel groups by session."""
    try:
        pathlib.Path(f"/proc/{process.pid}/autogroup").write_text("-10", encoding="utf-8")
    except OSError:
        pass


def raise_limits():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def spread_out(block):
    """One keyword a line, as keepalived wants its blocks."""
    return block.replace("{ ", "{\n").replace(" }", "\n}").replace("connect_timeout 1 url", "connect_timeout 1\nurl").replace(
        "/health status", "/health\nstatus")


def keepalived_language(load, head=""):
    """The configuration that Ballast and keepalived read: services of 40 servers."""
    parts, endpoints = [head], list(load.endpoints())
    for service, start in enumerate(range(0, len(endpoints), 40)):
        servers = "".join(f"real_server {host} {port} {{\nweight 1\n{spread_out(load.check())}\n}}\n" for host, port in endpoints[start:start + 40])
        parts.append(f"virtual_server 10.9.{service // 250}.{service % 250 + 1} 80 {{\ndelay_loop 1\nretry 0\nlvs_sched rr\nlvs_method NAT\n"
                     f"protocol TCP\n{servers}}}\n")
    return "".join(parts)


class Checker:
    """One product that probes. `deaths` gets the time at which each server was said to be down."""

    name = ""

    def __init__(self, node, load):
        self.node, self.load, self.deaths, self.process = node, load, {}, None
        self.folder = node.folder / f"{type(self).__name__.lower()}-{load.kind}"
        self.folder.mkdir()
        self.folder.chmod(0o755)

    def start(self, *words, **options):
        command = ["nice", "-n", "-10", *self.node.command(*words)]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=raise_limits, start_new_session=True, **options)
        hurry(self.process)
        self.node.lab.processes.append(self.process)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            pass
        topology.kill(self.node.pids())
        wait_until(lambda: not self.node.pids(), f"{self.name} has ended", 20)

    def pids(self):
        """The processes whose time and memory count."""
        raise NotImplementedError

    def is_running(self):
        return True

    def follow(self, lines, find):
        """Notes deaths as they are told, in a thread."""
        def read():
            for line in lines:
                now = time.time()
                found = find(line)
                if found:
                    self.deaths.setdefault(found, now)
        threading.Thread(target=read, daemon=True).start()


class Ballast(Checker):
    """checkd as `ballastd --standalone` runs it, with the whole family; deaths are read from the bus."""

    name = "Ballast checkd"
    alone = False  # ballastd and checkd without the rest of the family

    def start(self):
        conf, run_dir = self.folder / "ballast.conf", self.folder / "run"
        run_dir.mkdir()
        conf.write_text(keepalived_language(self.load, "global_defs {\nconnection_table_size 16384\n}\n"))
        pins = self.node.lab.pin_dir(f"{self.node.name}-{self.load.kind}")
        standalone = [] if Ballast.alone else ["--standalone"]
        super().start(BIN / "ballastd", "--config", conf, *standalone, "--run-dir", run_dir, "--pin-dir", pins, "--unload-on-exit",
                      stderr=open(self.folder / "ballast.log", "w", encoding="utf-8"))
        if not standalone:
            super().start(BIN / "checkd", "--run-dir", run_dir, stderr=open(self.folder / "checkd.log", "w", encoding="utf-8"))
        wait_until(lambda: (run_dir / "bus.sock").exists(), "ballastd listens", 60)
        self.follow(self._bus(run_dir / "bus.sock"), self._death)

    def pids(self):
        return self.node.pids("checkd")

    def others(self):
        return self.node.pids("ballastd", "forwardd")

    @staticmethod
    def _bus(path):
        """The frames of a subscriber to all health."""
        link = socket.socket(socket.AF_UNIX)
        link.connect(str(path))
        for message in ({"op": "hello", "role": "ctl", "version": "bench", "protocol": 1, "pid": os.getpid(), "configuration": False},
                        {"op": "subscribe", "prefix": "health/"}):
            text = json.dumps(message).encode()
            link.sendall(struct.pack(">I", len(text)) + text)
        source = link.makefile("rb", 1 << 20)
        while True:
            head = source.read(4)
            if len(head) < 4:
                return
            yield source.read(struct.unpack(">I", head)[0])

    @staticmethod
    def _death(frame):
        if b'"up":false' not in frame:
            return None
        message = json.loads(frame)
        return message["value"]["server"] if message.get("op") == "update" else None


class Keepalived(Checker):
    """Debian's keepalived, its checkers alone; a preloaded library answers for IPVS, which this kernel has not."""

    name = "keepalived"

    def start(self):
        conf = self.folder / "keepalived.conf"
        conf.write_text(keepalived_language(self.load))
        pretend = self.folder / "pretend_ipvs.so"
        run("cc", "-shared", "-fPIC", "-O2", "-o", pretend, pathlib.Path(__file__).with_name("pretend_ipvs.c"))
        super().start("keepalived", "--check", "--dont-fork", "--log-console", "--log-detail", "--use-file", conf, "--pid", self.folder / "pid",
                      "--checkers_pid", self.folder / "checkers", env={**os.environ, "LD_PRELOAD": str(pretend)}, stdout=subprocess.PIPE,
                      stderr=subprocess.STDOUT, text=True)
        self.log = []
        self.follow(self.process.stdout, self._death)

    def pids(self):
        return [pid for pid in self.node.pids() if topology.command_name(pid).startswith("keepalived") and pid != self.process.pid]

    def _death(self, line):
        self.log.append(line)
        if "Removing service [" not in line:
            return None
        return line.split("[", 1)[1].split("]", 1)[0] + ":" + line.split("]:tcp:", 1)[1].split(" ", 1)[0]


class Haproxy(Checker):
    """Debian's HAProxy; deaths are read from its log."""

    name = "HAProxy"

    def start(self):
        conf = self.folder / "haproxy.cfg"
        option = "option tcp-check" if self.load.kind == "tcp" else "option httpchk GET /health\n    http-check expect status 200"
        parts = [f"global\n    log stdout format raw local0\n    ulimit-n {resource.getrlimit(resource.RLIMIT_NOFILE)[1]}\n    maxconn 1000\n    spread-checks 0\n"
                 "defaults\n    mode tcp\n    log global\n    timeout connect 1s\n    timeout check 1s\n    timeout client 5s\n    timeout server 5s\n"]
        endpoints = list(self.load.endpoints())
        for service, start in enumerate(range(0, len(endpoints), 40)):
            servers = "".join(f"    server {host}:{port} {host}:{port} check inter 1s fall 1 rise 1\n" for host, port in endpoints[start:start + 40])
            parts.append(f"listen s{service}\n    bind 127.0.0.1:{10000 + service}\n    {option}\n{servers}")
        conf.write_text("".join(parts))
        super().start("haproxy", "-db", "-f", conf, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.follow(self.process.stdout, self._death)

    def pids(self):
        return self.node.pids("haproxy")

    @staticmethod
    def _death(line):
        if " is DOWN" not in line or "Server " not in line:
            return None
        return line.split("Server ", 1)[1].split(" is DOWN", 1)[0].split("/", 1)[1]


def used(pids):
    """User and system time of processes, in seconds."""
    total = [0.0, 0.0]
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        total[0] += int(fields[11]) / os.sysconf("SC_CLK_TCK")
        total[1] += int(fields[12]) / os.sysconf("SC_CLK_TCK")
    return total


def memory_mib(pids):
    total = 0
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            total += int(line.split()[1]) if line.startswith("VmRSS") else 0
    return total / 1024


def removals(checker, servers, load):
    """Seconds from death to its telling, for those that refuse and for those that fall silent."""
    names = {"refusing": [f"{address(n)}:{PORTS['dying']}" for n in load.refusing],
             "silent": [f"{address(n)}:{PORTS[load.kind]}" for n in load.silent]}
    found = {}
    for kind, act, undo in (("refusing", lambda: servers.ask("kill"), lambda: servers.ask("revive")),
                            ("silent", lambda: servers.silence([address(n) for n in load.silent]),
                             lambda: servers.heal([address(n) for n in load.silent]))):
        if not names[kind]:
            continue
        checker.deaths.clear()
        begun = time.time()
        act()
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and not all(name in checker.deaths for name in names[kind]):
            time.sleep(0.05)
        undo()
        found[kind] = sorted(checker.deaths[name] - begun for name in names[kind] if name in checker.deaths)
        time.sleep(3)
    return found


def measure(kind, checker, servers, load, seconds):
    checker.start()
    try:
        servers.ask("begin")
        wait_until(lambda: servers.ask("report")["servers"] == load.count, f"{checker.name} has probed each server", 90, 0.5)
        time.sleep(5)
        pids = checker.pids()
        family = checker.others() if hasattr(checker, "others") else []
        servers.ask("begin")
        before, before_family, started = used(pids), used(family), time.monotonic()
        time.sleep(seconds)
        after, after_family, passed = used(pids), used(family), time.monotonic() - started
        report = servers.ask("report")
        result = {"kind": kind, "name": checker.name, "user": (after[0] - before[0]) / passed * 100, "system": (after[1] - before[1]) / passed * 100,
                  "family": (sum(after_family) - sum(before_family)) / passed * 100, "mib": memory_mib(pids), "rate": report["probes"] / passed,
                  "mean": report["mean"], "p999": (report["p999"] - 1) * 1e3, "worst": (report["worst"] - 1) * 1e3, "dropped": report["dropped"],
                  "early": (1 - report["shortest"]) * 1e3}
        result["false"] = len(checker.deaths)
        result["removals"] = removals(checker, servers, load)
        return result
    finally:
        checker.stop()


def in_words(samples):
    if not samples:
        return "none seen"
    return f"{statistics.median(samples) * 1e3:.0f} ({samples[0] * 1e3:.0f} to {samples[-1] * 1e3:.0f})"


def table(results):
    lines = [f"| {'servers':11} | {'probed by':14} | {'% of a core':>11} | {'user':>5} | {'us a probe':>10} | {'MiB':>6} | {'probes/s':>8} | {'s between':>9} | "
             f"{'late ms, 99.9 %':>15} | {'worst':>7} | {'refusal found, ms':>19} | {'silence found, ms':>20} |",
             "|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for each in results:
        found = each["removals"]
        lines.append(f"| {each['kind']:11} | {each['name']:14} | {each['user'] + each['system']:11.1f} | {each['user']:5.1f} | "
                     f"{(each['user'] + each['system']) * 1e4 / max(each['rate'], 1):10.1f} | {each['mib']:6.1f} | "
                     f"{each['rate']:8.0f} | {each['mean']:9.4f} | {each['p999']:15.1f} | {each['worst']:7.1f} | "
                     f"{in_words(found['refusing']) if 'refusing' in found else '-':>19} | {in_words(found.get('silent', [])):>20} |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--tcp", type=int, default=10_000)
    parser.add_argument("--http", type=int, default=2_000)
    parser.add_argument("--alone", action="store_true", help="ballastd and checkd, without the rest of Ballast's family")
    parser.add_argument("--only", choices=[each.__name__.lower() for each in (Ballast, Keepalived, Haproxy)])
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    arguments = parser.parse_args()
    Ballast.alone = arguments.alone
    raise_limits()
    results = []
    with topology.Lab() as lab:
        lab.folder.chmod(0o755)
        lab.network("net")
        balancer, far = lab.node("lb", 1, "net"), lab.node("servers", 2, "net")
        servers = Servers(far)
        balancer.ip(f"route add 10.64.0.0/16 via {far.address('net')}")
        for kind, count in (("tcp", arguments.tcp), ("http", arguments.http)):
            if count == 0:
                continue
            for kind_of in (Ballast, Keepalived, Haproxy):
                if arguments.only not in (None, kind_of.__name__.lower()):
                    continue
                load = Load(kind, count)
                results.append(measure(f"{count:,} {kind.upper()}", kind_of(balancer, load), servers, load, arguments.seconds))
                print(json.dumps(results[-1]), file=sys.stderr)
    text = "\n".join(table(results))
    print(text)
    if arguments.write:
        report.write_into("performance.md", {"checks": f"{report.machine()}, {arguments.seconds} s each.\n\n{text}"})


if __name__ == "__main__":
    main()
