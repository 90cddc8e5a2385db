"""The packet tests on Debian's kernel, as they are."""

import re
import subprocess

import pytest

import guest
from guest.image import find_program


# Half of them on each CPU: every test loads the programs anew, which the emulated verifier takes its time for.
SHARDS = """export GTEST_TOTAL_SHARDS=2 GTEST_BRIEF=1
GTEST_SHARD_INDEX=1 {program} >/second 2>&1 & second=$!
GTEST_SHARD_INDEX=0 {program}; first=$?
wait $second; status=$?
cat /second
exit $((first + status))"""


@pytest.mark.parametrize("program", ["packet_test", "realserver_packet_test"])
def test_packets_go_the_same_ways_as_on_this_kernel(program, capsys):
    listed = subprocess.run([find_program(program), "--gtest_list_tests"], capture_output=True, text=True, check=True)
    count = len(re.findall(r"^  \S", listed.stdout, re.MULTILINE))
    result = guest.run(SHARDS.format(program=program), programs=[program, "ip"], modules=["veth"], timeout=1500)
    assert result.status == 0, result.output
    passed = re.findall(r"\[  PASSED  \] (\d+) tests", result.output)
    assert sum(map(int, passed)) == count, result.output
    with capsys.disabled():
        print("\n" + "\n".join(re.findall(r"\[=+\] .* ran\..*", result.output)))
