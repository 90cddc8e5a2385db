"""Two load balancers that are whole Debians, and around them the lab's client and servers:

    client --- front --- lb1, lb2 --- back --- web1, web2

The servers' answers go through the address of `back` that floats with the VIP."""

import re
import shutil
import subprocess

import guest
from lab.shell import wait_until
from lab.topology import Lab
from lab.web import Nginx

FRONT, BACK = "front", "back"
BALANCERS = {"lb1": 1, "lb2": 2}
NEXT_VERSION = "0.1.99"
CONFIGURATION = """vrrp_instance VI_1 {{
    interface eth0
    virtual_router_id 51
    @lb1 priority 150
    @lb2 priority 100
    version 3
    advert_int 4    # an emulated machine that shares its processor may take seconds to start a program
    virtual_ipaddress {{
        {vip}/24
        {gateway}/24 dev eth1
    }}
}}
virtual_server {vip} 80 {{
    lvs_sched rr
    lvs_method NAT
    protocol TCP
    delay_loop 2
    real_server {web1} 80 {{ TCP_CHECK {{ connect_timeout 5 }} }}
    real_server {web2} 80 {{ TCP_CHECK {{ connect_timeout 5 }} }}
}}
"""


def make_packages(folder, *options):
    """The packages of what is built, by name."""
    shutil.rmtree(folder, ignore_errors=True)
    # Not packed as tightly as those that are shipped: an emulated processor unpacks slowly.
    guest.host("cpack", "--config", guest.BUILD / "CPackConfig.cmake", "-G", "DEB", "-B", folder,
               "-D", "CPACK_DEBIAN_COMPRESSION_TYPE=gzip", *options)
    shutil.rmtree(folder / "_CPack_Packages")
    return {path.name.split("_")[0]: path for path in folder.glob("*.deb")}


def dependencies(package):
    """The names that a package depends on; of alternatives the first."""
    return re.findall(r"(?:^|, )([\w.+-]+)", guest.host("dpkg-deb", "--field", package, "Depends"))


class Site:
    def __init__(self, old, new):
        self.lab = Lab()
        for name in (FRONT, BACK):
            self.lab.network(name)
        front, back = self.lab.networks[FRONT], self.lab.networks[BACK]
        self.vip, gateway = front.address(100), back.address(100)
        self.client = self.lab.node("client", 11, FRONT)
        self.webs = [self.lab.node(f"web{number}", 20 + number, BACK) for number in (1, 2)]
        for web in self.webs:
            web.ip(f"route add default via {gateway}")
            Nginx(web).start()
        needed = {name for package in old.values() for name in dependencies(package)}
        disk = guest.debian_disk(needed - set(old))
        configuration = CONFIGURATION.format(vip=self.vip, gateway=gateway, web1=back.address(21), web2=back.address(22))
        files = {"ballast.conf": configuration}
        for version, packages in (("old", old), ("new", new)):
            files |= {f"{version}/{name}.deb": path for name, path in packages.items()}
        self.systems = [self._switch_on(name, disk, files) for name in BALANCERS]
        for system in self.systems:
            self._address(system)

    def _switch_on(self, name, disk, files):
        taps = [f"{name}-eth{number}" for number in range(2)]
        for tap, network in zip(taps, (FRONT, BACK), strict=True):
            self.lab.switch_ip(f"tuntap add {tap} mode tap", f"link set {tap} master {network}", f"link set {tap} up")
        return guest.System(name, self.lab.folder, disk=disk, taps=taps, files=files,
                            start=lambda *words: self.lab.switch.start(*words, log=f"{name}.log"))

    def _address(self, system):
        host = BALANCERS[system.name]
        for number, network in enumerate((FRONT, BACK)):
            system.run(f"ip link set eth{number} up; ip address add {self.lab.networks[network].prefix(host)} dev eth{number}")
        system.run("echo 1 >/proc/sys/net/ipv4/ip_forward")

    def wait_role(self, system, role, limit=120):
        wait_until(lambda: f"-> {role}" in (roles_of(system) or [""])[-1], lambda: f"{system.name} is {role}: {journal(system)}", limit, 0.5)

    def wait_servers(self, system):
        wait_until(lambda: system.says("ballastctl status --json").count('"up"') >= 2,
                   f"both servers are up on {system.name}", 120, 0.5)

    def close(self):
        self.lab.close()


def journal(system, unit="vrrpd"):
    return system.says(f"journalctl -u {unit} -o cat --no-pager")


def roles_of(system):
    """What a VRRP speaker's journal says of changes of its role."""
    return [line for line in journal(system).splitlines() if re.search(r"VI_1: \w+ -> \w+", line)]


def lintian(*packages):
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", *packages], capture_output=True, text=True,
                          check=False)
    return done.returncode, done.stdout + done.stderr
