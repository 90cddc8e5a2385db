"""Debian's verifier takes every BPF object of Ballast, well within its limits (which ballast_verify knows)."""

import subprocess

import guest
from guest.image import find_program


def programs(table):
    """ballast_verify's table as {program: its line}; the first two lines are the kernel and the heading."""
    return {line.split()[0]: line for line in table.splitlines()[2:]}


def test_every_program_is_taken(capsys):
    here = subprocess.run([find_program("ballast_verify")], capture_output=True, text=True, check=False)
    there = guest.run("ballast_verify", programs=["ballast_verify"])
    with capsys.disabled():
        print(f"\n{there.output}\n{here.stdout}")
    assert there.status == 0, there.output
    assert guest.debian_kernel().version in there.output.splitlines()[0]
    assert here.returncode == 0, here.stdout + here.stderr
    assert programs(there.output).keys() == programs(here.stdout).keys() != set()
