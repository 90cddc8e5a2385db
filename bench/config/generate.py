"""Large configurations: services of many servers, each with a TCP_CHECK, in a form that keepalived reads, too."""

SERVICE = """virtual_server {address} 80 {{
    delay_loop {delay_loop}
    lvs_sched wrr
    lvs_method NAT
    protocol TCP
{servers}}}
"""
COMPACT = "    real_server {address} 80 {{ TCP_CHECK {{ connect_timeout 1 }} }}\n"
SPREAD = """    real_server {address} 80 {{
        weight {weight}
        TCP_CHECK {{
            connect_timeout 1
        }}
    }}
"""


def service_address(number):
    return f"10.{16 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}"


def server_address(number):
    return f"10.{64 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}"


def configuration(services, servers, *, head="", form=SPREAD, delay_loop=3600, weights=None):
    """`weights`: those that differ from 1, by (service, server)."""
    weights = weights or {}
    parts = [head]
    for service in range(services):
        lines = [form.format(address=server_address(service * servers + server), weight=weights.get((service, server), 1))
                 for server in range(servers)]
        parts.append(SERVICE.format(address=service_address(service), delay_loop=delay_loop, servers="".join(lines)))
    return "".join(parts)
