"""Examples of a pack on the device, and in which order they are learnt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from assistant.reader.pack import Array, Pack

BUCKET = 50  # batches that are sorted by length together
SIDES = ("question", "passage")
STEP = 8  # lengths are multiples of this: attention is faster so


@dataclass(frozen=True)
class Batch:
    """Some examples, see `Pack`; `places` [batch, sentences, pieces]."""

    question: tuple[Tensor, Tensor]
    passage: tuple[Tensor, Tensor]
    places: Tensor
    state: Tensor
    answers: Tensor
    span: Tensor
    relevant: Tensor
    weight: Tensor


class Examples:
    """All examples of a pack, on the device."""

    def __init__(self, pack: Pack, device: torch.device) -> None:
        self.pack, self.device = pack, device
        self._rows, self._texts = (
            {name: torch.from_numpy(np.ascontiguousarray(values)).to(device) for name, values in some.items()}
            for some in (pack.rows, pack.texts)
        )
        self.sizes = {side: (pack.texts[side] > 0).sum(1)[pack.rows[side]] for side in SIDES}
        self.lengths: Array = np.sum([*self.sizes.values()], 0)
        self.sentences = (pack.texts["place"].max(1) + 1)[pack.rows["passage"]]

    def batch(self, numbers: Array) -> Batch:
        """Some examples, as long as the longest of them."""
        chosen = torch.from_numpy(numbers).to(self.device)
        rows = {name: values[chosen] for name, values in self._rows.items()}
        longest = {side: -(-int(size[numbers].max()) // STEP) * STEP for side, size in self.sizes.items()}
        sentences = int(self.sentences[numbers].max())
        question, passage = (self._texts[side][rows[side], : longest[side]].long() for side in SIDES)
        place = self._texts["place"][rows["passage"], : longest["passage"]]
        answers = rows["answers"][:, :sentences]
        return Batch(
            question=(question, question > 0),
            passage=(passage, passage > 0),
            places=place[:, None, :] == torch.arange(sentences, device=self.device)[None, :, None],
            state=rows["state"],
            answers=torch.nn.functional.pad(answers, (0, sentences - answers.shape[1])),
            span=rows["span"].long(),
            relevant=rows["relevant"],
            weight=rows["weight"],
        )

    def epoch(self, numbers: Array, size: int, seed: int) -> Iterator[Array]:
        """Batches of `size`: each example as often as its kind comes, those of like length together."""
        chance = np.random.default_rng(seed)
        often = (self.pack.rows["times"][numbers] + chance.random(len(numbers))).astype(int)
        order = chance.permutation(np.repeat(numbers, often))
        for at in range(0, len(order), size * BUCKET):
            part = order[at : at + size * BUCKET]
            part = part[np.argsort(self.lengths[part], kind="stable")]
            groups = [part[n : n + size] for n in range(0, len(part), size)]
            for group in chance.permutation(len(groups)):
                yield groups[group]
