"""Events reach webhooks: by verified TLS, again where it helps, and past one that hangs."""

import json
import pathlib
import sys

import pytest

from lab.balancer import BIN
from lab.cluster import Cluster
from lab.shell import run, wait_until

LAB = pathlib.Path(__file__).parent


class Authority:
    """A certificate authority of our own."""

    def __init__(self, folder):
        self.folder = folder
        self.certificate, self.key = folder / "ca.pem", folder / "ca.key"
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Lab CA", "-days", "2",
            "-keyout", self.key, "-out", self.certificate)
        for path in (folder, *folder.parents):
            if path == pathlib.Path("/tmp"):
                break
            path.chmod(path.stat().st_mode | 0o055)
        self.certificate.chmod(0o644)

    def issue(self, name, alternative):
        certificate, key, request, extra = (self.folder / f"{name}.{end}" for end in ("pem", "key", "csr", "ext"))
        extra.write_text(f"subjectAltName={alternative}\n", encoding="utf-8")
        run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        run("openssl", "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
            "-days", "2", "-extfile", extra, "-out", certificate)
        return certificate, key


class Receiver:
    def __init__(self, node, authority, mood="fine", port=443, alternative=None):
        self.node, self.address, self.port, self.mood = node, node.address("front"), port, mood
        self.folder = node.folder / f"hook-{mood}-{port}"
        self.folder.mkdir()
        self._pair = authority.issue(self.folder.name, alternative or f"IP:{self.address}")
        self.url = f"https://{self.address}:{port}/in?key=hidden"

    def start(self):
        self.node.start(sys.executable, "-m", "lab.receiver", self.address, self.port, self.folder, self.mood, *self._pair,
                        log="receiver.log", cwd=LAB)
        wait_until((self.folder / "ready").exists, "the receiver listens")
        return self

    def events(self):
        return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(self.folder.glob("*.event"))]

    def wait_event(self, text, limit=30):
        def arrived():
            return next((each for each in self.events() if text in each["body"]["message"]), None)
        return wait_until(arrived, f"an event '{text}' has arrived", limit)


@pytest.fixture(name="sender")
def make_sender(lab):
    lab.network("front")
    node = lab.node("lb1", 11, "front")
    node.authority = Authority(node.folder)
    return node


def post(node, receiver, **options):
    job = {"url": receiver.url, "body": {"message": "hello"}, "timeout": 1, "ca_file": str(node.authority.certificate)}
    return node.run(BIN / "ballast-webhook", check=False, stdin=json.dumps(job | options))


def test_one_post_with_its_headers(sender):
    receiver = Receiver(sender, sender.authority).start()
    result = post(sender, receiver, headers="Authorization: Bearer secret\n# a note\nX-One: 1\n")
    assert result.returncode == 0 and result.stdout == "", result.stdout + result.stderr
    [event] = receiver.events()
    assert event["body"] == {"message": "hello"} and event["path"] == "/in?key=hidden"
    assert event["headers"]["Authorization"] == "Bearer secret" and event["headers"]["X-One"] == "1"
    assert event["headers"]["Content-Type"] == "application/json"
    assert event["headers"]["Host"] == receiver.address


def test_a_certificate_that_is_not_trusted_or_of_another_is_refused_unless_told_so(sender):
    other = Receiver(sender, sender.authority, port=444, alternative="DNS:other.example.com").start()
    result = post(sender, other, tries=1)
    assert result.returncode == 1 and "its certificate: IP address mismatch: given up" in result.stdout, result.stdout
    assert post(sender, other, tries=1, verify=False).returncode == 0
    result = post(sender, other, tries=1, ca_file="")
    assert result.returncode == 1 and "its certificate: unable to get local issuer certificate" in result.stdout, result.stdout
    assert len(other.events()) == 1


def test_what_may_pass_is_tried_again_and_what_will_not_is_not(sender):
    busy = Receiver(sender, sender.authority, "busy").start()
    result = post(sender, busy)
    assert result.returncode == 0 and result.stdout.count("status 503: again in") == 2, result.stdout
    never = Receiver(sender, sender.authority, "never", port=444).start()
    result = post(sender, never)
    assert result.returncode == 2 and result.stdout == "status 400: refused\n", result.stdout
    hang = Receiver(sender, sender.authority, "hang", port=445).start()
    result = post(sender, hang, tries=2, timeout=0.5)
    assert result.returncode == 1 and "the answer: timed out after 0.5 s: given up" in result.stdout, result.stdout
    hang.url = f"https://{hang.address}:446/secret"
    result = post(sender, hang, tries=1)
    assert result.returncode == 1 and "the connection: Connection refused" in result.stdout, result.stdout
    assert "secret" not in result.stdout


def test_an_input_that_is_none_is_said_so(sender):
    result = sender.run(BIN / "ballast-webhook", check=False, stdin="{")
    assert result.returncode == 3 and "no JSON" in result.stderr


def hook(receiver, authority, *lines):
    body = "\n        ".join((f"ca_file {authority.certificate}", "timeout 1", *lines))
    return f'    webhook "{receiver.url}" {{\n        {body}\n    }}\n'


def test_events_arrive_past_a_receiver_that_hangs_and_at_one_that_was_down(lab):
    cluster = Cluster(lab, webs=1).start_webs()
    authority = Authority(cluster.client.folder)
    fine = Receiver(cluster.client, authority).start()
    hang = Receiver(cluster.client, authority, "hang", port=444).start()
    late = Receiver(cluster.client, authority, port=445)
    secrets = cluster.lb1.folder / "headers"
    secrets.write_text("Authorization: Bearer secret\n", encoding="utf-8")
    secrets.chmod(0o600)
    hooks = (hook(fine, authority, f"header_file {secrets}") + hook(hang, authority) +
             hook(late, authority, "tries 20", "events health"))
    cluster.b1.start(f"global_defs {{\n    script_user nobody\n    connection_table_size 16384\n{hooks}}}\n" +
                     cluster.vrrp(150) + cluster.service())
    event = fine.wait_event("VI_1: BACKUP -> MASTER")
    assert event["headers"]["Authorization"] == "Bearer secret"
    body = event["body"]
    assert body["kind"] == "vrrp" and body["daemon"] == "vrrpd" and body["subject"] == "VI_1"
    assert body["host"] and body["time"] > 0 and body["severity"]
    wait_until((hang.folder / "asked").exists, "the other one was asked, too")
    cluster.nginx["web1"].kill()
    down = fine.wait_event("server " + cluster.server(1) + ":80 down")
    assert down["body"]["kind"] == "health"
    late.start()
    assert late.wait_event("server " + cluster.server(1) + ":80 down", limit=60)["body"]["kind"] == "health"
    assert all(each["body"]["kind"] == "health" for each in late.events())
    log = (cluster.lb1.folder / "ballast.log").read_text(encoding="utf-8")
    assert "secret" not in log and "hidden" not in log
