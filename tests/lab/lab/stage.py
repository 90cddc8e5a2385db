"""Where both engines play the same scenarios: servers prepared for every method at once, one load balancer or two.

    client -- front -- lb1 (lb2) -- back -- servers
       |                              |
       +-------- back ----------------+

Servers answer from their own address (NAT) through the load balancers' gateway, and from a VIP (DR, TUN) to the client's
second leg. So a lab is raised once for a file, and a scenario is a reload away."""

import contextlib
import subprocess

import pytest

from .balancer import Ballast
from .client import KeptConnection
from .cluster import GATEWAY, GLOBALS, LINK_LOCAL, instance, service, service_name, tcp_check
from .shell import SLOWNESS, run, wait_until
from .topology import Lab
from .web import Nginx

ENGINES = ("xdp", "ipvs")
DIRECT_TABLE = 100
VIPS = range(100, 120)  # hosts of the front network, in both families
ADVERT = 1  # seconds: an emulated machine is late by tenths of one


def has_ipvs():
    """Whether this kernel has IPVS, or a module of it."""
    return subprocess.run(["ipvsadm", "-Ln"], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module", name="engine", params=ENGINES)
def fixture_engine(request):
    """Each scenario runs on both; on a kernel without IPVS on one of them, and that is told."""
    if request.param == "ipvs" and not has_ipvs():
        pytest.skip("this kernel has no IPVS: scripts/test vm runs it on Debian's")
    return request.param


class Stage:
    """`engine` decides lb_engine and nothing else."""

    def __init__(self, lab, engine, webs=3, balancers=1):
        self.lab, self.engine = lab, engine
        self.front, self.back = lab.network("front"), lab.network("back")
        self.client = lab.node("client", 1, "front", "back")
        self.lbs = [lab.node(f"lb{number}", 10 + number, "front", "back") for number in range(1, balancers + 1)]
        self.webs = [lab.node(f"web{number}", 20 + number, "back") for number in range(1, webs + 1)]
        for node in self.lbs:
            node.sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        for web in self.webs:
            self._route_answers(web)
        self.nginx = {web.name: Nginx(web) for web in self.webs}
        for each in self.nginx.values():
            each.start()
        self.balancers = [Ballast(node) for node in self.lbs]

    @property
    def lb(self):
        return self.lbs[0]

    @property
    def balancer(self):
        return self.balancers[0]

    def _route_answers(self, web):
        web.sysctl("net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2")
        commands = []
        for version, family in ((4, ""), (6, "-6 ")):
            client = f"{self.client.address('front', version)}/{32 if version == 4 else 128}"
            network = self.front.address(0, version) + ("/24" if version == 4 else "/64")
            gateway = self.back.address(GATEWAY, version)
            commands += [f"{family}route add {client} via {gateway}",
                         f"{family}rule add from {network} lookup {DIRECT_TABLE}",
                         f"{family}route add {client} via {self.client.address('back', version)} table {DIRECT_TABLE}"]
        for command in commands:  # ip -batch keeps the family of its first line
            run("ip", *(["-6"] if command.startswith("-6 ") else []), "-n", web.namespace, *command.removeprefix("-6 ").split())

    def own_vips(self, *vips):
        """Servers take packets for these addresses, and are silent about them."""
        for web in self.webs:
            web.ip(*(f"address add {vip}/{128 if ':' in vip else 32} dev lo nodad" for vip in vips))

    def vip(self, host=VIPS[0], version=4):
        return self.front.address(host, version)

    def server(self, number, version=4):
        return self.webs[number - 1].address("back", version)

    def servers(self, version=4):
        return [self.server(number, version) for number in range(1, len(self.webs) + 1)]

    def service(self, version=4, host=VIPS[0], servers=None, **options):
        """A virtual_server of all webs or of those numbered, by NAT and round robin unless told otherwise."""
        numbers = servers or range(1, len(self.webs) + 1)
        behind = options.pop("behind", version)
        if options.get("protocol", "TCP") == "TCP":
            options.setdefault("check", tcp_check().replace("connect_timeout 1", f"connect_timeout {max(1, SLOWNESS / 2):g}"))
        return service(self.vip(host, version), [self.server(number, behind) for number in numbers],
                       delay=0.3 * max(1, SLOWNESS / 3), **options)

    def configuration(self, *services, priority=150, more="", instances="", hosts=VIPS[:1], versions=(4,)):
        """A whole file; `more` goes into global_defs, `instances` into every vrrp_instance."""
        parts = [GLOBALS % f"lb_interfaces eth0 eth1\n    lb_engine {self.engine}\n    {more}"]
        for version in versions:
            length = 24 if version == 4 else 64
            addresses = [f"{self.vip(host, version)}/{length}" for host in hosts]
            addresses.append(f"{self.back.address(GATEWAY, version)}/{length} dev eth1")
            if version == 6:
                addresses.insert(0, f"{LINK_LOCAL}/64")
            parts.append(instance(f"VI_{version}", priority, addresses, vrid=50 + version, advert=ADVERT, extra=instances))
        return "\n".join([*parts, *(services or [self.service()])])

    def start(self, *services, **options):
        """All load balancers, the first as MASTER; every server of the first is up."""
        names = [f"VI_{version}" for version in options.get("versions", (4,))]
        for number, balancer in enumerate(self.balancers):
            balancer.start(self.configuration(*services, priority=150 - 50 * number, **options))
            for name in names:
                balancer.wait_role("BACKUP" if number else "MASTER", name)
        self.wait_up()
        return self

    def wait_up(self, balancer=None):
        """Every server of every service takes connections, or was given weight 0."""
        balancer = balancer or self.balancer

        def all_up():
            services = (balancer.status() or {}).get("services", [])
            return services and all(server["state"] in ("up", "drain") for each in services for server in each["servers"])
        wait_until(all_up, f"all servers of {balancer.node.name} are up")

    def reload(self, *services, **options):
        """The other configuration is in force, and its servers are up."""
        for number, balancer in enumerate(self.balancers):
            answer = balancer.reload(self.configuration(*services, priority=150 - 50 * number, **options))
            assert answer.returncode == 0, answer.stdout + answer.stderr
        self.wait_up()

    def keep(self, count, address=None, port=80):
        """So many connections, one after another, that stay open."""
        return [KeptConnection(self.client, address or self.vip(), port) for _ in range(count)]

    def ask(self, count, address=None, port=80):
        """The servers of so many new connections, in order; each is closed before the next."""
        return [ask(self.client, address or self.vip(), port) for _ in range(count)]

    def state(self, number, state, name=None, balancer=None):
        """Waits until server `number` is in this state."""
        (balancer or self.balancer).wait_server(name or service_name(self.vip()), self.server(number), state)

    def active(self, name=None):
        """Active connections by server, as ballastctl tells them."""
        servers = self.balancer.service(name or service_name(self.vip()))["servers"]
        return [next(each["active"] for each in servers if each["address"] == address) for address in self.servers()]

    def ipvsadm(self, *words, node=None, stdin=None):
        return (node or self.lb).run("ipvsadm", *words, stdin=stdin).stdout


def ask(client, address, port=80, **options):
    connection = KeptConnection(client, address, port, **options)
    connection.close()
    return connection.server


@contextlib.contextmanager
def stage(engine, **options):
    """A stage in a lab of its own; when it cannot be raised or a scenario fails, the logs are for a person to read."""
    with Lab() as lab:
        try:
            yield Stage(lab, engine, **options)
        except BaseException:
            print(lab.logs())
            raise
