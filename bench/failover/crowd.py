#!/usr/bin/python3
"""254 virtual routers on one interface of two machines: what the MASTER's and the BACKUP's VRRP process cost, and how many roles
change meanwhile, Ballast and Debian's keepalived in turn.

CPU is user and system time of the one process that speaks VRRP, in per cent of a core."""

import argparse
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/lab"))
from lab.balancer import Ballast, Keepalived  # noqa: E402
from lab.cluster import Cluster, instance  # noqa: E402
from lab.shell import wait_until  # noqa: E402
from lab.topology import Lab  # noqa: E402

PRODUCTS = {"ballast": Ballast, "keepalived": Keepalived}
ROUTERS = 254
TICKS = os.sysconf("SC_CLK_TCK")


def address(number):
    return f"10.99.0.{number}"


def configuration(priority, advert):
    return "\n".join(instance(f"VI_{number}", priority, [f"{address(number)}/32"], vrid=number, advert=advert)
                     for number in range(1, ROUTERS + 1))


def held(node):
    """How many of the virtual addresses a node has."""
    return node.run("ip", "-4", "-o", "address", "show", "dev", "eth0").stdout.count("10.99.0.")


def speaker_of(product, speaker):
    if product == "ballast":
        return speaker.pid("vrrpd")
    return speaker.node.pids("keepalived_vrrp")[-1] if speaker.node.pids("keepalived_vrrp") else max(speaker.node.pids("keepalived"))


def used(pid):
    """Seconds of CPU so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def changes(speaker):
    """Role changes that the log tells of."""
    text = (speaker.node.folder / f"{speaker.name}.log").read_text(encoding="utf-8", errors="replace")
    return text.count(" -> ") + text.count("Entering ")


def measure(product, advert, seconds):
    with Lab() as lab:
        cluster = Cluster(lab, webs=0)
        speakers = [PRODUCTS[product](node, product + "-crowd") for node in (cluster.lb1, cluster.lb2)]
        for speaker, priority in zip(speakers, (150, 100)):
            speaker.start(configuration(priority, advert))
        wait_until(lambda: held(cluster.lb1) == ROUTERS and held(cluster.lb2) == 0, "lb1 is MASTER of all", 120)
        time.sleep(max(3, 3 * advert))
        pids = [speaker_of(product, speaker) for speaker in speakers]
        before, told, began = [used(pid) for pid in pids], sum(map(changes, speakers)), time.monotonic()
        time.sleep(seconds)
        span = time.monotonic() - began
        cost = [(used(pid) - start) / span * 100 for pid, start in zip(pids, before)]
        return *cost, sum(map(changes, speakers)) - told


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="of each measurement")
    parser.add_argument("--adverts", type=float, nargs="+", default=[1, 0.1, 0.01], help="seconds")
    parser.add_argument("--only", choices=PRODUCTS, help="one product alone")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench/failover makes network namespaces: run it as root")
    print(f"{ROUTERS} virtual routers, VRRPv3, {options.seconds:g} s each; per cent of a core; role changes in that time")
    print(f"{'advert':>7} {'product':11} {'master':>7} {'backup':>7} {'changes':>8}")
    for advert in options.adverts:
        for product in PRODUCTS:
            if options.only not in (None, product):
                continue
            try:
                master, backup, changed = measure(product, advert, options.seconds)
                print(f"{advert:5g} s {product:11} {master:7.2f} {backup:7.2f} {changed:8}", flush=True)
            except AssertionError as error:
                print(f"{advert:5g} s {product:11} does not settle: {error}", flush=True)


if __name__ == "__main__":
    main()
