#!/usr/bin/python3
"""Millions of packets a second through a load balancer between two veth pairs, on one CPU that generator, balancer and sink
share: Ballast's XDP program beside the barest XDP redirect and beside nf_tables DNAT, in the same namespaces, in turn.

60-byte frames from client to server, one service of eight servers: of established TCP connections, and SYNs, each of
another client, to a table that is full of half-open connections."""

import os

from measure import need_root, parser, save, spread
from lab.balancer import BIN
from lab.shell import run
from lab.topology import OFFLOADS, Lab

SERVERS = 8
CLIENTS, VIP, BACK = "10.76.0.0/16", "10.77.0.1", "10.78.0"
BALANCER_MAC = "02:00:00:00:00:10"
OURS = {"dr": "Ballast, DR", "nat": "Ballast, NAT", "tun": "Ballast, TUN (IPIP)", "fnat": "Ballast, FNAT"}
CONTENDERS = {"drop": "XDP drop at the balancer", "forward": "bare XDP redirect", **OURS, "kernel": "nf_tables DNAT"}
NEW = 0  # in place of a number of flows

# Published, with Katran's own IPIP build on a machine whose bare redirect made KATRAN_REDIRECT; by flows.
KATRAN, KATRAN_REDIRECT = {1: 3.8, 65536: 1.8}, 6.1
DPVS_NEW = 0.2  # published: DPVS 1.9, FULLNAT, one core, other hardware
SHARE_OF_REDIRECT, TIMES_KATRAN, TIMES_KERNEL = 0.85, 1.4, 3


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
        stream = ("--new",) if flows == NEW else ("--flows", flows)
        result = run(BIN / "bench_flood", contender, *stream, "--cpu", cpu, "--packets", packets,
                     "--generator", self.generator.namespace, "--balancer", self.balancer.namespace,
                     "--sink", self.sink.namespace)
        return float(result.stdout)


def compare(bests, contender, flows):
    """What a row is to the others of its flows, and the bars that it is under; of bests, as in the table of costs."""
    mine, redirect, kernel = (bests[each, flows] for each in (contender, "forward", "kernel"))
    row = {"of_redirect": round(mine / redirect, 3), "times_kernel": round(mine / kernel, 3)}
    under = []
    if flows in KATRAN:
        row["times_katran"] = round(mine / (KATRAN[flows] * redirect / KATRAN_REDIRECT), 3)
    if flows == NEW:
        row["times_dpvs"] = round(mine / DPVS_NEW, 3)
        under += ["DPVS"] if row["times_dpvs"] < 1 else []
    elif flows == 1:
        under += [f"{SHARE_OF_REDIRECT:.0%} of redirect"] if row["of_redirect"] < SHARE_OF_REDIRECT else []
    elif row.get("times_katran", TIMES_KATRAN) < TIMES_KATRAN:
        under.append(f"{TIMES_KATRAN}x Katran")
    if row["times_kernel"] < TIMES_KERNEL:
        under.append(f"{TIMES_KERNEL}x nf_tables")
    return row | {"under": under}


def rows_of(figures):
    bests = {key: spread(values)["best"] for key, values in figures.items()}
    for (contender, flows), values in figures.items():
        row = {"contender": contender, "name": CONTENDERS[contender], "flows": flows, **spread(values)}
        yield row | (compare(bests, contender, flows) if contender in OURS else {})


def print_rows(rows):
    print(f"{'':26} {'flows':>7} {'median':>8} {'best':>8} {'worst':>8} {'of redirect':>12} {'x nf_tables':>12} {'x Katran':>9} "
          f"{'x DPVS':>7}")
    for row in rows:
        line = f"{row['name']:26} {row['flows'] or 'new':>7} {row['median']:8.2f} {row['best']:8.2f} {row['worst']:8.2f}"
        if "of_redirect" in row:
            katran = f"{row['times_katran']:9.2f}" if "times_katran" in row else " " * 9
            dpvs = f"{row['times_dpvs']:7.1f}" if "times_dpvs" in row else " " * 7
            line += f" {row['of_redirect']:12.0%} {row['times_kernel']:12.1f} {katran} {dpvs}"
            line += f"  under {', '.join(row['under'])}" if row["under"] else ""
        print(line.rstrip())


def measure(options):
    streams = [*options.flows, *([NEW] if options.new_packets else [])]
    figures = {(contender, flows): [] for flows in streams for contender in CONTENDERS
               if not (flows == NEW and contender == "drop")}
    with Lab() as lab:
        wire = Wire(lab)
        for _ in range(options.runs):
            for contender, flows in figures:
                packets = options.packets if flows != NEW else options.new_packets
                figures[contender, flows].append(wire.measure(contender, flows, options.cpu, packets))
    return list(rows_of(figures))


def main():
    arguments = parser(__doc__, runs=5)
    arguments.add_argument("--flows", type=int, nargs="+", default=[1, 65536], help="powers of two")
    arguments.add_argument("--packets", type=int, default=2_000_000, help="in each run")
    arguments.add_argument("--new-packets", type=int, default=500_000, help="SYNs in each run; 0: leave new connections out")
    arguments.add_argument("--cpu", type=int, default=os.cpu_count() - 1)
    options = arguments.parse_args()
    need_root()
    rows = measure(options)
    print(f"millions of packets a second over veth, CPU {options.cpu} alone for generator, balancer and sink, "
          f"{options.runs} runs in turn of {options.packets} packets; new: connections, {options.new_packets} SYNs\n"
          f"Katran: published, times this run's redirect / {KATRAN_REDIRECT}; DPVS: {DPVS_NEW * 1000:.0f}k connections a second, "
          "published, as they are")
    print_rows(rows)
    save(options.json, {"cpu": options.cpu, "runs": options.runs, "packets": options.packets,
                        "new_packets": options.new_packets, "katran": {str(flows): figure for flows, figure in KATRAN.items()},
                        "katran_redirect": KATRAN_REDIRECT, "dpvs_new": DPVS_NEW, "rows": rows})


if __name__ == "__main__":
    main()
