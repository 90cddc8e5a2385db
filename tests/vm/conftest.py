"""Tests that boot Debian's kernel; see README.md."""

import pytest

import guest


def pytest_configure():
    if why := guest.missing():
        pytest.exit(f"skipped: {why}", returncode=77)
