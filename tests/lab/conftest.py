"""Fixtures of the lab. On failure the end of every program's log is shown with the test."""

import os

import pytest

from lab.topology import Lab


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.lab)


def pytest_configure():
    if os.geteuid() != 0:
        pytest.exit("the lab makes network namespaces and loads BPF programs: run it as root", returncode=77)


@pytest.fixture
def lab():
    """An empty lab; it is gone after the test, whatever happened."""
    with Lab() as made:
        yield made


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    made = item.funcargs.get("lab") if hasattr(item, "funcargs") else None
    if report.failed and call.when == "call" and made:
        report.sections.append(("logs of the lab", made.logs()))
