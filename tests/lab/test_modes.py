"""The four modes through the whole: 10,000 requests, big files both ways, names by UDP, a narrow path in the middle."""

import collections
import hashlib
import json
import os

import pytest

from lab.routed import NAMES, UPLOADS, routed
from lab.shell import run
from lab.topology import Lab

MODES = {
    "nat-4": ("NAT", 4, 4, "", ""), "nat-6": ("NAT", 6, 6, "", ""),
    "dr-4": ("DR", 4, 4, "", ""), "dr-6": ("DR", 6, 6, "", ""),
    "tun-4in4": ("TUN", 4, 4, "", ""), "tun-6in6": ("TUN", 6, 6, "", ""),
    "tun-4in6": ("TUN", 4, 6, "", ""), "tun-6in4": ("TUN", 6, 4, "", ""),
    "gre-4in4": ("TUN", 4, 4, "type gre", ""), "gue-4in4": ("TUN", 4, 4, "type gue port 6080", ""),
    "gue-6in4-csum": ("TUN", 6, 4, "type gue port 6080 csum", ""),
    "fnat-4": ("FNAT", 4, 4, "", "toa"), "fnat-6": ("FNAT", 6, 6, "", "toa"), "fnat-6to4": ("FNAT", 6, 4, "", "toa"),
    "fnat-4-proxy1": ("FNAT", 4, 4, "", "proxy_v1"), "fnat-4-proxy2": ("FNAT", 4, 4, "", "proxy_v2"),
    "fnat-6-proxy2": ("FNAT", 6, 6, "", "proxy_v2"), "fnat-6to4-proxy1": ("FNAT", 6, 4, "", "proxy_v1"),
}
HAS_A_GIBIBYTE = {"fnat-4"}
MEBIBYTE = 1 << 20
SMALL, MIDDLE, LARGE = 32 * MEBIBYTE, 256 * MEBIBYTE, 1024 * MEBIBYTE


@pytest.fixture(scope="module", name="big")
def fixture_big(tmp_path_factory):
    """Files of noise, by size, and their digests."""
    folder = tmp_path_factory.mktemp("big")
    made = {}
    for size in (SMALL, MIDDLE, LARGE):
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


@pytest.fixture(scope="module", name="mode", params=MODES)
def fixture_mode(request):
    return request.param


@pytest.fixture(scope="module", name="lab")
def fixture_lab(mode):  # pylint: disable=unused-argument
    """One for all scenarios of a mode."""
    with Lab() as made:
        yield made


@pytest.fixture(scope="module", name="cluster")
def fixture_cluster(lab, mode):
    method, version, outer, tunnel, client_address = MODES[mode]
    with routed(lab, method, version, outer, tunnel=tunnel, client_address=client_address) as running:
        yield running


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
    result = cluster.client.run("curl", "-sgf", "--max-time", 120, "-H", "Expect:", "--upload-file", path,
                                cluster.url(port=UPLOADS), check=False)
    return result.stdout.strip() or f"curl: exit {result.returncode}"


def counted(cluster, what):
    """A line of `ballastctl drops`."""
    return next(each["packets"] for each in json.loads(cluster.balancer.ctl("drops", "--json").stdout) if each["reason"] == what)


def test_ten_thousand_requests_none_lost_and_the_client_is_known(cluster):
    said = cluster.client.run("curl", "-s", "--parallel", "--parallel-max", "20", "--max-time", "20", "-o", "/dev/null",
                              "-H", "Connection: close", "-w", "%{http_code}\\n", cluster.url("/[1-10000]"), check=False)
    assert collections.Counter(said.stdout.split()) == {"200": 10000}, said.stderr + cluster.balancer.ctl("drops").stdout
    seen = cluster.clients_seen()
    assert len(seen) >= 10000
    assert {each.removeprefix("::ffff:") for each in seen} == {cluster.client.address("home", cluster.version)}


def test_no_name_that_is_asked_for_is_lost(cluster):
    names = cluster.client.folder / "names"
    names.write_text("".join(f"host{number}.example A\n" for number in range(1000)), encoding="utf-8")
    said = cluster.client.run("dnsperf", "-s", cluster.vip, "-p", NAMES, "-d", names, "-n", "5", "-c", "20", "-Q", "4000",
                              "-t", "5").stdout
    assert "Queries completed:    5000 (100.00%)" in said, said
    assert "NOERROR 5000 (100.00%)" in said, said


def test_big_files_arrive_as_they_left(cluster, mode, big):
    path, digest = big[LARGE if mode in HAS_A_GIBIBYTE else MIDDLE]
    assert download(cluster, path) == digest
    assert upload(cluster, path) == digest


def test_a_narrow_path_in_the_middle_is_found(cluster, big):
    """First before the clients' router, then before far servers. The last scenario of a mode: paths stay narrow."""
    path, digest = big[SMALL]
    cluster.forget_paths()
    cluster.set_outside(mtu=1280)
    before = counted(cluster, "error_delivered")
    assert download(cluster, path) == digest
    assert counted(cluster, "error_delivered") > before, "no server was told: the path was not narrow"
    cluster.forget_paths()
    assert upload(cluster, path) == digest
    if cluster.is_far:
        cluster.set_outside(mtu=1500)
        cluster.forget_paths()
        cluster.narrow_inside()
        before = counted(cluster, "error_delivered")
        assert upload(cluster, path) == digest
        assert counted(cluster, "error_delivered") > before, "no client was told: the path was not narrow"
