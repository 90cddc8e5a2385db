#!/usr/bin/python3
"""Requests a second by wrk through a load balancer to two real nginx servers, over connections that stay open and over a new
connection for each (`Connection: close`): Ballast in each mode, haproxy in TCP mode, nginx stream, nf_tables DNAT, and no
load balancer at all, which is the ceiling of client and servers. All of them stand ready, and have their turn in each round.

Client, servers and load balancer share this machine's CPUs. haproxy and nginx stream have one thread, pinned to one CPU. What the
kernel does (XDP, nf_tables, the TCP of proxies) cannot be pinned: it happens on the CPU where the packet was sent. A request that
fails is an error of the benchmark."""

import collections
import contextlib
import json
import os
import pathlib
import subprocess
import sys

from measure import need_root, parser, save, spread
from stage import CONTENDERS, SERVERS

KINDS = {"kept": "requests, kept connections", "new": "requests, each on a new connection"}
SCRIPT = pathlib.Path(__file__).with_name("wrk.lua")


def ask(stage, kind, seconds, connections):
    """One wrk for each server, together: requests a second, and how many failed, by wrk's words."""
    header = ["-H", "Connection: close"] if kind == "new" else []
    runs = [subprocess.Popen(stage.client.command("wrk", "-t", 1, "-c", connections // SERVERS, "-d", f"{seconds}s", "-s", SCRIPT,
                                                  *header, f"http://{target}/"),
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for target in stage.targets]
    rate, failed = 0, collections.Counter()
    for run in runs:
        output, _ = run.communicate(timeout=seconds + 30)
        if run.returncode != 0:
            raise RuntimeError(f"wrk: exit {run.returncode}\n{output}")
        said = json.loads(output.splitlines()[-1])
        rate += said["requests"] / said["microseconds"] * 1e6
        failed.update(said["failed"])
    return rate, failed


def measure(options):
    rates = {(kind, name): [] for kind in KINDS for name in options.only or CONTENDERS}
    failed = collections.defaultdict(collections.Counter)
    with contextlib.ExitStack() as stack:
        stages = {name: stack.enter_context(CONTENDERS[name][0](options.cpu)) for name in options.only or CONTENDERS}
        for turn in range(options.runs + 1):  # the first warms up
            for kind, name in rates:
                rate, lost = ask(stages[name], kind, options.seconds if turn else 1, options.connections)
                failed[kind, name].update(lost)
                rates[kind, name] += [rate] if turn else []
    for (kind, name), values in rates.items():
        row = {"kind": kind, "contender": name, "name": CONTENDERS[name][1], **spread(values),
               "failed": failed[kind, name].total(), "failures": dict(+failed[kind, name])}
        if (kind, "none") in rates:
            row["of_ceiling"] = round(row["median"] / spread(rates[kind, "none"])["median"], 3)
        yield row


def print_rows(rows):
    for kind, title in KINDS.items():
        print(f"\n{title:36} {'median':>9} {'best':>9} {'worst':>9} {'of ceiling':>11} {'failed':>7}")
        for row in (each for each in rows if each["kind"] == kind):
            share = f"{row['of_ceiling']:11.0%}" if "of_ceiling" in row else " " * 11
            print(f"{row['name']:36} {row['median']:9,.0f} {row['best']:9,.0f} {row['worst']:9,.0f} {share} {row['failed']:7}")


def main():
    arguments = parser(__doc__, runs=5)
    arguments.add_argument("--seconds", type=int, default=3, help="of each run")
    arguments.add_argument("--connections", type=int, default=64, help="open at a time")
    arguments.add_argument("--cpu", type=int, default=os.cpu_count() - 1, help="of haproxy and nginx stream")
    arguments.add_argument("--only", nargs="+", choices=CONTENDERS)
    options = arguments.parse_args()
    need_root()
    rows = list(measure(options))
    print(f"requests a second by wrk, {options.connections} connections at a time, two nginx servers; {options.runs} rounds of "
          f"{options.seconds} s each in turn, all on {os.cpu_count()} CPUs")
    print_rows(rows)
    save(options.json, {"cpus": os.cpu_count(), "runs": options.runs, "seconds": options.seconds,
                        "connections": options.connections, "rows": rows})
    lost = [f"{row['name']}, {KINDS[row['kind']]}: {row['failures']}" for row in rows if row["failed"]]
    if lost:
        sys.exit("\n".join(["bench/datapath/requests.py: requests failed:", *lost]))


if __name__ == "__main__":
    main()
