"""The cluster that most scenarios stand on: a client, two load balancers, web servers; and its configuration."""

from .balancer import Ballast
from .web import Nginx

VIP, LIP, GATEWAY, LINK_LOCAL = 100, 200, 254, "fe80::100"


class Cluster:
    """`arms` 1: all on one network, `front`. 2: clients and LBs on `front`, LBs and servers on `back`.

    With `NAT` the servers answer through the LBs' floating gateway address; with `DR` they hold the VIP on lo, keep quiet
    about it, and answer the client directly (two-armed: over a leg of the client in the back network, its router); with `FNAT`
    they need nothing and answer the LBs' floating local address."""

    def __init__(self, lab, arms=1, method="NAT", webs=3):
        self.lab, self.arms, self.method = lab, arms, method
        self.front = lab.network("front")
        self.back = lab.network("back") if arms == 2 else self.front
        legs = ("front",) if arms == 1 else ("front", "back")
        self.client = lab.node("client", 1, *(legs if method == "DR" else ("front",)))
        self.lb1, self.lb2 = (lab.node(f"lb{number}", 10 + number, *legs) for number in (1, 2))
        self.webs = [lab.node(f"web{number}", 20 + number, self.back.name) for number in range(1, webs + 1)]
        self.vip, self.vip6 = self.front.address(VIP), self.front.address(VIP, 6)
        self.gateway, self.gateway6 = self.back.address(GATEWAY), self.back.address(GATEWAY, 6)
        self.lip, self.lip6 = self.back.address(LIP), self.back.address(LIP, 6)
        for balancer in (self.lb1, self.lb2):
            balancer.sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        for web in self.webs:
            if method == "NAT":
                self._prepare_nat(web)
            elif method == "DR":
                self._prepare_dr(web)
        self.nginx = {web.name: Nginx(web) for web in self.webs}
        self.b1, self.b2 = Ballast(self.lb1), Ballast(self.lb2)

    def _prepare_nat(self, web):
        hosts = (f"{self.client.address('front')}/32", f"{self.client.address('front', 6)}/128")
        web.ip(f"route add {hosts[0]} via {self.gateway}", f"route add {hosts[1]} via {self.gateway6}")

    def _prepare_dr(self, web):
        web.sysctl("net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2")
        web.ip(f"address add {self.vip}/32 dev lo", f"address add {self.vip6}/128 dev lo nodad")
        if self.arms == 2:
            web.ip(f"route add {self.client.address('front')}/32 via {self.client.address('back')}",
                   f"route add {self.client.address('front', 6)}/128 via {self.client.address('back', 6)}")

    def start_webs(self):
        for nginx in self.nginx.values():
            nginx.start()
        return self

    def server(self, number, version=4):
        """The address of web `number`, counted from 1."""
        return self.webs[number - 1].address(self.back.name, version)

    def gateway_device(self):
        return "eth1" if self.arms == 2 else "eth0"

    def vrrp(self, priority, version=4, advert=0.2, extra=""):
        """VI_1 (IPv4) or VI_6 (IPv6) with the VIP and, for NAT, the servers' gateway, for FNAT the LIP."""
        length = 24 if version == 4 else 64
        addresses = [f"{self.vip if version == 4 else self.vip6}/{length}"]
        if version == 6:
            addresses.insert(0, f"{LINK_LOCAL}/64")
        if self.method == "NAT":
            gateway = self.gateway if version == 4 else self.gateway6
            addresses.append(f"{gateway}/{length} dev {self.gateway_device()}")
        elif self.method == "FNAT":
            addresses.append(f"{self.lip if version == 4 else self.lip6}/{length} dev {self.gateway_device()}")
        return instance("VI_1" if version == 4 else "VI_6", priority, addresses, vrid=51 if version == 4 else 56,
                        advert=advert, extra=extra)

    def service(self, version=4, servers=None, **options):
        """A virtual_server on the VIP over the given webs (numbers; all by default), or over their IPv4 (`behind=4`)."""
        numbers = servers if servers is not None else range(1, len(self.webs) + 1)
        behind = options.pop("behind", version)
        if self.method == "FNAT":
            options["extra"] = f"laddr_group_name LOCAL\n    {options.get('extra', '')}"
        return service(self.vip if version == 4 else self.vip6, [self.server(number, behind) for number in numbers],
                       method=options.pop("method", self.method), **options)

    def configuration(self, priority, *services, versions=(4,), advert=0.2, extra=""):
        """A whole file: globals, one instance for each IP version, the services (one of all webs by default)."""
        parts = [GLOBALS % (f"lb_interfaces {'eth0 eth1' if self.arms == 2 else 'eth0'}")]
        if self.method == "FNAT":
            parts.append(f"local_address_group LOCAL {{\n    {self.lip}\n    {self.lip6}\n}}\n")
        parts += [self.vrrp(priority, version, advert, extra) for version in versions]
        parts += services or [self.service(version) for version in versions]
        return "\n".join(parts)

    def start(self, *services, versions=(4,), advert=0.2, both=True, **options):
        """Starts lb1 (the better one) and lb2; returns when lb1 is MASTER, lb2 BACKUP and every server of lb1 is settled."""
        self.b1.start(self.configuration(150, *services, versions=versions, advert=advert, **options))
        names = ["VI_1" if version == 4 else "VI_6" for version in versions]
        for name in names:
            self.b1.wait_role("MASTER", name)
        if both:
            self.b2.start(self.configuration(100, *services, versions=versions, advert=advert, **options))
            for name in names:
                self.b2.wait_role("BACKUP", name)
        return self


GLOBALS = """global_defs {
    connection_table_size 16384
    %s
}
"""


def instance(name, priority, addresses, interface="eth0", vrid=51, advert=0.2, version=3, extra=""):
    """A vrrp_instance, in keepalived's words: both read it."""
    lines = "\n".join(f"        {address}" for address in addresses)
    return f"""vrrp_instance {name} {{
    state BACKUP
    interface {interface}
    virtual_router_id {vrid}
    priority {priority}
    version {version}
    advert_int {advert:g}
    {extra}
    virtual_ipaddress {{
{lines}
    }}
}}
"""


def tcp_check():
    return "TCP_CHECK { connect_timeout 1 }"


def http_check(path="/health"):
    return f"""HTTP_GET {{
            url {{
                path {path}
                status_code 200
            }}
            connect_timeout 1
        }}"""


def service(vip, servers, port=80, server_port=None, method="NAT", scheduler="rr", protocol="TCP", check=None, delay=0.3,
            weights=None, extra=""):
    """A virtual_server; `servers` are addresses, `weights` by address where not 1."""
    check = tcp_check() if check is None and protocol == "TCP" else check or ""
    blocks = "\n".join(f"""    real_server {server} {server_port or port} {{
        weight {(weights or {}).get(server, 1)}
        {check}
    }}""" for server in servers)
    return f"""virtual_server {vip} {port} {{
    lvs_sched {scheduler}
    lvs_method {method}
    protocol {protocol}
    delay_loop {delay:g}
    retry 0
    {extra}
{blocks}
}}
"""


def service_name(vip, port=80, protocol="tcp"):
    """What Ballast calls that service."""
    return f"{protocol}:[{vip}]:{port}" if ":" in vip else f"{protocol}:{vip}:{port}"
