"""Checks of mail and name servers, UDP, ping, files and agents beside the real things: good, bad, and good again."""

import pathlib
import re
import sys

import pytest

from lab.balancer import Ballast
from lab.cluster import GLOBALS, instance, service, service_name
from lab.shell import run, stays, wait_until

LAB = pathlib.Path(__file__).parent
CAP_NET_RAW = 13


class Bench:
    """A load balancer, a server, and one service of one check."""

    def __init__(self, lab):
        front = lab.network("front")
        self.lb, self.web = lab.node("lb1", 11, front.name), lab.node("web1", 21, front.name)
        self.address, self.vip = self.web.address("front"), front.address(100)
        self.ballast, self.port, self.protocol = Ballast(self.lb), 0, "TCP"

    def configuration(self, check, port, protocol="TCP", extra=""):
        self.port, self.protocol = port, protocol
        return "\n".join([GLOBALS % "lb_interfaces eth0", extra, instance("VI_1", 150, [f"{self.vip}/24"]),
                          service(self.vip, [self.address], port, protocol=protocol, check=check, method="DR",
                                  weights={self.address: 100})])

    def start(self, check, port, protocol="TCP", extra=""):
        self.ballast.start(self.configuration(check, port, protocol, extra))
        return self

    def health(self):
        return self.ballast.ctl("health").stdout

    def wait(self, state, words):
        name = service_name(self.vip, self.port, self.protocol.lower())
        try:
            self.ballast.wait_server(name, self.address, state)
            wait_until(lambda: words in self.health(), f"`ballastctl health` says '{words}'")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.health()}") from error

    def wait_weight(self, weight):
        """The log tells each weight that checks make."""
        wait_until(lambda: self.weights()[-1:] == [weight], f"the weight is {weight}, after {self.weights()}")

    def weights(self):
        return [int(found) for found in re.findall(r"checkd: .* has weight (\d+) ", self.log())]

    def log(self):
        return (self.lb.folder / "ballast.log").read_text(encoding="utf-8", errors="replace")

    def may_use_raw_sockets(self):
        status = pathlib.Path(f"/proc/{self.ballast.pid('checkd')}/status").read_text(encoding="utf-8")
        capabilities = int(re.search(r"^CapPrm:\s*(\w+)$", status, re.MULTILINE)[1], 16)
        assert int(re.search(r"^Uid:\s*(\d+)", status, re.MULTILINE)[1]) != 0, "checkd does not run as root"
        assert capabilities & ~(1 << CAP_NET_RAW) == 0, "and has no capability but that one"
        return capabilities != 0


@pytest.fixture(name="bench")
def make_bench(lab):
    return Bench(lab)


def end(process):
    process.kill()
    process.wait()


def mail_server(node, mood, port):
    folder = node.folder / "mail"
    folder.mkdir(exist_ok=True)
    (folder / "ready").unlink(missing_ok=True)
    process = node.start(sys.executable, "-m", "lab.mail", node.address("front"), port, folder, mood, log="mail.log",
                         cwd=LAB)
    wait_until((folder / "ready").exists, "the mail server listens")
    return process


def test_a_mail_server(bench):
    server = mail_server(bench.web, "fine", 25)
    bench.start("SMTP_CHECK {\n connect_timeout 1\n helo_name lb1.example.com\n }", 25)
    bench.wait("up", f"HELO lb1.example.com to {bench.address}:25: 250 ")
    end(server)
    bench.wait("down", f"connect to {bench.address}:25: refused")
    server = mail_server(bench.web, "silent", 25)
    bench.wait("down", f"greeting of {bench.address}:25: timed out after 1 s")
    end(server)
    server = mail_server(bench.web, "drip", 25)
    bench.wait("down", f"greeting of {bench.address}:25: timed out after 1 s")
    end(server)
    mail_server(bench.web, "fine", 25)
    bench.wait("up", "250 ")
    assert not bench.may_use_raw_sockets()


def name_server(node, *names):
    process = node.start("dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null",
                         "--pid-file", "--local=/lab/", *(f"--host-record={name},192.0.2.1" for name in names),
                         log="dnsmasq.log")
    wait_until(lambda: ":53" in node.run("ss", "-Hlun").stdout, "the name server listens")
    return process


def test_a_name_server(bench):
    server = name_server(bench.web, "www.lab")
    bench.start("DNS_CHECK {\n type A\n name www.lab\n connect_timeout 1\n retry 0\n }", 53, "UDP")
    query = f"query of www.lab A to {bench.address}:53"
    bench.wait("up", f"{query}: answered, 1 record")
    end(server)
    bench.wait("down", f"{query}: refused")
    server = name_server(bench.web, "other.lab")
    bench.wait("down", f"{query}: NXDOMAIN (no such name)")
    end(server)
    server = name_server(bench.web, "www.lab")
    bench.wait("up", f"{query}: answered, 1 record")


def echo_server(node, name, address):
    process = node.start(sys.executable, LAB / "lab/udp_echo.py", name, 5000, address, log="echo.log")
    wait_until(lambda: ":5000" in node.run("ss", "-Hlun").stdout, "the echo listens")
    return process


@pytest.mark.parametrize("family", [4, 6])
def test_a_server_by_udp(bench, family):
    address = bench.web.address("front", family)
    place = f"packet to {address}:5000" if family == 4 else f"packet to [{address}]:5000"
    server = echo_server(bench.web, "web1", address)
    wanted = "payload 61\n require_reply 7765 62xx 20"
    bench.start(f"UDP_CHECK {{\n {wanted}\n connect_timeout 1\n connect_ip {address}\n }}", 5000, "UDP")
    bench.wait("up", f"{place}: 6 bytes came back")
    end(server)
    bench.wait("down", f"{place}: refused")
    server = echo_server(bench.web, "evil", address)
    bench.wait("down", f"{place}: another reply than wanted: 6576696c2061")
    end(server)
    echo_server(bench.web, "web9", address)
    bench.wait("up", f"{place}: 6 bytes came back")


def test_silence_by_udp_is_good_until_the_host_is_gone(bench):
    listen = "import socket, time; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('', 5000)); time.sleep(600)"
    bench.web.start(sys.executable, "-c", listen)
    wait_until(lambda: ":5000" in bench.web.run("ss", "-Hlun").stdout, "the port is open")
    bench.start("UDP_CHECK {\n connect_timeout 5\n }", 5000, "UDP")
    bench.wait("up", f"packet to {bench.address}:5000: not refused within 5 s")
    bench.web.link("front", False)
    bench.lb.ip("neighbour flush dev eth0")
    bench.wait("down", f"packet to {bench.address}:5000: no route to host")
    bench.web.link("front", True)
    bench.wait("up", f"packet to {bench.address}:5000: not refused within 5 s")


@pytest.mark.parametrize("socket", ["ping", "raw"])
@pytest.mark.parametrize("family", [4, 6])
def test_a_host_by_ping(bench, socket, family):
    address = bench.web.address("front", family)
    bench.lb.sysctl("net.ipv4.ping_group_range=" + ("0 2147483647" if socket == "ping" else "1 0"))
    place = "" if family == 4 else f"connect_ip {address}"
    bench.start(f"PING_CHECK {{\n connect_timeout 1\n {place}\n }}", 80)
    bench.wait("up", f"ping {address}: answered")
    assert bench.may_use_raw_sockets() == (socket == "raw")
    assert ("keeps CAP_NET_RAW for PING_CHECK" in bench.log()) == (socket == "raw")
    bench.web.link("front", False)
    bench.wait("down", f"ping {address}: ")
    assert re.search(f"ping {address}: (timed out after 1 s|no route to host)", bench.health())
    bench.web.link("front", True)
    bench.wait("up", f"ping {address}: answered")


def test_the_number_of_a_file(bench):
    folder = pathlib.Path(run("mktemp", "-d").stdout.strip())
    folder.chmod(0o755)
    file = folder / "maintenance"
    file.write_text("0\n", encoding="utf-8")
    try:
        bench.start("FILE_CHECK {\n track_file maintenance\n weight 0\n }", 80,
                    extra=f"track_file maintenance {{\n file {file}\n }}")
        bench.wait("up", f"track_file maintenance ({file}): 0")
        file.write_text("1\n", encoding="utf-8")
        bench.wait("down", f"track_file maintenance ({file}): 1, wanted 0")
        fresh = folder / "fresh"
        fresh.write_text("0\n", encoding="utf-8")
        fresh.rename(file)
        bench.wait("up", f"track_file maintenance ({file}): 0")
        file.write_text("2\n", encoding="utf-8")
        bench.wait("down", "2, wanted 0")
        file.unlink()
        bench.wait("up", "0, for No such file or directory")
    finally:
        run("rm", "-r", folder)


def test_the_number_of_a_file_is_added_to_the_weight(bench):
    folder = pathlib.Path(run("mktemp", "-d").stdout.strip())
    folder.chmod(0o755)
    file = folder / "load"
    file.write_text("0\n", encoding="utf-8")
    try:
        bench.start("FILE_CHECK {\n track_file load\n weight 10 reverse\n dynamic\n }", 80,
                    extra=f"track_file load {{\n file {file}\n }}")
        bench.wait("up", f"track_file load ({file}): 0, weight +0")
        for number, weight in ((3, 70), (12, 0), (0, 100)):
            file.write_text(f"{number}\n", encoding="utf-8")
            bench.wait_weight(weight)
    finally:
        run("rm", "-r", folder)


def test_an_agent(bench):
    says = bench.web.folder / "says"
    says.write_text("up 100%\n", encoding="utf-8")
    words = (sys.executable, LAB / "lab/agent.py", bench.address, 5666, says)
    agent = bench.web.start(*words, log="agent.log")
    wait_until(lambda: ":5666" in bench.web.run("ss", "-Hltn").stdout, "the agent listens")
    place = f"agent {bench.address}:5666"
    bench.start('AGENT_CHECK {\n connect_port 5666\n agent_send "web1\\n"\n connect_timeout 1\n }', 80)
    bench.wait("up", f"{place}: says up, 100%")
    for line, weight in (("50%\n", 50), ("drain\n", 0), ("75%, ready\n", 75)):
        says.write_text(line, encoding="utf-8")
        bench.wait_weight(weight)
    says.write_text("down # the disk is full\n", encoding="utf-8")
    bench.wait("down", f"{place}: says down (the disk is full)")
    end(agent)
    bench.wait("down", f"cannot probe: connect to {bench.address}:5666: refused")
    agent = bench.web.start(*words, log="agent.log")
    says.write_text("maint", encoding="utf-8")
    bench.wait("down", f"{place}: says maint")
    says.write_text("ready,UP\n", encoding="utf-8")
    bench.wait("up", f"{place}: says up")
    end(agent)
    bench.wait("up", f"cannot probe: connect to {bench.address}:5666: refused")
    name = service_name(bench.vip, 80)
    stays(lambda: bench.ballast.server(name, bench.address).get("state") == "up", "it is up", 1)


def test_the_interface_and_the_mark_of_probes(bench):
    web = bench.web.start(sys.executable, "-m", "http.server", "80", log="web.log")
    bench.lb.run("nft", "-f", "-", stdin="""table inet lab {
        chain out { type filter hook output priority 0; meta mark 7 oif eth0 tcp dport 80 counter; }
    }""")
    bench.start("TCP_CHECK {\n connect_timeout 1\n bind_if eth0\n fwmark 7\n }", 80)
    bench.wait("up", f"connect to {bench.address}:80: accepted")
    assert not re.search(r"packets 0 ", bench.lb.run("nft", "list", "ruleset").stdout)
    assert bench.may_use_raw_sockets()
    result = bench.ballast.reload(bench.configuration("TCP_CHECK {\n connect_timeout 1\n bind_if nosuch0\n }", 80))
    assert result.returncode == 0, result.stderr
    bench.wait("up", "cannot probe: bind_if nosuch0: No such device")
    end(web)


def test_a_right_that_was_given_up_is_told(bench):
    bench.web.start(sys.executable, "-m", "http.server", "80", log="web.log")
    bench.start("TCP_CHECK {\n connect_timeout 1\n }", 80)
    bench.wait("up", f"connect to {bench.address}:80: accepted")
    assert not bench.may_use_raw_sockets()
    marked = bench.configuration("TCP_CHECK {\n connect_timeout 1\n fwmark 7\n }", 80)
    assert bench.ballast.reload(marked).returncode == 0
    wait_until(lambda: "as the first configuration did without: restart checkd" in bench.log(), "it is told")
    bench.wait("up", "cannot probe: fwmark 7: Operation not permitted")
    bench.ballast.kill_daemon("checkd")
    wait_until(lambda: bench.ballast.pid("checkd"), "checkd is started again", limit=20)
    bench.wait("up", f"connect to {bench.address}:80: accepted")
