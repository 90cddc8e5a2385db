"""What people do to a running cluster: reload, drain, disable, look."""

import json
import signal

from lab.balancer import CTL
from lab.client import KeptConnection, watching
from lab.cluster import Cluster, service_name
from lab.shell import stays, wait_until


def running(lab, method="NAT", arms=2, webs=3, **options):
    """One LB in front of servers that are all up."""
    cluster = Cluster(lab, arms, method, webs).start_webs().start(both=False, **options)
    for number in range(1, webs + 1):
        cluster.b1.wait_server(service_name(cluster.vip), cluster.server(number), "up")
    return cluster


def test_a_reload_with_200_open_connections_breaks_none(lab):
    cluster = running(lab, webs=4)
    three = cluster.configuration(150, cluster.service(servers=(1, 2, 3)))
    assert cluster.b1.reload(three).returncode == 0
    wait_until(lambda: not cluster.b1.server(service_name(cluster.vip), cluster.server(4)), "web4 is out")
    kept = [KeptConnection(cluster.client, cluster.vip) for _ in range(200)]
    with watching(cluster.client, cluster.vip) as watch:
        four = cluster.configuration(150, cluster.service(scheduler="wlc"), cluster.service(port=8080))
        answer = cluster.b1.reload(four)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        cluster.b1.wait_server(service_name(cluster.vip), cluster.server(4), "up")
        watch.wait_for(100)
        watch.stop()
        assert watch.failures() == [] and watch.slow() == []
        assert "web4" in watch.servers()
    broken = [each.server for each in kept if not each.works()]
    assert broken == []


def test_the_data_path_grows_with_the_configuration_and_breaks_no_connection(lab):
    cluster = running(lab)
    kept = [KeptConnection(cluster.client, cluster.vip) for _ in range(50)]
    small = cluster.b1.conf.read_text(encoding="utf-8")
    # 300 services of 60 servers, which nothing checks: more than a small configuration has room for.
    more = "\n".join(f"virtual_server 198.18.{number // 100}.{number % 100} 80 {{\nlvs_sched rr\nlvs_method NAT\nprotocol TCP\n" +
                     "".join(f"real_server {cluster.server(1)} {port} {{\n}}\n" for port in range(1001, 1061)) + "}"
                     for number in range(300))
    with watching(cluster.client, cluster.vip) as watch:
        assert cluster.b1.reload(f"{small}\n{more}").returncode == 0
        assert "has room for 4095 services and 65535 servers now" in (cluster.lb1.folder / "ballast.log").read_text(encoding="utf-8")
        assert len(cluster.b1.status()["services"]) == 301
        watch.wait_for(100)
        cluster.b1.kill_daemon("forwardd")
        wait_until(lambda: cluster.b1.pid("forwardd") and len((cluster.b1.status() or {}).get("services", [])) == 301, "forwardd is back")
        assert "pinned maps are not used" not in (cluster.lb1.folder / "ballast.log").read_text(encoding="utf-8"), "it finds the larger maps"
        assert cluster.b1.reload(small).returncode == 0
        watch.wait_for(100)
        watch.stop()
        assert watch.failures() == [], watch.failures()
    assert [each.server for each in kept if not each.works()] == []


def test_a_reload_of_an_unchanged_file_is_noticed_by_nobody(lab):
    cluster = running(lab)
    before = cluster.b1.instance()["since"]
    assert cluster.b1.ctl("reload").returncode == 0
    stays(lambda: cluster.lb1.has(cluster.vip) and cluster.b1.role() == "MASTER", "lb1 stays MASTER", 1)
    assert cluster.b1.instance()["since"] == before


def test_a_bad_file_on_reload_changes_nothing_and_is_answered_by_line_and_column(lab):
    cluster = running(lab)
    before = cluster.b1.ctl("config").stdout
    bad = cluster.configuration(150).replace("virtual_router_id", "virtual_router_di")
    line = next(number for number, text in enumerate(bad.splitlines(), 1) if "virtual_router_di" in text)
    with watching(cluster.client, cluster.vip) as watch:
        answer = cluster.b1.reload(bad)
        assert answer.returncode != 0
        said = answer.stdout + answer.stderr
        assert f"{cluster.b1.conf}:{line}:5: error" in said and "virtual_router_id" in said, said
        cluster.b1.process.send_signal(signal.SIGHUP)
        log = cluster.lb1.folder / "ballast.log"
        wait_until(lambda: log.read_text(encoding="utf-8").count("virtual_router_di"), "the log says what is wrong")
        watch.wait_for(100)
        watch.stop()
        assert watch.failures() == [] and watch.slow() == []
    assert cluster.b1.ctl("config").stdout == before
    assert cluster.b1.role() == "MASTER"


def test_sighup_reloads(lab):
    cluster = running(lab)
    cluster.b1.configure(cluster.configuration(150, cluster.service(servers=(1, 2))))
    cluster.b1.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(cluster.b1.service(service_name(cluster.vip))["servers"]) == 2, "web3 is gone from the service")


def test_a_vip_added_on_reload_is_answered_and_a_removed_one_is_not(lab):
    cluster = running(lab)
    text = cluster.configuration(150)
    more = text.replace(f"{cluster.vip}/24", f"{cluster.vip}/24\n        10.1.0.101/24")
    assert cluster.b1.reload(more).returncode == 0
    wait_until(lambda: cluster.lb1.has("10.1.0.101"), "the new VIP is there")
    assert cluster.b1.reload(text).returncode == 0
    wait_until(lambda: not cluster.lb1.has("10.1.0.101"), "the new VIP is gone")
    assert cluster.lb1.has(cluster.vip) and cluster.b1.role() == "MASTER"


def drained(cluster, drain):
    """A connection to web1 goes on, and nothing new goes there, once `drain` was done."""
    name, address = service_name(cluster.vip), cluster.server(1)
    kept = [KeptConnection(cluster.client, cluster.vip) for _ in range(6)]
    drain(address)
    wait_until(lambda: cluster.b1.server(name, address)["state"] == "drain", "web1 drains")
    with watching(cluster.client, cluster.vip) as watch:
        watch.wait_for(60)
        watch.stop()
        assert set(watch.servers()) == {"web2", "web3"} and not watch.failures()
    assert "web1" in {each.server for each in kept} and all(each.works() for each in kept)


def all_three_again(cluster):
    cluster.b1.wait_server(service_name(cluster.vip), cluster.server(1), "up")
    with watching(cluster.client, cluster.vip) as watch:
        watch.wait_for(60)
    assert len(watch.servers()) == 3


def test_weight_0_drains_a_server(lab):
    cluster = running(lab)

    def drain(address):
        text = cluster.configuration(150, cluster.service(weights={address: 0}))
        assert cluster.b1.reload(text).returncode == 0

    drained(cluster, drain)
    assert cluster.b1.reload(cluster.configuration(150)).returncode == 0
    all_three_again(cluster)


def test_an_operator_drains_a_server_and_enables_it_again(lab):
    cluster = running(lab)

    def drain(address):
        answer = cluster.b1.ctl("server", "drain", f"{address}:80")
        assert answer.returncode == 0, answer.stderr

    drained(cluster, drain)
    assert cluster.b1.ctl("server", "enable", f"{cluster.server(1)}:80").returncode == 0
    all_three_again(cluster)


def test_a_drained_server_stays_drained_over_a_restart_of_the_family(lab):
    cluster = running(lab)
    assert cluster.b1.ctl("server", "drain", f"{cluster.server(1)}:80").returncode == 0
    cluster.b1.wait_server(service_name(cluster.vip), cluster.server(1), "drain")
    cluster.b1.stop()
    cluster.b1.start()
    cluster.b1.wait_server(service_name(cluster.vip), cluster.server(1), "drain")


def test_ballastctl_shows_what_happens(lab):
    cluster = running(lab)
    kept = KeptConnection(cluster.client, cluster.vip)
    status = cluster.b1.status()
    assert {"name", "version", "since"} <= set(status["node"])
    service = status["services"][0]
    assert (service["engine"], service["method"], service["scheduler"], service["state"]) == ("xdp", "NAT", "rr", "up")
    assert cluster.vip in cluster.b1.ctl("status").stdout
    connections = cluster.b1.ctl("connections").stdout
    assert cluster.client.address("front") in connections and "ESTABLISHED" in connections
    assert "VI_1" in cluster.b1.ctl("events").stdout
    assert cluster.server(1) in cluster.b1.ctl("health").stdout
    assert cluster.b1.ctl("drops").returncode == 0
    assert json.loads(cluster.b1.ctl("config", "--json").stdout)["vrrp_instances"][0]["name"] == "VI_1"
    kept.close()


def test_check_says_errors_warnings_and_clean_by_its_exit_code(lab):
    cluster = Cluster(lab, webs=1)
    file = cluster.lb1.folder / "check.conf"

    def check(text):
        file.write_text(text, encoding="utf-8")
        return cluster.lb1.run(CTL, "check", file, check=False).returncode

    good = cluster.configuration(150)
    assert check(good) == 0
    assert check(good.replace("interface eth0", "interface eth7")) == 1
    assert check(good.replace("priority 150", "priority 1500")) == 2
