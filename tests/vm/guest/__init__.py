"""Virtual machines with Debian's kernel. One command with a few programs, gone after it:

    result = guest.run("ipvsadm -ln", programs=["ipvsadm"], modules=["ip_vs"])
    assert result.status == 0, result.output

The machine is emulated (no KVM), has two CPUs, no disk, no network card, dash for a shell and busybox's commands; it takes
some seconds to boot. `System` is a whole Debian with systemd. See tests/vm/README.md."""

from .debian import debian_disk
from .errors import GuestError, host
from .kernel import BUILD, CACHE, Kernel, debian_kernel
from .machine import Result, missing, run
from .system import System

__all__ = ["BUILD", "CACHE", "GuestError", "Kernel", "Result", "System", "debian_disk", "debian_kernel", "host", "missing", "run"]
