"""What goes wrong with the guest itself, and the programs of the host that it is made with."""

import subprocess


class GuestError(Exception):
    """The guest could not be made, or ended without saying what became of the command."""


def host(*command, cwd=None, stdin=None):
    """Runs a program of this machine to its end and returns what it printed."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, cwd=cwd, input=stdin, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise GuestError(f"{words[0]} is not installed: scripts/deps installs it") from error
    if done.returncode != 0:
        raise GuestError(f"{' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout
