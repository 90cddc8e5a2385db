"""Somebody on the segment forges and repeats advertisements: whoever holds a key believes none of them. And passwords, beside
keepalived's."""

import pathlib
import socket
import struct
import time

import pytest

from lab.balancer import Ballast, Keepalived
from lab.cluster import Cluster, instance
from lab.shell import stays, wait_until

KEY = "8f0c1d5a3b7e92640a1b2c3d4e5f60718293a4b5c6d7e8f9010203040506070a"
OTHER_KEY = "00" * 32
GROUP = "224.0.0.18"


def hmac(key=KEY, more=""):
    return f"auth_hmac {{\n        key 1 hex:{key}\n        active_key 1\n        {more}\n    }}"


def pair(lab, extra):
    cluster = Cluster(lab, webs=0)
    cluster.b1.start(cluster.vrrp(150, extra=extra))
    cluster.b1.wait_role("MASTER")
    cluster.b2.start(cluster.vrrp(100, extra=extra))
    cluster.b2.wait_role("BACKUP")
    return cluster


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def forged(vip, priority, trailer=b""):
    """Version 3, VRID 51, 0.2 s: what anybody can write."""
    message = struct.pack("!BBBBHH", 0x31, 51, priority, 1, 20, 0) + socket.inet_aton(vip)
    return message[:6] + struct.pack("!H", checksum(message)) + message[8:] + trailer


def send(source, *payloads):
    """As if from that address, with TTL 255."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, bytes(8) + struct.pack("@i", socket.if_nametoindex("eth0")))
        for payload in payloads:
            header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 255, 112, 0, socket.inet_aton(source),
                                 socket.inet_aton(GROUP))
            sock.sendto(header + payload, (GROUP, 0))


def overheard(count):
    """So many advertisements that come by."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, 112) as sock:
        member = struct.pack("@4s4si", socket.inet_aton(GROUP), bytes(4), socket.if_nametoindex("eth0"))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        sock.settimeout(10)
        return [sock.recv(2048)[20:] for _ in range(count)]


def log_of(balancer):
    return pathlib.Path(balancer.node.folder / f"{balancer.name}.log").read_text(encoding="utf-8", errors="replace")


def unmoved(cluster):
    return cluster.b1.role() == "MASTER" and cluster.b2.role() == "BACKUP"


def test_without_a_key_one_forged_packet_takes_the_vip(lab):
    """The test's own forger works: this is what auth_hmac is for."""
    cluster = pair(lab, "")
    stranger = cluster.client.address("front")
    for _ in range(10):
        cluster.client.inside(send, stranger, forged(cluster.vip, 255))
        time.sleep(0.1)
    cluster.b1.wait_role("BACKUP")


def test_forged_advertisements_change_nothing_and_are_told_with_their_source(lab):
    cluster = pair(lab, hmac())
    stranger, master = cluster.client.address("front"), cluster.lb1.address("front")
    trailer = struct.pack("!BBHIHH", 1, 1, 0, int(time.time()), 0, 0) + bytes(16)
    for _ in range(20):
        cluster.client.inside(send, stranger, forged(cluster.vip, 255), forged(cluster.vip, 255, trailer))
        cluster.client.inside(send, master, forged(cluster.vip, 0), forged(cluster.vip, 0, trailer))
        time.sleep(0.05)
        assert unmoved(cluster)
    wait_until(lambda: f"{stranger} does not sign" in log_of(cluster.b1), "lb1 tells who does not sign")
    wait_until(lambda: f"the HMAC from {stranger} is wrong" in log_of(cluster.b1), "lb1 tells of the forgery")
    for balancer in (cluster.b1, cluster.b2):
        assert log_of(balancer).count("does not sign") == 1, "once a minute"
        assert KEY not in log_of(balancer)


def test_an_advertisement_heard_before_is_worth_nothing(lab):
    cluster = pair(lab, hmac(more="time_window 300"))
    master = cluster.lb1.address("front")
    heard = cluster.client.inside(overheard, 3)
    cluster.b1.stop()
    cluster.b2.wait_role("MASTER")
    for _ in range(10):  # the old master, with the higher priority, seems to be back
        cluster.client.inside(send, master, *heard)
        time.sleep(0.05)
        assert cluster.b2.role() == "MASTER"
    wait_until(lambda: f"an advertisement of {master} came again" in log_of(cluster.b2), "lb2 tells of the repetition")


def test_a_router_with_another_key_is_not_heard(lab):
    cluster = pair(lab, hmac())
    cluster.b2.reload(cluster.vrrp(100, extra=hmac(OTHER_KEY)))
    cluster.b2.wait_role("MASTER")
    assert "is wrong: forged, or key 1 is another there" in log_of(cluster.b2)
    cluster.b2.reload(cluster.vrrp(100, extra=hmac()))
    cluster.b2.wait_role("BACKUP")
    stays(lambda: unmoved(cluster), "one master again", 1)


def test_keys_come_and_change_without_a_change_of_roles(lab):
    cluster = pair(lab, "")
    both = f"auth_hmac {{\n key 1 hex:{KEY}\n key 2 hex:{OTHER_KEY}\n active_key %d\n}}"
    for extra in (hmac(more="mode receive-only"), hmac(more="mode permissive"), hmac(), both % 1, both % 2,
                  f"auth_hmac {{\n key 2 hex:{OTHER_KEY}\n}}"):
        for balancer, priority in ((cluster.b2, 100), (cluster.b1, 150)):
            assert balancer.reload(cluster.vrrp(priority, extra=extra)).returncode == 0
            stays(lambda: unmoved(cluster), f"nothing moves with {extra}", 1)


def test_keys_are_in_no_answer_and_in_no_file_for_others(lab):
    cluster = pair(lab, hmac())
    assert "(hidden)" in cluster.b1.ctl("config").stdout
    assert KEY not in cluster.b1.ctl("config", "--json").stdout
    for path in cluster.b1.run_dir.iterdir():
        if path.is_file() and KEY in path.read_text(encoding="utf-8", errors="replace"):
            assert path.stat().st_mode & 0o077 == 0, f"{path.name} is open to others"


@pytest.mark.parametrize("ours, accepted", [("secret", True), ("wrong", False)])
def test_passwords_beside_keepalived(lab, ours, accepted):
    cluster = Cluster(lab, webs=0)
    keepalived, ballast = Keepalived(cluster.lb1), Ballast(cluster.lb2, "peer")
    block = "authentication {{\n auth_type PASS\n auth_pass {}\n}}"
    addresses = [f"{cluster.vip}/24"]
    keepalived.start(instance("VI_1", 150, addresses, advert=1, version=2, extra=block.format("secret")))
    wait_until(lambda: cluster.lb1.has(cluster.vip), "keepalived is master", limit=20)
    ballast.start(instance("VI_1", 100, addresses, advert=1, version=2, extra=block.format(ours)))
    if not accepted:
        ballast.wait_role("MASTER")
        return
    ballast.wait_role("BACKUP")
    stays(lambda: ballast.role() == "BACKUP", "Ballast hears keepalived", 5)
    keepalived.stop()
    ballast.wait_role("MASTER")
    keepalived.start()
    ballast.wait_role("BACKUP", limit=20)
    wait_until(lambda: not cluster.lb2.has(cluster.vip), "who yields lets the VIP go after the linger")
    stays(lambda: cluster.lb1.has(cluster.vip) and not cluster.lb2.has(cluster.vip), "keepalived hears Ballast", 3)


@pytest.mark.parametrize("version", [4, 6])
def test_unicast_peers_are_known_by_source_and_ttl(lab, version):
    cluster = Cluster(lab, webs=0)
    nodes = [node.address("front", version) for node in (cluster.lb1, cluster.lb2)]
    addresses = [f"{cluster.vip}/24"] if version == 4 else ["fe80::100/64", f"{cluster.vip6}/64"]

    def text(own, peer, priority, ttl=255):
        extra = f"unicast_src_ip {own}\n    unicast_ttl {ttl}\n    unicast_peer {{\n        {peer} min_ttl 255\n    }}"
        return instance("VI_1", priority, addresses, extra=extra)

    cluster.b1.start(text(*nodes, 150))
    cluster.b1.wait_role("MASTER")
    cluster.b2.start(text(*reversed(nodes), 100))
    cluster.b2.wait_role("BACKUP")
    cluster.b1.reload(text(*nodes, 150, ttl=64))
    cluster.b2.wait_role("MASTER")
    assert f"from {nodes[0]} with TTL 64, expected 255 to 255" in log_of(cluster.b2)
