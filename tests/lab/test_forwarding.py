"""Traffic through the VIP: both methods, both IP versions, TCP and UDP, one and two arms."""

import collections
import itertools
import socket

import pytest

from lab.client import KeptConnection, udp_flow, watching
from lab.cluster import Cluster, http_check, service, service_name, tcp_check
from lab.shell import wait_until
from lab.web import UdpEcho, curl

SHAPES = [pytest.param(arms, method, version, id=f"{'one' if arms == 1 else 'two'}-armed-{method}-ipv{version}")
          for arms, method, version in itertools.product((1, 2), ("NAT", "DR"), (4, 6))]


def url(address, port=80, path="/"):
    return f"http://{f'[{address}]' if ':' in address else address}:{port}{path}"


def wait_all_up(cluster, name, version=4, count=3):
    for number in range(1, count + 1):
        cluster.b1.wait_server(name, cluster.server(number, version), "up")


def balanced(answers, servers=3):
    """Whether round robin shows: everyone answered, and equally but for one."""
    counts = collections.Counter(answers)
    return len(counts) == servers and max(counts.values()) - min(counts.values()) <= 1


@pytest.mark.parametrize("arms, method, version", SHAPES)
def test_tcp_is_spread_over_the_servers_in_turn(lab, arms, method, version):
    cluster = Cluster(lab, arms, method).start_webs().start(versions=(version,), both=False)
    vip = cluster.vip if version == 4 else cluster.vip6
    wait_all_up(cluster, service_name(vip), version)
    answers = [curl(cluster.client, url(vip)) for _ in range(12)]
    assert balanced(answers), answers


@pytest.mark.parametrize("arms, method, version", SHAPES)
def test_udp_flows_are_spread_and_each_stays_with_its_server(lab, arms, method, version):
    cluster = Cluster(lab, arms, method)
    vip = cluster.vip if version == 4 else cluster.vip6
    for number, web in enumerate(cluster.webs, 1):
        UdpEcho(web).start(5353, vip if method == "DR" else cluster.server(number, version))
    cluster.start(cluster.service(version, port=5353, protocol="UDP"), versions=(version,), both=False)
    wait_all_up(cluster, service_name(vip, 5353, "udp"), version)
    answers = [udp_flow(cluster.client, vip, 5353) for _ in range(9)]
    assert balanced(answers), answers


def test_nat_changes_the_port(lab):
    cluster = Cluster(lab, 2, "NAT").start_webs()
    cluster.start(cluster.service(server_port=8080), both=False)
    wait_all_up(cluster, service_name(cluster.vip))
    assert balanced([curl(cluster.client, url(cluster.vip)) for _ in range(6)])


@pytest.mark.parametrize("method", ["NAT", "DR"])
def test_large_answers_arrive_whole(lab, method):
    cluster = Cluster(lab, 2, method).start_webs()
    body = b"0123456789abcdef" * 65536
    for web in cluster.webs:
        (web.folder / "files").mkdir()
        (web.folder / "files" / "large").write_bytes(body)
    cluster.start(both=False)
    wait_all_up(cluster, service_name(cluster.vip))
    target = cluster.client.folder / "large"
    for _ in range(3):
        assert curl(cluster.client, url(cluster.vip, path="/files/large"), "-o", target, timeout=20) is not None
        assert target.read_bytes() == body


def test_weights_share_new_connections_in_proportion(lab):
    cluster = Cluster(lab, 1, "DR").start_webs()
    cluster.start(cluster.service(scheduler="wrr", weights={cluster.server(1): 3, cluster.server(3): 2}), both=False)
    wait_all_up(cluster, service_name(cluster.vip))
    answers = collections.Counter(curl(cluster.client, url(cluster.vip)) for _ in range(24))
    assert answers == {"web1": 12, "web2": 4, "web3": 8}


def test_maglev_sends_a_client_to_the_same_server_from_either_lb(lab):
    cluster = Cluster(lab, 1, "DR").start_webs().start()
    cluster.b1.reload(cluster.configuration(150, cluster.service(scheduler="mh", extra="mh-port")))
    cluster.b2.reload(cluster.configuration(100, cluster.service(scheduler="mh", extra="mh-port")))
    name = service_name(cluster.vip)
    for balancer in (cluster.b1, cluster.b2):
        wait_until(lambda: balancer.service(name).get("scheduler") == "mh", "mh is in force")
        for number in (1, 2, 3):
            balancer.wait_server(name, cluster.server(number), "up")

    def answers():
        said = {}
        for port in range(30000, 30020):
            connection = KeptConnection(cluster.client, cluster.vip, source_port=port)
            said[port] = connection.server
            connection.reset()
        return said

    before = answers()
    assert len(set(before.values())) > 1
    cluster.b1.stop()
    cluster.b2.wait_role("MASTER")
    assert answers() == before


def test_wlc_gives_to_the_server_with_the_fewest_connections(lab):
    cluster = Cluster(lab, 1, "DR").start_webs()
    cluster.start(cluster.service(scheduler="wlc"), both=False)
    wait_all_up(cluster, service_name(cluster.vip))
    kept = [KeptConnection(cluster.client, cluster.vip) for _ in range(9)]
    assert balanced([each.server for each in kept])
    for each in [each for each in kept if each.server == "web2"]:
        each.close()
    wait_until(lambda: cluster.b1.server(service_name(cluster.vip), cluster.server(2))["active"] == 0, "web2 has none")
    assert KeptConnection(cluster.client, cluster.vip).server == "web2"


def test_counts_of_connections_go_up_and_back_to_zero(lab):
    cluster = Cluster(lab, 2, "NAT").start_webs()
    short = "lvs_timeouts tcp 4 tcpfin 2 udp 2"
    text = cluster.configuration(150).replace("global_defs {", f"global_defs {{\n    {short}")
    cluster.b1.start(text)
    cluster.b1.wait_role("MASTER")
    name = service_name(cluster.vip)
    wait_all_up(cluster, name)

    def count(which):
        return sum(server[which] for server in cluster.b1.service(name)["servers"])

    kept = [KeptConnection(cluster.client, cluster.vip) for _ in range(30)]
    wait_until(lambda: count("active") == 30, "30 active connections are counted")
    for each in kept:
        each.close()
    wait_until(lambda: count("active") == 0, "none is active")
    wait_until(lambda: count("inactive") == 0, "none is left", limit=200)


def test_when_every_server_is_down_the_sorry_server_answers(lab):
    cluster = Cluster(lab, 1, "DR").start_webs()
    cluster.start(cluster.service(servers=(1, 2), extra=f"sorry_server {cluster.server(3)} 80"), both=False)
    name = service_name(cluster.vip)
    wait_all_up(cluster, name, count=2)
    assert {curl(cluster.client, url(cluster.vip)) for _ in range(6)} == {"web1", "web2"}
    cluster.nginx["web1"].kill()
    cluster.nginx["web2"].kill()
    cluster.b1.wait_server(name, cluster.server(1), "down")
    cluster.b1.wait_server(name, cluster.server(2), "down")
    wait_until(lambda: curl(cluster.client, url(cluster.vip)) == "web3", "the sorry server answers")
    cluster.nginx["web1"].start()
    cluster.b1.wait_server(name, cluster.server(1), "up")
    wait_until(lambda: curl(cluster.client, url(cluster.vip)) == "web1", "web1 answers again")


def test_the_backup_answers_nobody(lab):
    cluster = Cluster(lab, 1, "NAT").start_webs().start()
    assert not cluster.b2.service(service_name(cluster.vip)).get("forwarding", False)
    cluster.lb2.sysctl("net.ipv4.ip_forward=0")  # else its kernel would hand the packets on to lb1
    cluster.client.ip(f"neigh replace {cluster.vip} lladdr {mac(cluster.lb2)} dev eth0 nud permanent")
    assert curl(cluster.client, url(cluster.vip), timeout=1) is None


def mac(node, device="eth0"):
    words = node.run("ip", "-o", "link", "show", "dev", device).stdout.split()
    return words[words.index("link/ether") + 1]


def test_the_vip_and_other_ports_of_the_lb_still_answer(lab):
    cluster = Cluster(lab, 1, "DR").start_webs().start(both=False)
    assert cluster.client.run("ping", "-c", "2", "-i", "0.2", "-W", "2", cluster.vip).returncode == 0
    with pytest.raises(ConnectionRefusedError):
        cluster.client.connect(cluster.vip, 81)
    listener = cluster.lb1.inside(lambda: socket.create_server(("", 2222)))
    with listener, cluster.client.connect(cluster.vip, 2222) as sock:
        listener.settimeout(3)
        assert listener.accept()[1][0] == cluster.client.address("front")
        assert sock.getpeername()[0] == cluster.vip


def test_http_get_takes_a_server_out_that_says_503_and_back_when_it_is_well(lab):
    cluster = Cluster(lab, 1, "NAT").start_webs()
    cluster.start(cluster.service(check=http_check()), both=False)
    name = service_name(cluster.vip)
    wait_all_up(cluster, name)
    cluster.nginx["web2"].healthy(False)
    cluster.b1.wait_server(name, cluster.server(2), "down")
    assert "503" in cluster.b1.server(name, cluster.server(2))["reason"]
    assert {curl(cluster.client, url(cluster.vip)) for _ in range(8)} == {"web1", "web3"}
    cluster.nginx["web2"].healthy(True)
    cluster.b1.wait_server(name, cluster.server(2), "up")
    assert "web2" in {curl(cluster.client, url(cluster.vip)) for _ in range(8)}


def test_several_services_share_one_vip(lab):
    cluster = Cluster(lab, 1, "NAT").start_webs()
    cluster.start(cluster.service(servers=(1,)), service(cluster.vip, [cluster.server(2)], port=8080, check=tcp_check()),
                  both=False)
    wait_until(lambda: curl(cluster.client, url(cluster.vip)) == "web1", "port 80 is web1")
    wait_until(lambda: curl(cluster.client, url(cluster.vip, 8080)) == "web2", "port 8080 is web2")


def test_ipv4_and_ipv6_services_live_side_by_side(lab):
    cluster = Cluster(lab, 2, "NAT").start_webs().start(versions=(4, 6))
    with watching(cluster.client, cluster.vip) as four, watching(cluster.client, cluster.vip6) as six:
        four.wait_for(100)
        six.wait_for(100)
    assert not four.failures() and not six.failures()
    assert len(four.servers()) == len(six.servers()) == 3
