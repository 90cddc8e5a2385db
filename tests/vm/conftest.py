"""Tests that boot Debian's kernel; see README.md."""

import pathlib
import sys

import pytest

import guest

# Wires, clients and servers around a guest are the lab's.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lab"))


def pytest_configure():
    if why := guest.missing():
        pytest.exit(f"skipped: {why}", returncode=77)
