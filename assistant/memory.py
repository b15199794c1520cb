"""Memory that is let go goes back to the system.

glibc's allocator learns from large blocks that are freed to keep the next ones, keeps a heap for each thread, and gives
back only what is free at a heap's end: a server that opened editions and let them go grew by 88 MB an edition of 1,000
passages, and one that published thirty while many asked kept 110 MB of free blocks between those in use.
"""

from __future__ import annotations

import contextlib
import ctypes

# Of mallopt(3): what is as large or larger is borrowed from the system by itself; and how many heaps there are.
OPTIONS = {-3: 256 << 10, -8: 2}


def frugal() -> None:
    """From now on, for this process; where there is no glibc, nothing."""
    with contextlib.suppress(OSError, AttributeError):
        own = ctypes.CDLL(None)
        for option, value in OPTIONS.items():
            own.mallopt(option, value)


def give_back() -> None:
    """What is free inside the heaps, now; where there is no glibc, nothing."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
