"""ballast-realserver: each way in which load balancers forward, on a real server whose programs know nothing of it."""

import time

import pytest

from lab.realserver import PROGRAM, RealServer, encapsulate, ip, is_v6, mac, send_frame
from lab.shell import LabError, run, wait_until
from lab.web import Nginx, UdpEcho, curl
from scapy.layers.inet import UDP
from scapy.packet import Raw

VIP, VIP6 = "192.0.2.100", "2001:db8::100"
VIPS = f"{VIP},{VIP6}"
ECHO_PORT = 7000
OUTER = {4: ("10.1.0.11", "10.1.0.21"), 6: ("fd01::11", "fd01::21")}
CONFIGURATION = ("net.ipv4.conf.all.arp_ignore", "net.ipv4.conf.all.arp_announce", "net.ipv4.conf.eth0.arp_ignore",
                 "net.ipv4.conf.eth0.arp_announce", "net.ipv4.conf.eth0.rp_filter", "net.ipv4.conf.all.rp_filter")


def state_of(server):
    """All that ballast-realserver may change."""
    settings = server.run("sysctl", *CONFIGURATION).stdout
    addresses = server.run("ip", "-o", "address", "show", "dev", "lo").stdout
    link = server.run("ip", "-o", "link", "show", "dev", "eth0").stdout
    return settings, addresses, link


# DR

def knows_mac_of(client, address):
    """Whether asking the network who has this address gets an answer: by ARP or by a neighbour solicitation."""
    family = "-6" if is_v6(address) else "-4"
    client.run("ip", family, "neigh", "flush", "to", address, check=False)
    client.run("ping", family, "-c", "1", "-W", "1", address, check=False)
    wait_until(lambda: "INCOMPLETE" not in neighbour(client, address), f"{address} is resolved or given up", limit=20)
    return "lladdr" in neighbour(client, address)


def neighbour(client, address):
    return client.run("ip", "neigh", "show", "to", address).stdout


@pytest.mark.parametrize("vip", [VIP, VIP6])
def test_dr_answers_on_the_vip_and_to_nobody_who_asks_for_it(wire, vip):
    client, server = wire
    RealServer(server).up("--mode", "dr", "--vip", vip)
    Nginx(server).start()
    assert knows_mac_of(client, server.address("front", 6 if is_v6(vip) else 4))
    assert not knows_mac_of(client, vip)
    client.ip(f"neigh replace {vip} lladdr {mac(server)} dev eth0 nud permanent")
    host = f"[{vip}]" if is_v6(vip) else vip
    assert curl(client, f"http://{host}/") == "server"


def test_without_its_settings_arp_would_be_answered(wire):
    client, server = wire
    realserver = RealServer(server)
    realserver.up("--mode", "dr", "--vip", VIP)
    server.sysctl("net.ipv4.conf.all.arp_ignore=0", "net.ipv4.conf.eth0.arp_ignore=0")
    assert knows_mac_of(client, VIP)
    assert realserver.faults() == ["/proc/sys/net/ipv4/conf/all/arp_ignore: 0, should be 1",
                                   "/proc/sys/net/ipv4/conf/eth0/arp_ignore: 0, should be 1"]
    realserver.up("--mode", "dr", "--vip", VIP)
    assert not knows_mac_of(client, VIP)
    assert realserver.is_whole()


def test_a_solicitation_for_the_ipv6_vip_gets_no_advertisement_of_any_kind(wire):
    """Multicast and unicast, and with the server as a router: nothing of it is answered with the VIP as target."""
    client, server = wire
    server.sysctl("net.ipv6.conf.all.forwarding=1")
    RealServer(server).up("--mode", "dr", "--vip", VIP6)
    sniffer = client.start("tcpdump", "-lnvi", "eth0", "icmp6 and ip6[40] == 136", log="tcpdump.log")
    log = client.folder / "tcpdump.log"
    wait_until(lambda: "listening" in log.read_text(encoding="utf-8"), "tcpdump listens")
    assert not knows_mac_of(client, VIP6)
    client.ip(f"neigh replace {VIP6} lladdr {mac(server)} dev eth0 nud probe")  # unicast solicitations
    wait_until(lambda: "PROBE" not in neighbour(client, VIP6), "the probes are over", limit=20)
    assert knows_mac_of(client, server.address("front", 6))
    wait_until(lambda: f"tgt is {server.address('front', 6)}" in log.read_text(encoding="utf-8"), "an advertisement is seen")
    sniffer.terminate()
    assert f"tgt is {VIP6}" not in log.read_text(encoding="utf-8")


@pytest.mark.parametrize("version", [4, 6])
def test_what_the_server_begins_itself_never_comes_from_the_vip(wire, version):
    client, server = wire
    RealServer(server).up("--mode", "dr", "--vip", VIPS)
    words = server.run("ip", "route", "get", client.address("front", version)).stdout.split()
    assert words[words.index("src") + 1] == server.address("front", version)


# TUN

def ask_through(client, server, kind, outer, inner_version, device="eth0", source=None):
    """One datagram to the echo on the VIP through a tunnel; what the client hears from the VIP, or None."""
    vip = VIP6 if inner_version == 6 else VIP
    source = source or client.address("front", inner_version)
    with client.udp(vip, ECHO_PORT) as sock:
        inner = ip(source, vip) / UDP(sport=sock.getsockname()[1], dport=ECHO_PORT) / Raw(b"hello")
        sock.settimeout(3)
        send_frame(client, device, mac(server), encapsulate(kind, outer, inner))
        try:
            return sock.recv(100).decode()
        except TimeoutError:
            return None


KINDS = [("ipip", 4, 4, "ipv4_in_ipv4"), ("ipip", 4, 6, "ipv6_in_ipv4"), ("ipip", 6, 4, "ipv4_in_ipv6"),
         ("ipip", 6, 6, "ipv6_in_ipv6"), ("destination-options", 6, 4, "ipv4_in_ipv6"),
         ("destination-options", 6, 6, "ipv6_in_ipv6")]
KINDS += [(kind, outer, inner, counter) for outer in (4, 6) for inner in (4, 6)
          for kind, counter in (("gre", "gre"), ("gre-checksum-key", "gre"), ("gue", "gue"), ("gue-direct", "gue_direct"))]


def test_tun_every_kind_of_tunnel_reaches_the_vip_and_is_answered_directly(wire):
    client, server = wire
    realserver = RealServer(server)
    realserver.up("--mode", "tun", "--vip", VIPS)
    UdpEcho(server).start(ECHO_PORT, VIP, VIP6)
    for kind, outer, inner, counter in KINDS:
        before = realserver.status()["unwrapped"][counter]
        assert ask_through(client, server, kind, OUTER[outer], inner) == "server hello", (kind, outer, inner)
        assert realserver.status()["unwrapped"][counter] == before + 1, (kind, outer, inner)


def test_tun_on_a_port_of_choice_and_from_trusted_load_balancers_alone(wire):
    client, server = wire
    realserver = RealServer(server)
    UdpEcho(server)
    realserver.up("--mode", "tun", "--vip", VIPS, "--gue-port", "6081", "--trust", "10.1.0.11,fd01::/64")
    UdpEcho(server).start(ECHO_PORT, VIP, VIP6)
    assert ask_through(client, server, "gue", OUTER[4], 4) is None
    assert ask_through(client, server, "ipip", ("10.1.0.12", "10.1.0.21"), 4) is None
    assert realserver.status()["dropped"]["untrusted"] == 1
    assert ask_through(client, server, "ipip", OUTER[4], 4) == "server hello"
    assert ask_through(client, server, "ipip", OUTER[6], 4) == "server hello"
    realserver.up("--mode", "tun", "--vip", VIPS)
    assert ask_through(client, server, "gue", OUTER[4], 4) == "server hello"
    assert ask_through(client, server, "ipip", ("10.1.0.12", "10.1.0.21"), 4) == "server hello"


def test_tun_a_strict_reverse_path_filter_loses_nothing_and_comes_back(lab):
    front, back = lab.network("front"), lab.network("back")
    client, server = lab.node("client", 1, front.name, back.name), lab.node("server", 21, front.name, back.name)
    server.sysctl("net.ipv4.conf.eth0.rp_filter=1", "net.ipv4.conf.all.rp_filter=1")
    client.ip(f"route add {VIP}/32 dev eth1")
    realserver = RealServer(server)
    UdpEcho(server)
    realserver.up("--mode", "tun", "--vip", VIP, "--interface", "eth0")
    UdpEcho(server).start(ECHO_PORT, VIP)
    there = client.address("back")
    assert ask_through(client, server, "ipip", OUTER[4], 4, source=there) == "server hello"
    server.sysctl("net.ipv4.conf.eth0.rp_filter=1")
    assert ask_through(client, server, "ipip", OUTER[4], 4, source=there) is None
    assert realserver.faults() == ["/proc/sys/net/ipv4/conf/eth0/rp_filter: 1, should be 2"]
    realserver.up("--mode", "tun", "--vip", VIP, "--interface", "eth0")
    assert ask_through(client, server, "ipip", OUTER[4], 4, source=there) == "server hello"
    realserver.undo()
    assert server.run("sysctl", "-n", "net.ipv4.conf.eth0.rp_filter").stdout.strip() == "1"


def test_tun_names_the_program_that_is_in_its_place(wire):
    _, server = wire
    before = state_of(server)
    other = RealServer(server)
    other.pin_dir = other.pin_dir.with_name(other.pin_dir.name + "-other")
    other.state_dir = other.state_dir.with_name("other")
    other.up("--mode", "tun", "--vip", "192.0.2.99")
    result = RealServer(server).call("up", "--mode", "tun", "--vip", VIP)
    assert result.returncode == 1
    assert "interface eth0: another XDP program is attached, 'ballast_tunnel' (id" in result.stderr
    assert "nothing was changed" in result.stderr
    assert other.is_whole()
    other.undo()
    assert state_of(server) == before


# Life

def test_undo_puts_back_exactly_what_was_there(wire):
    _, server = wire
    server.sysctl("net.ipv4.conf.all.arp_ignore=8", "net.ipv4.conf.eth0.arp_announce=1", "net.ipv4.conf.eth0.rp_filter=1")
    server.ip("address add 192.0.2.1/32 dev lo", f"address add {VIP6}/128 dev lo nodad")
    before = state_of(server)
    realserver = RealServer(server)
    words = realserver.up("--mode", "tun", "--vip", VIPS)
    assert f"{VIP6} is on lo already, by somebody else" in words
    assert realserver.is_whole()
    assert server.run("sysctl", "-n", "net.ipv4.conf.all.arp_ignore").stdout.strip() == "8"  # stricter than ours
    realserver.undo()
    assert state_of(server) == before
    assert not realserver.pin_dir.exists()
    assert realserver.call("status").returncode == 1
    realserver.undo()  # once more does nothing
    assert state_of(server) == before


def test_undo_leaves_what_somebody_else_changed_meanwhile(wire):
    _, server = wire
    realserver = RealServer(server)
    realserver.up("--mode", "dr", "--vip", VIP)
    server.sysctl("net.ipv4.conf.all.arp_ignore=2")
    words = realserver.undo()
    assert "/proc/sys/net/ipv4/conf/all/arp_ignore is 2, set by somebody else since it was made 1" in words
    assert server.run("sysctl", "-n", "net.ipv4.conf.all.arp_ignore", "net.ipv4.conf.eth0.arp_ignore").stdout.split() == ["2", "0"]


def test_up_again_changes_to_what_is_wanted_now(wire):
    client, server = wire
    before = state_of(server)
    realserver = RealServer(server)
    realserver.up("--mode", "tun", "--vip", VIPS)
    realserver.up("--mode", "tun", "--vip", "192.0.2.101")
    assert server.has("192.0.2.101") and not server.has(VIP) and not server.has(VIP6)
    realserver.up("--mode", "dr", "--vip", f"{VIP},192.0.2.101")
    assert server.has("192.0.2.101") and server.has(VIP)
    assert "xdp" not in state_of(server)[2]
    realserver.up("--mode", "dr", "--vip", VIP6)
    assert server.run("sysctl", "-n", "net.ipv4.conf.all.arp_ignore").stdout.strip() == "0"  # of IPv4 nothing is left
    realserver.undo()
    assert state_of(server) == before


def test_what_was_taken_away_is_told_and_put_back(wire):
    _, server = wire
    realserver = RealServer(server)
    realserver.up("--mode", "tun", "--vip", VIPS)
    server.ip(f"address delete {VIP}/32 dev lo")
    (realserver.pin_dir / "tunnel/link_eth0").unlink()  # the last that held it: the program goes
    wait_until(lambda: "xdp" not in state_of(server)[2], "the program is gone")
    assert realserver.faults() == [f"{VIP} on lo: missing", "tunnels on eth0: missing"]
    realserver.up("--mode", "tun", "--vip", VIPS)
    assert realserver.is_whole()


def test_an_interface_that_went_and_came_again_is_taken_up(wire):
    client, server = wire
    realserver = RealServer(server)
    realserver.up("--mode", "tun", "--vip", VIPS, "--interface", "eth0")
    server.ip("link delete eth0")
    del server.devices["front"]
    assert "tunnels on eth0: missing" in realserver.faults()
    server.plug("front")
    realserver.up("--mode", "tun", "--vip", VIPS, "--interface", "eth0")
    UdpEcho(server).start(ECHO_PORT, VIP, VIP6)
    assert ask_through(client, server, "ipip", OUTER[4], 4) == "server hello"
    assert realserver.is_whole()


def test_it_works_without_any_process_and_a_kill_in_the_middle_is_made_good(wire):
    """Killed after ever longer times, from before its first step to after its last."""
    _, server = wire
    server.sysctl("net.ipv4.conf.eth0.rp_filter=1")
    before = state_of(server)
    realserver = RealServer(server)
    words = ("--mode", "tun", "--vip", VIPS, "--interface", "eth0")
    began = time.monotonic()
    realserver.up(*words)
    whole = time.monotonic() - began
    realserver.undo()
    rounds = 24
    half_done = 0
    for attempt in range(rounds):
        process = server.start(*realserver.words("up", *words), log="up.log")
        time.sleep(whole * attempt / (rounds - 4))
        process.kill()
        process.wait()
        half_done += not realserver.is_whole() and state_of(server) != before
        if attempt % 2:
            realserver.up(*words)
            assert realserver.is_whole()
            process = server.start(*realserver.words("undo"), log="undo.log")
            time.sleep(whole * attempt / (rounds - 4) / 4)
            process.kill()
            process.wait()
        realserver.undo()
        assert state_of(server) == before, f"killed after {attempt} of {rounds - 4} parts"
    assert half_done > 0, "no kill came in the middle"


# What it refuses

@pytest.mark.parametrize("words, error", [
    (("--mode", "nat", "--vip", VIP), "'nat' is no forwarding mode of a real server: there are dr, tun and fnat"),
    (("--mode", "dr"), "--mode dr needs --vip"),
    (("--mode", "fnat"), "--mode fnat needs --trust"),
    (("--mode", "dr", "--vip", "192.0.2.1000"), "--vip: "),
    (("--mode", "dr", "--vip", "127.0.0.2"), "--vip 127.0.0.2: not an address that clients can reach"),
    (("--mode", "dr", "--vip", VIP, "--trust", "10.0.0.0/8"), "--trust belongs to --mode tun or fnat, not to dr"),
    (("--mode", "tun", "--vip", VIP, "--gue-port", "70000"), "--gue-port 70000: 0 (none) to 65535"),
    (("--mode", "fnat", "--trust", "10.1.0.200", "--cgroup", "/tmp"), "--cgroup /tmp: not a folder of cgroup version 2"),
    (("--mode", "dr", "--vip", VIP, "--interface", "eth7"), "there is no interface eth7"),
])
def test_what_makes_no_sense_is_refused_in_words_and_changes_nothing(wire, words, error):
    _, server = wire
    before = state_of(server)
    result = RealServer(server).call("up", *words)
    assert result.returncode != 0
    assert error in result.stderr
    assert state_of(server) == before


def test_a_vip_that_somebody_announces_is_refused(wire):
    _, server = wire
    server.ip(f"address add {VIP}/24 dev eth0")
    before = state_of(server)
    result = RealServer(server).call("up", "--mode", "dr", "--vip", VIP)
    assert result.returncode == 1
    assert f"{VIP} is on eth0, put there by somebody else" in result.stderr
    assert state_of(server) == before


def test_one_at_a_time_and_one_namespace(wire, lab):
    client, server = wire
    realserver = RealServer(server)
    realserver.up("--mode", "dr", "--vip", VIP)
    elsewhere = client.run(*realserver.words("undo"), check=False)
    assert elsewhere.returncode == 1 and "tells of another network namespace" in elsewhere.stderr
    assert realserver.is_whole()
    held = server.run("flock", realserver.state_dir / "lock", *realserver.words("undo"), check=False)
    assert held.returncode == 1 and "another ballast-realserver is at work" in held.stderr


def test_the_verb_up_may_be_left_out():
    assert run(PROGRAM, "--mode", "nat", check=False).returncode == 2
    with pytest.raises(LabError):
        run(PROGRAM)
