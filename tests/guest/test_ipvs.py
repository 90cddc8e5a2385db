"""What the machine's own kernel may lack: IPVS by NAT and through an IPIP tunnel, over veth."""

import pathlib
import re

import guest


def test_ipvs_forwards_by_nat_and_through_a_tunnel():
    result = guest.run("sh /tests/ipvs.sh", programs=["ip", "ipvsadm"], modules=["ip_vs_rr", "ipip", "veth"],
                       files={"/tests/ipvs.sh": pathlib.Path(__file__).with_name("ipvs.sh")})
    assert result.status == 0, result.output
    assert result.output.count("the server answers") == 2, result.output
    assert re.search(r"-> 10\.2\.0\.2:80 +Masq", result.output), result.output
    assert re.search(r"-> 10\.2\.0\.2:80 +Tunnel", result.output), result.output
    for address in ("10.9.0.1", "10.9.0.2"):
        assert re.search(rf"TCP +{address}:80 +1 ", result.output), f"{address}: not one connection\n{result.output}"
