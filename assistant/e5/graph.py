"""The encoder of e5 as an ONNX model: word vectors [texts, words, 384] in, one vector [texts, 384] a text out.

Matrix products are of 8-bit integers: each column of a matrix has one scale, written here once from the 4-bit blocks;
each row of activations has one scale, found as it passes. A row's result therefore depends on no other row, whatever
is computed beside it. All texts of one run have the same number of words: there is no padding and no mask.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from assistant.e5.weights import Weights, expanded

IR_VERSION = 10
OPSET = 21
MICROSOFT = "com.microsoft"  # onnxruntime's own operators
LARGEST = 127
PLAIN: Mapping[str, Any] = MappingProxyType({})
ZERO = np.uint8(128)  # stands for 0 in activations: onnxruntime is many times slower with signed ones


class _Graph:
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


class _Encoder:
    """Writes the layers. Activations are [rows, width] with rows = texts * words, except inside the attention."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.graph = _Graph()
        self.zeros = ""  # ZERO for each row

    def _one(self, operator: str, inputs: list[str], domain: str = "", **options: float) -> str:
        """Name of the only output of a new node."""
        return self.graph.add(operator, inputs, domain, options=options)[0]

    def _floats(self, name: str) -> str:
        return self.graph.constant(name, self.weights.floats(name))

    def product(self, rows: str, names: list[str], width: int) -> str:
        """rows [n, width] times the matrices side by side, [n, their columns]; the bias is left to what follows."""
        matrix = np.concatenate([expanded(self.weights.blocks(f"{name}.w", width)) for name in names])
        column_scales = np.abs(matrix).max(axis=1) / LARGEST
        integers = np.rint(matrix / column_scales[:, None]).astype(np.int8).T
        largest = self._one("ReduceMax", [self._one("Abs", [rows]), self.graph.integers(1)], keepdims=1)
        row_scales = self._one("Mul", [largest, self.graph.constant("step", np.float32(1 / LARGEST))])
        flat = self._one("Reshape", [row_scales, self.graph.integers(-1)])
        quantised = self._one("QuantizeLinear", [rows, flat, self.zeros], axis=0)
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
        inputs = [rows, change, self._floats(f"{norm}.w"), self._floats(f"{norm}.b"), self._floats(change_bias)]
        return self._one("SkipLayerNormalization", inputs, MICROSOFT, epsilon=self.weights.epsilon)

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

    def write(self) -> ModelProto:
        """The whole model: input "words", output "vectors" (the mean over the words, not yet of unit length)."""
        hidden = self.weights.hidden
        norm = [self._floats("emb.ln.w"), self._floats("emb.ln.b")]
        shape = self._one("Shape", ["words"], end=2)
        rows = self._one("Reshape", ["words", self.graph.integers(-1, hidden)])
        rows = self._one("LayerNormalization", [rows, *norm], epsilon=self.weights.epsilon)
        row_count = self._one("Shape", [rows], end=1)
        self.zeros = self._one("Expand", [self.graph.constant("zero", ZERO), row_count])
        for number in range(self.weights.layers):
            rows = self.layer(rows, f"l{number}", shape)
        by_text = self._one("Concat", [shape, self.graph.integers(hidden)], axis=0)
        means = [self._one("Reshape", [rows, by_text]), self.graph.integers(1)]
        self.graph.nodes.append(helper.make_node("ReduceMean", means, ["vectors"], keepdims=0))
        words = helper.make_tensor_value_info("words", TensorProto.FLOAT, ["texts", "words", hidden])
        vectors = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", hidden])
        constants = list(self.graph.constants.values())
        return helper.make_model(
            helper.make_graph(self.graph.nodes, "e5", [words], [vectors], constants),
            opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)],
            ir_version=IR_VERSION,
        )


def model_bytes(weights: Weights) -> bytes:
    """The ONNX model of these weights, as a file holds it."""
    model: bytes = _Encoder(weights).write().SerializeToString()
    return model
