"""A disk with Debian on it, made by debootstrap once and kept under build/guest."""

import hashlib
import os
import pathlib
import platform
import shutil
import tempfile

from .errors import GuestError, host
from .kernel import CACHE

HERE = pathlib.Path(__file__)
AGENT_UNIT = """[Unit]
Description=Runs what the host asks for
[Service]
ExecStart=/usr/local/sbin/guest-agent
[Install]
WantedBy=multi-user.target
"""
# Systemd itself, and what this harness needs.
BASE = ("systemd", "systemd-sysv", "iproute2", "python3-minimal")
# What nobody waits for here and an emulated processor is slow at.
MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "e2scrub_reap.service",
          "fstrim.timer", "getty.target", "systemd-update-utmp.service", "systemd-update-utmp-runlevel.service",
          "systemd-logind.service", "systemd-random-seed.service", "systemd-modules-load.service", "systemd-sysusers.service",
          "dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount",
          "modprobe@configfs.service", "modprobe@dm_mod.service", "modprobe@fuse.service", "modprobe@loop.service")


def debian_disk(packages):
    """The path of a disk (ext4, not to be written to) with these packages and systemd."""
    suite = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    wanted = sorted({*BASE, *packages})
    recipe = "\n".join((suite, *wanted, AGENT_UNIT, *MASKED, HERE.with_name("agent").read_text()))
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
    host("debootstrap", "--variant=minbase", f"--include={','.join(packages)}", suite, root, mirror(suite))
    shutil.rmtree(root / "var/cache/apt/archives")
    shutil.rmtree(root / "var/lib/apt/lists")
    # With an id of its own the system does not take each boot for its first.
    (root / "etc/machine-id").write_text(hashlib.md5(b"ballast").hexdigest() + "\n")
    agent = root / "usr/local/sbin/guest-agent"
    shutil.copy(HERE.with_name("agent"), agent)
    agent.chmod(0o755)
    units = root / "etc/systemd/system"
    (units / "guest-agent.service").write_text(AGENT_UNIT)
    os.symlink("../guest-agent.service", units / "multi-user.target.wants/guest-agent.service")
    for unit in MASKED:
        (units / unit).unlink(missing_ok=True)
        os.symlink("/dev/null", units / unit)
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
