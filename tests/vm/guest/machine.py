"""Boots the guest, waits for its end and reads what it said."""

import dataclasses
import pathlib
import re
import secrets
import shutil
import subprocess
import tempfile
import time

from . import image
from .errors import GuestError
from .kernel import CACHE, debian_kernel

RUNS = CACHE / "runs"
RUNS_KEPT = 20
TIMED_OUT = 124  # timeout(1)
QEMU = "qemu-system-x86_64"
# An oops ends the guest at once; grace periods of RCU, which each change to a BPF map of maps waits for, are short. On a busy machine the emulated timer is too late for the kernel's test of it.
KERNEL_WORDS = "console=ttyS0 quiet panic=-1 oops=panic rcupdate.rcu_expedited=1 no_timer_check"


@dataclasses.dataclass(frozen=True)
class Result:
    """How the command ended: its exit status, what it printed (standard output and error), the kernel's console, and the
    folder in which both are kept, with what a whole guest left in /guest-out as `out`."""

    status: int
    output: str
    console: str
    folder: pathlib.Path


def missing():
    """Why no guest can be had on this machine; empty when one can."""
    return "" if shutil.which(QEMU) else f"{QEMU} is not installed (Debian's qemu-system-x86): no guest can be booted"


def run(command, *, programs=(), files=None, modules=(), whole=False, timeout=120, memory=1024, cpus=2, say=None):
    """Runs shell text in a guest of its own and returns its `Result`.

    programs: names or paths; they are found on the guest's PATH, before busybox's commands.
    files:    the guest's path -> a text, or the Path of a file of the host.
    modules:  the kernel's modules to load first; what they depend on comes by itself.
    whole:    the host's file system is the guest's root, with all its programs; modules are loaded when needed. What the
              command leaves in /guest-out is kept.
    timeout:  seconds for all of it, boot included. memory: MiB.
    say:      called with each piece of output as it comes.

    Raises GuestError when the guest cannot be made, panics, hangs, or ends without a status."""
    with Machine(command, programs=programs, files=files, modules=modules, whole=whole) as machine:
        words = ["timeout", "--kill-after=5", timeout, *machine.words(memory, cpus, f"file:{machine.folder / 'output'}")]
        # timeout(1) ends the guest even when this process is killed.
        process = subprocess.Popen([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        if say:
            follow(process, machine, say)
        _, errors = process.communicate()
        return read_result(machine, process.returncode, errors, timeout)


def console(command, *, memory=1024, cpus=2):
    """A whole guest with the terminal of this process; ends when the command (a shell) does."""
    with Machine(command, whole=True, console=True) as machine:
        words = machine.words(memory, cpus, "chardev:terminal")
        words += ["-chardev", "stdio,id=terminal,signal=off"]
        return subprocess.run([str(word) for word in words], check=False).returncode


class Machine:
    """One guest's files: its initramfs for as long as the block runs, its folder for longer."""

    def __init__(self, command, *, whole=False, **contents):
        self.kernel, self.folder, self.whole = debian_kernel(), new_folder(), whole
        self.token = f"guest-{secrets.token_hex(8)}"
        self.initramfs = self.folder / "initramfs"
        image.build(self.initramfs, kernel=self.kernel, command=command, token=self.token, whole=whole, **contents)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.initramfs.unlink()

    def words(self, memory, cpus, serial):
        """QEMU's command line; the command's output goes to `serial`."""
        if why := missing():
            raise GuestError(why)
        words = [QEMU, "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", cpus, "-m", memory, "-display", "none",
                 "-monitor", "none", "-nic", "none", "-no-reboot", "-serial", f"file:{self.folder / 'console'}", "-serial", serial,
                 "-kernel", self.kernel.image, "-initrd", self.initramfs, "-append", KERNEL_WORDS]
        if self.whole:
            out = self.folder / "out"
            out.mkdir()
            words += ["-fsdev", "local,id=host,path=/,security_model=none,multidevs=remap,readonly=on",
                      "-device", "virtio-9p-pci,fsdev=host,mount_tag=host",
                      "-fsdev", f"local,id=out,path={out},security_model=none",
                      "-device", "virtio-9p-pci,fsdev=out,mount_tag=out"]
        return words

    def output(self):
        """What the command said, and how init reported its end: a match or None."""
        output = read(self.folder / "output")
        return output, re.search(rf"\n{self.token} (status|error) (.*)\n?\Z", output, re.DOTALL)


def follow(process, machine, say):
    """Says what comes, but for init's report and whatever may yet become one."""
    said = 0
    while True:
        ended = process.poll() is not None
        output, report = machine.output()
        if report:
            output = output[:report.start()]
        elif not ended:
            output = output[:output.rfind("\n") + 1].rstrip("\n")
        if len(output) > said:
            say(output[said:])
            said = len(output)
        if ended:
            return
        time.sleep(0.2)


def new_folder():
    """A folder for this run; only the last few are kept."""
    RUNS.mkdir(parents=True, exist_ok=True)
    for old in sorted(RUNS.iterdir())[:-RUNS_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return pathlib.Path(tempfile.mkdtemp(dir=RUNS, prefix=time.strftime("%Y%m%d-%H%M%S-")))


def read_result(machine, status, errors, timeout):
    folder = machine.folder
    output, said = machine.output()
    console_said = read(folder / "console")
    if said and said[1] == "status":
        return Result(int(said[2]), output[:said.start()], console_said, folder)
    if said:
        reason = f"the guest could not be prepared: {said[2].strip()}"
    elif panic := re.search(r"Kernel panic[^\n]*", console_said):
        reason = f"the guest's kernel died: {panic[0].strip()}"
    elif status == TIMED_OUT:
        reason = f"the guest said nothing of the command's end in {timeout} s: it hangs, or needs a longer timeout"
    elif status != 0:
        reason = f"qemu: exit {status}: {errors.strip()}"
    else:
        reason = "the guest stopped before the command ended"
    raise GuestError(f"{reason}\n-- end of its output\n{tail(output)}\n-- end of its console\n{tail(console_said)}\n"
                     f"-- whole: {folder}")


def read(path):
    return path.read_text(errors="replace") if path.exists() else ""


def tail(text, lines=25):
    return "\n".join(text.splitlines()[-lines:])
