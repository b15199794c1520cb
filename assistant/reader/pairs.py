"""Examples in pieces, and batches of them as the network takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from assistant.e5.tokens import Tokenizer
from assistant.e5.weights import Weights
from assistant.reader.examples import Example
from assistant.reader.network import Lower, Side
from assistant.reader.pieces import Marks, PassagePieces, passage_pieces, question_pieces


@dataclass(frozen=True, slots=True)
class Pair:
    """An example in pieces."""

    example: Example
    question: tuple[int, ...]
    passage: PassagePieces

    @property
    def whole(self) -> bool:
        """Whether no sentence that answers was cut off."""
        return all(len(range(*self.passage.sentences[number])) > 0 for number in self.example.answers or ())

    @property
    def size(self) -> int:
        """Pieces of both sides."""
        return len(self.question) + len(self.passage.pieces)


class Encoder:
    """Examples to pairs, pairs to the two sides of a batch; the frozen states of a text are computed once."""

    def __init__(self, weights: Weights, device: torch.device) -> None:
        self._tokens, self._marks = Tokenizer(weights), Marks(weights.begin, weights.end)
        self._lower = Lower(weights).to(device).eval()
        self._device = device
        self._states: dict[tuple[int, ...], Tensor] = {}

    def pair(self, example: Example) -> Pair:
        """The example in pieces."""
        return Pair(
            example,
            question_pieces(example.question, self._tokens, self._marks),
            passage_pieces(example.heading, example.sentences, self._tokens, self._marks),
        )

    def side(self, texts: Sequence[tuple[int, ...]]) -> Side:
        """One side of a batch."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._states]
        if missing:
            pieces, mask = _padded(missing, self._device)
            with torch.no_grad(), half(self._device):
                _, states = self._lower(pieces, mask)
            for text, kept in zip(missing, states, strict=True):
                self._states[text] = kept[: len(text)].to(torch.bfloat16).cpu()
        pieces, mask = _padded(texts, self._device)
        states = torch.zeros(*pieces.shape, self._lower.words.embedding_dim, dtype=torch.bfloat16)
        for row, text in enumerate(texts):
            states[row, : len(text)] = self._states[text]
        return Side(pieces, mask, self._lower.words(pieces), states.to(self._device).float())

    def means(self, pairs: Sequence[Pair]) -> Tensor:
        """Mean word vector and mean state over the passages of some pairs, [2, hidden]."""
        side = self.side([pair.passage.pieces for pair in pairs])
        return torch.stack([side.words[side.mask].mean(0), side.states[side.mask].mean(0)])


def half(device: torch.device) -> torch.autocast:
    """The context in which products are of bfloat16."""
    return torch.autocast(device.type, torch.bfloat16)


def _padded(texts: Sequence[tuple[int, ...]], device: torch.device) -> tuple[Tensor, Tensor]:
    longest = max(map(len, texts))
    pieces = torch.tensor([[*text, *[1] * (longest - len(text))] for text in texts], device=device)
    lengths = torch.tensor([len(text) for text in texts], device=device)
    return pieces, torch.arange(longest, device=device) < lengths[:, None]


def places_of(pairs: Sequence[Pair], device: torch.device) -> Tensor:
    """Which pieces belong to which sentence, [batch, sentences, pieces]."""
    sentences = max(len(pair.passage.sentences) for pair in pairs)
    pieces = max(len(pair.passage.pieces) for pair in pairs)
    places = torch.zeros(len(pairs), sentences, pieces, dtype=torch.bool)
    for row, pair in enumerate(pairs):
        for number, (start, end) in enumerate(pair.passage.sentences):
            places[row, number, start:end] = True
    return places.to(device)
