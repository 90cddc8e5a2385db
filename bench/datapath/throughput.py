#!/usr/bin/python3
"""Millions of packets a second through a load balancer between two veth pairs, on one CPU that generator, balancer and sink
share: Ballast's XDP program beside the barest XDP redirect and beside nf_tables DNAT, in the same namespaces, in turn.

Established TCP connections over one service and eight servers; 60-byte frames from client to server."""

import argparse
import json
import os
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/lab"))
from lab.balancer import BIN  # noqa: E402
from lab.shell import run  # noqa: E402
from lab.topology import OFFLOADS, Lab  # noqa: E402

SERVERS = 8
CLIENTS, VIP, BACK = "10.76.0.0/16", "10.77.0.1", "10.78.0"
BALANCER_MAC = "02:00:00:00:00:10"
CONTENDERS = {"drop": "XDP drop at the balancer", "forward": "bare XDP redirect", "dr": "Ballast, DR", "nat": "Ballast, NAT",
              "tun": "Ballast, TUN (IPIP)", "kernel": "nf_tables DNAT"}


class Wire:
    """generator | in balancer out | sink."""

    def __init__(self, lab):
        self.generator, self.balancer, self.sink = (lab.node(name, 0) for name in ("generator", "balancer", "sink"))
        self._connect(self.generator, "out", self.balancer, "in")
        self._connect(self.balancer, "out", self.sink, "in")
        self.balancer.sysctl("net.ipv4.ip_forward=1")
        self.balancer.ip("address add 10.75.0.1/24 dev in", f"address add {BACK}.254/24 dev out",
                         f"route add {CLIENTS} dev in",
                         *(f"neighbour add {BACK}.{i + 1} lladdr 02:00:00:00:01:{i:02x} dev out nud permanent"
                           for i in range(SERVERS)))

    @staticmethod
    def _connect(left, left_name, right, right_name):
        left.ip(f"link add {left_name} type veth peer name {right_name} netns {right.namespace}")
        for node, name in ((left, left_name), (right, right_name)):
            if node.name == "balancer":
                node.ip(f"link set {name} address {BALANCER_MAC}")
            node.run("ethtool", "-K", name, *OFFLOADS, "gro", "on")
            node.ip(f"link set {name} up")

    def dnat(self, on):
        """The kernel's own balancing, or none."""
        if not on:
            self.balancer.run("nft", "flush", "ruleset")
            return
        servers = ", ".join(f"{i} : {BACK}.{i + 1}" for i in range(SERVERS))
        self.balancer.run("nft", "-f", "-", stdin=f"""table ip balance {{
            chain prerouting {{
                type nat hook prerouting priority dstnat;
                ip daddr {VIP} tcp dport 80 dnat to numgen inc mod {SERVERS} map {{ {servers} }} : 8080
            }}
        }}""")
        # As behind a card that checks sums, and connections picked up in their middle.
        self.balancer.sysctl("net.netfilter.nf_conntrack_checksum=0", "net.netfilter.nf_conntrack_tcp_loose=1")

    def measure(self, contender, flows, cpu, packets):
        """Mpps at the sink."""
        self.dnat(contender == "kernel")
        result = run(BIN / "bench_flood", contender, "--flows", flows, "--cpu", cpu, "--packets", packets,
                     "--generator", self.generator.namespace, "--balancer", self.balancer.namespace,
                     "--sink", self.sink.namespace)
        return float(result.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--flows", type=int, nargs="+", default=[1, 65536], help="powers of two")
    parser.add_argument("--packets", type=int, default=2_000_000, help="in each run")
    parser.add_argument("--json", help="write the figures to this file, too")
    parser.add_argument("--cpu", type=int, default=os.cpu_count() - 1)
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench/datapath makes network namespaces and loads BPF: run it as root")
    figures = {(contender, flows): [] for flows in options.flows for contender in CONTENDERS}
    with Lab() as lab:
        wire = Wire(lab)
        for _ in range(options.runs):
            for contender, flows in figures:
                figures[contender, flows].append(wire.measure(contender, flows, options.cpu, options.packets))
    print(f"millions of packets a second over veth, CPU {options.cpu} alone for generator, balancer and sink, "
          f"{options.runs} runs in turn of {options.packets} packets")
    print(f"{'':26} {'flows':>7} {'median':>8} {'best':>8} {'worst':>8} {'of redirect':>12}")
    for (contender, flows), values in figures.items():
        share = statistics.median(values) / statistics.median(figures["forward", flows])
        print(f"{CONTENDERS[contender]:26} {flows:7} {statistics.median(values):8.2f} {max(values):8.2f} {min(values):8.2f} "
              f"{share:11.0%}")
    if options.json:
        rows = [{"contender": contender, "name": CONTENDERS[contender], "flows": flows, "median": statistics.median(values),
                 "best": max(values), "worst": min(values)} for (contender, flows), values in figures.items()]
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
