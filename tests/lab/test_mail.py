"""Alerts reach a mail server: one that takes them, one that is slow, refuses, drops or wants TLS."""

import email
import json
import pathlib
import sys

import pytest

from lab.balancer import BIN
from lab.cluster import Cluster
from lab.shell import run, wait_until

LAB = pathlib.Path(__file__).parent


class MailServer:
    def __init__(self, node, mood, port=25):
        self.node, self.address, self.port = node, node.address("front"), port
        self.folder = node.folder / f"mail-{mood}"
        self.folder.mkdir()
        pair = self._certificate() if mood in ("tls", "broken") else ()
        self.process = node.start(sys.executable, "-m", "lab.mail", self.address, port, self.folder, mood, *pair,
                                  log="mail.log", cwd=LAB)
        wait_until((self.folder / "ready").exists, "the mail server listens")

    def _certificate(self):
        certificate, key = self.folder / "cert.pem", self.folder / "key.pem"
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=mail.example.com", "-days", "2",
            "-keyout", key, "-out", certificate)
        return certificate, key

    def mails(self):
        """(envelope, mail) of each that was taken, oldest first."""
        found = []
        for path in sorted(self.folder.glob("*.mail")):
            head, _, body = path.read_bytes().partition(b"\n")
            found.append((json.loads(head), email.message_from_bytes(body)))
        return found

    def wait_mail(self, subject, limit=30):
        def arrived():
            return next(((head, mail) for head, mail in self.mails() if mail["Subject"] == subject), None)
        return wait_until(arrived, f"a mail '{subject}' has arrived", limit)


@pytest.fixture(name="sender")
def make_sender(lab):
    lab.network("front")
    return lab.node("lb1", 11, "front")


def send(node, server, *options, helo="lb1.example.com", subject="a subject"):
    return node.run(BIN / "ballast-mail", f"--server={server.address}", f"--port={server.port}", f"--helo={helo}",
                    "--from=lb1@example.com", "--to=On call <oncall@example.com>", f"--subject={subject}",
                    "--text=one\n.\nthree\n", "--pause=0.05", *options, check=False)


def test_a_mail_arrives_as_it_was_meant(sender):
    server = MailServer(sender, "fine")
    result = send(sender, server, "--to=second@example.com")
    assert result.returncode == 0 and "not encrypted" in result.stdout, result.stdout
    [(head, mail)] = server.mails()
    assert head == {"from": "lb1@example.com", "to": ["oncall@example.com", "second@example.com"], "tls": False,
                    "helo": "lb1.example.com"}
    assert mail["From"] == "lb1@example.com" and mail["To"].split(",")[0] == '"On call" <oncall@example.com>'
    assert mail["Message-ID"] and mail["Date"] and mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_payload() in ("one\n.\nthree\n", "one\r\n.\r\nthree\r\n")


def test_tls_is_used_where_it_is_offered(sender):
    server = MailServer(sender, "tls")
    result = send(sender, server)
    assert result.returncode == 0 and "TLSv1.3, certificate not verified" in result.stdout, result.stdout
    assert server.mails()[0][0]["tls"]


def test_a_broken_handshake_keeps_no_alert_back(sender):
    server = MailServer(sender, "broken")
    result = send(sender, server)
    assert result.returncode == 0 and "the TLS handshake" in result.stdout, result.stdout
    assert not server.mails()[0][0]["tls"]


@pytest.mark.parametrize("mood, says", (("grey", "450 come back later"), ("drop", "the server closed the connection")))
def test_what_fails_for_now_is_tried_again(sender, mood, says):
    server = MailServer(sender, mood)
    result = send(sender, server)
    assert result.returncode == 0 and says in result.stdout, result.stdout
    assert len(server.mails()) == 1


def test_who_is_refused_for_now_gets_it_later_and_the_others_at_once(sender):
    server = MailServer(sender, "grey")
    result = send(sender, server, "--to=second@example.com", "--to=third@example.com")
    assert result.returncode == 0 and "but not to all: 450 come back later" in result.stdout, result.stdout
    assert [head["to"] for head, _ in server.mails()] == [["third@example.com"],
                                                          ["oncall@example.com", "second@example.com"]]


def test_what_is_refused_for_good_is_not_tried_again(sender):
    server = MailServer(sender, "never")
    result = send(sender, server)
    assert result.returncode == 2 and result.stdout.count("550 nobody here to every recipient: refused") == 1, result.stdout


@pytest.mark.parametrize("mood", ("silent", "drip"))
def test_a_server_that_never_ends_its_answer_and_one_that_is_not_there(sender, mood):
    server = MailServer(sender, mood)
    result = send(sender, server, "--timeout=0.2")
    assert result.returncode == 1 and result.stdout.count("an answer took more than 0.2 s") == 3, result.stdout
    server.port = 26
    result = send(sender, server)
    assert result.returncode == 1 and "Connection refused" in result.stdout, result.stdout


def test_an_address_with_a_command_in_it_is_refused(sender):
    server = MailServer(sender, "fine")
    assert send(sender, server, "--to=x@example.com>\r\nDATA").returncode == 3
    assert send(sender, server, helo="lb1\r\nMAIL FROM:<x@y>").returncode == 3
    assert send(sender, server, subject="a\r\nBcc: victim@example.com").returncode == 0
    [(head, mail)] = server.mails()
    assert head["to"] == ["oncall@example.com"] and mail["Bcc"] is None


GLOBALS = """global_defs {{
    router_id {name}
    notification_email {{
        "On call <oncall@example.com>"
    }}
    notification_email_from {name}@example.com
    smtp_server {server}
    smtp_alert
}}
"""


def test_a_failover_is_a_mail_with_its_reason(lab):
    cluster = Cluster(lab, webs=0)
    server = MailServer(cluster.client, "fine")
    for balancer, priority in ((cluster.b1, 150), (cluster.b2, 100)):
        balancer.start(GLOBALS.format(name=balancer.node.name, server=server.address) + cluster.vrrp(priority))
    cluster.b1.wait_role("MASTER")
    head, mail = server.wait_mail("[lb1] VRRP Instance VI_1 - Entering MASTER state")
    assert head["from"] == "lb1@example.com" and head["to"] == ["oncall@example.com"]
    server.wait_mail("[lb2] VRRP Instance VI_1 - Entering BACKUP state")
    cluster.b1.kill()
    _, mail = server.wait_mail("[lb2] VRRP Instance VI_1 - Entering MASTER state")
    assert "Reason:   no advertisement from" in mail.get_payload()
    cluster.b2.stop()
    server.wait_mail("[lb2] VRRP Instance VI_1 - Stopping")


def test_a_mail_server_that_hangs_delays_nothing_else(lab):
    cluster = Cluster(lab, webs=0)
    server = MailServer(cluster.client, "silent")
    said = cluster.lb1.folder / "said"
    program = cluster.lb1.folder / "notify.sh"
    program.write_text(f"#!/bin/sh\necho $3 >>{said}\n", encoding="utf-8")
    program.chmod(0o755)
    said.touch()
    said.chmod(0o666)
    cluster.b1.start(GLOBALS.format(name="lb1", server=server.address) + cluster.vrrp(150, extra=f"notify {program}"))
    cluster.b1.wait_role("MASTER")
    wait_until(lambda: said.read_text(encoding="utf-8").split() == ["BACKUP", "MASTER"], "the program was told")
