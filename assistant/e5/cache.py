"""The ONNX models in a folder: written the first time, taken from there afterwards.

The name says what the file was made from and what it holds: `NAME-SOURCE-CONTENT.onnx`, two digests. A file that is
damaged, or made from other weights or by another format of the graph, is not used, and is replaced.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from pathlib import Path

from assistant.e5.weights import Weights

FORMAT = 1  # raise it when the graph changes
DIGEST_BYTES = 8


def cached_model(folder: Path, weights: Weights, layers: int | None = None) -> bytes:
    """The model of these weights (of its first `layers`), from the folder if it is there. A folder that cannot be
    written is no obstacle."""
    name, source = "e5" if layers is None else f"e5first{layers}", _source(weights)
    for file in sorted(folder.glob(f"{name}-{source}-*.onnx")):
        try:
            model = file.read_bytes()
        except OSError:  # another process replaced it
            continue
        if file.name == f"{name}-{source}-{_digest(model)}.onnx":
            return model
    from assistant.e5.graph import model_bytes

    model = model_bytes(weights, layers)
    with contextlib.suppress(OSError):
        _keep(folder, name, f"{source}-{_digest(model)}.onnx", model)
    return model


def _keep(folder: Path, name: str, digests: str, model: bytes) -> None:
    """Write the file under its name once it is whole, and remove those it replaces."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix="e5-", suffix=".part", delete=False) as part:
        try:
            part.write(model)
            part.close()
            Path(part.name).replace(folder / f"{name}-{digests}")
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise
    for old in folder.glob(f"{name}-*.onnx"):
        if old.name != f"{name}-{digests}":
            old.unlink(missing_ok=True)


def _source(weights: Weights) -> str:
    """Digest of the format and of every tensor that enters the graph."""
    return _digest(*(weights.bytes_of(name).tobytes() for name in weights.encoder_tensors()), str(FORMAT).encode())


def _digest(*parts: bytes) -> str:
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
