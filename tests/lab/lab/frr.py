"""FRR's vrrpd (with the zebra it needs) on a node: another speaker of VRRP, which keeps the virtual address on a macvlan of its own."""

import json
import shutil

from .shell import wait_until
from .topology import alive, kill

DAEMONS = "/usr/lib/frr"


class Frr:
    """One virtual router. Multicast only; version 2 or 3, the addresses of one family."""

    def __init__(self, node):
        self.node, self.vrid, self.processes = node, 0, []
        self.folder = node.folder / "frr"
        self.folder.mkdir()
        shutil.chown(self.folder, "frr", "frr")  # it runs as that user

    def start(self, priority, addresses, version=3, advert=0.2, vrid=51):
        self.vrid = vrid
        family = "ipv6" if ":" in addresses[0] else "ip"
        self._make_macvlan(addresses, family)
        lines = [f"vrrp {vrid} version {version}", f"vrrp {vrid} priority {priority}",
                 f"vrrp {vrid} advertisement-interval {advert * 1000:.0f}"]
        lines += [f"vrrp {vrid} {family} {address.split('/')[0]}" for address in addresses]
        conf = self.folder / "vrrpd.conf"
        conf.write_text("interface eth0\n " + "\n ".join(lines) + "\n!\n", encoding="utf-8")
        (self.folder / "zebra.conf").write_text("", encoding="utf-8")
        return self.resume()

    def _make_macvlan(self, addresses, family):
        kind, number = ("1", "4") if family == "ip" else ("2", "6")
        name = f"vrrp{number}-{self.vrid}"
        self.node.ip(f"link add {name} link eth0 type macvlan mode bridge", f"link set {name} addrgenmode none",
                     f"link set {name} address 00:00:5e:00:0{kind}:{self.vrid:02x}")
        nodad = " nodad" if family == "ipv6" else ""
        self.node.ip(*(f"address add {address} dev {name}{nodad}" for address in addresses), f"link set {name} up")

    def resume(self):
        """Starts it, again after a kill."""
        for program in ("zebra", "vrrpd"):
            process = self.node.start(f"{DAEMONS}/{program}", "-u", "frr", "-g", "frr", "-z", self.folder / "zserv.sock",
                                      "--vty_socket", self.folder, "-i", self.folder / f"{program}.pid",
                                      "-f", self.folder / f"{program}.conf", "-P", "0", log=f"frr-{program}.log")
            self.processes.append(process)
            wait_until(lambda program=program: (self.folder / f"{program}.vty").exists(), f"FRR's {program} runs")
        wait_until(lambda: self.state() is not None, "FRR has the virtual router")
        return self

    def state(self):
        """Initialize, Backup or Master; None while nobody answers."""
        result = self.node.run("vtysh", "--vty_socket", self.folder, "-c", "show vrrp json", check=False)
        try:
            routers = json.loads(result.stdout)
        except json.JSONDecodeError:
            return None
        for router in routers:
            for family in ("v4", "v6"):
                status = router.get(family, {}).get("status")
                if status and router.get("vrid") == self.vrid and router[family].get("addresses"):
                    return status
        return None

    def wait_state(self, state, limit=20):
        wait_until(lambda: self.state() == state, f"FRR on {self.node.name} is {state}", limit)

    def stop(self, signal=None):
        """Both programs, the speaker first; killed, or in order."""
        for process in reversed(self.processes):
            if signal is None:
                process.terminate()
            else:
                kill([process.pid], signal)
            wait_until(lambda process=process: process.poll() is not None or not alive(process.pid), "FRR has ended")
        self.processes.clear()
        for left in self.folder.glob("*.vty"):
            left.unlink()
