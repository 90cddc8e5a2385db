"""The packet tests on Debian's kernel. All of them take six to ten minutes there: so some hundred of the data
path's, spread over all of them, unless BALLAST_VM_PACKETS=all is set."""

import os
import re
import subprocess

import pytest

import guest
from guest.image import find_program

# One of so many is run.
ONE_OF = {"packet_test": 1 if os.environ.get("BALLAST_VM_PACKETS") == "all" else 7, "realserver_packet_test": 1}

# Half of them on each CPU.
SHARDS = """export GTEST_TOTAL_SHARDS={shards} GTEST_BRIEF=1
GTEST_SHARD_INDEX=1 {program} >/second 2>&1 & second=$!
GTEST_SHARD_INDEX=0 {program}; first=$?
wait $second; status=$?
cat /second
exit $((first + status))"""


@pytest.mark.parametrize("program", ONE_OF)
def test_packets_go_the_same_ways_as_on_this_kernel(program, capsys):
    listed = subprocess.run([find_program(program), "--gtest_list_tests"], capture_output=True, text=True, check=True)
    count = len(re.findall(r"^  \S", listed.stdout, re.MULTILINE))
    shards = 2 * ONE_OF[program]
    result = guest.run(SHARDS.format(program=program, shards=shards), programs=[program, "ip"], modules=["veth"], timeout=1500)
    assert result.status == 0, result.output
    passed = re.findall(r"\[  PASSED  \] (\d+) tests", result.output)
    assert sum(map(int, passed)) == sum(len(range(shard, count, shards)) for shard in (0, 1)), result.output
    with capsys.disabled():
        print("\n" + "\n".join(re.findall(r"\[=+\] .* ran\..*", result.output)))
