"""Running programs, waiting for conditions, entering namespaces."""

import ctypes
import os
import subprocess
import time

CLONE_NEWNET = 0x40000000
# How many times slower than a real machine this one computes (an emulated one says so): every limit is that many times longer.
SLOWNESS = float(os.environ.get("BALLAST_LAB_SLOWNESS", "1"))
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """The lab itself could not be built or a program in it could not be started."""


def run(*command, check=True, stdin=None, timeout=60):
    """Runs a program to its end; what it said is in the error when it fails."""
    result = subprocess.run([str(word) for word in command], input=stdin, capture_output=True, text=True,
                            timeout=timeout * SLOWNESS, check=False)
    if check and result.returncode != 0:
        raise LabError(f"{' '.join(map(str, command))}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return result


def enter_namespace(name):
    """Moves the calling thread into a network namespace."""
    handle = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        if _libc.setns(handle, CLONE_NEWNET) != 0:
            raise LabError(f"setns {name}: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(handle)


def wait_until(condition, what, limit=15.0, interval=0.02):
    """Polls until `condition()` is true and returns what it returned; `limit` in seconds is generous on purpose. On a slow
    machine it is longer, and questions are rarer."""
    limit, interval = limit * SLOWNESS, interval * SLOWNESS
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit:g} s: {what() if callable(what) else what}")
        time.sleep(interval)


def stays(condition, what, seconds, interval=0.02):
    """Fails as soon as `condition()` is false within the next `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert condition(), f"did not last {seconds:g} s: {what}"
        time.sleep(interval)
