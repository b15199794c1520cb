"""How wrong the network is about a batch of pairs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from assistant.reader.network import Scores
from assistant.reader.pairs import Pair

SPAN_SHARE, RELEVANCE_SHARE = 0.5, 0.3


def loss_of(scores: Scores, pairs: Sequence[Pair], places: Tensor) -> Tensor:
    """Which sentence answers, or none; where the answer stands; whether the passage is about the subject."""
    device = places.device
    weights = torch.tensor([pair.example.weight for pair in pairs], device=device)
    total = (sentence_losses(scores.sentences, pairs, places) * weights).sum() / weights.sum()
    spans = [(row, *span) for row, pair in enumerate(pairs) if (span := _span(pair)) is not None]
    if spans:
        rows, start, end = torch.tensor(spans, device=device).T
        of_span = functional.cross_entropy(scores.start[rows], start) + functional.cross_entropy(scores.end[rows], end)
        total = total + SPAN_SHARE * of_span / 2
    known = [(row, float(p.example.relevant)) for row, p in enumerate(pairs) if p.example.relevant is not None]
    if known:
        kept = torch.tensor([row for row, _ in known], device=device)
        wanted = torch.tensor([value for _, value in known], device=device)
        total = total + RELEVANCE_SHARE * functional.binary_cross_entropy_with_logits(scores.relevance[kept], wanted)
    return total


def sentence_losses(logits: Tensor, pairs: Sequence[Pair], places: Tensor) -> Tensor:
    """Minus the log of the probability of what is known, [batch]: one softmax over "none", at 0, and the sentences."""
    logits = logits.masked_fill(~places.any(-1), -1e4)
    chances = functional.log_softmax(torch.cat([logits.new_zeros(len(pairs), 1), logits], 1), 1)
    wanted = torch.zeros_like(chances, dtype=torch.bool)
    for row, pair in enumerate(pairs):
        answers = pair.example.answers
        if answers is None:
            wanted[row, 1:] = True
        else:
            wanted[row, [1 + number for number in answers] or [0]] = True
    return -torch.logsumexp(chances.masked_fill(~wanted, -1e4), 1)


def _span(pair: Pair) -> tuple[int, int] | None:
    """First and last piece of the answer, counted from 1; (0, 0) when there is none; None when it is not known."""
    if pair.example.answers == ():
        return 0, 0
    if pair.example.span is None:
        return None
    number, start, end = pair.example.span
    inside = [n for n, (s, a, b) in enumerate(pair.passage.words, 1) if s == number and a < end and b > start]
    return (inside[0], inside[-1]) if inside else None
