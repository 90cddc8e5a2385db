"""A disk with Debian on it, made by debootstrap once and kept under build/guest."""

import hashlib
import pathlib
import platform
import shutil
import tempfile

from .errors import GuestError, host
from .kernel import CACHE

# Systemd itself, and what `System` needs.
BASE = ("systemd", "systemd-sysv", "iproute2", "python3-minimal")


def debian_disk(packages):
    """The path of a disk (ext4, not to be written to) with these packages and systemd."""
    suite = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    wanted = sorted({*BASE, *packages})
    recipe = " ".join((suite, *wanted))
    disk = CACHE / f"debian-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}.ext4"
    if not disk.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="debootstrap-") as folder:
            make(pathlib.Path(folder), suite, wanted).rename(disk)
        for old in CACHE.glob("debian-*.ext4"):
            if old != disk:
                old.unlink()
    return disk


def make(folder, suite, packages):
    root = folder / "root"
    # With mounts of its own, which end with it, whatever becomes of it.
    host("unshare", "--mount", "debootstrap", "--variant=minbase", f"--include={','.join(packages)}", suite, root, mirror(suite))
    shutil.rmtree(root / "var/cache/apt/archives")
    shutil.rmtree(root / "var/lib/apt/lists")
    # With an id of its own the system does not take each boot for its first.
    (root / "etc/machine-id").write_text(hashlib.md5(b"ballast").hexdigest() + "\n")
    disk = folder / "disk"
    host("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", root, disk, "1G")
    return disk


def mirror(suite):
    """Where apt of this machine takes the suite from."""
    sites = host("apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages", "Component: main",
                 f"Codename: {suite}").split()
    if not sites:
        raise GuestError(f"apt of this machine has no source with main of {suite}")
    return sites[0]
