"""Examples as arrays: training needs no more than numpy, torch and scikit-learn, so it can run on another machine.

A pack is one .npz file. It keeps those pieces of e5's vocabulary that occur, numbered anew, and the tensors to start
from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.e5.weights import Stored

NONE, KNOWN, SOME, UNKNOWN = range(4)  # what is known of the sentences that answer
UNSAID = -1
SIZES = ("hidden", "layers", "heads", "inner", "epsilon")

Array = npt.NDArray[Any]


class Kept(Stored):
    """The tensors to start from."""

    def __init__(self, sizes: Mapping[str, Any], kept: Mapping[str, Array]) -> None:
        super().__init__(kept)
        self.sizes, self.kept = sizes, kept
        self.hidden, self.layers, self.heads, self.inner, self.epsilon = (sizes[name] for name in SIZES)


@dataclass(frozen=True)
class Pack:
    """`texts`: "question" and "passage" [texts, longest], piece numbers, 0 after the end, and "place", of each piece of
    a passage the number of its sentence or UNSAID; `rows`: an array a property of the examples; `names` of parts, kinds
    and languages by their numbers; `tensors`.

    Of rows, question and passage are numbers of texts; state is NONE .. UNKNOWN; answers [n, sentences] is True where
    one answers; span is first and last piece of the answer counted from 1, 0 where nothing answers, UNSAID where it is
    not known; plausible and relevant are UNSAID where not known; times and weight are of an example in training.
    """

    texts: Mapping[str, Array]
    rows: Mapping[str, Array]
    names: Mapping[str, Sequence[str]]
    tensors: Kept

    def numbers(self, part: str) -> Array:
        """Numbers of the examples of a part."""
        found: Array = np.flatnonzero(self.rows["part"] == self.names["part"].index(part))
        return found

    def save(self, file: Path) -> None:
        """Write the pack."""
        described = json.dumps({"names": self.names, "sizes": self.tensors.sizes})
        groups = {"text": self.texts, "row": self.rows, "tensor": self.tensors.kept}
        arrays: dict[str, Any] = {
            f"{group}.{name}": values for group, some in groups.items() for name, values in some.items()
        }
        np.savez_compressed(file, described=np.array(described), **arrays)


def read_pack(file: Path) -> Pack:
    """A pack that was saved."""
    with np.load(file) as stored:
        described = json.loads(str(stored["described"]))
        arrays = {name: stored[name] for name in stored.files}
    groups: dict[str, dict[str, Array]] = {"text": {}, "row": {}, "tensor": {}}
    for name, values in arrays.items():
        group, _, rest = name.partition(".")
        if rest:
            groups[group][rest] = values
    return Pack(groups["text"], groups["row"], described["names"], Kept(described["sizes"], groups["tensor"]))
