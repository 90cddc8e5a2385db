"""Servers, daemons and load balancers die while a client asks on."""

import time

import pytest

from lab.balancer import BIN, xdp_devices
from lab.client import KeptConnection, watching
from lab.cluster import Cluster, service_name
from lab.shell import stays, wait_until


def running(lab, method="NAT", arms=2, versions=(4,)):
    """A cluster of two LBs and three servers, all of them up on both."""
    cluster = Cluster(lab, arms, method).start_webs().start(versions=versions)
    for balancer in (cluster.b1, cluster.b2):
        for number in (1, 2, 3):
            balancer.wait_server(service_name(cluster.vip), cluster.server(number), "up")
    return cluster


def unharmed(watch, kept):
    """No request failed, none lost a packet, no connection broke."""
    watch.stop()
    assert watch.failures() == []
    assert watch.slow() == []
    assert all(connection.works() for connection in kept)


@pytest.mark.parametrize("method", ["NAT", "DR"])
@pytest.mark.parametrize("daemon", ["ballastd", "checkd", "forwardd"])
def test_the_death_of_a_daemon_costs_no_request(lab, daemon, method):
    cluster = running(lab, method)
    kept = [KeptConnection(cluster.client, cluster.vip) for _ in range(10)]
    with watching(cluster.client, cluster.vip) as watch:
        cluster.b1.kill_daemon(daemon)
        watch.wait_for(150)
        if daemon != "ballastd":
            wait_until(lambda: cluster.b1.pid(daemon), f"{daemon} is started again", limit=20)
            watch.wait_for(150)
            assert cluster.b1.role() == "MASTER"
        unharmed(watch, kept)
    assert cluster.lb1.has(cluster.vip) and not cluster.lb2.has(cluster.vip)


def test_the_restarted_forwardd_takes_up_health_changes_again(lab):
    cluster = running(lab)
    cluster.b1.kill_daemon("forwardd")
    wait_until(lambda: cluster.b1.pid("forwardd"), "forwardd is started again", limit=20)
    cluster.nginx["web1"].kill()
    cluster.b1.wait_server(service_name(cluster.vip), cluster.server(1), "down")
    with watching(cluster.client, cluster.vip) as watch:
        watch.wait_for(60)
    assert set(watch.servers()) == {"web2", "web3"} and not watch.failures()


def test_the_death_of_vrrpd_is_no_flap(lab):
    cluster = running(lab)
    since = cluster.b2.instance()["since"]
    with watching(cluster.client, cluster.vip) as watch:
        cluster.b1.kill_daemon("vrrpd")
        stays(lambda: cluster.lb1.has(cluster.vip) and not cluster.lb2.has(cluster.vip), "the VIP is on lb1 alone", 2)
        assert cluster.b1.pid("vrrpd")
        cluster.b1.wait_role("MASTER")
        unharmed(watch, [])
    assert cluster.b2.role() == "BACKUP" and cluster.b2.instance()["since"] == since


def test_vips_are_withdrawn_when_vrrpd_cannot_come_back(lab):
    cluster = running(lab)
    end = time.monotonic() + 20
    while cluster.lb1.has(cluster.vip) and time.monotonic() < end:
        pid = cluster.b1.pid("vrrpd")
        if pid:
            cluster.b1.kill_daemon("vrrpd")
    wait_until(lambda: cluster.lb2.has(cluster.vip), "lb2 takes over")
    assert not cluster.lb1.has(cluster.vip)


def test_what_a_dead_speaker_held_is_withdrawn_once_others_have_taken_over(lab):
    cluster = running(lab)
    withdraw = (BIN / "vrrpd", "--withdraw-when-late", "--run-dir", cluster.b1.run_dir)  # systemd's, after each death
    cluster.b1.kill()
    cluster.lb1.run(*withdraw)
    assert cluster.lb1.has(cluster.vip)
    wait_until(lambda: cluster.lb2.has(cluster.vip), "lb2 takes over")
    cluster.lb1.run(*withdraw)
    assert not cluster.lb1.has(cluster.vip)


def test_all_daemons_but_vrrpd_may_be_gone_together(lab):
    cluster = running(lab)
    kept = [KeptConnection(cluster.client, cluster.vip) for _ in range(10)]
    with watching(cluster.client, cluster.vip) as watch:
        for daemon in ("ballastd", "checkd", "forwardd"):
            cluster.b1.kill_daemon(daemon)
        watch.wait_for(150)
        unharmed(watch, kept)


@pytest.mark.parametrize("method", ["NAT", "DR"])
def test_a_dead_server_costs_no_more_than_its_own_requests(lab, method):
    cluster = running(lab, method)
    name = service_name(cluster.vip)
    kept = [KeptConnection(cluster.client, cluster.vip) for _ in range(15)]
    with watching(cluster.client, cluster.vip) as watch:
        died = time.monotonic()
        cluster.nginx["web1"].kill()
        cluster.b1.wait_server(name, cluster.server(1), "down")
        known = time.monotonic()
        watch.wait_for(100)
        watch.stop()
        assert "connect" in cluster.b1.server(name, cluster.server(1))["reason"]
        failed = watch.failures()
        assert all(died - 1 < request.start <= known for request in failed), "none after checkd knew"
        between = watch.requests(died - 1, known)
        assert len(failed) <= len(between) / 3 + 2, "only those that were its turn"
    assert all(connection.works() for connection in kept if connection.server != "web1")
    cluster.nginx["web1"].start()
    cluster.b1.wait_server(name, cluster.server(1), "up")
    with watching(cluster.client, cluster.vip) as watch:
        watch.wait_for(60)
    assert not watch.failures() and len(watch.servers()) == 3


def test_a_server_that_falls_silent_is_taken_out(lab):
    cluster = running(lab, "DR", arms=1)
    cluster.webs[1].cut("front")
    cluster.b1.wait_server(service_name(cluster.vip), cluster.server(2), "down")
    assert "timed out" in cluster.b1.server(service_name(cluster.vip), cluster.server(2))["reason"]
    with watching(cluster.client, cluster.vip) as watch:
        watch.wait_for(60)
    assert set(watch.servers()) == {"web1", "web3"} and not watch.failures()
    cluster.webs[1].heal("front")
    cluster.b1.wait_server(service_name(cluster.vip), cluster.server(2), "up")


@pytest.mark.parametrize("method", ["NAT", "DR"])
def test_the_web_survives_the_death_of_a_load_balancer_and_its_return(lab, method):
    cluster = running(lab, method)
    with watching(cluster.client, cluster.vip) as watch:
        cluster.b1.kill()
        cluster.b2.wait_role("MASTER")
        taken_over = time.monotonic()
        watch.wait_for(100)
        cluster.b1.start()
        cluster.b1.wait_role("MASTER")
        cluster.b2.wait_role("BACKUP")
        back = time.monotonic()
        watch.wait_for(100)
        watch.stop()
        assert len(watch.servers(since=back)) == 3
        between = [request for request in watch.requests(taken_over + 0.5) if not request.error]
        assert len(between) > 150
        assert watch.failures(since=back + 0.5) == []


@pytest.mark.parametrize("method", ["NAT", "DR"])
def test_the_web_survives_the_power_cut_of_a_load_balancer(lab, method):
    cluster = running(lab, method)
    with watching(cluster.client, cluster.vip) as watch:
        cluster.lb1.power_off()
        cluster.b2.wait_role("MASTER")
        taken_over = time.monotonic()
        watch.wait_for(100)
        cluster.lb1.power_on()
        cluster.b1.start()
        cluster.b1.wait_role("MASTER")
        back = time.monotonic()
        watch.wait_for(100)
        watch.stop()
        assert watch.failures(taken_over + 0.5, back - 1) == []
        assert watch.failures(since=back + 0.5) == []


def test_a_clean_stop_leaves_no_address_and_an_unload_no_program(lab):
    cluster = running(lab)
    assert xdp_devices(cluster.lb1) == ["eth0", "eth1"]
    cluster.b1.stop()
    cluster.b2.wait_role("MASTER")
    assert not cluster.lb1.has(cluster.vip) and not cluster.lb1.has(cluster.gateway)
    assert cluster.lb1.pids() == []
    result = cluster.b1.unload()
    assert result.returncode == 0, result.stderr
    assert xdp_devices(cluster.lb1) == []
    assert not cluster.b1.pin_dir.exists() or not any(cluster.b1.pin_dir.iterdir())


def test_a_family_killed_and_started_again_leaves_one_vip_and_cleans_up(lab):
    cluster = running(lab)
    cluster.b1.kill()
    cluster.b2.wait_role("MASTER")
    cluster.b1.start()
    cluster.b1.wait_role("MASTER")
    cluster.b1.stop()
    assert not cluster.lb1.has(cluster.vip)
