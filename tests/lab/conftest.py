"""Fixtures of the lab. On failure the end of every program's log is shown with the test."""

import os

import pytest

from lab.realserver import cgroup
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


@pytest.fixture
def wire(lab):
    """A client, which plays the load balancer, too, and a server on one network."""
    network = lab.network("front")
    client, server = lab.node("client", 1, network.name), lab.node("server", 21, network.name)
    client.sysctl("net.ipv4.conf.all.arp_ignore=1")
    client.ip("route add 192.0.2.100/32 dev eth0", "route add 2001:db8::100/128 dev eth0")
    return client, server


@pytest.fixture
def group(lab):
    with cgroup(lab.name) as folder:
        yield folder


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    made = item.funcargs.get("lab") if hasattr(item, "funcargs") else None
    if report.failed and call.when == "call" and made:
        report.sections.append(("logs of the lab", made.logs()))
