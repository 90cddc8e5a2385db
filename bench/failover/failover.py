#!/usr/bin/python3
"""The gap that a client sees when the MASTER goes, Ballast and Debian's keepalived in turn, in the same lab.

The client sends an ICMP echo through the VIP every 0.5 ms, answered by whoever holds it; the gap is the longest silence
between two answers.
  crash  the machine dies: kill -9 of all its processes, and its wire is silent from then on
  kill   kill -9 of all its processes on a machine that lives on (its address answers until the backup announces itself)
  stop   SIGTERM
  cut    the wire falls silent, the carrier stays
  return the one of higher priority comes back and takes over
  hand   `ballastctl failover`, which keepalived has nothing like
Theory: crash and cut 3 x interval + skew less the age of the last advertisement, which is spread evenly over an interval for
both; kill no more than the move; stop, return and hand lose nothing when who leaves serves until the other is known.
lost: echoes without an answer."""

import argparse
import os
import pathlib
import select
import socket
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/lab"))
from lab.balancer import Ballast, Keepalived  # noqa: E402
from lab.cluster import Cluster  # noqa: E402
from lab.shell import wait_until  # noqa: E402
from lab.topology import Lab  # noqa: E402

PRODUCTS = {"ballast": Ballast, "keepalived": Keepalived}
EVENTS = ("crash", "kill", "stop", "cut", "return", "hand")
VRRP = 112
PROBE = pathlib.Path(__file__).with_name("probe.py")


class Probe:
    """The stream of echoes, from when it is made until `gap`."""

    def __init__(self, cluster):
        self._log = cluster.client.folder / "probe.log"
        self._log.unlink(missing_ok=True)
        self._process = cluster.client.start(sys.executable, PROBE, cluster.vip, log="probe.log")
        wait_until(lambda: "answered" in self._log.read_text(encoding="utf-8"), "the VIP answers the probe")

    def end(self):
        """The longest silence in ms, and how many echoes were lost."""
        self._process.terminate()
        self._process.wait(10)
        gap, lost = self._log.read_text(encoding="utf-8").split()[-2:]
        return float(gap), int(lost)


class Advertisements:
    """Hears the MASTER as any machine of the segment does."""

    def __init__(self, cluster):
        def listen():
            made = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
            made.bind((cluster.client.devices["front"], 0x0800))
            made.settimeout(30)
            return made
        self._socket = cluster.client.inside(listen)

    def await_next(self):
        self._empty()
        end = time.monotonic() + 30
        while time.monotonic() < end:
            packet = self._socket.recv(2048)
            if len(packet) > 20 and packet[9] == VRRP:
                return
        raise AssertionError("no advertisement is heard")

    def _empty(self):
        while select.select([self._socket], [], [], 0)[0]:
            self._socket.recv(2048)

    def close(self):
        self._socket.close()


def settled(cluster):
    """lb1 alone has the VIP."""
    wait_until(lambda: cluster.lb1.has(cluster.vip) and not cluster.lb2.has(cluster.vip), "lb1 alone holds the VIP", 30)


def one(cluster, speakers, event, advert, age):
    """One failover, `age` seconds after an advertisement, and the way back; the gap in ms, echoes lost."""
    settled(cluster)
    time.sleep(max(2 * advert, 0.3))  # the backup has heard the master, and late announcements of the last round are over
    if event == "return":
        return come_back(cluster, speakers, advert)
    probe, advertisements = Probe(cluster), Advertisements(cluster)
    happen = {"crash": cluster.lb1.power_off, "kill": speakers[0].kill, "stop": lambda: speakers[0].stop(wait=False),
              "cut": lambda: cluster.lb1.cut("front"), "hand": lambda: speakers[0].ctl("failover", "VI_1")}
    advertisements.await_next()
    time.sleep(age)
    happen[event]()
    wait_until(lambda: cluster.lb2.has(cluster.vip), "lb2 takes over", 30, interval=0.01)
    time.sleep(0.2)
    found = probe.end()
    advertisements.close()
    if event == "hand":
        speakers[0].ctl("failover", "VI_1", "--undo")
        return found
    if event == "crash":
        cluster.lb1.power_on()
    if event == "cut":
        cluster.lb1.heal("front")
    if event != "cut":
        speakers[0].process.wait(30)
        speakers[0].start()
    return found


def come_back(cluster, speakers, advert):
    speakers[0].stop()
    wait_until(lambda: cluster.lb2.has(cluster.vip), "lb2 takes over", 30, interval=0.01)
    time.sleep(max(2 * advert, 0.3))
    probe = Probe(cluster)
    speakers[0].start()
    settled(cluster)
    time.sleep(0.2)
    return probe.end()


def measure(product, advert, runs):
    """Gaps and losses by event."""
    gaps = {event: [] for event in EVENTS if event != "hand" or product == "ballast"}
    with Lab() as lab:
        cluster = Cluster(lab, webs=0)
        speakers = [PRODUCTS[product](node, product + "-bench") for node in (cluster.lb1, cluster.lb2)]
        for speaker, priority in zip(speakers, (150, 100)):
            speaker.start(cluster.vrrp(priority, advert=advert))
        try:
            for event in gaps:
                for run in range(runs):
                    gaps[event].append(one(cluster, speakers, event, advert, (run + 0.5) / runs * advert))
        except AssertionError as error:
            sys.exit(f"{product}, {event}: {error}\n{lab.logs()}")
    return gaps


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--adverts", type=float, nargs="+", default=[1, 0.1, 0.01], help="seconds")
    parser.add_argument("--only", choices=PRODUCTS, help="one product alone")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench/failover makes network namespaces: run it as root")
    print(f"gap in ms that a client sees, an echo every 0.5 ms, VRRPv3, backup's priority 100, {options.runs} runs")
    print(f"{'advert':>7} {'event':6} {'product':11} {'median':>9} {'worst':>9} {'best':>9} {'lost':>6} {'worst':>6}")
    for advert in options.adverts:
        results = {product: measure(product, advert, options.runs) for product in PRODUCTS if options.only in (None, product)}
        for event in EVENTS:
            for product, gaps in results.items():
                if event not in gaps:
                    continue
                values, lost = zip(*gaps[event])
                print(f"{advert:5g} s {event:6} {product:11} {statistics.median(values):9.1f} {max(values):9.1f} {min(values):9.1f} "
                      f"{statistics.median(lost):6.0f} {max(lost):6}", flush=True)


if __name__ == "__main__":
    main()
