"""Boots a guest with the host's file system and runs a command in it, or a shell on this terminal."""

import argparse
import os
import pathlib
import shlex
import sys

from .errors import GuestError
from .kernel import BUILD
from .machine import console, missing, run

SKIPPED = 77  # what ctest and automake take for it
ENVIRONMENT = {"BALLAST_LAB_SLOWNESS": "10"}  # TCG computes 10 to 30 times slower than the machine that it runs on


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/vm", description=__doc__)
    parser.add_argument("--timeout", type=int, default=3600, help="seconds for all of it (3600)")
    parser.add_argument("--memory", type=int, default=2048, help="MiB (2048)")
    parser.add_argument("--cpus", type=int, default=2)
    parser.add_argument("command", nargs=argparse.REMAINDER, help="program and arguments; none: a shell")
    return parser.parse_args()


def prepared(words):
    """The command as shell text: in this working directory, with the build's programs before all others."""
    given = {name: value for name, value in os.environ.items() if name.startswith(("BALLAST_", "PYTHON"))}
    return "\n".join([f"cd {shlex.quote(os.getcwd())}", f"export PATH={shlex.quote(str(BUILD / 'bin'))}:$PATH",
                      *(f"export {name}={shlex.quote(value)}" for name, value in {**ENVIRONMENT, **given}.items()),
                      f"exec {shlex.join(words)}"])


def main():
    options = arguments()
    if why := missing():
        print(f"skipped: {why}", file=sys.stderr)
        return SKIPPED
    words = [word for number, word in enumerate(options.command) if number or word != "--"]
    if not words:
        return console(prepared(["bash", "-i"]), memory=options.memory, cpus=options.cpus)
    ended = run(prepared(words), whole=True, timeout=options.timeout, memory=options.memory, cpus=options.cpus,
                say=lambda text: print(text, end="", flush=True))
    print()
    left = sorted(path.name for path in (ended.folder / "out").iterdir())
    if left:
        print(f"in {os.path.relpath(pathlib.Path(ended.folder) / 'out')}: {' '.join(left)}")
    return ended.status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except GuestError as error:
        sys.exit(f"scripts/vm: {error}")
