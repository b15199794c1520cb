"""The trained part of the reader as ONNX, `network.Upper` written with the nodes that run it fast (`e5/graph.py`).

In: of one question (n pieces) and one passage (m pieces) the word vectors and the states after SPLIT layers, which of
their pieces are the same, and which piece belongs to which sentence. Out: four kinds of logits, see `network.Scores`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from assistant.e5.graph import Graph, Layers, tensor
from assistant.e5.weights import Floats

FAR = np.float32(-1e4)
NOTHING = np.float32(-1)
LARGEST = np.float32(30)


@dataclass(frozen=True)
class Trained:
    """The tensors of a trained reader by name: those of its layers as e5 names them, the others as `network.Upper`."""

    tensors: Mapping[str, Floats]
    hidden: int
    layers: int
    heads: int
    inner: int
    epsilon: float
    split: int
    sharpness: float

    def matrix(self, name: str, width: int) -> Floats:
        """A matrix, [rows, width]."""
        return self.tensors[name].reshape(-1, width)

    def floats(self, name: str) -> Floats:
        """A vector, [n]."""
        return self.tensors[name]


class _Reader:
    """Writes the graph; q and p stand for question and passage, [n, ...] and [m, ...]."""

    def __init__(self, trained: Trained) -> None:
        self.trained, self.graph = trained, Graph()
        self.one = self.graph.one

    def constant(self, name: str) -> str:
        """Name of a trained tensor as a constant."""
        return self.graph.constant(name, self.trained.tensors[name].astype(np.float32))

    def linear(self, rows: str, name: str, bias: bool = True) -> str:
        """rows [n, width] times the transposed matrix, [n, its rows], plus its bias."""
        matrix = self.trained.tensors[f"{name}.weight"]
        product = self.one("MatMul", [rows, self.graph.constant(f"{name}.transposed", matrix.T.astype(np.float32))])
        return self.one("Add", [product, self.constant(f"{name}.bias")]) if bias else product

    def number(self, name: str, value: np.float32) -> str:
        """Name of a constant number."""
        return self.graph.constant(name, value)

    def column(self, rows: str, number: int) -> str:
        """One column of a matrix, [n]."""
        found = self.one("Gather", [rows, self.graph.integers(number)], axis=1)
        return self.one("Squeeze", [found, self.graph.integers(1)])

    def cosines(self, q: str, p: str, mean: int) -> str:
        """Cosine of every pair after taking off the mean, [n, m]."""
        middle = self.graph.constant(f"mean{mean}", self.trained.tensors["means"][mean].astype(np.float32))
        units = [self.one("LpNormalization", [self.one("Sub", [side, middle])], axis=-1, p=2) for side in (q, p)]
        return self.one("MatMul", [units[0], self.one("Transpose", [units[1]], perm=[1, 0])])

    def matched(self, side: int, own: str, other: str, levels: list[str]) -> str:
        """The states of one side, each piece with what the other has for it, [pieces, hidden]."""
        axis = 1 - side
        best = [self.one("ReduceMax", [level, self.graph.integers(axis)], keepdims=1) for level in levels]
        if axis == 0:
            best = [self.one("Transpose", [found], perm=[1, 0]) for found in best]
        sharp = self.one("Mul", [levels[0], self.number("sharpness", np.float32(self.trained.sharpness))])
        weights = self.one("Softmax", [sharp], axis=axis)
        if axis == 0:
            weights = self.one("Transpose", [weights], perm=[1, 0])
        difference = self.one("Sub", [self.one("MatMul", [weights, other]), own])
        kind = self.graph.constant(f"kind{side}", self.trained.tensors["kinds"][side].astype(np.float32))
        parts = [
            self.one("Add", [own, kind]),
            self.linear(self.one("Concat", best, axis=1), f"matches.{side}", bias=False),
            self.linear(difference, f"differences.{side}", bias=False),
        ]
        return self.one("Sum", parts)

    def reach(self, levels: list[str]) -> str:
        """How well each sentence matches the pieces of the question, [sentences, levels]."""
        places = self.one("Unsqueeze", ["places", self.graph.integers(1)])  # [sentences, 1, m]
        found = []
        for level in levels:
            inside = self.one("Where", [places, level, self.number("nothing", NOTHING)])  # [sentences, n, m]
            best = self.one("ReduceMax", [inside, self.graph.integers(2)], keepdims=0)
            found.append(self.one("ReduceMean", [best, self.graph.integers(1)], keepdims=1))
        return self.one("Concat", found, axis=1)

    def together(self, asked: str, told: str) -> tuple[str, str]:
        """The states after the layers: of the question's first piece [1, hidden], of the passage [m, hidden]."""
        rows = self.one("Concat", [asked, told], axis=0)
        count = self.one("Shape", [rows], end=1)
        shape = self.one("Concat", [self.graph.integers(1), count], axis=0)
        layers = Layers(self.graph, self.trained, fused=False)
        rows = layers.write(rows, shape, range(self.trained.split, self.trained.layers))
        start = self.one("Shape", [asked], end=1)
        first = self.one("Slice", [rows, self.graph.integers(0), self.graph.integers(1), self.graph.integers(0)])
        return first, self.one("Slice", [rows, start, count, self.graph.integers(0)])

    def spans(self, told: str, first: str) -> tuple[list[str], str]:
        """([start, end] logits, each [1 + m] with "nowhere" first; how much better the best of each sentence is)."""
        far = self.number("far", FAR)
        inside = self.one("ReduceMax", [self.one("Cast", ["places"], to=TensorProto.INT32), self.graph.integers(0)])
        inside = self.one("Cast", [self.one("Squeeze", [inside, self.graph.integers(0)])], to=TensorProto.BOOL)
        pieces, nowhere = self.linear(told, "span"), self.linear(first, "nowhere")
        outputs, better = [], []
        for part in (0, 1):
            none, logits = (self.column(values, part) for values in (nowhere, pieces))  # [1] and [m]
            logits = self.one("Where", [inside, logits, far])
            outputs.append(self.one("Concat", [none, logits], axis=0))
            within = self.one("Where", ["places", logits, far])
            best = self.one("ReduceMax", [within, self.graph.integers(1)], keepdims=0)
            better.append(self.one("Sub", [best, none]))
        limit = [self.number("lowest", -LARGEST), self.number("highest", LARGEST)]
        return outputs, self.one("Clip", [self.one("Sum", better), *limit])

    def sentences(self, told: str, first: str, reach: str, better: str) -> str:
        """Logit of each sentence, [sentences]."""
        places = self.one("Cast", ["places"], to=TensorProto.FLOAT)
        size = self.one("ReduceSum", [places, self.graph.integers(1)], keepdims=1)
        size = self.one("Max", [size, self.number("single", np.float32(1))])
        mean = self.one("MatMul", [self.one("Div", [places, size]), told])
        both = self.graph.constant("sentence.0.transposed", self.trained.tensors["sentence.0.weight"].T)
        sizes = self.graph.integers(self.trained.hidden, self.trained.hidden)
        halves = self.graph.add("Split", [both, sizes], outputs=2, options={"axis": 0})
        products = [self.one("MatMul", [side, half]) for side, half in zip((mean, first), halves, strict=True)]
        wide = self.one("Gelu", [self.one("Sum", [*products, self.constant("sentence.0.bias")])])
        seen = self.one("Add", [self.linear(wide, "sentence.2"), self.linear(reach, "reach")])
        seen = self.one("Squeeze", [seen, self.graph.integers(1)])
        return self.one("Add", [seen, self.one("Mul", [better, self.constant("trust")])])

    def write(self) -> bytes:
        """The whole model."""
        levels = [
            self.cosines("question_states", "passage_states", 1),
            self.cosines("question_words", "passage_words", 0),
            "same",
        ]
        asked = self.matched(0, "question_states", "passage_states", levels)
        told = self.matched(1, "passage_states", "question_states", levels)
        first, told = self.together(asked, told)
        (start, end), better = self.spans(told, first)
        relevance = self.one("Squeeze", [self.linear(first, "relevance"), self.graph.integers(1)])
        outputs = (relevance, self.sentences(told, first, self.reach(levels), better), start, end)
        names = ("relevance", "sentences", "start", "end")
        for name, made in zip(names, outputs, strict=True):
            self.graph.named(made, name)
        hidden = self.trained.hidden
        inputs = [
            tensor("question_words", "n", hidden),
            tensor("question_states", "n", hidden),
            tensor("passage_words", "m", hidden),
            tensor("passage_states", "m", hidden),
            tensor("same", "n", "m"),
            tensor("places", "k", "m", kind=TensorProto.BOOL),
        ]
        sizes: tuple[int | str, ...] = (1, "k", "s", "s")
        return self.graph.model("reader", inputs, [tensor(n, size) for n, size in zip(names, sizes, strict=True)])


def reader_bytes(trained: Trained) -> bytes:
    """The ONNX model of a trained reader, as a file holds it."""
    return _Reader(trained).write()
