"""FULLNAT over two load balancers: its local addresses move with the VIP."""

import time

import pytest

from lab.client import watching
from lab.cluster import Cluster, service_name
from lab.shell import wait_until


def pair(lab, version, behind):
    """Two LBs and three servers. The LIP floats in the VIP's instance; an IPv4 one of an IPv6 VIP as an excluded address."""
    cluster = Cluster(lab, 2, "FNAT").start_webs()
    excluded = f"virtual_ipaddress_excluded {{\n        {cluster.lip}/24 dev eth1\n    }}" if version != behind else ""
    cluster.start(cluster.service(version, behind=behind), versions=(version,), extra=excluded)
    vip = cluster.vip if version == 4 else cluster.vip6
    for balancer in (cluster.b1, cluster.b2):
        for number in (1, 2, 3):
            balancer.wait_server(service_name(vip), cluster.server(number, behind), "up")
    return cluster, vip, cluster.lip if behind == 4 else cluster.lip6


def crash(cluster):
    cluster.b1.kill()


def end(cluster):
    cluster.b1.stop()


def cut_power(cluster):
    cluster.lb1.power_off()


def come_back(cluster, leave, instance):
    if leave is cut_power:
        cluster.lb1.power_on()
    cluster.b1.start()
    cluster.b1.wait_role("MASTER", instance)
    cluster.b2.wait_role("BACKUP", instance)


@pytest.mark.parametrize("version, behind, leave", [
    pytest.param(4, 4, cut_power, id="4-power-cut"), pytest.param(4, 4, end, id="4-clean-stop"),
    pytest.param(6, 6, crash, id="6-crash"), pytest.param(6, 4, cut_power, id="6to4-power-cut")])
def test_the_backup_serves_at_once_over_the_same_local_address(lab, version, behind, leave):
    cluster, vip, lip = pair(lab, version, behind)
    instance = "VI_1" if version == 4 else "VI_6"
    with watching(cluster.client, vip) as watch:
        leave(cluster)
        cluster.b2.wait_role("MASTER", instance)
        taken_over = time.monotonic()
        watch.wait_for(200)
        assert cluster.lb2.has(lip)
        stood = time.monotonic()
        come_back(cluster, leave, instance)
        back = time.monotonic()
        watch.wait_for(200)
        watch.stop()
    assert watch.failures(taken_over, stood) == []
    assert len(watch.servers(taken_over, stood)) == 3
    assert watch.failures(since=back) == []
    assert cluster.lb1.has(lip)
    wait_until(lambda: not cluster.lb2.has(lip), "lb2 gave the LIP up")
