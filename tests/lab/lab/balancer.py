"""What runs on a load balancer: the Ballast family, or Debian's keepalived beside which it is measured."""

import json
import os
import pathlib
import signal

from .shell import SLOWNESS, run, wait_until
from .topology import alive, kill

BIN = pathlib.Path(os.environ.get("BALLAST_BIN") or pathlib.Path(__file__).resolve().parents[3] / "build/bin")
CTL = BIN / "ballastctl"
DAEMONS = ("ballastd", "vrrpd", "scriptd", "checkd", "forwardd")


class Ballast:
    """A `ballastd --standalone` with its family on a node, with a run and a pin directory of its own."""

    def __init__(self, node, name="ballast"):
        self.node, self.name = node, name
        self.run_dir = node.folder / name
        self.run_dir.mkdir()
        self.conf = node.folder / f"{name}.conf"
        self.pin_dir = node.lab.pin_dir(f"{node.name}-{name}")
        self.process = None

    def start(self, configuration=None):
        if configuration is not None:
            self.configure(configuration)
        self.process = self.node.start(BIN / "ballastd", "--config", self.conf, "--standalone", "--run-dir", self.run_dir,
                                       "--pin-dir", self.pin_dir, "--config-id", self.node.name, log=f"{self.name}.log")
        wait_until(self._is_up, f"{self.name} on {self.node.name} answers `ballastctl status`", limit=30)
        return self

    def _is_up(self):
        assert self.process.poll() is None, f"ballastd on {self.node.name} ended at its start"
        return self.status() is not None

    def configure(self, configuration):
        self.conf.write_text(configuration, encoding="utf-8")

    def ctl(self, *words):
        return run(CTL, "--run-dir", self.run_dir, *words, check=False)

    def reload(self, configuration):
        self.configure(configuration)
        return self.ctl("reload")

    def status(self):
        """What `ballastctl status --json` says; None while nobody answers."""
        result = self.ctl("status", "--json")
        try:
            return json.loads(result.stdout) if result.returncode == 0 else None
        except json.JSONDecodeError:
            return None

    def instance(self, name="VI_1"):
        return self._named("vrrp", name)

    def service(self, name):
        return self._named("services", name)

    def server(self, service, address):
        """A server of a service by its address; empty when there is none."""
        for server in self.service(service).get("servers", []):
            if server["address"] == address:
                return server
        return {}

    def _named(self, kind, name):
        for each in (self.status() or {}).get(kind, []):
            if each["name"] == name:
                return each
        return {}

    def role(self, name="VI_1"):
        return self.instance(name).get("state")

    def wait_role(self, role, name="VI_1", limit=15):
        wait_until(lambda: self.role(name) == role, f"{name} on {self.node.name} is {role}", limit)

    def wait_server(self, service, address, state, limit=15):
        wait_until(lambda: self.server(service, address).get("state") == state,
                   f"{address} of {service} on {self.node.name} is {state}", limit)

    def pid(self, daemon):
        """The daemon's process, or None."""
        for pid in self.node.pids(daemon):
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if str(self.run_dir).encode() in words and alive(pid):
                return pid
        return None

    def kill_daemon(self, daemon):
        """`kill -9` of one daemon; returns its process id."""
        pid = wait_until(lambda: self.pid(daemon), f"{daemon} runs on {self.node.name}")
        kill([pid])
        wait_until(lambda: not alive(pid), f"{daemon} on {self.node.name} is dead")
        return pid

    def family(self):
        return [pid for pid in map(self.pid, DAEMONS) if pid]

    def kill(self):
        """`kill -9` of the whole family, ballastd first, so that nobody restarts or withdraws anything."""
        pids = self.family()
        kill(pids)
        wait_until(lambda: not any(map(alive, pids)), f"the family on {self.node.name} is dead")
        self.process.wait()

    def stop(self, wait=True):
        """An orderly end: SIGTERM to ballastd."""
        self.process.send_signal(signal.SIGTERM)
        if wait:
            self.process.wait(30 * SLOWNESS)

    def unload(self):
        """Takes the data path out of the kernel."""
        return self.node.run(BIN / "forwardd", "--unload", "--run-dir", self.run_dir, "--pin-dir", self.pin_dir, check=False)


class Keepalived:
    """Debian's keepalived, VRRP alone."""

    def __init__(self, node, name="keepalived"):
        self.node, self.name, self.process = node, name, None
        self.conf = node.folder / f"{name}.conf"

    def start(self, configuration=None):
        if configuration is not None:
            self.conf.write_text(configuration, encoding="utf-8")
        for left in self.node.folder.glob("*.pid"):  # it takes a killed one that nobody reaped yet for a running one
            left.unlink()
        self.process = self.node.start("keepalived", "--vrrp", "--dont-fork", "--log-console", "--log-detail",
                                       "-f", self.conf, "-p", self.node.folder / "main.pid",
                                       "-r", self.node.folder / "vrrp.pid", log=f"{self.name}.log")
        wait_until(lambda: len(self.node.pids("keepalived", "keepalived_vrrp")) >= 2,
                   f"keepalived on {self.node.name} runs")
        return self

    def kill(self):
        pids = self.node.pids("keepalived", "keepalived_vrrp")
        kill(pids)
        wait_until(lambda: not any(map(alive, pids)), f"keepalived on {self.node.name} is dead")
        self.process.wait()

    def stop(self, wait=True):
        self.process.send_signal(signal.SIGTERM)
        if wait:
            self.process.wait(30 * SLOWNESS)


def xdp_devices(node):
    """Devices of a node that carry an XDP program."""
    links = json.loads(run("ip", "-n", node.namespace, "-j", "-d", "link").stdout)
    return [link["ifname"] for link in links if "xdp" in link]


