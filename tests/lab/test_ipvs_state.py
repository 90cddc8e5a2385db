"""What the kernel's IPVS has is what the configuration says, whoever changed it; on a kernel that has IPVS."""

import pathlib
import sys

import pytest

from lab.cluster import service_name, tcp_check
from lab.shell import run, stays, wait_until
from lab.stage import ask, stage

MARK, MARKED_HOST, SCTP_PORT = 7, 105, 7007
TIMEOUTS = "lvs_timeouts tcp 600 tcpfin 60 udp 120"
DAEMON = "lvs_sync_daemon eth1 VI_4 id 7 maxlen 1400 port 8849 ttl 2 group 224.0.0.82"

# Every option of a service and of a server, in keepalived's words. The servers are not checked: all of them are up.
EVERYTHING = """
virtual_server_group FRONT {
    10.1.0.101 80
    10.1.0.102-103 80
    fwmark 9
}
virtual_server 10.1.0.100 443 {
    lvs_sched wlc
    lvs_method DR
    protocol TCP
    persistence_timeout 300
    persistence_granularity 255.255.255.0
    real_server 10.2.0.21 443 {
        weight 3
        uthreshold 1000
        lthreshold 800
    }
    real_server 10.2.0.22 443 {
        weight 0
    }
}
virtual_server 10.1.0.100 5060 {
    lvs_sched rr
    lvs_method NAT
    protocol UDP
    ops
    persistence_timeout 60
    persistence_engine sip
    real_server 10.2.0.21 5061 {
    }
}
virtual_server 10.1.0.100 8001 {
    lvs_sched sh
    sh-port
    sh-fallback
    lvs_method NAT
    protocol TCP
    real_server 10.2.0.21 80 {
    }
}
virtual_server 10.1.0.100 8002 {
    lvs_sched mh
    mh-port
    mh-fallback
    lvs_method NAT
    protocol TCP
    real_server 10.2.0.21 80 {
    }
}
virtual_server 10.1.0.100 8003 {
    lvs_sched wrr
    lvs_method TUN type gue port 6080 csum
    protocol TCP
    real_server 10.2.0.21 8003 {
        weight 2
    }
    real_server 10.2.0.22 8003 {
        lvs_method TUN type gre csum
    }
    real_server 10.2.0.23 8003 {
        lvs_method TUN type ipip
    }
    real_server fd02::21 8003 {
        lvs_method TUN type gue port 6081 nocsum
    }
}
virtual_server 10.1.0.100 7007 {
    lvs_sched rr
    lvs_method NAT
    protocol SCTP
    real_server 10.2.0.21 7007 {
    }
}
virtual_server fwmark 8 {
    lvs_sched fo
    lvs_method DR
    protocol TCP
    real_server 10.2.0.21 80 {
        weight 5
    }
}
virtual_server group FRONT {
    lvs_sched lc
    lvs_method NAT
    protocol TCP
    real_server 10.2.0.22 80 {
    }
}
virtual_server fd01::100 80 {
    lvs_sched rr
    lvs_method NAT
    protocol TCP
    persistence_timeout 60
    persistence_granularity 64
    real_server fd02::21 80 {
    }
}
"""

# As `ipvsadm -Sn` says it, which leaves thresholds out; a server of a mark has a port only by NAT.
EXPECTED = """
-A -t 10.1.0.100:443 -s wlc -p 300 -M 255.255.255.0
-a -t 10.1.0.100:443 -r 10.2.0.21:443 -g -w 3
-a -t 10.1.0.100:443 -r 10.2.0.22:443 -g -w 0
-A -u 10.1.0.100:5060 -s rr -p 60 --pe sip -o
-a -u 10.1.0.100:5060 -r 10.2.0.21:5061 -m -w 1
-A -t 10.1.0.100:8001 -s sh -b sh-fallback,sh-port
-a -t 10.1.0.100:8001 -r 10.2.0.21:80 -m -w 1
-A -t 10.1.0.100:8002 -s mh -b mh-fallback,mh-port
-a -t 10.1.0.100:8002 -r 10.2.0.21:80 -m -w 1
-A -t 10.1.0.100:8003 -s wrr
-a -t 10.1.0.100:8003 -r 10.2.0.21:8003 -i -w 2 --tun-type gue --tun-port 6080 --tun-csum
-a -t 10.1.0.100:8003 -r 10.2.0.22:8003 -i -w 1 --tun-type gre --tun-csum
-a -t 10.1.0.100:8003 -r 10.2.0.23:8003 -i -w 1 --tun-type ipip
-a -t 10.1.0.100:8003 -r [fd02::21]:8003 -i -w 1 --tun-type gue --tun-port 6081 --tun-nocsum
-A --sctp-service 10.1.0.100:7007 -s rr
-a --sctp-service 10.1.0.100:7007 -r 10.2.0.21:7007 -m -w 1
-A -f 8 -s fo
-a -f 8 -r 10.2.0.21:0 -g -w 5
-A -t 10.1.0.101:80 -s lc
-a -t 10.1.0.101:80 -r 10.2.0.22:80 -m -w 1
-A -t 10.1.0.102:80 -s lc
-a -t 10.1.0.102:80 -r 10.2.0.22:80 -m -w 1
-A -t 10.1.0.103:80 -s lc
-a -t 10.1.0.103:80 -r 10.2.0.22:80 -m -w 1
-A -f 9 -s lc
-a -f 9 -r 10.2.0.22:80 -m -w 1
-A -t [fd01::100]:80 -s rr -p 60 -M 64
-a -t [fd01::100]:80 -r [fd02::21]:80 -m -w 1
"""

SCTP_ECHO = """
import socket, sys
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)
listener.bind(("0.0.0.0", int(sys.argv[1])))
listener.listen(8)
while True:
    peer, _ = listener.accept()
    peer.sendall(b"sctp " + peer.recv(100))
    peer.close()
"""

MARKS = f"""table ip marks {{
    chain prerouting {{
        type filter hook prerouting priority mangle;
        ip daddr 10.1.0.{MARKED_HOST} tcp dport {{ 80, 8080 }} meta mark set {MARK}
    }}
}}
"""


@pytest.fixture(scope="module", name="raised")
def fixture_raised():
    run("ipvsadm", "-Ln")  # without IPVS nothing here says anything: an error
    with stage("ipvs") as made:
        yield made.start()


@pytest.fixture(name="running")
def fixture_running(raised):
    raised.reload()
    return raised


def rules(running, node=None):
    """`ipvsadm -Sn`, a line each, in the order of the alphabet."""
    return sorted(line.strip() for line in running.ipvsadm("-Sn", node=node).splitlines() if line.strip())


def expected():
    return sorted(EXPECTED.strip().splitlines())


def events(running, *words):
    """How many of what happened say all these words."""
    told = running.balancer.ctl("events", "--json", "--lines", "1000").stdout.lower().splitlines()
    return sum(1 for line in told if all(word in line for word in words))


def test_ipvs_has_what_the_configuration_says(running):
    running.reload(EVERYTHING)
    wait_until(lambda: rules(running) == expected(), "IPVS has every service and server")
    thresholds = [line.split() for line in running.ipvsadm("-Ln", "--thresholds").splitlines()]
    assert ["->", "10.2.0.21:443", "1000", "800", "0", "0"] in thresholds, thresholds


def test_keepalived_makes_the_same_of_the_same_words(running, tmp_path):
    """The yardstick, in a namespace of its own."""
    other = running.lab.nodes.get("other") or running.lab.node("other", 99, "front", "back")
    conf = tmp_path / "keepalived.conf"
    conf.write_text(EVERYTHING, encoding="utf-8")
    other.start("keepalived", "--check", "--dont-fork", "--log-console", "-f", conf, "-p", tmp_path / "main.pid",
                "-c", tmp_path / "checkers.pid", log="keepalived.log")
    wait_until(lambda: rules(running, other) == expected(), "keepalived's IPVS has every service and server")


def test_timeouts(running):
    running.reload(more=TIMEOUTS)
    wait_until(lambda: "600 60 120" in running.ipvsadm("-L", "--timeout"), "the kernel has the timeouts")


def test_the_sync_daemon_comes_with_the_configuration_and_goes_with_it(running):
    running.reload(more=DAEMON)
    wait_until(lambda: "master sync daemon (mcast=eth1, syncid=7, maxlen=1400, group=224.0.0.82, port=8849, ttl=2)"
               in running.ipvsadm("-L", "--daemon"), "the kernel tells its connections")
    running.reload()
    wait_until(lambda: "sync daemon" not in running.ipvsadm("-L", "--daemon"), "it tells them no more")


def test_what_somebody_clears_comes_back_and_is_told(running):
    before, told = rules(running), events(running, "ipvs")
    assert len(before) == 4
    running.ipvsadm("-C")
    wait_until(lambda: rules(running) == before, "the service and its servers are back")
    wait_until(lambda: events(running, "ipvs") > told, "an event tells it")
    assert set(running.ask(6)) == {"web1", "web2", "web3"}


def test_a_weight_that_somebody_changes_is_put_right_and_told(running):
    before, told = rules(running), events(running, "ipvs", running.server(2))
    running.ipvsadm("-e", "-t", f"{running.vip()}:80", "-r", f"{running.server(2)}:80", "-m", "-w", "7")
    wait_until(lambda: rules(running) == before, "the weight is 1 again")
    wait_until(lambda: events(running, "ipvs", running.server(2)) > told, "an event names the server")


def test_a_server_that_somebody_adds_to_our_service_is_taken_out(running):
    before = rules(running)
    running.ipvsadm("-a", "-t", f"{running.vip()}:80", "-r", "10.2.0.77:80", "-m")
    wait_until(lambda: rules(running) == before, "the server is gone")


def test_somebody_elses_service_is_left_alone(running):
    theirs = ["-A -t 10.1.0.99:99 -s wlc", "-a -t 10.1.0.99:99 -r 10.2.0.99:99 -m -w 4"]
    running.ipvsadm("-R", stdin="\n".join(theirs) + "\n")
    try:
        running.reload(running.service(scheduler="wrr"))
        running.balancer.kill_daemon("forwardd")
        wait_until(lambda: running.balancer.pid("forwardd"), "forwardd is back")
        running.wait_up()
        stays(lambda: set(theirs) <= set(rules(running)), "the other's service stays", 2)
    finally:
        running.ipvsadm("-D", "-t", "10.1.0.99:99")


def test_a_drained_server_has_weight_0_and_a_dead_one_too_for_its_connections(running):
    name = service_name(running.vip())
    assert running.balancer.ctl("server", "drain", f"{running.server(1)}:80").returncode == 0
    running.state(1, "drain")
    wait_until(lambda: any(f"-r {running.server(1)}:80 -m -w 0" in line for line in rules(running)), "its weight is 0")
    assert running.balancer.ctl("server", "enable", f"{running.server(1)}:80").returncode == 0
    running.nginx["web2"].kill()
    running.balancer.wait_server(name, running.server(2), "down")
    wait_until(lambda: any(f"-r {running.server(2)}:80 -m -w 0" in line for line in rules(running)), "the dead one gets none")
    answer = running.balancer.reload(running.configuration(running.service(extra="expire_nodest")))
    assert answer.returncode == 0, answer.stderr
    wait_until(lambda: not any(f"-r {running.server(2)}:80" in line for line in rules(running)), "it is out")
    running.nginx["web2"].start()
    running.wait_up()
    wait_until(lambda: len(rules(running)) == 4, "all are in again")


def test_inhibit_on_failure_leaves_a_dead_server_in_with_weight_0(running):
    running.reload(running.service(extra="inhibit_on_failure"))
    running.nginx["web2"].kill()
    running.state(2, "down")
    wait_until(lambda: any(f"-r {running.server(2)}:80 -m -w 0" in line for line in rules(running)), "its weight is 0")
    running.nginx["web2"].start()
    running.wait_up()


def test_what_the_family_leaves_when_it_ends_goes_on(running):
    """Failing static: IPVS forwards while nobody of the family runs."""
    before = rules(running)
    running.balancer.kill()
    assert rules(running) == before
    assert set(running.ask(6)) == {"web1", "web2", "web3"}
    running.balancer.start()
    running.wait_up()
    assert rules(running) == before


def test_a_mark_gathers_ports_to_one_service(running):
    marked = f"""virtual_server fwmark {MARK} {{
    lvs_sched rr
    lvs_method NAT
    protocol TCP
    delay_loop 2
    {"".join(f"real_server {address} 80 {{ {chr(10)} {tcp_check()} {chr(10)} }}{chr(10)}" for address in running.servers())}
}}
"""
    running.lb.run("nft", "-f", "-", stdin=MARKS)
    hosts = (100, MARKED_HOST)
    running.reload(marked, hosts=hosts)
    assert sorted(running.ask(3, running.vip(MARKED_HOST))) == ["web1", "web2", "web3"]
    assert ask(running.client, running.vip(MARKED_HOST), 8080).startswith("web"), "NAT changes the port to the servers'"
    running.lb.run("nft", "flush", "ruleset")


def test_sctp(running):
    program = pathlib.Path(running.lab.folder) / "sctp_echo.py"
    program.write_text(SCTP_ECHO, encoding="utf-8")
    port = SCTP_PORT
    server = running.webs[0].start(sys.executable, program, port, log="sctp.log")
    endpoints = pathlib.Path(f"/proc/{server.pid}/net/sctp/eps")
    wait_until(lambda: endpoints.exists() and f" {port} " in endpoints.read_text(encoding="utf-8"), "the server listens")
    running.reload(running.service(servers=(1,), port=port, protocol="SCTP", check="# none"))
    client = running.lab.folder / "sctp_ask.py"
    client.write_text("import socket, sys\nsock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)\n"
                      "sock.connect((sys.argv[1], int(sys.argv[2])))\nsock.sendall(b'hello')\nprint(sock.recv(100).decode())\n",
                      encoding="utf-8")
    assert running.client.run(sys.executable, client, running.vip(), port).stdout.strip() == "sctp hello"
