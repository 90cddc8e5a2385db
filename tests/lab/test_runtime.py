"""Operation without touching the file: servers and services come and go under traffic, and nobody notices."""

import json
import time

from lab.balancer import CTL
from lab.client import watching
from lab.cluster import GLOBALS, Cluster, service_name
from lab.shell import wait_until


def configuration(cluster, *services):
    """Without VRRP: the addresses are there always."""
    return "\n".join((GLOBALS % "lb_interfaces eth0 eth1", *services))


def running(lab, servers=(1, 2), webs=3):
    """One LB in front of some of the web servers, all of which answer."""
    cluster = Cluster(lab, 2, "NAT", webs).start_webs()
    cluster.lb1.ip(f"address add {cluster.vip}/24 dev eth0", f"address add {cluster.gateway}/24 dev eth1")
    cluster.b1.start(configuration(cluster, cluster.service(servers=servers)))
    for number in servers:
        cluster.b1.wait_server(service_name(cluster.vip), cluster.server(number), "up")
    return cluster


def told(cluster, *words):
    """`ballastctl …` that succeeds; what it printed."""
    answer = cluster.b1.ctl(*words)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def changes(cluster):
    return json.loads(told(cluster, "changes", "--json"))


def addresses(cluster, service=None):
    return {server["address"] for server in cluster.b1.service(service or service_name(cluster.vip))["servers"]}


def serves(watch, *webs):
    """Waits until exactly these webs answer what is asked from now on."""
    wanted = set(webs)

    def only_these():
        since = time.monotonic()
        watch.wait_for(40)
        return set(watch.servers(since)) == wanted

    wait_until(only_these, f"{', '.join(webs)} answer", limit=60)


def drained(cluster, watch, address, *others):
    """A server that is removed takes its open connections with it, so it gets no new ones first."""
    told(cluster, "server", "weight", service_name(cluster.vip), f"{address}:80", "0")
    serves(watch, *others)


def test_servers_come_weigh_and_go_under_traffic_without_a_failed_request(lab):
    cluster = running(lab)
    name, third = service_name(cluster.vip), f"{cluster.server(3)}:80"
    with watching(cluster.client, cluster.vip) as watch:
        serves(watch, "web1", "web2")
        assert "added" in told(cluster, "server", "add", name, third)
        cluster.b1.wait_server(name, cluster.server(3), "up")
        serves(watch, "web1", "web2", "web3")
        told(cluster, "server", "weight", name, third, "0")
        serves(watch, "web1", "web2")
        told(cluster, "server", "weight", name, f"{cluster.server(1)}:80", "5")
        status = cluster.b1.ctl("status").stdout
        assert "+ added by root" in status and "5 (file: 1)" in status, status
        assert cluster.b1.server(name, cluster.server(3))["change"]["by"] == "root"
        told(cluster, "server", "weight", name, third, "1")
        serves(watch, "web1", "web2", "web3")
        drained(cluster, watch, cluster.server(3), "web1", "web2")
        told(cluster, "server", "remove", name, third)
        drained(cluster, watch, cluster.server(1), "web2")
        told(cluster, "server", "remove", name, f"{cluster.server(1)}:80")
        serves(watch, "web2")
        assert f"- {cluster.server(1)}:80 removed by root" in cluster.b1.ctl("status").stdout
        told(cluster, "changes", "undo", "all")
        assert changes(cluster) == []
        cluster.b1.wait_server(name, cluster.server(1), "up")
        serves(watch, "web1", "web2")
        watch.stop()
        assert watch.failures() == []
    events = cluster.b1.ctl("events").stdout
    assert f"server {third} added by root" in events and "undone by root" in events


def test_what_cannot_be_is_refused_in_words_and_changes_nothing(lab):
    cluster = running(lab)
    name = service_name(cluster.vip)
    before = told(cluster, "config")
    for words, why in ((("server", "add", name, f"{cluster.server(1)}:80"), "already"),
                       (("server", "add", name, "[2001:db8::1]:80"), "IPv6"),
                       (("server", "add", "tcp:10.9.9.9:80", "10.1.2.3:80"), "no service"),
                       (("server", "remove", name, f"{cluster.server(3)}:80"), "no server"),
                       (("server", "weight", name, f"{cluster.server(3)}:80", "1"), "no server"),
                       (("service", "remove", "tcp:10.9.9.9:80"), "no service"),
                       (("changes", "undo", "7"), "no change 7")):
        answer = cluster.b1.ctl(*words)
        assert answer.returncode != 0 and why in answer.stderr, (words, answer.stderr)
    assert told(cluster, "config") == before and changes(cluster) == []


def test_what_is_changed_for_a_time_ends_by_itself(lab):
    cluster = running(lab)
    name = service_name(cluster.vip)
    with watching(cluster.client, cluster.vip) as watch:
        told(cluster, "server", "add", name, f"{cluster.server(3)}:80", "--for", "20s")
        told(cluster, "server", "drain", name, f"{cluster.server(1)}:80", "--for", "4s")
        assert cluster.server(3) in addresses(cluster)
        told(cluster, "server", "weight", name, f"{cluster.server(3)}:80", "0")  # forgotten with its server
        assert "more" in cluster.b1.ctl("changes").stdout
        wait_until(lambda: cluster.server(3) not in addresses(cluster), "web3's time is over", limit=40)
        cluster.b1.wait_server(name, cluster.server(1), "up", limit=40)
        assert changes(cluster) == []
        serves(watch, "web1", "web2")
        watch.stop()
        assert watch.failures() == []
    assert "its time is over" in cluster.b1.ctl("events").stdout


def test_changes_outlive_the_death_of_ballastd_and_reloads(lab):
    cluster = running(lab)
    name = service_name(cluster.vip)
    with watching(cluster.client, cluster.vip) as watch:
        told(cluster, "server", "add", name, f"{cluster.server(3)}:80", "--weight", "2")
        cluster.b1.wait_server(name, cluster.server(3), "up")
        drained(cluster, watch, cluster.server(1), "web2", "web3")
        told(cluster, "server", "remove", name, f"{cluster.server(1)}:80")
        serves(watch, "web2", "web3")
        cluster.b1.kill_daemon("ballastd")
        cluster.b1.process.wait()
        cluster.b1.start()
        assert addresses(cluster) == {cluster.server(2), cluster.server(3)}
        serves(watch, "web2", "web3")
        said = told(cluster, "reload")
        assert "nothing has changed" in said, said
        serves(watch, "web2", "web3")
        cluster.b1.reload(configuration(cluster, cluster.service(servers=(1, 2), scheduler="wrr")))
        assert addresses(cluster) == {cluster.server(2), cluster.server(3)}
        assert {change["amendment"]["kind"] for change in changes(cluster)} == {"add_server", "server_weight", "remove_server"}
        cluster.b1.reload(configuration(cluster, cluster.service(servers=(2, 3))))
        assert changes(cluster) == [], "the file says so itself now"
        serves(watch, "web2", "web3")
        watch.stop()
        assert watch.failures() == []


def test_saved_changes_are_the_files_after_a_reload(lab):
    cluster = running(lab)
    name, file = service_name(cluster.vip), cluster.lb1.folder / "ballast-changes.conf"
    said = told(cluster, "server", "add", name, f"{cluster.server(3)}:80", "--save")
    assert str(file) in said and "include ballast-changes.conf" in said, said
    told(cluster, "server", "weight", name, f"{cluster.server(1)}:80", "4", "--save")
    in_force = told(cluster, "config")
    text = configuration(cluster, cluster.service(servers=(1, 2))) + "\ninclude ballast-changes.conf\n"
    assert "nothing has changed" in cluster.b1.reload(text).stdout
    assert changes(cluster) == []
    assert told(cluster, "config") == in_force
    assert file.stat().st_mode & 0o777 == cluster.b1.conf.stat().st_mode & 0o777
    said = told(cluster, "server", "remove", name, f"{cluster.server(3)}:80", "--save")
    assert "does not include" not in said
    assert cluster.server(3) not in file.read_text(encoding="utf-8"), "what was added and removed is not there"
    assert "nothing has changed" in told(cluster, "reload")
    assert changes(cluster) == []
    assert cluster.b1.server(name, cluster.server(1))["weight"] == 4
    assert cluster.lb1.run(CTL, "check", cluster.b1.conf, check=False).returncode == 0


def test_a_service_is_added_and_serves_at_once(lab):
    cluster = running(lab)
    file = cluster.lb1.folder / "new.conf"
    file.write_text(cluster.service(port=8080, server_port=80, servers=(1, 3)), encoding="utf-8")
    other = service_name(cluster.vip, 8080)
    said = told(cluster, "service", "add", file)
    assert f"{other}: added" in said
    cluster.b1.wait_server(other, cluster.server(3), "up")
    with watching(cluster.client, cluster.vip, 8080) as watch, watching(cluster.client, cluster.vip) as old:
        watch.wait_for(50)
        watch.stop()
        assert watch.failures() == []
        assert cluster.b1.ctl("service", "add", file).returncode != 0, "it exists already"
        told(cluster, "service", "remove", other)
        wait_until(lambda: not cluster.b1.service(other), "the service is gone")
        old.wait_for(50)
        old.stop()
        assert old.failures() == []
    assert changes(cluster) == []


def test_services_with_faults_are_answered_by_line_and_column(lab):
    cluster = running(lab)
    file = cluster.lb1.folder / "new.conf"
    file.write_text("virtual_server 10.0.0.1 80 {\n    protocl TCP\n}\n", encoding="utf-8")
    answer = cluster.b1.ctl("service", "add", file)
    assert answer.returncode != 0 and f"{file}:2:5: error: unknown keyword 'protocl'" in answer.stderr, answer.stderr
