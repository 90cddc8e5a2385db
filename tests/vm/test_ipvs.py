"""What the machine's own kernel may lack: IPVS by NAT and through an IPIP tunnel, over veth."""

import pathlib
import re

import guest


def test_ipvs_forwards_by_nat_and_through_a_tunnel():
    result = guest.run("sh /tests/ipvs.sh", programs=["ip", "ipvsadm", "curl"], modules=["ip_vs_rr", "ipip", "veth"],
                       files={"/tests/ipvs.sh": pathlib.Path(__file__).with_name("ipvs.sh")})
    assert result.status == 0, result.output
    assert result.output.count("the server answers") == 2, result.output
    for method in ("Masq", "Tunnel"):
        counts = re.search(rf"-> 10\.2\.0\.2:80 +{method} +1 +(\d+) +(\d+)", result.output)
        assert counts and int(counts[1]) + int(counts[2]) == 1, f"{method}: not one connection\n{result.output}"
