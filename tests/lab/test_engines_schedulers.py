"""Who gets the next connection: every scheduler on both engines, by the servers that answer."""

import collections
import socket

import pytest

from lab.client import KeptConnection
from lab.cluster import service_name
from lab.shell import SLOWNESS, wait_until
from lab.stage import fixture_engine, stage  # noqa: F401 # pylint: disable=unused-import


@pytest.fixture(scope="module", name="running")
def fixture_running(engine):
    with stage(engine) as made:
        made.client.ip(*(f"address add {made.front.address(host)}/24 dev eth0" for host in (2, 3)))
        for web in made.webs:
            web.ip(*(f"route add {made.front.address(host)}/32 via {made.back.address(254)}" for host in (2, 3)))
        yield made.start()


def schedule(running, scheduler, weights=(1, 1, 1), extra=""):
    """Another scheduler for the same service; what it knew of earlier connections is over."""
    by_address = {running.server(number): weight for number, weight in enumerate(weights, 1)}
    running.reload(running.service(scheduler=scheduler, weights=by_address, extra=extra))
    told = running.balancer.service(service_name(running.vip()))
    assert told["scheduler"] == scheduler
    wait_until(lambda: sum(running.active()) == 0, "no connection is active", limit=20)


def share(answers):
    """How many came from web1, web2, web3."""
    counts = collections.Counter(answers)
    return [counts[f"web{number}"] for number in (1, 2, 3)]


def kept_share(running, count):
    """As `share`, of connections that are open at the same time; the connections, too."""
    kept = []
    for number in range(1, count + 1):
        kept += running.keep(1)
        wait_until(lambda opened=number: sum(running.active()) == opened, "the connection is counted as active")
    return share(each.server for each in kept), kept


def reset(kept):
    for each in kept:
        each.reset()


def test_rr_takes_turns(running):
    schedule(running, "rr")
    answers = running.ask(9)
    assert share(answers) == [3, 3, 3]
    assert answers[:3] == answers[3:6] == answers[6:], "always the same order"


def test_wrr_shares_by_weight(running):
    schedule(running, "wrr", (3, 1, 2))
    assert share(running.ask(12)) == [6, 2, 4]


@pytest.mark.parametrize("scheduler, weights, expected", [("lc", (1, 1, 1), [2, 2, 2]), ("wlc", (2, 1, 1), [4, 2, 2]),
                                                          ("sed", (2, 1, 1), [4, 2, 2]), ("nq", (3, 1, 1), [1, 1, 1])])
def test_the_least_busy_gets_the_next(running, scheduler, weights, expected):
    schedule(running, scheduler, weights)
    shares, kept = kept_share(running, sum(expected))
    assert shares == expected
    if scheduler in ("lc", "wlc"):
        reset([each for each in kept if each.server == "web2"])
        wait_until(lambda: running.active()[1] == 0, "web2 has no connection")
        assert running.ask(1) == ["web2"], "it has the fewest now"
    reset([each for each in kept if each.server != "web2"])


def test_fo_gives_all_to_the_heaviest_until_it_drains(running):
    schedule(running, "fo", (1, 3, 2))
    assert share(running.ask(4)) == [0, 4, 0]
    assert running.balancer.ctl("server", "drain", f"{running.server(2)}:80").returncode == 0
    running.state(2, "drain")
    assert share(running.ask(4)) == [0, 0, 4]
    assert running.balancer.ctl("server", "enable", f"{running.server(2)}:80").returncode == 0
    running.state(2, "up")
    assert share(running.ask(2)) == [0, 2, 0]


def test_ovf_overflows_to_the_next_in_order_of_weight(running, engine):
    """IPVS lets one connection more than its weight onto a server; Ballast as many as it weighs (docs/guide/engines.md)."""
    schedule(running, "ovf", (3, 2, 1))
    shares, kept = kept_share(running, 6)
    assert shares == {"xdp": [3, 2, 1], "ipvs": [4, 2, 0]}[engine]
    reset(kept)


def ask_from(running, source, port=0):
    """The server of a new connection from this address of the client's and this port."""
    sock = running.client.inside(lambda: socket.create_connection((running.vip(), 80), 5 * SLOWNESS, (source, port)))
    with sock:
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b""
        while more := sock.recv(4096):
            answer += more
    return answer.split(b"\r\n\r\n")[1].decode().strip()


@pytest.mark.parametrize("scheduler", ["sh", "mh"])
def test_a_hash_of_the_client_keeps_it_with_its_server(running, scheduler):
    schedule(running, scheduler)
    assert len(set(running.ask(6))) == 1


@pytest.mark.parametrize("scheduler", ["sh", "mh"])
def test_a_hash_with_the_port_spreads_connections_and_repeats_itself(running, scheduler):
    schedule(running, scheduler, extra=f"{scheduler}-port")

    def answers():
        said = []
        for port in range(30000, 30024):
            connection = KeptConnection(running.client, running.vip(), source_port=port)
            said.append(connection.server)
            connection.reset()
        return said
    first = answers()
    assert min(share(first)) > 0, f"24 ports, and a server gets none: {share(first)}"
    assert answers() == first


@pytest.mark.parametrize("scheduler", ["dh", "lblc", "lblcr"])
def test_a_hash_of_the_destination_sends_a_vip_to_one_server(running, scheduler):
    schedule(running, scheduler)
    assert len(set(running.ask(6))) == 1


def test_persistence_keeps_each_client_with_its_server(running):
    schedule(running, "rr", extra="persistence_timeout 600")
    clients = [running.front.address(host) for host in (1, 2, 3)]
    first = [ask_from(running, client) for client in clients]
    assert sorted(first) == ["web1", "web2", "web3"]
    for _ in range(3):
        assert [ask_from(running, client) for client in clients] == first


def test_persistence_takes_clients_of_one_network_for_one(running):
    schedule(running, "wrr", extra="persistence_timeout 600\n    persistence_granularity 255.255.255.0")
    clients = [running.front.address(host) for host in (1, 2, 3)]
    assert len({ask_from(running, client) for client in clients * 2}) == 1
