"""What a process lets go of goes back to the system."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from tests.conftest import ROOT

CODE = """
import sys
from assistant.memory import frugal, give_back
if sys.argv[1] == "frugal":
    frugal()

def megabytes():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 >> 20

before = megabytes()
bytearray(8 << 20)  # of which the allocator learns
blocks, between = [], []
size = int(sys.argv[2])
for _ in range((200 << 20) // size):
    blocks.append(bytearray(b"x" * size))
    between.append(bytearray(b"x" * (size // 50)))
del blocks
kept = megabytes() - before
give_back()
print(kept, megabytes() - before)
"""
LARGE, SMALL = 1 << 20, 100_000  # bytes, of blocks with others between them


GLIBC = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="It is about glibc.")


def kept(how: str, size: int) -> list[int]:
    """MB that a process keeps of 200 that it let go: at once, and after it gave back what is free."""
    command = [sys.executable, "-c", CODE, how, str(size)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return list(map(int, done.stdout.split()))


@GLIBC
@pytest.mark.parametrize(("how", "some"), [("frugal", range(50)), ("as it is", range(80, 400))])
def test_what_is_let_go_goes_back(how: str, some: range) -> None:
    assert kept(how, LARGE)[0] in some


@GLIBC
def test_what_is_free_between_what_is_not_goes_back_when_told() -> None:
    at_once, then = kept("frugal", SMALL)
    assert at_once > 150
    assert then < 60


SETTLED = """
import gc, weakref
from assistant.memory import give_back, settle

class Ring:
    pass

def ring():
    made = Ring()
    made.itself = made
    return weakref.ref(made)

settle()
before, let_go = gc.get_freeze_count(), ring()
give_back()
print(before, gc.get_freeze_count(), let_go())
"""


def test_what_is_there_is_left_alone_and_what_comes_and_goes_later_is_collected() -> None:
    done = subprocess.run([sys.executable, "-c", SETTLED], cwd=ROOT, capture_output=True, text=True, check=True)
    before, after, let_go = done.stdout.split()
    assert int(before) == int(after) > 1_000
    assert let_go == "None"
