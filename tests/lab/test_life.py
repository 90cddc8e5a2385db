"""The data path outlives what made it: other sizes, other programs, under traffic."""

import json

from lab.client import KeptConnection, watching
from lab.cluster import Cluster, service_name
from lab.shell import run, wait_until


def running(lab, **options):
    cluster = Cluster(lab, 2, "NAT").start_webs().start(both=False, **options)
    for number in (1, 2, 3):
        cluster.b1.wait_server(service_name(cluster.vip), cluster.server(number), "up")
    return cluster


def programs(cluster):
    """Of the XDP programs on the balancer's interfaces, by interface."""
    links = json.loads(run("ip", "-n", cluster.lb1.namespace, "-j", "-d", "link").stdout)
    return {link["ifname"]: link["xdp"]["prog"]["id"] for link in links if "xdp" in link}


def was_resized(cluster, size):
    return f"the connection table has {size} entries now" in cluster.b1.ctl("events").stdout


def sized(cluster, connections):
    text = cluster.configuration(150)
    assert "connection_table_size 16384" in text
    return text.replace("connection_table_size 16384", f"connection_table_size {connections}")


def test_the_connection_table_grows_and_shrinks_under_traffic(lab):
    cluster = running(lab)
    kept = [KeptConnection(cluster.client, cluster.vip) for _ in range(200)]
    with watching(cluster.client, cluster.vip, interval=0.002) as watch:
        for size in (200_000, 8_000, 16_000):
            answer = cluster.b1.reload(sized(cluster, size))
            assert answer.returncode == 0, answer.stdout + answer.stderr
            wait_until(lambda: was_resized(cluster, size), f"the table has {size} entries")
            watch.wait_for(200)
            assert all(each.works() for each in kept)
    assert not watch.failures(), "a packet may be lost and sent again, a connection not"
    name = service_name(cluster.vip)
    wait_until(lambda: sum(server["active"] for server in cluster.b1.service(name)["servers"]) == 200,
               "the counts are those of the open connections", limit=60)


def test_a_restarted_forwardd_adopts_a_table_and_gives_it_the_size_of_the_file(lab):
    cluster = running(lab)
    kept = [KeptConnection(cluster.client, cluster.vip) for _ in range(50)]
    with watching(cluster.client, cluster.vip) as watch:
        cluster.b1.configure(sized(cluster, 32_768))
        cluster.b1.stop()
        cluster.b1.start()
        cluster.b1.wait_role("MASTER")
        wait_until(lambda: was_resized(cluster, 32_768), "the table has its new size")
        watch.wait_for(50)
    assert all(each.works() for each in kept)


def test_another_program_takes_over_under_traffic_without_a_lost_packet(lab):
    """Each forwardd loads a program of its own and swaps it under the links of the one before."""
    cluster = running(lab)
    kept = [KeptConnection(cluster.client, cluster.vip) for _ in range(200)]
    with watching(cluster.client, cluster.vip, interval=0.002) as watch:
        seen = set()
        for _ in range(3):
            before = programs(cluster)
            seen |= set(before.values())
            cluster.b1.kill_daemon("forwardd")
            wait_until(lambda old=before: has_another(cluster, old), "another program is under the links", limit=30)
            watch.wait_for(100)
        assert len(seen) == 3
    assert not watch.failures() and not watch.slow()
    assert all(each.works() for each in kept)


def has_another(cluster, before):
    now = programs(cluster)
    return now.keys() == before.keys() and set(before.values()).isdisjoint(now.values())
