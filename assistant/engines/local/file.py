"""The file of a local model: whether it can be used, told before anything is loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from assistant.engines.local.worker import digest
from assistant.errors import BadSetting

MAGIC = b"GGUF"
SUM = re.compile(r"[0-9a-f]{64}")
WHICH = "Write it as local:/path/to/model.gguf."


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A GGUF file, and the SHA-256 that it must have; "" where that is not set."""

    path: Path
    pin: str = ""


def find_file(model: str, pin: str) -> ModelFile:
    """The file that `local:` names. Where a sum is set, it is computed here: about a second a GB. Raises BadSetting."""
    if find_spec("xllamacpp") is None:
        raise BadSetting(
            "The engine local: needs a package that is not installed.",
            ".venv/bin/pip install -e '.[local]'",
        )
    if not model:
        raise BadSetting("The engine local: names no file.", WHICH)
    file = ModelFile(Path(model).expanduser().absolute(), pin.strip().lower())
    _check_kind(file.path)
    if file.pin:
        _check_sum(file)
    return file


def _check_kind(path: Path) -> None:
    try:
        with path.open("rb") as data:
            found = data.read(len(MAGIC))
    except OSError as error:
        raise BadSetting(f"The model {path} cannot be read: {error.strerror}.", WHICH) from error
    if found != MAGIC:
        raise BadSetting(f"{path} is no GGUF file.", "Choose a model in this format; its name mostly ends in .gguf.")


def _check_sum(file: ModelFile) -> None:
    if not SUM.fullmatch(file.pin):
        raise BadSetting("CLUSTER_TALKS_MODEL_SHA256 is no SHA-256.", "It has 64 hexadecimal digits, as of sha256sum.")
    if (found := digest(file.path)) != file.pin:
        raise BadSetting(
            f"The SHA-256 of {file.path} is {found}, and CLUSTER_TALKS_MODEL_SHA256 is {file.pin}.",
            "Get the file again, or correct the sum if another file is wanted.",
        )
