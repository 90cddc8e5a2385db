"""The packet tests on Debian's kernel, as they are."""

import re
import subprocess

import pytest

import guest
from guest.image import find_program


# Halves beside each other: the guest has two CPUs, and a test waits for the kernel most of its time.
SHARDS = """
for shard in 0 1; do
  GTEST_TOTAL_SHARDS=2 GTEST_SHARD_INDEX=$shard {program} --gtest_brief=1 >/half$shard 2>&1 &
  eval "pid$shard=$!"
done
status=0
wait "$pid0" || status=1
wait "$pid1" || status=1
cat /half0 /half1
exit $status
"""


@pytest.mark.parametrize("program", ["packet_test", "realserver_packet_test"])
def test_packets_go_the_same_ways_as_on_this_kernel(program, capsys):
    listed = subprocess.run([find_program(program), "--gtest_list_tests"], capture_output=True, text=True, check=True)
    count = len(re.findall(r"^  \S", listed.stdout, re.MULTILINE))
    result = guest.run(SHARDS.format(program=program), programs=[program, "ip"], modules=["veth"], timeout=900)
    assert result.status == 0, result.output
    passed = sum(int(number) for number in re.findall(r"\[  PASSED  \] (\d+) tests\.", result.output))
    assert passed == count, result.output
    with capsys.disabled():
        print(f"\n{passed} tests passed on {program}")
