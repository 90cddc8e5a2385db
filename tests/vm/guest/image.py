"""The guest's root file system: an initramfs of busybox, the modules, and what the command needs."""

import pathlib
import re
import shutil
import subprocess

from .errors import GuestError, host
from .kernel import BUILD

INIT = pathlib.Path(__file__).with_name("init")
BUSYBOX = pathlib.Path("/bin/busybox")
SHELL = pathlib.Path("/bin/dash")  # busybox's prefers its own commands to those on the PATH
HOST_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")  # what the host's file system is mounted with
LIBRARY = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x", re.MULTILINE)
SEARCH = f"{BUILD / 'bin'}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def find_program(program):
    """The path of a program that is given as a path, or by name: ours in build/bin, then the machine's."""
    found = shutil.which(str(program), path=SEARCH)
    if not found:
        raise GuestError(f"no program {program} in {SEARCH}: it is not built or not installed")
    return pathlib.Path(found)


def libraries(program):
    """The shared libraries of a program and its loader; none for one that is linked statically or is a script."""
    done = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
    if "not found" in done.stdout:
        raise GuestError(f"{program} lacks a shared library:\n{done.stdout}")
    return [pathlib.Path(path) for path in LIBRARY.findall(done.stdout)]


class Tree:
    """A folder that becomes the initramfs."""

    def __init__(self, root):
        self.root = pathlib.Path(root)

    def place(self, path, content):
        """Puts a host's file (a Path) or a text (a str) at `path` of the guest; a text that begins with #! can be run."""
        target = self.root / str(path).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, pathlib.Path):
            shutil.copy(content, target)
        else:
            target.write_text(content)
            target.chmod(0o755 if content.startswith("#!") else 0o644)

    def link(self, path, target):
        """Puts a symbolic link at `path` of the guest."""
        link = self.root / str(path).lstrip("/")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)

    def place_program(self, program):
        path = find_program(program)
        self.place_linked(f"/usr/bin/{path.name}", path)

    def place_linked(self, target, path):
        self.place(target, path)
        for library in libraries(path):
            self.place(library, library)

    def pack(self, archive):
        """Writes the tree as a cpio archive for the kernel."""
        names = host("find", ".", "-mindepth", "1", cwd=self.root)
        host("cpio", "--create", "--format=newc", "--owner=0:0", "--quiet", f"--file={archive}", cwd=self.root, stdin=names)


def build(archive, *, kernel, command, token, programs=(), files=None, modules=(), whole=False, console=False):
    """Writes the initramfs in which `init` runs `command` and signs its report with `token`."""
    if not BUSYBOX.exists() or libraries(BUSYBOX):
        raise GuestError(f"{BUSYBOX} is not busybox-static's: scripts/deps installs it")
    tree = Tree(archive.parent / "root")
    tree.place("/init", INIT)
    tree.place("/bin/busybox", BUSYBOX)
    tree.place_linked("/bin/sh", SHELL)
    tree.place("/guest/command", command)
    tree.place("/guest/token", token)
    if whole:
        tree.place("/guest/whole", str(kernel.root))
        modules = [*HOST_MODULES, *modules]
    if console:
        tree.place("/guest/console", "")
    for number, module in enumerate(kernel.modules(modules)):
        tree.place(f"/guest/modules/{number:03}-{module.name}", module)
    for program in programs:
        tree.place_program(program)
    for path, content in (files or {}).items():
        tree.place(path, content)
    tree.pack(archive)
    shutil.rmtree(tree.root)
