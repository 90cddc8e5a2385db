"""A virtual machine with Debian's kernel, for one command at a time.

    result = guest.run("ipvsadm -ln", programs=["ipvsadm"], modules=["ip_vs"])
    assert result.status == 0, result.output

The machine is emulated (no KVM), has two CPUs, no disk, no network card, dash for a shell and busybox's commands; it takes
some seconds to boot. See tests/vm/README.md."""

from .errors import GuestError
from .kernel import Kernel, debian_kernel
from .machine import Result, missing, run

__all__ = ["GuestError", "Kernel", "Result", "debian_kernel", "missing", "run"]
