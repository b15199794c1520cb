"""Documents that say nearly the same: bottom-k sketches of their word runs (Broder 1997, "On the resemblance…").

A sketch is the SIZE smallest hashes of a text's runs of five words; the share of hashes that two sketches have in
common among the SIZE smallest of both estimates how alike the sets of runs are.
"""

from __future__ import annotations

import heapq
import re
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

RUN, SIZE = 5, 128
NEARLY = 0.8
HOLDERS = 20  # documents that are compared by one hash: of many copies each is told beside the first ones
WORD = re.compile(r"\w+")


def sketch(text: str) -> list[int]:
    """The smallest hashes of a text's word runs, in order; empty when it is shorter than one run."""
    words = WORD.findall(text.lower())
    runs = {zlib.crc32(" ".join(words[i : i + RUN]).encode()) for i in range(len(words) - RUN + 1)}
    return heapq.nsmallest(SIZE, runs)


def alike(one: Sequence[int], other: Sequence[int]) -> float:
    """How much two sketches have in common, 0..1."""
    both = heapq.nsmallest(SIZE, set(one) | set(other))
    return len(set(one) & set(other) & set(both)) / len(both) if both else 0.0


def near_duplicates(new: Mapping[str, Sequence[int]], all_: Mapping[str, Sequence[int]]) -> list[tuple[str, str]]:
    """Pairs (new, other) of keys whose sketches are nearly alike, each pair once; `all_` holds the new ones too."""
    holders: dict[int, list[str]] = defaultdict(list)
    for key, hashes in all_.items():
        for value in hashes:
            if len(holders[value]) < HOLDERS:
                holders[value].append(key)
    pairs = set()
    for key, hashes in new.items():
        shared: dict[str, int] = defaultdict(int)
        for value in hashes:
            for other in holders[value]:
                shared[other] += other != key
        near = [other for other, count in shared.items() if count >= NEARLY / 2 * len(hashes)]
        pairs |= {(min(key, other), max(key, other)) for other in near if alike(hashes, all_[other]) >= NEARLY}
    return sorted(pairs)
