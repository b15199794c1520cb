"""The reader as a torch network, for training only; at run time the same network runs as ONNX (`graph.py`).

Question and passage each pass the first `split` layers of e5 alone (so that the states of a passage can be kept), then
the rest of its layers together. Between the two every piece is told how well the other side matches it: that is what
the layers would otherwise need thousands of steps to find out. Splitting a cross-encoder so was described as PreTTR
(MacAvaney et al. 2020) and DeFormer (Cao et al. 2020), matching features in DrQA (Chen et al. 2017). With `split` 0
nothing runs alone: so are the teachers made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from assistant.e5.weights import FIRST, Stored

SPLIT = FIRST  # layers that see one text alone, in the reader that is shipped
LAYERS = 11  # in all; the last of e5 serves its one vector a text and is left out
SHARPNESS = 10.0  # of the soft alignment: what one unit of cosine counts
MATCHES = 3  # matching features of a piece: state, word vector, same piece
DROPOUT = 0.1
HEAD = 128
E5_NAMES = {"out": "ao", "out_norm": "aln", "wide": "fi", "narrow": "fo", "narrow_norm": "oln"}


class Layer(nn.Module):
    """One layer of e5."""

    def __init__(self, weights: Stored, number: int, dropout: float = 0.0) -> None:
        super().__init__()
        hidden, inner, name = weights.hidden, weights.inner, f"l{number}"
        self.heads, self.dropout = weights.heads, dropout
        self.qkv = _linear(weights, [f"{name}.q", f"{name}.k", f"{name}.v"], hidden)
        self.out = _linear(weights, [f"{name}.ao"], hidden)
        self.out_norm = _norm(weights, f"{name}.aln")
        self.wide = _linear(weights, [f"{name}.fi"], hidden)
        self.narrow = _linear(weights, [f"{name}.fo"], inner)
        self.narrow_norm = _norm(weights, f"{name}.oln")

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """States [batch, pieces, hidden]; mask [batch, pieces], True where there is a piece."""
        batch, pieces, hidden = states.shape
        parts = self.qkv(states).view(batch, pieces, 3, self.heads, hidden // self.heads).permute(2, 0, 3, 1, 4)
        query, key, value = parts
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :])
        states = self.out_norm(states + self.out(seen.transpose(1, 2).reshape(batch, pieces, hidden)))
        change = self.narrow(functional.gelu(self.wide(states)))
        # Nothing is dropped in the attention: on a CPU that costs as much as the layer.
        return cast(Tensor, self.narrow_norm(states + functional.dropout(change, self.dropout, self.training)))


def _linear(weights: Stored, names: list[str], width: int) -> nn.Linear:
    rows = torch.cat([torch.from_numpy(weights.matrix(f"{name}.w", width)) for name in names])
    made = nn.Linear(width, len(rows))
    made.weight.data = rows
    made.bias.data = torch.cat([torch.from_numpy(weights.floats(f"{name}.b").copy()) for name in names])
    return made


def _norm(weights: Stored, name: str) -> nn.LayerNorm:
    made = nn.LayerNorm(weights.hidden, eps=weights.epsilon)
    made.weight.data = torch.from_numpy(weights.floats(f"{name}.w").copy())
    made.bias.data = torch.from_numpy(weights.floats(f"{name}.b").copy())
    return made


class Lower(nn.Module):
    """The part that sees one text alone: piece numbers to word vectors and states after `layers` of e5's layers. It is
    e5's own and not trained."""

    def __init__(self, weights: Stored, layers: int = SPLIT) -> None:
        super().__init__()
        words = torch.from_numpy(weights.matrix("emb.word", weights.hidden))
        self.words = nn.Embedding(len(words), weights.hidden, _weight=words)
        kind = weights.floats("emb.type")[: weights.hidden]
        positions = weights.floats("emb.pos").reshape(-1, weights.hidden) + kind
        self.register_buffer("positions", torch.from_numpy(positions.copy()))
        self.norm = _norm(weights, "emb.ln")
        self.layers = nn.ModuleList(Layer(weights, number) for number in range(layers))
        self.requires_grad_(False)

    def forward(self, pieces: Tensor, mask: Tensor) -> Side:
        """Pieces [batch, n] and where there are any."""
        words = self.words(pieces)
        states = self.norm(words + cast(Tensor, self.positions)[: pieces.shape[1]])
        for layer in self.layers:
            states = layer(states, mask)
        return Side(pieces, mask, words, states)


@dataclass(frozen=True)
class Side:
    """One side of a batch of pairs: question or passage."""

    pieces: Tensor  # [batch, n], piece numbers
    mask: Tensor  # [batch, n], True where there is a piece
    words: Tensor  # [batch, n, hidden]
    states: Tensor  # [batch, n, hidden]


@dataclass(frozen=True)
class Scores:
    """What the network says of a batch of pairs, all logits."""

    relevance: Tensor  # [batch]: about the question's subject
    sentences: Tensor  # [batch, sentences]: states the answer
    start: Tensor  # [batch, 1 + pieces of the passage]: the answer begins; 0 is "nowhere"
    end: Tensor  # the same, ends


class Upper(nn.Module):
    """The trained part: both sides together."""

    def __init__(self, weights: Stored, split: int = SPLIT) -> None:
        super().__init__()
        hidden = weights.hidden
        self.register_buffer("means", torch.zeros(2, hidden))
        self.kinds = nn.Parameter(torch.zeros(2, hidden))
        self.matches = nn.ModuleList(nn.Linear(MATCHES, hidden, bias=False) for _ in range(2))
        self.differences = nn.ModuleList(nn.Linear(hidden, hidden, bias=False) for _ in range(2))
        for part in (*self.matches, *self.differences):
            nn.init.zeros_(cast(Tensor, part.weight))
        self.layers = nn.ModuleList(Layer(weights, number, DROPOUT) for number in range(split, LAYERS))
        self.relevance = nn.Linear(hidden, 1)
        self.span = nn.Linear(hidden, 2)
        self.nowhere = nn.Linear(hidden, 2)
        self.sentence = nn.Sequential(nn.Linear(2 * hidden, HEAD), nn.GELU(), nn.Linear(HEAD, 1))
        self.reach = nn.Linear(MATCHES, 1)
        nn.init.zeros_(self.reach.weight)
        self.trust = nn.Parameter(torch.tensor(0.1))  # in the span, for the sentence that holds it

    def forward(self, question: Side, passage: Side, places: Tensor) -> Scores:
        """`places` [batch, sentences, pieces]: True where a piece of the passage belongs to a sentence."""
        asked, told, reach = self._matched(question, passage, places)
        states = torch.cat([asked, told], 1)
        mask = torch.cat([question.mask, passage.mask], 1)
        for layer in self.layers:
            states = layer(states, mask)
        return self._scores(states[:, 0], states[:, asked.shape[1] :], places, reach)

    def _matched(self, question: Side, passage: Side, places: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The states of both sides, each piece with what the other side has for it; and how well each sentence matches
        the pieces of the question, [batch, sentences, MATCHES] (the late interaction of Khattab and Zaharia 2020)."""
        means = cast(Tensor, self.means)
        words = _cosines(question.words - means[0], passage.words - means[0])
        states = _cosines(question.states - means[1], passage.states - means[1])
        same = (question.pieces[:, :, None] == passage.pieces[:, None, :]).float()
        apart = ~(question.mask[:, :, None] & passage.mask[:, None, :])
        levels = [level.masked_fill(apart, -1.0) for level in (states, words, same)]
        made = []
        for side, (own, other) in enumerate(((question, passage), (passage, question))):
            ours = levels if side == 0 else [level.transpose(1, 2) for level in levels]
            found = torch.stack([level.amax(2) for level in ours], -1)
            weights = torch.softmax(ours[0] * SHARPNESS, 2)
            difference = weights @ other.states - own.states
            made.append(own.states + self.kinds[side] + self.matches[side](found) + self.differences[side](difference))
        share = question.mask.float() / question.mask.sum(1, keepdim=True)
        reach = [
            (level[:, None].masked_fill(~places[:, :, None], -1.0).amax(3) * share[:, None]).sum(2) for level in levels
        ]
        return made[0], made[1], torch.stack(reach, -1)

    def _scores(self, first: Tensor, told: Tensor, places: Tensor, reach: Tensor) -> Scores:
        spans, nowhere = self.span(told), self.nowhere(first)
        outside = ~places.any(1)
        spans = spans.masked_fill(outside[..., None], -1e4)
        shares = places.float() / places.sum(-1, keepdim=True).clamp(min=1)
        vectors = torch.cat([shares.to(told.dtype) @ told, first[:, None].expand(-1, places.shape[1], -1)], -1)
        within = spans[:, None].float().masked_fill(~places[..., None], -1e4).amax(2) - nowhere[:, None].float()
        return Scores(
            relevance=self.relevance(first)[:, 0].float(),
            sentences=self.sentence(vectors)[..., 0].float()
            + self.reach(reach)[..., 0].float()
            + self.trust * within.sum(-1).clamp(-30, 30),
            start=torch.cat([nowhere[:, :1], spans[..., 0]], 1).float(),
            end=torch.cat([nowhere[:, 1:], spans[..., 1]], 1).float(),
        )


class Network(nn.Module):
    """Both parts."""

    def __init__(self, weights: Stored, split: int = SPLIT) -> None:
        super().__init__()
        self.lower, self.upper = Lower(weights, split), Upper(weights, split)

    def forward(self, question: tuple[Tensor, Tensor], passage: tuple[Tensor, Tensor], places: Tensor) -> Scores:
        """Both sides as (pieces, mask); `places` [batch, sentences, pieces]."""
        return cast(Scores, self.upper(self.lower(*question), self.lower(*passage), places))

    def centre(self, passage: tuple[Tensor, Tensor]) -> None:
        """Take the means of some passages for those that cosines are taken from."""
        with torch.no_grad():
            side = self.lower(*passage)
            self.upper.means = torch.stack([side.words[side.mask].mean(0), side.states[side.mask].mean(0)]).float()


def _cosines(one: Tensor, other: Tensor) -> Tensor:
    """Cosine of every pair, [batch, n, m]."""
    return functional.normalize(one.float(), dim=-1) @ functional.normalize(other.float(), dim=-1).transpose(1, 2)


def trained_tensors(upper: Upper) -> dict[str, np.ndarray]:
    """The tensors of the network by the names that `graph.Trained` wants."""
    made: dict[str, np.ndarray] = {}
    for name, value in upper.state_dict().items():
        values = value.detach().cpu().numpy().astype(np.float32)
        if not name.startswith("layers."):
            made[name] = values
            continue
        _, number, part, kind = name.split(".")
        prefix, letter = f"l{SPLIT + int(number)}", kind[0]  # "w" or "b"
        if part == "qkv":
            made |= {f"{prefix}.{side}.{letter}": v for side, v in zip("qkv", np.split(values, 3), strict=True)}
        else:
            made[f"{prefix}.{E5_NAMES[part]}.{letter}"] = values
    return made
