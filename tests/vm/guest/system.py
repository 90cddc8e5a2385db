"""A guest with a whole Debian: systemd, a disk, network cards, and commands from the host one after another."""

import pathlib
import secrets
import socket
import subprocess
import time

from . import image
from .errors import GuestError
from .kernel import debian_kernel
from .machine import Result, read, tail

BOOT, AGENT = (pathlib.Path(__file__).with_name(name) for name in ("boot", "agent"))
AGENT_UNIT = """[Unit]
Description=Runs what the host asks for
[Service]
ExecStart=/run/guest/agent
"""
# What nobody waits for here and an emulated processor is slow at.
MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service",
          "fstrim.timer", "getty.target", "systemd-update-utmp.service", "systemd-update-utmp-runlevel.service",
          "systemd-logind.service", "systemd-random-seed.service", "systemd-modules-load.service", "systemd-sysusers.service",
          "dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount",
          "modprobe@configfs.service", "modprobe@dm_mod.service", "modprobe@fuse.service", "modprobe@loop.service")
BOOT_LIMIT = 300
COMMAND_LIMIT = 300
MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_console", "ext4", "ip_vs_rr", "nf_tables")
KERNEL_WORDS = ("console=ttyS0 quiet panic=-1 oops=panic rcupdate.rcu_expedited=1 net.ifnames=0 "
                "systemd.show_status=false")


class System:
    """One machine that has been switched on; `run` waits for its boot.

    start:  starts a program in the network namespace where `taps` are: a function of words that returns a Popen.
    taps:   names of tap devices there; they are eth0, eth1, … of the guest.
    files:  a name below /run/guest -> a text, or the Path of a file of the host."""

    def __init__(self, name, folder, *, start, disk, taps, files=None, memory=512):
        self.name, self.folder = name, pathlib.Path(folder)
        self._port, self._rest, self._ready = None, b"", False
        kernel = debian_kernel()
        initramfs = self._initramfs(kernel, files or {})
        cards = []
        for number, tap in enumerate(taps):
            mac = f"52:54:00:{secrets.token_hex(1)}:{secrets.token_hex(1)}:{number:02x}"
            # Nothing of the card's is left to "hardware": XDP wants whole packets, and a tap has none.
            cards += ["-netdev", f"tap,id=net{number},ifname={tap},script=no,downscript=no,vnet_hdr=off",
                      "-device", f"virtio-net-pci,netdev=net{number},mac={mac},romfile="]
        control = self.folder / f"{name}.sock"
        words = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-smp", 1, "-m", memory, "-display", "none",
                 "-monitor", "none", "-no-reboot", "-nodefaults", "-serial", f"file:{self._console}",
                 "-drive", f"file={disk},if=virtio,format=raw,snapshot=on,cache=unsafe",
                 "-device", "virtio-serial", "-chardev", f"socket,id=agent,path={control},server=on,wait=off",
                 "-device", "virtserialport,chardev=agent,name=agent", *cards,
                 "-kernel", kernel.image, "-initrd", initramfs, "-append", f"{KERNEL_WORDS} systemd.hostname={name}"]
        self.process = start(*words)
        self._connect(control)

    def _initramfs(self, kernel, files):
        archive = self.folder / f"{self.name}.initramfs"
        tree = image.Tree(self.folder / f"{self.name}.root")
        tree.place("/init", BOOT)
        tree.place("/bin/busybox", image.BUSYBOX)
        for number, module in enumerate(kernel.modules(MODULES)):
            tree.place(f"/modules/{number:03}-{module.name}", module)
        tree.place("/run/guest/agent", AGENT)
        for path, content in files.items():
            tree.place(f"/run/guest/{path}", content)
        units = "/run/systemd/system"
        tree.place(f"{units}/guest-agent.service", AGENT_UNIT)
        tree.link(f"{units}/multi-user.target.wants/guest-agent.service", "../guest-agent.service")
        for unit in MASKED:
            tree.link(f"{units}/{unit}", "/dev/null")
        tree.pack(archive)
        return archive

    @property
    def _console(self):
        return self.folder / f"{self.name}.console"

    def _connect(self, control):
        end = time.monotonic() + 30
        while self._port is None:
            port = socket.socket(socket.AF_UNIX)
            try:
                port.connect(str(control))
                self._port = port
            except OSError as error:
                port.close()
                if self.process.poll() is not None or time.monotonic() > end:
                    raise self._error(f"no way to it: {error}") from error
                time.sleep(0.05)

    def run(self, command, timeout=COMMAND_LIMIT, check=True):
        """Runs shell text in the guest as root and returns its `Result`; `check`: a status other than 0 is an error."""
        if not self._ready:
            self._answer(BOOT_LIMIT)
            self._ready = True
        text = command.encode()
        self._port.sendall(b"%d\n" % len(text) + text)
        result = self._answer(timeout)
        if check and result.status != 0:
            raise GuestError(f"{self.name}: {command}: exit {result.status}\n{tail(result.output)}")
        return result

    def says(self, command):
        """What a command prints."""
        return self.run(command).output.strip()

    def _answer(self, timeout):
        end = time.monotonic() + timeout

        def more():
            self._port.settimeout(max(end - time.monotonic(), 0.001))
            try:
                received = self._port.recv(65536)
            except TimeoutError:
                raise self._error(f"says nothing for {timeout} s") from None
            if not received:
                raise self._error("is gone")
            self._rest += received

        while b"\n" not in self._rest:
            more()
        head, self._rest = self._rest.split(b"\n", 1)
        status, length = map(int, head.split())
        while len(self._rest) < length:
            more()
        text, self._rest = self._rest[:length], self._rest[length:]
        return Result(status, text.decode(errors="replace"), read(self._console), self.folder)

    def _error(self, reason):
        return GuestError(f"{self.name}: {reason}\n-- end of its console\n{tail(read(self._console))}")

    def pull_the_plug(self):
        """The machine is gone from one moment to the next."""
        self.process.kill()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            raise self._error("does not die") from None
        self._port.close()
