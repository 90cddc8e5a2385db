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
# An oops ends the guest at once; grace periods of RCU, which each change to a BPF map of maps waits for, are short.
KERNEL_WORDS = "console=ttyS0 quiet panic=-1 oops=panic rcupdate.rcu_expedited=1"


@dataclasses.dataclass(frozen=True)
class Result:
    """How the command ended: its exit status, what it printed (standard output and error), the kernel's console, and the
    folder in which both are kept."""

    status: int
    output: str
    console: str
    folder: pathlib.Path


def run(command, *, programs=(), files=None, modules=(), timeout=120, memory=1024, cpus=2):
    """Runs shell text in a guest of its own and returns its `Result`.

    programs: names or paths; they are found on the guest's PATH, before busybox's commands.
    files:    the guest's path -> a text, or the Path of a file of the host.
    modules:  the kernel's modules to load first; what they depend on comes by itself.
    timeout:  seconds for all of it, boot included. memory: MiB.

    Raises GuestError when the guest cannot be made, panics, hangs, or ends without a status."""
    kernel = debian_kernel()
    folder = new_folder()
    token = f"guest-{secrets.token_hex(8)}"
    initramfs = folder / "initramfs"
    image.build(initramfs, kernel=kernel, command=command, token=token, programs=programs, files=files or {},
                modules=modules)
    words = ["timeout", "--kill-after=5", timeout, "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max",
             "-smp", cpus, "-m", memory, "-display", "none", "-monitor", "none", "-nic", "none", "-no-reboot",
             "-serial", f"file:{folder / 'console'}", "-serial", f"file:{folder / 'output'}",
             "-kernel", kernel.image, "-initrd", initramfs, "-append", KERNEL_WORDS]
    # timeout(1) ends the guest even when this process is killed.
    ended = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                           check=False)
    initramfs.unlink()
    return read_result(folder, token, ended, timeout)


def new_folder():
    """A folder for this run; only the last few are kept."""
    RUNS.mkdir(parents=True, exist_ok=True)
    for old in sorted(RUNS.iterdir())[:-RUNS_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return pathlib.Path(tempfile.mkdtemp(dir=RUNS, prefix=time.strftime("%Y%m%d-%H%M%S-")))


def read_result(folder, token, ended, timeout):
    console, output = (read(folder / name) for name in ("console", "output"))
    said = re.search(rf"\n{token} (status|error) (.*)\n?\Z", output, re.DOTALL)
    if said and said[1] == "status":
        return Result(int(said[2]), output[:said.start()], console, folder)
    if said:
        reason = f"the guest could not be prepared: {said[2].strip()}"
    elif panic := re.search(r"Kernel panic[^\n]*", console):
        reason = f"the guest's kernel died: {panic[0].strip()}"
    elif ended.returncode == TIMED_OUT:
        reason = f"the guest said nothing of the command's end in {timeout} s: it hangs, or needs a longer timeout"
    elif ended.returncode != 0:
        reason = f"qemu: exit {ended.returncode}: {ended.stderr.strip()}"
    else:
        reason = "the guest stopped before the command ended"
    raise GuestError(f"{reason}\n-- end of its output\n{tail(output)}\n-- end of its console\n{tail(console)}\n"
                     f"-- whole: {folder}")


def read(path):
    return path.read_text(errors="replace") if path.exists() else ""


def tail(text, lines=25):
    return "\n".join(text.splitlines()[-lines:])
