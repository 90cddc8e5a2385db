"""Namespaces, bridges and the wires between them.

A `Lab` has a name of its own, so labs run one after another or at once on one machine. Whoever makes one holds a lock
on its folder; a lab whose lock is free was left by a process that died, and the next lab to start removes it."""

import concurrent.futures
import fcntl
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

from .shell import SLOWNESS, LabError, enter_namespace, run, wait_until

PREFIX = os.environ.get("BALLAST_LAB_PREFIX", "blab")
FOLDER = pathlib.Path("/tmp/ballast-lab")
BPFFS = pathlib.Path("/sys/fs/bpf")
_numbers = itertools.count(1)

# Checksums are left to "hardware" that a veth has not, and segments would pass a packet's size: off on every end.
OFFLOADS = ("rx", "off", "tx", "off", "sg", "off", "tso", "off", "gso", "off")
SYSCTLS = ("net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0",
           "net.ipv6.conf.all.accept_ra=0", "net.ipv6.conf.default.accept_ra=0",
           "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0",
           "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.default.send_redirects=0",
           "net.ipv4.conf.all.accept_redirects=0", "net.ipv4.conf.default.accept_redirects=0")


class Network:
    """One broadcast domain: a bridge in the lab's switch, 10.N.0.0/24 and fd0N::/64."""

    def __init__(self, lab, name, number):
        self.lab, self.name, self.number = lab, name, number
        lab.switch_ip(f"link add {name} type bridge stp_state 0 forward_delay 0 mcast_snooping 0", f"link set {name} up")

    def address(self, host, version=4):
        return f"10.{self.number}.0.{host}" if version == 4 else f"fd0{self.number}::{host}"

    def prefix(self, host, version=4):
        return f"{self.address(host, version)}/{24 if version == 4 else 64}"


class Node:
    """A machine of the lab: a namespace with eth0, eth1, … in the networks it was plugged into."""

    def __init__(self, lab, name, host):
        self.lab, self.name, self.host = lab, name, host
        self.namespace = f"{lab.name}-{name}"
        self.devices = {}  # network's name -> device
        self.folder = lab.folder / name
        self.folder.mkdir()
        self._thread = None
        run("ip", "netns", "add", self.namespace)
        self.ip("link set lo up")
        self.sysctl(*SYSCTLS)

    def ip(self, *commands):
        """`ip` commands, each a line, in this node."""
        run("ip", "-n", self.namespace, "-batch", "-", stdin="\n".join(commands) + "\n")

    def sysctl(self, *settings):
        self.run("sysctl", "-qw", *settings)

    def command(self, *words):
        # `ip netns exec` would hide /sys/fs/bpf behind a fresh /sys.
        return ["nsenter", f"--net=/run/netns/{self.namespace}", *map(str, words)]

    def run(self, *words, check=True, stdin=None):
        return run(*self.command(*words), check=check, stdin=stdin)

    def start(self, *words, log=None, **options):
        """Starts a program here, output to `FOLDER/log`; it ends with the lab at the latest."""
        output = open(self.folder / log, "ab") if log else subprocess.DEVNULL
        try:
            process = subprocess.Popen(self.command(*words), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                       start_new_session=True, **options)
        finally:
            if log:
                output.close()
        self.lab.processes.append(process)
        return process

    def inside(self, function, *arguments):
        """Calls a function in a thread that lives in this namespace; sockets it opens stay in it."""
        if self._thread is None:
            self._thread = concurrent.futures.ThreadPoolExecutor(1, initializer=enter_namespace, initargs=(self.namespace,))
        return self._thread.submit(function, *arguments).result()

    def leave(self):
        if self._thread:
            self._thread.shutdown()
            self._thread = None

    def connect(self, address, port, timeout=5, source_port=0):
        """A TCP connection from this node; source_port 0: any."""
        source = ("", source_port) if source_port else None
        return self.inside(lambda: socket.create_connection((address, port), timeout * SLOWNESS, source))

    def udp(self, address, port, timeout=2):
        """A connected UDP socket of this node."""
        def make():
            made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
            made.settimeout(timeout * SLOWNESS)
            made.connect((address, port))
            return made
        return self.inside(make)

    def has(self, address):
        """Whether the kernel takes this address as its own now (a socket can be bound to it)."""
        def bind():
            with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
                try:
                    probe.bind((address, 0))
                except OSError:
                    return False
                return True
        return self.inside(bind)

    def address(self, network, version=4):
        return self.lab.networks[network].address(self.host, version)

    def plug(self, network):
        """Puts a new interface of this node into a network, with its addresses."""
        device = f"eth{len(self.devices)}"
        port = f"{self.name}-{device}"
        self.lab.switch_ip(f"link add {port} type veth peer name {device} netns {self.namespace}")
        self.run("ethtool", "-K", device, *OFFLOADS, "gro", "off")
        # A veth takes what XDP sends from its peer only while it runs NAPI; GRO is what turns that on.
        self.lab.switch_run("ethtool", "-K", port, *OFFLOADS, "gro", "on")
        self.ip(f"link set {device} up", *(f"address add {each} dev {device} nodad" for each in self._own(network)))
        self.lab.switch_ip(f"link set {port} master {network}", f"link set {port} up")
        self.devices[network] = device

    def _own(self, network):
        net = self.lab.networks[network]
        return net.prefix(self.host), net.prefix(self.host, 6)

    def port(self, network):
        return f"{self.name}-{self.devices[network]}"

    def link(self, network, up):
        """Pulls the cable (the node loses its carrier) or puts it back."""
        self.lab.switch_ip(f"link set {self.port(network)} {'up' if up else 'down'}")

    def cut(self, network):
        """Silences the wire: the carrier stays, nothing passes."""
        self.lab.switch_ip(f"link set {self.port(network)} nomaster")

    def heal(self, network):
        self.lab.switch_ip(f"link set {self.port(network)} master {network}")

    def power_off(self):
        """The machine dies: its wires are silent and its processes gone, all at once."""
        for network in self.devices:
            self.cut(network)
        pids = self.pids()
        kill(pids)
        wait_until(lambda: not any(map(alive, pids)), f"nothing runs on {self.name}")

    def power_on(self):
        """It comes up again as it was configured at first: nobody's further addresses, no XDP program."""
        for pins in BPFFS.glob(f"{self.lab.name}-{self.name}-*"):
            shutil.rmtree(pins)
        for network, device in self.devices.items():
            link = json.loads(run("ip", "-n", self.namespace, "-j", "address", "show", "dev", device).stdout)[0]
            here = {f"{each['local']}/{each['prefixlen']}" for each in link["addr_info"]
                    if "ff:fe" not in each["local"]}  # all but the kernel's own link-local address
            self.ip(*(f"address delete {each} dev {device}" for each in here - set(self._own(network))))
            self.heal(network)

    def pids(self, *names):
        """Processes here, all or those of these names."""
        found = [int(word) for word in run("ip", "netns", "pids", self.namespace, check=False).stdout.split()]
        return [pid for pid in found if not names or command_name(pid) in names]

    def logs(self):
        return sorted(self.folder.glob("*.log"))


def command_name(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def kill(pids, signum=signal.SIGKILL):
    for pid in pids:
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            pass


class Lab:
    """The networks and nodes of one scenario; a context manager that leaves nothing behind."""

    def __init__(self):
        if os.geteuid() != 0:
            raise LabError("the lab makes network namespaces: run it as root")
        FOLDER.mkdir(exist_ok=True)
        remove_leftovers()
        if not os.path.ismount(BPFFS):
            run("mount", "-t", "bpf", "bpf", BPFFS)
        self.name = f"{PREFIX}{os.getpid()}x{next(_numbers)}"
        self.folder = FOLDER / self.name
        self.folder.mkdir()
        self._lock = _lock(self.folder)
        self.networks, self.nodes, self.processes = {}, {}, []
        self.switch = Node(self, "switch", 0)
        self.nodes["switch"] = self.switch

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def switch_ip(self, *commands):
        self.switch.ip(*commands)

    def switch_run(self, *words):
        self.switch.run(*words)

    def network(self, name):
        self.networks[name] = Network(self, name, len(self.networks) + 1)
        return self.networks[name]

    def node(self, name, host, *networks):
        self.nodes[name] = node = Node(self, name, host)
        for network in networks:
            node.plug(network)
        return node

    def pin_dir(self, name):
        return BPFFS / f"{self.name}-{name}"

    def keep(self):
        """Lets the lab go on without this process; `remove_kept` is how it ends."""
        (self.folder / "keep").touch()

    def logs(self, lines=60):
        """The end of every log, for a person who wants to know why a scenario failed."""
        parts = []
        for node in self.nodes.values():
            for log in node.logs():
                text = log.read_text(encoding="utf-8", errors="replace").splitlines()
                parts.append("\n".join([f"--- {node.name}: {log.name}", *text[-lines:]]))
        return "\n".join(parts)

    def close(self):
        for node in self.nodes.values():
            node.leave()
        destroy(self.name)
        for process in self.processes:
            process.wait()
        self._lock.close()


def _lock(folder):
    """The folder's lock, held until closed; None when another process holds it."""
    handle = open(folder / "lock", "w", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    return handle


def destroy(name):
    """Ends every process of a lab and removes its namespaces, pins and folder."""
    namespaces = [path.name for path in pathlib.Path("/run/netns").glob(f"{name}-*")]

    def processes():
        return [int(pid) for namespace in namespaces
                for pid in run("ip", "netns", "pids", namespace, check=False).stdout.split() if alive(int(pid))]

    def none_left():
        left = processes()
        kill(left)
        return not left

    wait_until(none_left, f"the processes of {name} end", limit=20)
    for namespace in namespaces:
        run("ip", "netns", "delete", namespace, check=False)
    for pins in BPFFS.glob(f"{name}-*"):
        shutil.rmtree(pins, ignore_errors=True)
    shutil.rmtree(FOLDER / name, ignore_errors=True)


def remove_leftovers(kept=False):
    """Removes labs whose process died; those that were meant to be kept only when `kept`. Returns their names."""
    removed = []
    for folder in FOLDER.glob("*"):
        if not re.fullmatch(r"\w+x\d+", folder.name) or ((folder / "keep").exists() and not kept):
            continue
        young = time.time() - folder.stat().st_mtime < 5 and not (folder / "lock").exists()
        lock = None if young else _lock(folder)
        if lock:
            destroy(folder.name)
            lock.close()
            removed.append(folder.name)
    return removed
