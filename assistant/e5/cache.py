"""What is made of the weights, kept in a folder: written the first time, taken from there afterwards.

The name says what the file was made from and what it holds: `NAME-SOURCE-CONTENT.ENDING`, two digests. A file that is
damaged, or made from other weights or in another format, is not used, and is replaced.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from assistant.e5.weights import Weights

FORMAT = 2  # raise it when the graph changes
DIGEST_BYTES = 8


def cached_model(folder: Path, weights: Weights, layers: range) -> bytes:
    """The model of some layers of these weights, from the folder if it is there."""

    def made() -> bytes:
        from assistant.e5.graph import model_bytes

        return model_bytes(weights, layers)

    name = f"e5first{layers.stop}" if layers.start == 0 else "e5"
    return kept(folder, name, _source(weights, layers), made, ".onnx")


def kept(folder: Path | None, name: str, source: str, make: Callable[[], bytes], ending: str = ".bin") -> bytes:
    """What `make` makes, from the folder if it is there. A folder that cannot be written is no obstacle, and none is
    needed."""
    for file in sorted(folder.glob(f"{name}-{source}-*{ending}")) if folder else ():
        try:
            content = file.read_bytes()
        except OSError:  # another process replaced it
            continue
        if file.name == f"{name}-{source}-{digest(content)}{ending}":
            return content
    content = make()
    if folder:
        with contextlib.suppress(OSError):
            _keep(folder, name, f"{source}-{digest(content)}{ending}", content)
    return content


def _keep(folder: Path, name: str, rest: str, content: bytes) -> None:
    """Write the file under its name once it is whole, and remove those it replaces."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix="e5-", suffix=".part", delete=False) as part:
        try:
            part.write(content)
            part.close()
            Path(part.name).replace(folder / f"{name}-{rest}")
        except BaseException:
            Path(part.name).unlink(missing_ok=True)
            raise
    for old in folder.glob(f"{name}-*{Path(rest).suffix}"):
        if old.name != f"{name}-{rest}":
            old.unlink(missing_ok=True)


def _source(weights: Weights, layers: range) -> str:
    """Digest of the format, the layers and every tensor that enters a graph."""
    tensors = (weights.bytes_of(name).tobytes() for name in weights.encoder_tensors())
    return digest(*tensors, f"{FORMAT} {layers}".encode())


def digest(*parts: bytes) -> str:
    """A digest of the parts, in hexadecimal."""
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
