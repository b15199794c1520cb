"""What a process lets go of goes back to the system."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from tests.conftest import ROOT

CODE = """
import sys
from assistant.memory import frugal
if sys.argv[1] == "frugal":
    frugal()

def megabytes():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 >> 20

before = megabytes()
bytearray(8 << 20)  # of which the allocator learns
blocks, between = [], []
for _ in range(200):
    blocks.append(bytearray(b"x" * (1 << 20)))
    between.append(bytearray(b"x" * 20_000))
del blocks
print(megabytes() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="It is about glibc.")
@pytest.mark.parametrize(("how", "kept"), [("frugal", range(50)), ("as it is", range(80, 400))])
def test_what_is_let_go_goes_back(how: str, kept: range) -> None:
    done = subprocess.run([sys.executable, "-c", CODE, how], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) in kept
