#!/usr/bin/python3
"""Prints the figures that a family is held to: idle cost and memory of each daemon, ballastd with 1,000 services of 10
servers, and how long a health or role change takes from the bus to the data path.

One node in a network namespace of its own, a real nginx as its server in another; removed at the end."""

import argparse
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

BIN = pathlib.Path(os.environ.get("BALLAST_BIN", pathlib.Path(__file__).resolve().parents[2] / "build/bin"))
DAEMONS = ("ballastd", "vrrpd", "checkd", "forwardd")


def sh(command):
    subprocess.run(command, shell=True, check=True)


class Node:
    """A ballastd --standalone and its family in a namespace, with a web server behind it."""

    def __init__(self):
        self.name = f"bbl{os.getpid()}"
        self.run_dir = pathlib.Path(tempfile.mkdtemp(prefix="ballast-limits-"))
        self.run_dir.chmod(0o755)  # checkd is not root
        self.pin_dir = f"/sys/fs/bpf/{self.name}"
        self.family = None
        self.nginx = None
        lb, web = f"{self.name}-lb", f"{self.name}-web"
        self.lb, self.web = lb, web
        sh(f"ip netns add {lb}; ip netns add {web}")
        sh(f"ip -n {lb} link add eth0 type veth peer name eth0 netns {web}")
        for namespace, address in ((lb, 1), (web, 2)):
            sh(f"ip -n {namespace} address add 10.9.0.{address}/24 dev eth0; ip -n {namespace} link set eth0 up; "
               f"ip -n {namespace} link set lo up")

    def start_nginx(self):
        folder = self.run_dir / "nginx"
        folder.mkdir(exist_ok=True)
        conf = folder / "nginx.conf"
        conf.write_text(f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
                        "events {}\nhttp { access_log off; server { listen 10.9.0.2:80; location / { return 200 ok; } } }\n")
        self.nginx = subprocess.Popen(["nsenter", f"--net=/run/netns/{self.web}", "nginx", "-p", str(folder), "-c", str(conf)])

    def stop_nginx(self):
        self.nginx.terminate()
        self.nginx.wait()

    def start(self, configuration):
        conf = self.run_dir / "ballast.conf"
        conf.write_text(configuration)
        with open(self.run_dir / "log", "w", encoding="utf-8") as log:
            self.family = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{self.lb}", str(BIN / "ballastd"), "--config", str(conf), "--standalone",
                 "--run-dir", str(self.run_dir), "--pin-dir", self.pin_dir, "--unload-on-exit"], stderr=log)

    def stop(self):
        if self.family:
            self.family.send_signal(signal.SIGTERM)
            self.family.wait(60)
            self.family = None

    def status(self):
        answer = subprocess.run([str(BIN / "ballastctl"), "--run-dir", str(self.run_dir), "status", "--json"],
                                capture_output=True, text=True, check=False)
        return json.loads(answer.stdout) if answer.returncode == 0 else None

    def wait_for(self, what, condition, limit=60):
        end = time.monotonic() + limit
        while time.monotonic() < end:
            status = self.status()
            if status and condition(status):
                return status
            time.sleep(0.1)
        sys.exit(f"{what}: not within {limit} s\n{(self.run_dir / 'log').read_text()[-4000:]}")

    def pids(self):
        found = {"ballastd": self.family.pid}
        for line in subprocess.run(["ip", "netns", "pids", self.lb], capture_output=True, text=True, check=True).stdout.split():
            name = pathlib.Path(f"/proc/{line}/comm").read_text(encoding="utf-8").strip()
            if name in DAEMONS:
                found[name] = int(line)
        return found

    def close(self):
        self.stop()
        if self.nginx and self.nginx.poll() is None:
            self.stop_nginx()
        for namespace in (self.lb, self.web):
            subprocess.run(["ip", "netns", "delete", namespace], check=False)
        shutil.rmtree(self.run_dir, ignore_errors=True)


def memory_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def cpu_seconds(pid):
    """User and system time in seconds; scheduler's nanoseconds where the kernel has them."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text(encoding="utf-8").split()[0]) / 1e9
    except (FileNotFoundError, ValueError, IndexError):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


SMALL = """
global_defs { connection_table_size 16384 }
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    version 3
    advert_int %s
    priority 150
    virtual_ipaddress { 10.9.0.100/24 }
}
virtual_server 10.9.0.100 80 {
    lvs_sched rr
    lvs_method NAT
    protocol TCP
    delay_loop %s
    retry 0
    real_server 10.9.0.2 80 { TCP_CHECK { connect_timeout 1 } }
}
"""


def master(status):
    return status["vrrp"] and status["vrrp"][0]["state"] == "MASTER"


def server_is(state):
    return lambda status: status["services"] and status["services"][0]["servers"][0]["state"] == state


def idle(node, seconds):
    node.start(SMALL % (1, 1))
    node.wait_for("MASTER", master)
    time.sleep(2)
    pids = node.pids()
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    started = time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - started
    print(f"\nidle, one instance and one service, probes and advertisements each second, over {seconds} s")
    print(f"{'daemon':10} {'% of a core':>12} {'limit':>6} {'MiB':>8} {'limit':>6}")
    for name in DAEMONS:
        if name not in pids:
            sys.exit(f"{name} is not running")
        share = (cpu_seconds(pids[name]) - before[name]) / passed * 100
        print(f"{name:10} {share:12.3f} {0.2:6} {memory_mib(pids[name]):8.1f} {15:6}")
    node.stop()


def large(node):
    services = []
    for service in range(1000):
        servers = "\n".join(f"    real_server 10.{service // 250 + 20}.{service % 250}.{server + 1} 80 {{ weight 1 }}" for server in range(10))
        services.append(f"virtual_server 10.9.{service // 250 + 10}.{service % 250} 80 {{\n    lvs_sched rr\n    lvs_method NAT\n    protocol TCP\n{servers}\n}}\n")
    node.start("global_defs { connection_table_size 16384 }\n" + "".join(services))
    node.wait_for("1,000 services", lambda status: len(status["services"]) == 1000, 120)
    pids = node.pids()
    print("\n1,000 services of 10 servers")
    print(f"{'daemon':10} {'MiB':>8} {'limit':>6}")
    for name in DAEMONS:
        limit = "100" if name == "ballastd" else ""
        print(f"{name:10} {memory_mib(pids[name]):8.1f} {limit:>6}")
    node.stop()


def latency(node, changes):
    node.start(SMALL % (0.1, 0.1))
    node.wait_for("MASTER", master)
    node.wait_for("server up", server_is("up"))
    output = node.run_dir / "latency"
    with open(output, "w", encoding="utf-8") as sink:
        watcher = subprocess.Popen([str(BIN / "bench_latency"), "--run-dir", str(node.run_dir), "--pin-dir", node.pin_dir], stdout=sink)
    try:
        time.sleep(1)
        for _ in range(changes):
            node.stop_nginx()
            node.wait_for("server down", server_is("down"))
            node.start_nginx()
            node.wait_for("server up", server_is("up"))
        for _ in range(changes):
            sh(f"ip -n {node.web} link set eth0 down")
            node.wait_for("FAULT", lambda status: status["vrrp"][0]["state"] == "FAULT")
            sh(f"ip -n {node.web} link set eth0 up")
            node.wait_for("MASTER", master)
    finally:
        watcher.terminate()
        watcher.wait()
    taken = {"health": [], "role": []}
    for line in output.read_text(encoding="utf-8").splitlines():
        kind, micros = line.split()
        taken[kind].append(int(micros) / 1000)
    print(f"\nfrom the bus to the data path, ms, {changes} changes each way")
    print(f"{'change':8} {'seen':>5} {'median':>8} {'worst':>8} {'limit':>6}")
    for kind, limit in (("health", 5), ("role", 2)):
        if not taken[kind]:
            sys.exit(f"no {kind} change was seen in the data path")
        print(f"{kind:8} {len(taken[kind]):5} {statistics.median(taken[kind]):8.2f} {max(taken[kind]):8.2f} {limit:6}")
    node.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--idle-seconds", type=int, default=20)
    parser.add_argument("--changes", type=int, default=10)
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench/limits makes network namespaces and loads BPF: run it as root")
    node = Node()
    try:
        node.start_nginx()
        idle(node, arguments.idle_seconds)
        large(node)
        latency(node, arguments.changes)
    finally:
        node.close()


if __name__ == "__main__":
    main()
