"""The four modes through the whole: 10,000 requests, big files both ways, names by UDP, a narrow path in the middle."""

import collections
import hashlib
import os

import pytest

from lab.routed import NAMES, UPLOADS, routed
from lab.shell import run

MODES = {
    "nat-4": ("NAT", 4, 4, "", ""), "nat-6": ("NAT", 6, 6, "", ""),
    "dr-4": ("DR", 4, 4, "", ""), "dr-6": ("DR", 6, 6, "", ""),
    "tun-4in4": ("TUN", 4, 4, "", ""), "tun-6in6": ("TUN", 6, 6, "", ""),
    "tun-4in6": ("TUN", 4, 6, "", ""), "tun-6in4": ("TUN", 6, 4, "", ""),
    "gre-4in4": ("TUN", 4, 4, "type gre", ""), "gue-4in4": ("TUN", 4, 4, "type gue port 6080", ""),
    "gue-6in4-csum": ("TUN", 6, 4, "type gue port 6080 csum", ""),
    "fnat-4": ("FNAT", 4, 4, "", "toa"), "fnat-6": ("FNAT", 6, 6, "", "toa"), "fnat-6to4": ("FNAT", 6, 4, "", "toa"),
    "fnat-4-proxy": ("FNAT", 4, 4, "", "proxy_v2"), "fnat-6to4-proxy": ("FNAT", 6, 4, "", "proxy_v1"),
}
# An IPv4 socket cannot show an IPv6 client; nginx here listens on IPv6 for both.
HAS_A_GIBIBYTE = {"nat-4", "dr-4", "tun-4in4", "fnat-4"}
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module", name="big")
def fixture_big(tmp_path_factory):
    """A file of one GiB of noise, one of 64 MiB, and their digests."""
    folder = tmp_path_factory.mktemp("big")
    made = {}
    for size in (64 * MEBIBYTE, 1024 * MEBIBYTE):
        path, digest = folder / f"{size}", hashlib.sha256()
        with open(path, "wb") as file:
            for _ in range(size // MEBIBYTE):
                block = os.urandom(MEBIBYTE)
                file.write(block)
                digest.update(block)
        made[size] = (path, digest.hexdigest())
    yield made
    for path, _ in made.values():
        path.unlink()


def case(name):
    method, version, outer, tunnel, client_address = MODES[name]
    return (method, version, outer), {"tunnel": tunnel, "client_address": client_address}


def offer(cluster, path):
    for web in cluster.webs:
        target = web.folder / "files" / path.name
        if not target.exists():
            os.link(path, target)


def download(cluster, path):
    """The digest of the file as the client gets it."""
    offer(cluster, path)
    command = cluster.client.command("curl", "-sgf", "--max-time", 120, cluster.url(f"/files/{path.name}"))
    result = run("sh", "-c", '"$@" | sha256sum', "sh", *command, timeout=150)
    return result.stdout.split()[0]


def upload(cluster, path):
    """The digest of the file as the server gets it."""
    result = cluster.client.run("curl", "-sgf", "--max-time", 120, "-H", "Expect:", "--data-binary", f"@{path}",
                                cluster.url(port=UPLOADS), check=False)
    return result.stdout.strip() or f"curl: exit {result.returncode}"


@pytest.mark.parametrize("mode", MODES)
def test_ten_thousand_requests_none_lost_and_the_client_is_known(lab, mode):
    arguments, options = case(mode)
    with routed(lab, *arguments, **options) as cluster:
        said = cluster.client.run("curl", "-s", "--parallel", "--parallel-max", "20", "--max-time", "20", "-o", "/dev/null",
                                  "-H", "Connection: close", "-w", "%{http_code}\\n", cluster.url("/[1-10000]"), check=False)
        assert collections.Counter(said.stdout.split()) == {"200": 10000}, said.stderr + cluster.balancer.ctl("drops").stdout
        seen = cluster.clients_seen()
        client = cluster.client.address("outside", cluster.version)
        assert len(seen) >= 10000
        assert set(each.removeprefix("::ffff:") for each in seen) == {client}


@pytest.mark.parametrize("mode", MODES)
def test_big_files_arrive_as_they_left(lab, mode, big):
    path, digest = big[(1024 if mode in HAS_A_GIBIBYTE else 64) * MEBIBYTE]
    arguments, options = case(mode)
    with routed(lab, *arguments, **options) as cluster:
        assert download(cluster, path) == digest
        assert upload(cluster, big[64 * MEBIBYTE][0]) == big[64 * MEBIBYTE][1]


@pytest.mark.parametrize("mode", [name for name in MODES if "proxy" not in name])
def test_no_name_that_is_asked_for_is_lost(lab, mode):
    arguments, options = case(mode)
    with routed(lab, *arguments, **options) as cluster:
        names = cluster.client.folder / "names"
        names.write_text("".join(f"host{number}.example A\n" for number in range(1000)), encoding="utf-8")
        said = cluster.client.run("dnsperf", "-s", cluster.vip, "-p", NAMES, "-d", names, "-n", "5", "-c", "20", "-Q", "4000",
                                  "-t", "5").stdout
        assert "Queries completed:    5000 (100.00%)" in said, said
        assert "NOERROR 5000 (100.00%)" in said, said


@pytest.mark.parametrize("mode", MODES)
def test_a_narrow_path_in_the_middle_is_found(lab, mode, big):
    """1,280 bytes pass towards the client, and, where servers are behind a router, towards them; all have 1,500 themselves."""
    path, digest = big[64 * MEBIBYTE]
    arguments, options = case(mode)
    with routed(lab, *arguments, **options) as cluster:
        cluster.router.ip("link set eth0 mtu 1280")
        assert download(cluster, path) == digest
        if cluster.is_far:
            narrow = 1320 if cluster.method == "TUN" and cluster.version == 6 else 1280  # IPv6 needs 1,280 inside
            cluster.inner.ip(f"link set eth1 mtu {narrow}")
        assert upload(cluster, path) == digest
        if cluster.is_far:
            assert told(cluster) > 0, "nobody had to be told: the path was not narrow"


def told(cluster):
    counts = {line.split()[0]: int(line.split()[1]) for line in cluster.balancer.ctl("drops").stdout.splitlines()
              if len(line.split()) > 2 and line.split()[1].isdigit()}
    return counts["error_delivered"]
