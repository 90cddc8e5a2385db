"""TUN on Debian's kernel: what Ballast wraps, the kernel's own ipip, sit, ip6tnl, gre and fou devices unwrap."""

import pathlib

import guest

PAIRS = (("10.9.0.1", "10.2.0.2", ""), ("fd09::1", "10.2.0.2", ""), ("10.9.0.2", "fd02::2", ""), ("fd09::2", "fd02::2", ""),
         ("10.9.0.3", "10.2.0.2", "type gre"), ("10.9.0.4", "10.2.0.2", "type gue port 6080"))


def configuration():
    services = "\n".join(f"""virtual_server {vip} 80 {{
    lvs_sched rr
    lvs_method TUN {options}
    protocol TCP
    real_server {server} 80 {{
        weight 1
    }}
}}""" for vip, server, options in PAIRS)
    return f"""global_defs {{
    lb_interfaces client server
    connection_table_size 1024
}}
{services}
"""


def test_the_kernels_tunnels_unwrap_what_ballast_wraps():
    here = pathlib.Path(__file__)
    result = guest.run("sh /tests/tunnel.sh",
                       programs=["ballastd", "scriptd", "checkd", "forwardd", "vrrpd", "ballastctl", "ip", "curl", "ethtool"],
                       modules=["veth", "ipip", "sit", "ip6_tunnel", "ip_gre", "fou"],
                       files={"/tests/tunnel.sh": here.with_name("tunnel.sh"), "/tests/ballast.conf": configuration(),
                              # checkd gives up root's rights for these.
                              "/etc/passwd": "root:x:0:0::/:/bin/sh\nballast:x:900:900::/:/bin/false\n",
                              "/etc/group": "root:x:0:\nballast:x:900:\n"})
    assert result.status == 0, result.output
    assert result.output.count("the server answers") == len(PAIRS), result.output
    for vip, server, _ in PAIRS:
        connection = [line for line in result.output.splitlines() if f"{vip}:80" in line or f"[{vip}]:80" in line]
        assert connection and server in connection[0], f"no connection of {vip}\n{result.output}"
