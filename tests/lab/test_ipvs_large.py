"""A large configuration: 2,277 services with 37,205 servers, of which one weight changes."""

import statistics
import time

import pytest

from lab.shell import SLOWNESS, run, wait_until
from lab.stage import stage

SERVICES, SERVERS, RELOADS = 2277, 37205, 5
LIMIT = 0.5  # seconds from `ballastctl reload` to the kernel, on a machine that is not slow


def address(number):
    return f"10.64.{number // 250}.{number % 250 + 1}"


def configuration(weight):
    """Servers spread evenly; the weight is of the first one of the service in the middle."""
    services, made = [], 0
    for number in range(SERVICES):
        upto = SERVERS * (number + 1) // SERVICES
        servers = "\n".join(f"real_server 10.65.{each // 250}.{each % 250 + 1} 80 {{\nweight "
                            f"{weight if number == SERVICES // 2 and each == made else 1}\n}}" for each in range(made, upto))
        services.append(f"virtual_server {address(number)} 80 {{\nlvs_sched wrr\nlvs_method NAT\nprotocol TCP\n{servers}\n}}\n")
        made = upto
    return "".join(services)


def answers_at_once(balancer):
    begun = time.monotonic()
    return balancer.ctl("drops").returncode == 0 and time.monotonic() - begun < 0.2 * SLOWNESS


@pytest.fixture(name="running")
def fixture_running():
    run("ipvsadm", "-Ln")  # without IPVS nothing here says anything: an error
    with stage("ipvs", webs=1) as made:
        yield made


def test_one_weight_is_changed_within_half_a_second(running, capsys):
    balancer = running.balancer
    begun = time.monotonic()
    balancer.start(running.configuration(configuration(1)))

    def count(pattern):
        """Lines of the kernel's own list, which costs less to read than what ipvsadm makes of it."""
        return int(running.lb.run("grep", "-c", pattern, "/proc/net/ip_vs", check=False).stdout)
    wait_until(lambda: count("Masq") == SERVERS, "IPVS has every server", limit=60, interval=0.5)
    started = time.monotonic() - begun
    assert count("^TCP") == SERVICES
    wait_until(lambda: answers_at_once(balancer), "all is told, too, and forwardd is at rest", interval=1)
    middle, taken = f"{address(SERVICES // 2)}:80", []
    for weight in range(2, 2 + RELOADS):
        balancer.configure(running.configuration(configuration(weight)))
        begun = time.monotonic()
        answer = balancer.ctl("reload")
        assert answer.returncode == 0, answer.stdout + answer.stderr
        wait_until(lambda now=weight: f"Masq    {now} " in running.ipvsadm("-Ln", "-t", middle), "the kernel has the weight", interval=0.01)
        taken.append(time.monotonic() - begun)
    with capsys.disabled():
        print(f"\n{SERVICES:,} services, {SERVERS:,} servers: start {started:.1f} s; reload of one weight until IPVS has it: median "
              f"{statistics.median(taken):.2f} s, {min(taken):.2f} to {max(taken):.2f};\n"
              f"a real machine is some {SLOWNESS:g} times faster")
    assert statistics.median(taken) < LIMIT * SLOWNESS
