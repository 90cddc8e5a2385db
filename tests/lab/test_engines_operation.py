"""What happens to a running load balancer, on both engines: drain, death, a sorry server, reloads, a killed forwardd."""

import json

import pytest

from lab.client import udp_flow, watching
from lab.cluster import service_name
from lab.shell import wait_until
from lab.stage import fixture_engine, stage  # noqa: F401 # pylint: disable=unused-import
from lab.web import UdpEcho

UDP_PORT = 5353


@pytest.fixture(scope="module", name="raised")
def fixture_raised(engine):
    with stage(engine) as made:
        for number, web in enumerate(made.webs, 1):
            UdpEcho(web).start(UDP_PORT, made.server(number))
        yield made.start()


@pytest.fixture(name="running")
def fixture_running(raised):
    """Every scenario finds all three servers up behind one service."""
    raised.reload()
    return raised


@pytest.fixture(name="name")
def fixture_name(running):
    return service_name(running.vip())


def traffic(running, count=20):
    """The servers of so many requests, none of which failed."""
    with watching(running.client, running.vip()) as watch:
        watch.wait_for(count)
    assert watch.failures() == []
    return watch.servers()


def all_work(kept):
    assert [each.server for each in kept if not each.works()] == []


def test_a_drained_server_keeps_its_connections_and_gets_no_new_ones(running):
    kept = running.keep(6)
    answer = running.balancer.ctl("server", "drain", f"{running.server(1)}:80")
    assert answer.returncode == 0, answer.stderr
    running.state(1, "drain")
    assert set(running.ask(6)) == {"web2", "web3"}
    assert "web1" in {each.server for each in kept}
    all_work(kept)
    assert running.balancer.ctl("server", "enable", f"{running.server(1)}:80").returncode == 0
    running.state(1, "up")
    assert set(running.ask(6)) == {"web1", "web2", "web3"}


def test_connections_are_counted_and_listed(running, name):
    before = sum(running.active(name))
    kept = running.keep(6)
    wait_until(lambda: sum(running.active(name)) == before + 6, "six more are active")
    listed = running.balancer.ctl("connections").stdout
    assert listed.count("ESTABLISHED") >= 6 and running.client.address("front") in listed and running.vip() in listed
    told = json.loads(running.balancer.ctl("connections", "--json", "--service", name).stdout)
    assert len(told) >= 6
    for each in kept:
        each.reset()
    wait_until(lambda: sum(running.active(name)) == 0, "none is active")


def test_a_server_that_dies_under_traffic_gets_nothing_once_it_is_found_out(running, name):
    with watching(running.client, running.vip()) as watch:
        watch.wait_for(10)
        running.nginx["web2"].kill()
        running.balancer.wait_server(name, running.server(2), "down")
        watch.stop()
    assert set(traffic(running)) == {"web1", "web3"}
    running.nginx["web2"].start()
    running.state(2, "up")
    assert set(traffic(running)) == {"web1", "web2", "web3"}


def test_when_no_server_is_left_the_sorry_server_answers(running):
    running.reload(running.service(servers=(1,), extra=f"sorry_server {running.server(3)} 80"))
    assert set(running.ask(3)) == {"web1"}
    running.nginx["web1"].kill()
    running.state(1, "down")
    assert set(running.ask(3)) == {"web3"}
    assert running.balancer.service(service_name(running.vip()))["sorry"]
    running.nginx["web1"].start()
    running.state(1, "up")
    assert set(running.ask(3)) == {"web1"}


def test_reloads_under_traffic_lose_no_connection(running):
    running.reload(running.service(servers=(1, 2)))
    kept = running.keep(10)
    with watching(running.client, running.vip()) as watch:
        watch.wait_for(10)
        running.reload(running.service(scheduler="wlc"), running.service(port=8080))
        watch.wait_for(10)
        running.reload(running.service(scheduler="wrr", weights={running.server(2): 5}))
        watch.wait_for(10)
        running.reload(running.service(scheduler="rr"))
        watch.wait_for(20)
    assert watch.failures() == []
    assert set(watch.servers()) == {"web1", "web2", "web3"}
    all_work(kept)


def test_a_server_removed_by_a_reload_gets_nothing_new(running):
    running.reload(running.service(servers=(1, 3)))
    assert set(running.ask(6)) == {"web1", "web3"}


def test_forwardd_killed_and_started_again_breaks_nothing(running):
    kept = running.keep(10)
    with watching(running.client, running.vip()) as watch:
        watch.wait_for(10)
        dead = running.balancer.kill_daemon("forwardd")
        all_work(kept)
        wait_until(lambda: running.balancer.pid("forwardd") not in (None, dead), "forwardd is back")
        running.wait_up()
        watch.wait_for(20)
    assert watch.failures() == []
    assert set(watch.servers()) == {"web1", "web2", "web3"}
    all_work(kept)


def test_the_whole_family_killed_and_started_again_breaks_nothing(running):
    kept = running.keep(6)
    running.balancer.kill()
    all_work(kept)
    running.balancer.start()
    running.wait_up()
    all_work(kept)
    assert set(running.ask(6)) == {"web1", "web2", "web3"}


def test_udp_flows_are_spread_and_each_stays_with_its_server(running):
    running.reload(running.service(), running.service(port=UDP_PORT, protocol="UDP", check="# none"))
    servers = [udp_flow(running.client, running.vip(), UDP_PORT) for _ in range(6)]
    assert {servers.count(each) for each in servers} == {2}, servers
