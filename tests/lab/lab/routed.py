"""A cluster with routers: clients behind two, and, where the mode allows it, servers behind another.

    client -- home -- edge -- outside -- router -- front -- lb -- back ------------- servers of NAT and DR
                                           |                      |
                                           +-------- back --------+-- inner -- far -- servers of TUN and FNAT

Answers of DR and TUN go to the router directly; those of NAT and FNAT through the load balancer."""

import contextlib
import pathlib
import sys

from .balancer import Ballast
from .cluster import GLOBALS, instance, service, tcp_check
from .realserver import RealServer, cgroup, start_in
from .shell import wait_until

UPLOADS, NAMES = 8090, 53
VIP, LIP, GATEWAY, LINK_LOCAL = 100, 200, 254, "fe80::100"

NGINX = """daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
events {{ worker_connections 4096; }}
http {{
    log_format clients '$remote_addr';
    access_log {folder}/clients.txt clients;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{
        listen [::]:80 ipv6only=off backlog=4096{protocol};
        {trust}
        location /files/ {{ root {folder}; access_log off; }}
        location / {{ return 200 "{name}\\n"; }}
    }}
}}
"""


class Routed:
    """`method` as in the configuration; `outer`: the IP version of the servers; `client_address`: of FNAT."""

    def __init__(self, lab, stack, method, version=4, outer=None, tunnel="", client_address="toa"):
        self.lab, self.method, self.version, self.outer = lab, method, version, outer or version
        self.tunnel, self.client_address = tunnel, client_address
        self.is_far = method in ("TUN", "FNAT")
        self.outside, self.front, self.back, self.home = map(lab.network, ("outside", "front", "back", "home"))
        self.client = lab.node("client", 1, "home")
        self.edge = lab.node("edge", 4, "home", "outside")
        self.router = lab.node("router", 2, "outside", "front", "back")
        self.lb = lab.node("lb1", 11, "front", "back")
        self.vip = self.front.address(VIP, version)
        self.lip = self.back.address(LIP, self.outer)
        self._place_servers()
        self._route()
        self.balancer = Ballast(self.lb)
        self.groups = {}
        if method == "FNAT" and client_address == "toa":
            self.groups = {web.name: stack.enter_context(cgroup(f"{lab.name}-{web.name}")) for web in self.webs}

    def _place_servers(self):
        home = "back"
        if self.is_far:
            home = self.lab.network("far").name
            self.inner = self.lab.node("inner", 3, "back", "far")
        self.webs = [self.lab.node(f"web{number}", 20 + number, home) for number in (1, 2)]

    def _route(self):
        for node in (self.edge, self.router, self.lb, *([self.inner] if self.is_far else [])):
            node.sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        default_routes(self.client, self.home, self.edge.host)
        default_routes(self.edge, self.outside, self.router.host)
        default_routes(self.router, self.outside, self.edge.host)
        default_routes(self.lb, self.front, self.router.host)
        if not self.is_far:
            gateway = GATEWAY if self.method == "NAT" else self.router.host
            for web in self.webs:
                default_routes(web, self.back, gateway)
            return
        default_routes(self.inner, self.back, self.router.host)
        far = self.lab.networks["far"]
        for web in self.webs:
            default_routes(web, far, self.inner.host)
        for node in (self.lb, self.router):
            node.ip(f"route add 10.{far.number}.0.0/24 via {self.back.address(self.inner.host)}",
                    f"route add fd0{far.number}::/64 via {self.back.address(self.inner.host, 6)}")

    def addresses(self):
        return [web.address("far" if self.is_far else "back", self.outer) for web in self.webs]

    def prepare_servers(self):
        """ballast-realserver where the mode needs it."""
        for web in self.webs:
            if self.method in ("DR", "TUN"):
                RealServer(web).up("--mode", self.method.lower(), "--vip", self.vip, "--interface", "eth0")
            elif self.groups:
                RealServer(web).up("--mode", "fnat", "--trust", self.lip, "--cgroup", self.groups[web.name])
        return self

    def start_servers(self):
        for web in self.webs:
            protocol = " proxy_protocol" if self.client_address.startswith("proxy") else ""
            trust = f"set_real_ip_from {self.lip}; real_ip_header proxy_protocol;" if protocol else ""
            conf = web.folder / "nginx.conf"
            conf.write_text(NGINX.format(folder=web.folder, name=web.name, protocol=protocol, trust=trust), encoding="utf-8")
            (web.folder / "files").mkdir()
            self._start(web, "nginx", "-p", web.folder, "-c", conf, "-e", web.folder / "nginx.log", log="nginx.log")
            web.start(sys.executable, pathlib.Path(__file__).with_name("digest.py"), UPLOADS, log="digest.log")
            web.start("dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--user=root", "--conf-file=/dev/null",
                      f"--pid-file={web.folder}/dnsmasq.pid", "--address=/#/192.0.2.1", log="dnsmasq.log")
            for port in (80, UPLOADS, NAMES):
                wait_until(lambda node=web, number=port: listens(node, number), f"{web.name} listens on port {port}")
        return self

    def _start(self, web, *words, log):
        if self.groups:
            start_in(self.groups[web.name], web, *words, log=log)
        else:
            web.start(*words, log=log)

    def configuration(self):
        lines = [GLOBALS % "lb_interfaces eth0 eth1", self._instance(4), self._instance(6)]
        if self.method == "FNAT":
            lines.append(f"local_address_group LOCAL {{\n    {self.lip}\n}}\n")
        protocol = self.client_address if self.method == "FNAT" else ""
        lines.append(self._service(80, "TCP", protocol))
        lines.append(self._service(UPLOADS, "TCP", "toa" if protocol else ""))
        lines.append(self._service(NAMES, "UDP", ""))
        return "\n".join(lines)

    def _instance(self, version):
        length = 24 if version == 4 else 64
        addresses = [f"{self.front.address(VIP, version)}/{length}", f"{self.back.address(LIP, version)}/{length} dev eth1",
                     f"{self.back.address(GATEWAY, version)}/{length} dev eth1"]
        if version == 6:
            addresses.insert(0, f"{LINK_LOCAL}/64")
        return instance("VI_1" if version == 4 else "VI_6", 150, addresses, vrid=51 if version == 4 else 56)

    def _service(self, port, protocol, client_address):
        extra = ["laddr_group_name LOCAL"] if self.method == "FNAT" else []
        if client_address:
            extra.append(f"client_address {client_address}")
        return service(self.vip, self.addresses(), port=port, method=f"{self.method} {self.tunnel}".strip(),
                       protocol=protocol, check=tcp_check() if protocol == "TCP" else "", extra="\n    ".join(extra))

    def start(self):
        self.balancer.start(self.configuration())
        for name in ("VI_1", "VI_6"):
            self.balancer.wait_role("MASTER", name)
        for each in self.balancer.status()["services"]:
            for address in self.addresses():
                self.balancer.wait_server(each["name"], address, "up")
        return self

    def set_outside(self, mtu):
        """What passes between the clients' router and ours; all others have 1,500."""
        self.edge.ip(f"link set eth1 mtu {mtu}")
        self.router.ip(f"link set eth0 mtu {mtu}")

    def narrow_inside(self):
        """1,280 bytes pass from the router before far servers to these; IPv6 has its 1,280 in a tunnel, too."""
        self.inner.ip(f"link set eth1 mtu {1320 if self.method == 'TUN' and self.version == 6 else 1280}")

    def forget_paths(self):
        """What the ends have learned of paths."""
        for node in (self.client, *self.webs):
            for version in (4, 6):
                node.run("ip", f"-{version}", "route", "flush", "cache")

    def url(self, path="/", port=80):
        host = f"[{self.vip}]" if self.version == 6 else self.vip
        return f"http://{host}:{port}{path}"

    def clients_seen(self):
        """What the servers' access logs say, over both."""
        seen = []
        for web in self.webs:
            log = web.folder / "clients.txt"
            seen += log.read_text(encoding="utf-8").split() if log.exists() else []
        return seen


def default_routes(node, network, host):
    node.ip(f"route add default via {network.address(host)}", f"route add default via {network.address(host, 6)}")


def listens(node, port):
    return f":{port} " in node.run("ss", "-Hlntu").stdout


@contextlib.contextmanager
def routed(lab, *arguments, **options):
    """The whole of it, running, for as long as the block lasts."""
    with contextlib.ExitStack() as stack:
        yield Routed(lab, stack, *arguments, **options).prepare_servers().start_servers().start()
