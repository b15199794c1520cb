"""The encoder of e5 as an ONNX model: word vectors [texts, words, 384] in, one vector [texts, 384] a text out, or the
states of its words after some of its layers.

Matrix products are of 8-bit integers: each column of a matrix has one scale, written here once from the 4-bit blocks;
each row of activations has one scale, found as it passes. A row's result therefore depends on no other row, whatever
is computed beside it. All texts of one run have the same number of words: there is no padding and no mask.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from assistant.e5.weights import Floats

IR_VERSION = 10
OPSET = 21
MICROSOFT = "com.microsoft"  # onnxruntime's own operators
LARGEST = 127
PLAIN: Mapping[str, Any] = MappingProxyType({})
ZERO = np.uint8(128)  # stands for 0 in activations: onnxruntime is many times slower with signed ones


class Tensors(Protocol):
    """Where the numbers of the layers come from: e5 itself, or a model trained from it."""

    @property
    def hidden(self) -> int:
        """Width of a state."""
        ...

    @property
    def layers(self) -> int:
        """How many there are."""
        ...

    @property
    def heads(self) -> int:
        """Heads of one attention."""
        ...

    @property
    def inner(self) -> int:
        """Width inside a layer."""
        ...

    @property
    def epsilon(self) -> float:
        """Of the normalisations."""
        ...

    def matrix(self, name: str, width: int) -> Floats:
        """A matrix, [rows, width]."""
        ...

    def floats(self, name: str) -> Floats:
        """A vector, [n]."""
        ...


class Graph:
    """Nodes and constants as they are added; a value is known by its name."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, TensorProto] = {}

    def constant(self, name: str, value: npt.ArrayLike) -> str:
        """Name of a constant, added the first time."""
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def integers(self, *values: int) -> str:
        """Name of a constant list of int64."""
        return self.constant("integers" + "".join(f"_{value}" for value in values), np.array(values, np.int64))

    def add(
        self, operator: str, inputs: list[str], domain: str = "", outputs: int = 1, options: Mapping[str, Any] = PLAIN
    ) -> list[str]:
        """Names of the outputs of a new node."""
        name = f"{operator}_{len(self.nodes)}"
        names = [f"{name}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, name=name, domain=domain, **options))
        return names

    def one(self, operator: str, inputs: list[str], domain: str = "", **options: Any) -> str:  # noqa: ANN401
        """Name of the only output of a new node."""
        return self.add(operator, inputs, domain, options=options)[0]

    def named(self, value: str, name: str) -> None:
        """Give a value the name of an output."""
        self.nodes.append(helper.make_node("Identity", [value], [name]))

    def model(self, name: str, inputs: list[ValueInfoProto], outputs: list[ValueInfoProto]) -> bytes:
        """The whole, as a file holds it."""
        made: bytes = helper.make_model(
            helper.make_graph(self.nodes, name, inputs, outputs, list(self.constants.values())),
            opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)],
            ir_version=IR_VERSION,
        ).SerializeToString()
        return made


class Layers:
    """Writes the layers. Activations are [rows, width] with rows = texts * words, except inside the attention.

    `fused`: normalise with the one node that e5's vectors have come from since the first edition; two additions and
    LayerNormalization take a sixth of its time, and differ in the last digits.
    """

    def __init__(self, graph: Graph, weights: Tensors, fused: bool = True) -> None:
        self.weights, self._fused = weights, fused
        self.graph = graph
        self._one = graph.one
        self._zeros = ""  # ZERO for each row

    def _floats(self, name: str) -> str:
        return self.graph.constant(name, self.weights.floats(name))

    def product(self, rows: str, names: list[str], width: int) -> str:
        """rows [n, width] times the matrices side by side, [n, their columns]; the bias is left to what follows."""
        matrix = np.concatenate([self.weights.matrix(f"{name}.w", width) for name in names])
        column_scales = np.abs(matrix).max(axis=1) / LARGEST
        integers = np.rint(matrix / column_scales[:, None]).astype(np.int8).T
        largest = self._one("ReduceMax", [self._one("Abs", [rows]), self.graph.integers(1)], keepdims=1)
        row_scales = self._one("Mul", [largest, self.graph.constant("step", np.float32(1 / LARGEST))])
        flat = self._one("Reshape", [row_scales, self.graph.integers(-1)])
        quantised = self._one("QuantizeLinear", [rows, flat, self._zeros], axis=0)
        inputs = [
            quantised,
            self.graph.constant(f"{names[0]}.integers", integers),
            self.graph.constant("one", np.float32(1)),
            self.graph.constant(f"{names[0]}.scales", column_scales),
            self.graph.constant("zero", ZERO),
        ]
        return self._one("Mul", [self._one("MatMulIntegerToFloat", inputs, MICROSOFT), row_scales])

    def add_and_normalise(self, rows: str, change: str, change_bias: str, norm: str) -> str:
        """LayerNorm of rows + change + bias."""
        if self._fused:
            inputs = [rows, change, self._floats(f"{norm}.w"), self._floats(f"{norm}.b"), self._floats(change_bias)]
            return self._one("SkipLayerNormalization", inputs, MICROSOFT, epsilon=self.weights.epsilon)
        added = self._one("Add", [self._one("Add", [rows, change]), self._floats(change_bias)])
        return self._normalised(added, norm)

    def attention(self, rows: str, layer: str, shape: str) -> str:
        """Every word looks at every word of its text, [n, hidden]."""
        hidden = self.weights.hidden
        names = [f"{layer}.q", f"{layer}.k", f"{layer}.v"]
        together = self._one("Concat", [shape, self.graph.integers(3 * hidden)], axis=0)
        by_text = self._one("Reshape", [self.product(rows, names, hidden), together])
        parts = self.graph.add(
            "Split", [by_text, self.graph.integers(hidden, hidden, hidden)], outputs=3, options={"axis": -1}
        )
        bias = np.concatenate([self.weights.floats(f"{name}.b") for name in names])
        inputs = [*parts, self.graph.constant(f"{layer}.qkv.b", bias)]
        seen = self._one("MultiHeadAttention", inputs, MICROSOFT, num_heads=self.weights.heads)
        return self._one("Reshape", [seen, self.graph.integers(-1, hidden)])

    def layer(self, rows: str, name: str, shape: str) -> str:
        """One layer of the encoder, [n, hidden] to [n, hidden]."""
        hidden, inner = self.weights.hidden, self.weights.inner
        seen = self.product(self.attention(rows, name, shape), [f"{name}.ao"], hidden)
        rows = self.add_and_normalise(rows, seen, f"{name}.ao.b", f"{name}.aln")
        wide = self.product(rows, [f"{name}.fi"], hidden)
        wide = self._one("BiasGelu", [wide, self._floats(f"{name}.fi.b")], MICROSOFT)
        return self.add_and_normalise(rows, self.product(wide, [f"{name}.fo"], inner), f"{name}.fo.b", f"{name}.oln")

    def normalised(self, rows: str) -> str:
        """The normalisation before the first layer, [n, hidden] to [n, hidden]."""
        return self._normalised(rows, "emb.ln")

    def _normalised(self, rows: str, norm: str) -> str:
        inputs = [rows, self._floats(f"{norm}.w"), self._floats(f"{norm}.b")]
        return self._one("LayerNormalization", inputs, epsilon=self.weights.epsilon)

    def write(self, rows: str, shape: str, numbers: range) -> str:
        """Layers one after the other, [n, hidden] to [n, hidden]; `shape` holds (texts, words)."""
        row_count = self._one("Shape", [rows], end=1)
        self._zeros = self._one("Expand", [self.graph.constant("zero", ZERO), row_count])
        for number in numbers:
            rows = self.layer(rows, f"l{number}", shape)
        return rows


def model_bytes(weights: Tensors, layers: range) -> bytes:
    """The ONNX model of some of the layers, as a file holds it.

    Input "words", the word vectors, where these are the first layers, else "states_before"; output
    "vectors", the means over the words and not yet of unit length, where they are the last, else "states".
    """
    graph, hidden = Graph(), weights.hidden
    given = "states_before" if layers.start else "words"
    shape = graph.one("Shape", [given], end=2)
    encoder = Layers(graph, weights)
    rows = graph.one("Reshape", [given, graph.integers(-1, hidden)])
    rows = encoder.write(rows if layers.start else encoder.normalised(rows), shape, layers)
    by_text = graph.one("Concat", [shape, graph.integers(hidden)], axis=0)
    if layers.stop == weights.layers:
        means = [graph.one("Reshape", [rows, by_text]), graph.integers(1)]
        graph.nodes.append(helper.make_node("ReduceMean", means, ["vectors"], keepdims=0))
        output = tensor("vectors", "texts", hidden)
    else:
        graph.nodes.append(helper.make_node("Reshape", [rows, by_text], ["states"]))
        output = tensor("states", "texts", "words", hidden)
    return graph.model("e5", [tensor(given, "texts", "words", hidden)], [output])


def tensor(name: str, *sizes: int | str, kind: int = TensorProto.FLOAT) -> ValueInfoProto:
    """An input or output of a model."""
    return helper.make_tensor_value_info(name, kind, sizes)
