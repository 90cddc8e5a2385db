"""The demo: two load balancers, three web servers, one client; a server dies, a load balancer dies, both come back.

    scripts/demo            about a minute, leaves nothing behind
    scripts/demo --keep     leaves it running and says how to look around
    scripts/demo --down     removes what --keep left"""

import argparse
import sys
import time

from lab.balancer import BIN, CTL
from lab.client import Watch
from lab.cluster import Cluster, http_check, service_name
from lab.shell import LabError
from lab.topology import Lab, remove_leftovers

INTERVAL = 0.005  # seconds between two requests of the client
ADVERT = 0.2      # seconds between two advertisements


class Story:
    """Tells what happens, with seconds since the beginning, and what the client saw of each chapter."""

    def __init__(self, watch):
        self.watch, self.begin, self.chapters = watch, time.monotonic(), []
        self._name, self._since = None, None

    def say(self, text):
        print(f"{time.monotonic() - self.begin:6.1f} s  {text}", flush=True)

    def chapter(self, name):
        self.end()
        self._name, self._since = name, time.monotonic()
        print(flush=True)
        self.say(f"== {name}")

    def end(self):
        if self._name:
            self.chapters.append((self._name, self._since, time.monotonic()))
            self._name = None

    def look(self, seconds):
        """Lets the client go on and says what it sees meanwhile."""
        since = time.monotonic()
        time.sleep(seconds)
        self.say("   client: " + self.seen(since, time.monotonic()))

    def seen(self, since, until):
        requests = self.watch.requests(since, until)
        failed = sum(1 for each in requests if each.error)
        spread = self.watch.servers(since, until)
        shares = ", ".join(f"{name} {count}" for name, count in sorted(spread.items())) or "nobody answered"
        return f"{(len(requests) - failed) / (until - since):.0f} requests/s, {failed} failed ({shares})"

    def summary(self):
        self.end()
        print(f"\n{'chapter':34} {'seconds':>8} {'requests':>9} {'answered/s':>11} {'failed':>7} {'longest gap':>12}")
        for name, since, until in self.chapters:
            requests = self.watch.requests(since, until)
            failed = sum(1 for each in requests if each.error)
            answered = sorted(each.end for each in requests if not each.error)
            times = [since, *(each for each in answered if each < until), until]
            gap = max(later - earlier for earlier, later in zip(times, times[1:]))
            print(f"{name:34} {until - since:8.1f} {len(requests):9} {len(answered) / (until - since):11.0f} {failed:7}"
                  f" {gap * 1000:9.0f} ms")


def configuration(cluster, priority):
    service = cluster.service(scheduler="rr", check=http_check(), delay=0.5)
    return cluster.configuration(priority, service, advert=ADVERT)


def server_dies_and_returns(story, cluster):
    name, address = service_name(cluster.vip), cluster.server(2)
    story.chapter("a server dies: kill -9 nginx, web2")
    cluster.nginx["web2"].kill()
    cluster.b1.wait_server(name, address, "down")
    story.say(f"   lb1: {address} is down: {cluster.b1.server(name, address)['reason']}")
    story.look(3)
    story.chapter("the server returns")
    cluster.nginx["web2"].start()
    cluster.b1.wait_server(name, address, "up")
    story.say(f"   lb1: {address} is up: {cluster.b1.server(name, address)['reason']}")
    story.look(3)


def balancer_dies_and_returns(story, cluster):
    story.chapter("lb1 is killed: kill -9 of all daemons")
    cluster.b1.kill()
    taken_over(story, cluster)
    story.say("   (until then lb1's XDP programs went on forwarding by themselves)")
    story.look(3)
    story.chapter("lb1 comes back")
    comes_back(story, cluster)


def balancer_loses_power_and_returns(story, cluster):
    story.chapter("lb1 loses power")
    cluster.lb1.power_off()
    taken_over(story, cluster)
    story.look(3)
    story.chapter("lb1 boots again")
    cluster.lb1.power_on()
    comes_back(story, cluster)


def taken_over(story, cluster):
    cluster.b2.wait_role("MASTER", limit=20)
    story.say(f"   lb2: MASTER ({cluster.b2.instance()['reason']})")


def comes_back(story, cluster):
    cluster.b1.start()
    cluster.b1.wait_role("MASTER", limit=20)
    story.say(f"   lb1: MASTER ({cluster.b1.instance()['reason']})")
    cluster.b2.wait_role("BACKUP")
    story.look(3)


def tell(lab):
    """The whole story; returns the cluster, still running."""
    print("Building: client -- front -- lb1, lb2 -- back -- web1, web2, web3 (network namespaces on this machine)")
    cluster = Cluster(lab, arms=2, method="NAT").start_webs()
    begin = time.monotonic()
    cluster.b1.start(configuration(cluster, 150))
    cluster.b2.start(configuration(cluster, 100))
    cluster.b1.wait_role("MASTER", limit=20)
    cluster.b2.wait_role("BACKUP", limit=20)
    for number in (1, 2, 3):
        cluster.b1.wait_server(service_name(cluster.vip), cluster.server(number), "up")
    print(f"Started both families in {time.monotonic() - begin:.1f} s: lb1 is MASTER and holds {cluster.vip}, lb2 is BACKUP; "
          f"advertisements every {ADVERT} s,\nhealth checks every 0.5 s. The client asks http://{cluster.vip}/ "
          f"{1 / INTERVAL:.0f} times a second, a new connection each.")
    watch = Watch(cluster.client, cluster.vip, interval=INTERVAL)
    watch.wait_for(10)
    story = Story(watch)
    story.chapter("all is well: round robin")
    story.look(3)
    server_dies_and_returns(story, cluster)
    balancer_dies_and_returns(story, cluster)
    balancer_loses_power_and_returns(story, cluster)
    story.end()
    watch.stop()
    story.summary()
    print("\nWhat lb1 says at the end (ballastctl status):\n")
    print(cluster.b1.ctl("status").stdout)
    return cluster


def look_around(lab, cluster):
    inside = f"nsenter --net=/run/netns/{lab.name}"
    print(f"""It goes on running. Look around:
  {CTL} --run-dir {cluster.b1.run_dir} status
  {CTL} --run-dir {cluster.b2.run_dir} events
  {inside}-client curl http://{cluster.vip}/
  {inside}-lb1 ip address show
  {inside}-lb2 tcpdump -ni eth0 proto 112
  configuration: {cluster.b1.conf} (change it, then {CTL} --run-dir {cluster.b1.run_dir} reload)
  logs: {cluster.lb1.folder}/ballast.log
Take it down: scripts/demo --down""")


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--keep", action="store_true", help="leave it running")
    choice.add_argument("--down", action="store_true", help="remove what --keep left")
    return parser.parse_args()


def main():
    options = arguments()
    if options.down:
        print("removed:", ", ".join(remove_leftovers(kept=True)) or "nothing was there")
        return 0
    if not (BIN / "ballastd").exists():
        print(f"no ballastd in {BIN}: run scripts/build first", file=sys.stderr)
        return 1
    lab = Lab()
    kept = False
    try:
        cluster = tell(lab)
        if options.keep:
            lab.keep()
            kept = True
            look_around(lab, cluster)
        return 0
    except (AssertionError, LabError) as error:
        print(f"\nThe demo failed: {error}\n{lab.logs()}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        if not kept:
            lab.close()


if __name__ == "__main__":
    sys.exit(main())
