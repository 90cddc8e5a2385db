"""Debian's kernel: its package is fetched once and unpacked under build/guest, and its modules are found there."""

import dataclasses
import os
import pathlib
import re
import tempfile

from .errors import GuestError, host

BUILD = pathlib.Path(os.environ.get("BALLAST_BUILD", pathlib.Path(__file__).resolve().parents[3] / "build"))
CACHE = BUILD / "guest"
PACKAGE = re.compile(r"\bDepends: (linux-image-(\d[\w.+-]*))$", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Kernel:
    """An unpacked kernel package; `version` is what `uname -r` says in the guest."""

    root: pathlib.Path
    version: str

    @property
    def image(self):
        return self.root / "boot" / f"vmlinuz-{self.version}"

    def modules(self, names):
        """The files to insert, in order: what each of `names` needs (modules.dep, modules.softdep), then itself. A module
        that is built into the kernel needs no file; one that the kernel has not is an error."""
        files = []
        for name in names:
            needed = host("modprobe", "--show-depends", "--config=/dev/null", f"--dirname={self.root}",
                          f"--set-version={self.version}", name)
            for line in needed.splitlines():
                action, _, rest = line.partition(" ")
                path = pathlib.Path(rest.strip())
                if action == "insmod" and path not in files:
                    files.append(path)
        return files


def debian_kernel():
    """The kernel that Debian's linux-image-amd64 depends on."""
    package, version = newest_package()
    root = CACHE / package
    if not root.exists():
        fetch(package, version, root)
    return Kernel(root, version)


def newest_package():
    found = PACKAGE.search(host("apt-cache", "depends", "linux-image-amd64"))
    if not found:
        raise GuestError("apt knows no linux-image-amd64: do apt-get update")
    return found.groups()


def fetch(package, version, root):
    """Unpacks beside `root` and moves there at the end, so that what is there is whole."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="fetch-") as folder:
        download(package, folder)
        (archive,) = pathlib.Path(folder).glob("*.deb")
        unpacked = pathlib.Path(folder) / "root"
        host("dpkg-deb", "--extract", archive, unpacked)
        host("depmod", f"--basedir={unpacked}", version)
        try:
            unpacked.rename(root)
        except OSError:
            if not root.exists():  # else another run was first
                raise


def download(package, folder):
    command = ("apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package)
    try:
        host(*command, cwd=folder)
    except GuestError:  # the lists may be older than the archive
        host("apt-get", "-qq", "update")
        host(*command, cwd=folder)
