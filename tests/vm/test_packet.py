"""The packet tests on Debian's kernel, as they are."""

import re
import subprocess

import pytest

import guest
from guest.image import find_program


@pytest.mark.parametrize("program", ["packet_test", "realserver_packet_test"])
def test_packets_go_the_same_ways_as_on_this_kernel(program, capsys):
    listed = subprocess.run([find_program(program), "--gtest_list_tests"], capture_output=True, text=True, check=True)
    count = len(re.findall(r"^  \S", listed.stdout, re.MULTILINE))
    result = guest.run(f"{program} --gtest_brief=1", programs=[program, "ip"], modules=["veth"], timeout=900)
    assert result.status == 0, result.output
    assert f"[  PASSED  ] {count} tests." in result.output, result.output
    with capsys.disabled():
        print(f"\n{result.output.strip().splitlines()[-2]}")
