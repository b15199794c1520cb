"""Write the trained network as the file that is shipped, with its digest and what its probabilities need.

.venv/bin/python -m assistant.reader.export --state training/reader.pt
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import torch

from assistant.e5.weights import Weights, bundled_file
from assistant.reader.bundled import MODEL
from assistant.reader.graph import Trained, reader_bytes
from assistant.reader.network import LAYERS, SHARPNESS, SPLIT, Upper, trained_tensors


def reader_of(upper: Upper, weights: Weights) -> bytes:
    """The ONNX file of a network."""
    return reader_bytes(
        Trained(
            tensors=trained_tensors(upper),
            hidden=weights.hidden,
            layers=LAYERS,
            heads=weights.heads,
            inner=weights.inner,
            epsilon=weights.epsilon,
            split=SPLIT,
            sharpness=SHARPNESS,
        )
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", type=Path, default=Path("training/reader.pt"), help="what the training kept")
    parser.add_argument("--scale", type=float, default=1.0, help="what logits are multiplied with, see measure_reader")
    options = parser.parse_args()
    weights = Weights(bundled_file())
    upper = Upper(weights)
    state = torch.load(options.state, map_location="cpu", weights_only=True)
    upper.load_state_dict(state["upper"])
    content = reader_of(upper, weights)
    MODEL.mkdir(exist_ok=True)
    (MODEL / "reader.onnx").write_bytes(content)
    described = {
        "split": SPLIT,
        "layers": LAYERS,
        "scale": options.scale,
        "steps": state["step"],
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    (MODEL / "reader.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    print(f"{len(content) / 1e6:.1f} MB, {described['sha256']}")  # noqa: T201


if __name__ == "__main__":
    main()
