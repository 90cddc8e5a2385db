#!/usr/bin/python3
"""Requests and new connections a second through a load balancer, by wrk: Ballast in each mode beside HAProxy (TCP mode), nginx
(stream) and nf_tables DNAT, and beside no load balancer at all, which is what client and servers can do.

Client, router, load balancer and two web servers are network namespaces on one machine; all of them are on the same CPUs, as what the
kernel and XDP do for a packet happens on the CPU of whoever sent it. HAProxy and nginx get as many threads as there are CPUs."""

import argparse
import contextlib
import json
import os
import pathlib
import re
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/lab"))
from lab.routed import GATEWAY, Routed, listens  # noqa: E402
from lab.shell import wait_until  # noqa: E402
from lab.topology import Lab  # noqa: E402

HAPROXY = """global
    nbthread {threads}
    maxconn 400
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend web
    bind {vip}:80
    default_backend webs
backend webs
    balance roundrobin
"""
NGINX = """daemon off;
worker_processes {threads};
pid {folder}/lb.pid;
error_log {folder}/lb.log error;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
events {{ worker_connections 900; }}
stream {{
    upstream webs {{
{servers}
    }}
    server {{ listen {vip}:80; proxy_pass webs; }}
}}
"""


class Contender:
    """One way to the servers, ready in a lab of its own."""

    def __init__(self, stack, name, method, prepare, **options):
        self.name = name
        self.lab = stack.enter_context(Lab())
        self.cluster = Routed(self.lab, stack, method, client_address="none" if method == "FNAT" else "toa", **options)
        self.cluster.prepare_servers().start_servers()
        self.url = prepare(self.cluster)
        self.kept, self.fresh, self.failed = [], [], 0

    def run(self, seconds, connections):
        self.kept.append(self._wrk(seconds, connections))
        self.fresh.append(self._wrk(seconds, connections, "-H", "Connection: close"))

    def _wrk(self, seconds, connections, *words):
        said = self.cluster.client.run("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", *words, self.url).stdout
        errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
        self.failed += sum(map(int, errors.groups())) if errors else 0
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
        self.failed += int(bad[1]) if bad else 0
        return float(re.search(r"Requests/sec: +([\d.]+)", said)[1])


def ballast(cluster):
    cluster.start()
    return cluster.url()


def nobody(cluster):
    return f"http://{cluster.addresses()[0]}/"


def own_address(cluster):
    cluster.lb.ip(f"address add {cluster.vip}/24 dev eth0")


def haproxy(cluster):
    own_address(cluster)
    conf = cluster.lb.folder / "haproxy.cfg"
    servers = "\n".join(f"    server s{number} {address}:80" for number, address in enumerate(cluster.addresses()))
    conf.write_text(HAPROXY.format(threads=os.cpu_count(), vip=cluster.vip) + servers + "\n", encoding="utf-8")
    cluster.lb.start("haproxy", "-db", "-f", conf, log="haproxy.log")
    wait_until(lambda: listens(cluster.lb, 80), "HAProxy listens")
    return cluster.url()


def nginx_stream(cluster):
    own_address(cluster)
    conf = cluster.lb.folder / "lb.conf"
    servers = "\n".join(f"        server {address}:80;" for address in cluster.addresses())
    conf.write_text(NGINX.format(threads=os.cpu_count(), folder=cluster.lb.folder, servers=servers, vip=cluster.vip),
                    encoding="utf-8")
    cluster.lb.start("nginx", "-p", cluster.lb.folder, "-c", conf, "-e", cluster.lb.folder / "lb.log", log="lb.out.log")
    wait_until(lambda: listens(cluster.lb, 80), "nginx listens")
    return cluster.url()


def nf_tables(cluster):
    own_address(cluster)
    cluster.lb.ip(f"address add {cluster.back.address(GATEWAY)}/24 dev eth1")
    servers = ", ".join(f"{number} : {address}" for number, address in enumerate(cluster.addresses()))
    cluster.lb.run("nft", "-f", "-", stdin=f"""table ip balance {{
        chain prerouting {{
            type nat hook prerouting priority dstnat;
            ip daddr {cluster.vip} tcp dport 80 dnat to numgen inc mod {len(cluster.addresses())} map {{ {servers} }} : 80
        }}
    }}""")
    return cluster.url()


CONTENDERS = [("no load balancer", "DR", nobody), ("Ballast, DR", "DR", ballast), ("Ballast, NAT", "NAT", ballast),
              ("Ballast, TUN", "TUN", ballast), ("Ballast, FNAT", "FNAT", ballast), ("nf_tables DNAT", "NAT", nf_tables),
              ("HAProxy, TCP mode", "DR", haproxy), ("nginx, stream", "DR", nginx_stream)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    parser.add_argument("--connections", type=int, default=64, help="of wrk at the same time")
    parser.add_argument("--json", help="write the figures to this file, too")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench/datapath makes network namespaces and loads BPF: run it as root")
    with contextlib.ExitStack() as stack:
        contenders = [Contender(stack, *each) for each in CONTENDERS]
        for run in range(options.runs + 1):
            for each in contenders:
                each.run(options.seconds if run else 1, options.connections)
    print(f"wrk with {options.connections} connections, {options.seconds} s each, {options.runs} runs in turn after one that is not "
          f"counted; {os.cpu_count()} CPUs for everything")
    print(f"{'':20} {'requests/s':>11} {'best':>8} {'worst':>8} {'new conn/s':>11} {'best':>8} {'worst':>8} {'failed':>7}")
    rows = []
    for each in contenders:
        kept, fresh = each.kept[1:], each.fresh[1:]
        rows.append({"name": each.name, "failed": each.failed,
                     "kept": [statistics.median(kept), max(kept), min(kept)],
                     "fresh": [statistics.median(fresh), max(fresh), min(fresh)]})
        print(f"{each.name:20} {statistics.median(kept):11,.0f} {max(kept):8,.0f} {min(kept):8,.0f} "
              f"{statistics.median(fresh):11,.0f} {max(fresh):8,.0f} {min(fresh):8,.0f} {each.failed:7}")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")
    if any(each.failed for each in contenders):
        sys.exit("requests failed: the figures above are of no use")


if __name__ == "__main__":
    main()
