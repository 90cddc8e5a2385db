#!/usr/bin/python3
"""What engines.py runs in the guest: the figures of both engines, in turn, as JSON.

Packets: a generator (live frames of BPF_PROG_RUN), a balancer and a sink on veth, one CPU; as bench/datapath/throughput.py.
Requests: wrk and nginx with `lb_engine xdp` and `lb_engine ipvs`, each engine and method a lab of its own."""

import argparse
import contextlib
import json
import pathlib
import platform
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "datapath"))
import measure  # noqa: E402, F401, finds the lab
import requests  # noqa: E402
import stage  # noqa: E402
from lab.balancer import BIN  # noqa: E402
from lab.shell import run  # noqa: E402
from lab.topology import Lab  # noqa: E402
from throughput import BACK, SERVERS, VIP, Wire  # noqa: E402

NEW = 0  # in place of a number of flows
METHODS = {"DR": ("dr", "-g", 80), "NAT": ("nat", "-m", 8080)}
FLOOR = "bare XDP redirect"
CPU = 1


def stream_name(flows):
    return f"{flows:,} flow{'s' if flows > 1 else ''}" if flows else "new connections"


class Bench(Wire):
    """The wire of throughput.py, with IPVS in place of nf_tables."""

    def __init__(self, lab, options):
        super().__init__(lab)
        self.options = options
        self.balancer.ip(f"address add {VIP}/32 dev lo")

    def measure(self, contender, flows, *_):
        """Packets a second at the sink."""
        engine, _, method = contender.partition(" ")
        name = "forward" if contender == FLOOR else METHODS[method][0] if engine == "xdp" else "kernel"
        if engine == "ipvs":
            self._balance(*METHODS[method][1:])
        packets = self.options.packets if flows != NEW else self.options.new_packets
        words = (BIN / "bench_flood", name, *(("--new",) if flows == NEW else ("--flows", flows)), "--cpu", CPU,
                 "--packets", packets, "--connections", self.options.connections, "--generator", self.generator.namespace,
                 "--balancer", self.balancer.namespace, "--sink", self.sink.namespace)
        try:
            return float(run(*words, timeout=120).stdout) * 1e6
        finally:
            self.balancer.run("ipvsadm", "-C")

    def _balance(self, method, port):
        # The connections of an earlier run would be found again: only with the module do they go. It has its buckets as people
        # give it them who have many connections (the default: 4,096).
        run("rmmod", "ip_vs_rr", "ip_vs", check=False)
        run("modprobe", "ip_vs", "conn_tab_bits=16")
        self.balancer.sysctl("net.ipv4.vs.sloppy_tcp=1")  # a flow that is measured begins in its middle
        lines = [f"-A -t {VIP}:80 -s rr", *(f"-a -t {VIP}:80 -r {BACK}.{number + 1}:{port} {method}" for number in range(SERVERS))]
        self.balancer.run("ipvsadm", "-R", stdin="\n".join(lines) + "\n")


def flood(options):
    contenders = [FLOOR, *(f"{engine} {method}" for method in METHODS for engine in options.engines)]
    streams = [*options.flows, NEW]
    rows = {contender: {stream_name(flows): [] for flows in streams} for contender in contenders}
    with Lab() as lab:
        bench = Bench(lab, options)
        for turn in range(options.runs):
            for flows in streams:
                for contender in contenders:
                    figure = bench.measure(contender, flows)
                    rows[contender][stream_name(flows)].append(figure)
                    print(f"round {turn + 1}, {stream_name(flows)}, {contender}: {figure:,.0f} a second", flush=True)
    return rows, [stream_name(flows) for flows in streams]


def engine_stage(base, name):
    return type(f"{name}{base.__name__}", (base,), {"engine": name})


def ask(options):
    """Requests on new connections, by real clients and servers."""
    contenders = {"no load balancer": stage.Stage,
                  **{f"{engine} {base.method}": engine_stage(base, engine) for base in (stage.DirectRouting, stage.Nat)
                     for engine in options.engines}}
    column = "requests, each on a new connection"
    rows = {contender: {column: []} for contender in contenders}
    with contextlib.ExitStack() as stack:
        stages = {name: stack.enter_context(made(CPU)) for name, made in contenders.items()}
        for turn in range(options.runs + 1):  # the first warms up
            for name, running in stages.items():
                rate, lost = requests.ask(running, "new", options.seconds if turn else 1, options.open)
                if turn:
                    rows[name][column].append(rate)
                    print(f"round {turn}, {name}: {rate:,.0f} requests a second, failed: {dict(+lost)}", flush=True)
    return rows, [column]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--flows", type=int, nargs="+", default=[1, 4096], help="powers of two")
    parser.add_argument("--packets", type=int, default=200_000)
    parser.add_argument("--new-packets", type=int, default=50_000)
    parser.add_argument("--connections", type=int, default=16384, help="that Ballast's table has room for; SYNs fill it")
    parser.add_argument("--seconds", type=int, default=5, help="of wrk")
    parser.add_argument("--open", type=int, default=16, help="connections of wrk at a time")
    parser.add_argument("--engines", nargs="+", choices=("xdp", "ipvs"), default=("xdp", "ipvs"))
    parser.add_argument("--no-requests", action="store_true", help="leave wrk out")
    options = parser.parse_args()
    rows, columns = flood(options)
    asked, request_columns = ({}, []) if options.no_requests else ask(options)
    options.out.write_text(json.dumps({"kernel": platform.release(), "packets": options.packets, "new_packets": options.new_packets,
                                       "seconds": options.seconds, "flood": rows, "flood_columns": columns, "requests": asked,
                                       "request_columns": request_columns}), encoding="utf-8")


if __name__ == "__main__":
    main()
