"""The packet tests on Debian's kernel, as they are."""

import re
import subprocess

import guest
from guest.image import find_program


def test_packets_go_the_same_ways_as_on_this_kernel(capsys):
    listed = subprocess.run([find_program("packet_test"), "--gtest_list_tests"], capture_output=True, text=True, check=True)
    count = len(re.findall(r"^  \S", listed.stdout, re.MULTILINE))
    result = guest.run("packet_test --gtest_brief=1", programs=["packet_test", "ip"], modules=["veth"], timeout=480)
    assert result.status == 0, result.output
    assert f"[  PASSED  ] {count} tests." in result.output, result.output
    with capsys.disabled():
        print(f"\n{result.output.strip().splitlines()[-2]}")
