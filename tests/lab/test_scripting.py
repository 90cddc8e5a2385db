"""What scripts of operators use: `wait`, the words that complete a command line, `reload --dry-run`."""

import signal
import subprocess
import time

from lab.balancer import CTL
from lab.cluster import Cluster, service_name
from lab.shell import run, wait_until


def one(lab, webs=2):
    """One LB in front of servers; nothing is waited for."""
    cluster = Cluster(lab, 2, "NAT", webs).start_webs()
    cluster.start(both=False)
    return cluster


def begin(balancer, *words):
    """A `ballastctl` that goes on in the background."""
    return subprocess.Popen([str(CTL), "--run-dir", str(balancer.run_dir), *words], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def test_wait_ends_when_the_node_is_ready_and_says_what_is_instead_when_it_is_not_in_time(lab):
    cluster = one(lab)
    name = service_name(cluster.vip)
    ready = cluster.b1.ctl("wait", "ready", "instance", "VI_1", "MASTER", "service", name, "up", "--timeout", "60s")
    assert ready.returncode == 0, ready.stdout + ready.stderr
    assert ready.stdout + ready.stderr == ""
    late = cluster.b1.ctl("wait", "instance", "VI_1", "BACKUP", "server", name, cluster.server(1), "down", "--timeout", "0.2s")
    assert late.returncode == 1
    assert "instance VI_1 is MASTER" in late.stderr and "not BACKUP" in late.stderr, late.stderr
    assert f"server {name} {cluster.server(1)}:80 is up" in late.stderr, late.stderr


def test_wait_sees_a_server_drained_and_a_reload(lab):
    cluster = one(lab)
    name = service_name(cluster.vip)
    assert cluster.b1.ctl("wait", "ready", "--timeout", "60s").returncode == 0
    waiting = begin(cluster.b1, "wait", "server", name, cluster.server(2), "drain", "--timeout", "60s")
    time.sleep(0.2)
    assert waiting.poll() is None
    assert cluster.b1.ctl("server", "drain", name, cluster.server(2)).returncode == 0
    assert waiting.wait(60) == 0
    waiting = begin(cluster.b1, "wait", "reloaded", "--timeout", "60s")
    time.sleep(0.5)
    cluster.b1.process.send_signal(signal.SIGHUP)
    assert waiting.wait(60) == 0
    assert cluster.b1.ctl("wait", "reloaded", "--timeout", "0.2s").returncode == 1
    assert cluster.b1.ctl("wait", "reloaded", "--since", "1m", "--timeout", "5s").returncode == 0


def test_wait_without_a_ballastd_says_so_at_once(tmp_path):
    answer = run(CTL, "--run-dir", tmp_path, "wait", "ready", check=False)
    assert answer.returncode == 3 and "no ballastd" in answer.stderr
    answer = run(CTL, "--run-dir", tmp_path, "wait", "ready", "frob", check=False)
    assert answer.returncode == 2 and "'frob' is no condition" in answer.stderr


def test_words_for_completion_are_the_nodes_and_none_without_one(lab, tmp_path):
    cluster = one(lab)
    name = service_name(cluster.vip)

    def words(*asked):
        return cluster.b1.ctl("completion", "words", *asked).stdout.split()

    wait_until(lambda: words("services") == [name], "the service is offered", 30)
    assert words("instances") == ["VI_1"]
    servers = [f"{cluster.server(number)}:80" for number in (1, 2)]
    assert words("servers") == servers and words("servers", name) == servers
    assert words("conditions", "instance", "VI_1") == ["BACKUP", "FAULT", "INIT", "MASTER"]
    nothing = run(CTL, "--run-dir", tmp_path, "completion", "words", "services", check=False)
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, "", "")


def test_a_dry_run_tells_what_would_change_and_changes_nothing(lab):
    cluster = one(lab)
    name = service_name(cluster.vip)
    assert cluster.b1.ctl("wait", "ready", "--timeout", "60s").returncode == 0
    text = cluster.b1.conf.read_text(encoding="utf-8")
    answer = cluster.b1.ctl("reload", "--dry-run")
    assert (answer.returncode, answer.stdout) == (0, "nothing would change\n"), answer.stderr
    before = cluster.b1.ctl("config").stdout
    cluster.b1.configure(text.replace("priority 150", "priority 140").replace("connect_timeout 1", "connect_timeout 2"))
    answer = cluster.b1.ctl("reload", "--dry-run")
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert "vrrp_instance VI_1: priority 150 -> 140" in answer.stdout, answer.stdout
    assert f"virtual_server {name}: real_server" in answer.stdout and "connect_timeout 1 -> 2" in answer.stdout
    assert cluster.b1.ctl("config").stdout == before
    cluster.b1.configure(text.replace("virtual_router_id", "virtual_router_di"))
    answer = cluster.b1.ctl("reload", "--dry-run")
    assert answer.returncode == 2 and "unknown keyword 'virtual_router_di'" in answer.stderr
    cluster.b1.configure(text)
