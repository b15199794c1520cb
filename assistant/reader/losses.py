"""How wrong the network is about a batch of examples."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from assistant.reader.batches import Batch
from assistant.reader.network import Scores
from assistant.reader.pack import KNOWN, NONE, SOME, UNKNOWN

SPAN_SHARE, RELEVANCE_SHARE, TAUGHT_SHARE = 0.5, 0.3, 0.5
FAR = -1e4


def chances(logits: Tensor, places: Tensor) -> Tensor:
    """Log probabilities of "none", at 0, and of each sentence, [batch, 1 + sentences]: one softmax."""
    logits = logits.masked_fill(~places.any(-1), FAR)
    return functional.log_softmax(torch.cat([logits.new_zeros(len(logits), 1), logits], 1), 1)


def loss_of(scores: Scores, batch: Batch, taught: Tensor | None = None) -> Tensor:
    """Which sentence answers, or none; where the answer stands; whether the passage is about the subject. `taught`: log
    probabilities of teachers like `chances`, which count for TAUGHT_SHARE, and alone where nothing else is known."""
    said = chances(scores.sentences, batch.places)
    known = batch.state != UNKNOWN
    losses = torch.where(known, sentence_losses(said, batch), 0.0)
    if taught is not None:
        theirs = -(taught.exp() * said.clamp(min=-30)).sum(1)
        losses = torch.where(known, (1 - TAUGHT_SHARE) * losses + TAUGHT_SHARE * theirs, theirs)
    total = (losses * batch.weight).sum() / batch.weight.sum()
    spans = batch.span[:, 0] >= 0
    start = functional.cross_entropy(scores.start, batch.span[:, 0].clamp(min=0), reduction="none")
    end = functional.cross_entropy(scores.end, batch.span[:, 1].clamp(min=0), reduction="none")
    total = total + SPAN_SHARE * _mean((start + end) / 2, spans)
    wanted = batch.relevant.clamp(min=0).float()
    about = functional.binary_cross_entropy_with_logits(scores.relevance, wanted, reduction="none")
    return total + RELEVANCE_SHARE * _mean(about, batch.relevant >= 0)


def sentence_losses(said: Tensor, batch: Batch) -> Tensor:
    """Minus the log of the probability of what is known, [batch]."""
    wanted = torch.zeros_like(said, dtype=torch.bool)
    wanted[:, 0] = batch.state == NONE
    exists = batch.places.any(-1)
    wanted[:, 1:] = torch.where((batch.state == KNOWN)[:, None], batch.answers, (batch.state == SOME)[:, None] & exists)
    return -torch.logsumexp(said.masked_fill(~wanted, FAR), 1)


def _mean(values: Tensor, kept: Tensor) -> Tensor:
    return torch.where(kept, values, 0.0).sum() / kept.sum().clamp(min=1)
