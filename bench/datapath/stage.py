"""One load balancer with a client before it and real nginx servers behind it, a lab of its own: Ballast in each mode, what
people use in its place, or nothing at all.

    client -- front -- lb -- back -- servers
       |                      |
       +-------- back --------+

Whoever answers clients directly (no balancer, DR, TUN) does so over the client's second leg."""

import sys

import measure  # noqa: F401, finds the lab
from lab.balancer import Ballast
from lab.cluster import instance, service, service_name
from lab.realserver import RealServer
from lab.topology import Lab
from lab.web import Nginx, curl
from lab.shell import wait_until

SERVERS = 2
VIP, LIP = 100, 200

HAPROXY = """global
    nbthread 1
    maxconn 4000
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
listen web
    bind {vip}:80
    balance roundrobin
{servers}
"""
NGINX_STREAM = """daemon off;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
worker_processes 1;
pid {folder}/stream.pid;
error_log {folder}/stream.log warn;
events {{ worker_connections 8000; }}
stream {{
    upstream web {{ {servers} }}
    server {{ listen {vip}:80 backlog=4096; proxy_pass web; proxy_half_close on; }}
}}
"""
DNAT = """table ip balance {{
    chain prerouting {{
        type nat hook prerouting priority dstnat;
        ip daddr {vip} tcp dport 80 dnat to numgen inc mod {count} map {{ {servers} }}
    }}
}}
"""


class Stage:
    """Nothing in the middle. A context manager; `targets` is what the client asks."""

    answers_directly = True
    routed = False  # servers reach the client through the load balancer

    def __init__(self, cpu):
        self.cpu, self.lab = cpu, Lab()
        self.front, self.back = self.lab.network("front"), self.lab.network("back")
        self.client = self.lab.node("client", 1, "front", "back")
        self.webs = [self.lab.node(f"web{number}", 20 + number, "back") for number in range(1, SERVERS + 1)]
        self.vip = self.front.address(VIP)
        self.client.sysctl("net.ipv4.ip_local_port_range=1024 65535")

    def __enter__(self):
        try:
            for web in self.webs:
                Nginx(web).start()
                if self.answers_directly or self.routed:
                    gateway = self.client.address("back") if self.answers_directly else self.lb.address("back")
                    web.ip(f"route add {self.client.address('front')}/32 via {gateway}")
            self.start()
            for target in self.targets:
                wait_until(lambda address=target: curl(self.client, f"http://{address}/"), f"{target} answers", limit=30)
        except BaseException:
            print(self.lab.logs(), file=sys.stderr)
            self.lab.close()
            raise
        return self

    def __exit__(self, *_):
        self.lab.close()

    def start(self):
        pass

    @property
    def targets(self):
        return self.servers()

    def servers(self):
        return [web.address("back") for web in self.webs]


class Balanced(Stage):
    """With a load balancer of some kind, which has the VIP."""

    answers_directly = False

    def __init__(self, cpu):
        super().__init__(cpu)
        self.lb = self.lab.node("lb", 11, "front", "back")
        self.lb.sysctl("net.ipv4.ip_forward=1", "net.ipv4.ip_local_port_range=1024 65535")

    @property
    def targets(self):
        return [self.vip] * SERVERS

    def pinned(self, *words):
        return "taskset", "-c", self.cpu, *words

    def own_vip(self):
        self.lb.ip(f"address add {self.vip}/24 dev eth0")


class Kernel(Balanced):
    routed = True

    def start(self):
        self.own_vip()
        servers = ", ".join(f"{number} : {address}" for number, address in enumerate(self.servers()))
        self.lb.run("nft", "-f", "-", stdin=DNAT.format(vip=self.vip, count=SERVERS, servers=servers))


class Haproxy(Balanced):
    def start(self):
        self.own_vip()
        servers = "\n".join(f"    server web{number} {address}:80" for number, address in enumerate(self.servers()))
        conf = self.lb.folder / "haproxy.cfg"
        conf.write_text(HAPROXY.format(vip=self.vip, servers=servers), encoding="utf-8")
        self.lb.start(*self.pinned("haproxy", "-db", "-f", conf), log="haproxy.log")


class NginxStream(Balanced):
    def start(self):
        self.own_vip()
        servers = " ".join(f"server {address}:80;" for address in self.servers())
        conf = self.lb.folder / "stream.conf"
        conf.write_text(NGINX_STREAM.format(folder=self.lb.folder, vip=self.vip, servers=servers), encoding="utf-8")
        self.lb.start(*self.pinned("nginx", "-p", self.lb.folder, "-c", conf, "-e", self.lb.folder / "stream.log"),
                      log="stream.log")


class Ours(Balanced):
    """Ballast; FNAT passes the client's address on by TOA, which these servers do not read."""

    method, engine = "", "xdp"

    def start(self):
        if self.method in ("DR", "TUN"):
            for web in self.webs:
                RealServer(web).up("--mode", self.method.lower(), "--vip", self.vip, "--interface", "eth0")
        ballast = Ballast(self.lb).start(self.configuration())
        ballast.wait_role("MASTER")
        for address in self.servers():
            ballast.wait_server(service_name(self.vip), address, "up")

    def configuration(self):
        addresses, extra, group = [f"{self.vip}/24"], "", ""
        if self.method == "FNAT":
            lip = self.back.address(LIP)
            addresses.append(f"{lip}/24 dev eth1")
            extra, group = "laddr_group_name LOCAL", f"local_address_group LOCAL {{\n    {lip}\n}}\n"
        return "\n".join([f"global_defs {{\n    lb_interfaces eth0 eth1\n    lb_engine {self.engine}\n}}", instance("VI_1", 150, addresses), group,
                          service(self.vip, self.servers(), method=self.method, extra=extra)])


class DirectRouting(Ours):
    method, answers_directly = "DR", True


class Nat(Ours):
    method, routed = "NAT", True


class Tunnel(Ours):
    method, answers_directly = "TUN", True


class FullNat(Ours):
    method = "FNAT"


CONTENDERS = {"none": (Stage, "no load balancer"), "dr": (DirectRouting, "Ballast, DR"), "nat": (Nat, "Ballast, NAT"),
              "tun": (Tunnel, "Ballast, TUN (IPIP)"), "fnat": (FullNat, "Ballast, FNAT"), "kernel": (Kernel, "nf_tables DNAT"),
              "haproxy": (Haproxy, "haproxy, TCP mode"), "stream": (NginxStream, "nginx stream")}
