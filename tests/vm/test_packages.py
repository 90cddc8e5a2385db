"""The packages on two Debians with systemd: installed, enabled, upgraded under traffic, one machine killed, purged.

The scenarios are one life of the same two machines, in the order of this file."""

import pathlib
import re
import shutil

import pytest

import guest
from lab.client import KeptConnection, watching
from lab.shell import wait_until
from lab.web import curl
from site_of_two import NEXT_VERSION, Site, dependencies, journal, lintian, make_packages, roles_of

DAEMONS = ("ballastd", "scriptd", "checkd", "forwardd", "vrrpd")
REALSERVER_VIP = "192.0.2.200"
NEEDED = ("qemu-system-x86_64", "debootstrap", "mke2fs", "cpack", "lintian")

missing = [program for program in NEEDED if not shutil.which(program)]
if not pathlib.Path("/dev/net/tun").exists():
    missing.append("/dev/net/tun")
pytestmark = pytest.mark.skipif(bool(missing), reason=f"not here: {', '.join(missing)} (scripts/deps installs the programs)")


@pytest.fixture(scope="module", name="packages")
def fixture_packages():
    return make_packages(guest.CACHE / "packages")


@pytest.fixture(scope="module", name="site")
def fixture_site(packages):
    """Two machines with Debian, without the packages."""
    # The next version differs in its number.
    newer = make_packages(guest.CACHE / "packages-next", "-D", f"CPACK_PACKAGE_VERSION={NEXT_VERSION}")
    site = Site(packages, newer)
    yield site
    site.close()


@pytest.fixture(scope="module", name="before")
def fixture_before(site):
    """What each machine was like before anything was installed."""
    return [traces(system) for system in site.systems]


def traces(system):
    """All that a package can leave behind, by kind; each kind a set of lines."""
    commands = {
        "files": "find / /run /sys/fs/bpf -xdev ! -path '/run/log/*' ! -path '/run/systemd/*' ! -path '/var/log/journal/*'"
                 " ! -path '/tmp/*' ! -path '/var/tmp/*'",
        "users": "cat /etc/passwd /etc/group /etc/shadow /etc/gshadow",
        "processes": "readlink /proc/[0-9]*/exe | grep ballast || true",
        "units": "systemctl list-unit-files --no-legend; systemctl list-units --all --plain --no-legend | cut -d' ' -f1",
        "network": "ip -o address; ip route show table all; ip rule; ip -o -d link | grep -oE '^[0-9]+: [^:]*|xdp.*|prog.*'",
        "settings": "grep -rs . /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf || true",
    }
    return {kind: set(system.says(command).splitlines()) for kind, command in commands.items()}


def main_pids(system):
    return {unit: int(system.says(f"systemctl show --property=MainPID --value {unit}")) for unit in DAEMONS}


def states(system):
    """The state of each unit of the node."""
    units = ("ballast.target", *DAEMONS)
    return dict(zip(units, system.run(f"systemctl is-active {' '.join(units)}", check=False).output.split(), strict=True))


def all_are(state):
    return dict.fromkeys(("ballast.target", *DAEMONS), state)


def version_of(system, package):
    return system.says(f"dpkg-query --show --showformat='${{db:Status-Abbrev}}${{Version}}' {package}")


def test_lintian_finds_nothing(packages):
    assert set(packages) == {"ballast", "ballast-realserver"}
    status, said = lintian(*packages.values())
    assert status == 0, said


def test_the_packages_say_what_they_need_and_what_is_the_operators(packages):
    for package, conffile, library in (("ballast", "/etc/ballast/ballast.conf", "libnftables1"),
                                       ("ballast-realserver", "/etc/default/ballast-realserver", "libbpf1")):
        assert guest.host("dpkg-deb", "--info", packages[package], "conffiles").split() == [conffile]
        assert library in dependencies(packages[package])


def test_an_installation_starts_nothing(site, before):
    assert before[0]["files"]
    for system in site.systems:
        system.run("dpkg --install /run/guest/old/ballast.deb")
        assert version_of(system, "ballast").startswith("ii")
        assert states(system) == all_are("inactive")
        assert system.run("systemctl is-enabled ballast.target", check=False).output.strip() == "disabled"
        assert system.says("stat -c '%U:%G %a' /var/lib/ballast") == "root:ballast 750"


def test_enabled_they_elect_a_master_and_serve(site):
    first, second = site.systems
    for system in site.systems:
        system.run("cp /run/guest/ballast.conf /etc/ballast/ballast.conf")
        system.run("ballastctl check /etc/ballast/ballast.conf")
        system.run("systemctl enable --now ballast.target")
    for system, role in ((first, "MASTER"), (second, "BACKUP")):
        site.wait_role(system, role)
        site.wait_servers(system)
        assert states(system) == all_are("active"), system.says("journalctl --no-pager -o cat -n 40")
    assert site.vip in first.says("ip -o address show dev eth0")
    assert site.vip not in second.says("ip -o address show dev eth0")
    answers = {wait_until(lambda: curl(site.client, f"http://{site.vip}/"), "the VIP answers", 30) for _ in range(2)}
    assert answers == {"web1", "web2"}


@pytest.mark.parametrize("number", (1, 0), ids=("the BACKUP", "the MASTER"))
def test_an_upgrade_loses_no_connection_and_no_role(site, number):
    system = site.systems[number]
    roles = [roles_of(each) for each in site.systems]
    pids = main_pids(system)
    kept = [KeptConnection(site.client, site.vip) for _ in range(4)]
    with watching(site.client, site.vip, interval=0.1) as watch:
        system.run("dpkg --install /run/guest/new/ballast.deb")
        watch.wait_for(20)
        assert all(connection.works() for connection in kept)
    assert not watch.failures()
    assert NEXT_VERSION in version_of(system, "ballast")
    assert all(pids[unit] != pid != 0 for unit, pid in main_pids(system).items()), "each runs anew"
    assert "VI_1" in system.says("cat /etc/ballast/ballast.conf"), "the configuration is the operator's"
    for each, before in zip(site.systems, roles, strict=True):
        since = roles_of(each)[len(before):]
        # Who is restarted comes from nowhere into the role that it had.
        role = before[-1].split()[3]
        assert all(line.startswith(f"VI_1: INIT -> {role} ") for line in since), f"{each.name} changed its role: {since}"
        assert not since or each is system


def test_a_real_server_keeps_its_addresses_over_an_upgrade(site):
    system = site.systems[1]
    system.run("dpkg --install /run/guest/old/ballast-realserver.deb")
    assert system.run("systemctl is-enabled ballast-realserver", check=False).output.strip() == "disabled"
    system.run(f"""echo 'OPTIONS="--mode dr --vip {REALSERVER_VIP} --interface eth1"' >/etc/default/ballast-realserver""")
    system.run("systemctl enable --now ballast-realserver")
    system.run("ip -o monitor address >/run/monitor 2>&1 & echo $! >/run/monitor.pid")
    system.run("dpkg --install /run/guest/new/ballast-realserver.deb")
    system.run("kill $(cat /run/monitor.pid)")
    assert NEXT_VERSION in version_of(system, "ballast-realserver")
    assert REALSERVER_VIP in system.says("ip -o address show dev lo")
    assert REALSERVER_VIP not in system.says("cat /run/monitor; rm /run/monitor /run/monitor.pid"), "it was never away"
    system.run("ballast-realserver status")


def test_by_ipvs_they_serve_as_well(site):
    system = site.systems[0]
    system.run("sed 's/lvs_method NAT/lvs_method NAT\\n    lb_engine ipvs/' /run/guest/ballast.conf >/etc/ballast/ballast.conf")
    system.run("ballastctl reload")
    wait_until(lambda: system.says("grep -c ' Masq ' /proc/net/ip_vs || true") == "2", "IPVS has the servers", 60)
    answers = {wait_until(lambda: curl(site.client, f"http://{site.vip}/"), "the VIP answers", 30) for _ in range(2)}
    assert answers == {"web1", "web2"}
    assert system.says("cat /proc/sys/net/ipv4/vs/expire_nodest_conn") == "1", "the sandbox leaves it that"
    system.run("cp /run/guest/ballast.conf /etc/ballast/ballast.conf; systemctl reload ballastd")
    wait_until(lambda: system.says("grep -c TCP /proc/net/ip_vs || true") == "0", "IPVS has nothing more", 60)


def test_a_killed_master_is_replaced_and_the_journal_says_why(site):
    first, second = site.systems
    heard = site.lab.networks["front"].address(1)
    first.pull_the_plug()
    site.wait_role(second, "MASTER")
    assert re.search(rf"VI_1: BACKUP -> MASTER \(no advertisement from {re.escape(heard)} for \d+\.\d+ s\)", journal(second))
    wait_until(lambda: site.client.run("ping", "-c1", "-W1", site.vip, check=False).returncode == 0, "the VIP answers a ping", 30)
    answers = {wait_until(lambda: curl(site.client, f"http://{site.vip}/"), "the VIP answers", 30) for _ in range(2)}
    assert answers == {"web1", "web2"}


def test_removed_and_installed_again_it_is_as_before(site):
    system = site.systems[1]
    system.run("dpkg --remove ballast")
    assert site.vip not in system.says("ip -o address")
    assert "VI_1" in system.says("cat /etc/ballast/ballast.conf")
    system.run("dpkg --install /run/guest/new/ballast.deb")
    assert states(system) == all_are("inactive"), "an installation starts nothing"
    assert system.says("systemctl is-enabled ballast.target") == "enabled"
    system.run("systemctl start ballast.target")
    wait_until(lambda: site.vip in system.says("ip -o address show dev eth0"), "it is MASTER again", 120, 0.5)
    wait_until(lambda: curl(site.client, f"http://{site.vip}/"), "the VIP answers", 60)


def test_a_purge_leaves_nothing(site, before):
    system = site.systems[1]
    assert site.vip in system.says("ip -o address show dev eth0")
    assert "ballast" in system.says("ls /sys/fs/bpf")
    said = system.run("dpkg --purge ballast ballast-realserver").output
    after = traces(system)
    left = {kind: sorted(after[kind] - before[1][kind]) for kind in after}
    gone = {kind: sorted(before[1][kind] - after[kind]) for kind in after}
    assert not any(left.values()), f"left behind: {left}\n{said}"
    assert not any(gone.values()), f"taken away: {gone}\n{said}"
    assert site.client.run("ping", "-c1", "-W1", site.vip, check=False).returncode != 0
