#!/usr/bin/python3
"""The gap that a client sees when the MASTER goes, Ballast and Debian's keepalived in turn, in the same lab.

The client sends an ICMP echo through the VIP every 0.5 ms, answered by whoever holds it; the gap is the longest silence
between two answers.
  crash  the machine dies: kill -9 of all its processes, and its wire is silent from then on
  kill   kill -9 of all its processes on a machine that lives on (its address answers until the backup announces itself)
  stop   SIGTERM
  cut    the wire falls silent, the carrier stays
Theory: crash and cut 3 x interval + skew less the age of the last advertisement; kill and stop no more than the move."""

import argparse
import os
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/lab"))
from lab.balancer import Ballast, Keepalived  # noqa: E402
from lab.cluster import Cluster  # noqa: E402
from lab.shell import wait_until  # noqa: E402
from lab.topology import Lab  # noqa: E402

PRODUCTS = {"ballast": Ballast, "keepalived": Keepalived}
EVENTS = ("crash", "kill", "stop", "cut")
PROBE = pathlib.Path(__file__).with_name("probe.py")


class Probe:
    """The stream of echoes, from when it is made until `gap`."""

    def __init__(self, cluster):
        self._log = cluster.client.folder / "probe.log"
        self._log.unlink(missing_ok=True)
        self._process = cluster.client.start(sys.executable, PROBE, cluster.vip, log="probe.log")
        wait_until(lambda: "answered" in self._log.read_text(encoding="utf-8"), "the VIP answers the probe")

    def gap(self):
        """The longest silence in ms; nothing when the VIP does not answer at the end."""
        self._process.terminate()
        self._process.wait(10)
        return float(self._log.read_text(encoding="utf-8").split()[-1])


def settled(cluster):
    """lb1 alone has the VIP."""
    wait_until(lambda: cluster.lb1.has(cluster.vip) and not cluster.lb2.has(cluster.vip), "lb1 alone holds the VIP", 30)


def one(cluster, speakers, event, advert):
    """One failover and the way back; the gap in ms."""
    settled(cluster)
    time.sleep(max(2 * advert, 0.3))  # the backup has heard the master, and late announcements of the last round are over
    probe = Probe(cluster)
    happen = {"crash": cluster.lb1.power_off, "kill": speakers[0].kill, "stop": lambda: speakers[0].stop(wait=False),
              "cut": lambda: cluster.lb1.cut("front")}
    happen[event]()
    wait_until(lambda: cluster.lb2.has(cluster.vip), "lb2 takes over", 30, interval=0.01)
    time.sleep(0.2)
    gap = probe.gap()
    if event == "crash":
        cluster.lb1.power_on()
    if event == "cut":
        cluster.lb1.heal("front")
    if event != "cut":
        speakers[0].process.wait(30)
        speakers[0].start()
    return gap


def measure(product, advert, runs):
    """Gaps by event."""
    gaps = {event: [] for event in EVENTS}
    with Lab() as lab:
        cluster = Cluster(lab, webs=0)
        speakers = [PRODUCTS[product](node, product + "-bench") for node in (cluster.lb1, cluster.lb2)]
        for speaker, priority in zip(speakers, (150, 100)):
            speaker.start(cluster.vrrp(priority, advert=advert))
        try:
            for event in EVENTS:
                for _ in range(runs):
                    gaps[event].append(one(cluster, speakers, event, advert))
        except AssertionError as error:
            sys.exit(f"{product}, {event}: {error}\n{lab.logs()}")
    return gaps


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--adverts", type=float, nargs="+", default=[1, 0.1], help="seconds")
    parser.add_argument("--only", choices=PRODUCTS, help="one product alone")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench/failover makes network namespaces: run it as root")
    print(f"gap in ms that a client sees, an echo every 0.5 ms, VRRPv3, backup's priority 100, {options.runs} runs")
    print(f"{'advert':>7} {'event':6} {'product':11} {'median':>9} {'worst':>9} {'best':>9}")
    for advert in options.adverts:
        results = {product: measure(product, advert, options.runs) for product in PRODUCTS if options.only in (None, product)}
        for event in EVENTS:
            for product, gaps in results.items():
                values = gaps[event]
                print(f"{advert:5g} s {event:6} {product:11} {statistics.median(values):9.1f} {max(values):9.1f} {min(values):9.1f}",
                      flush=True)


if __name__ == "__main__":
    main()
