"""Homes with an edition: one to be copied, a copy, and a copy on a small disk of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.embedders import EMBEDDERS
from tests.conftest import copy_small_corpus
from tests.faults.homes import ingested, opened, write
from tests.faults.started import Home, register_quick

SIZE = "8m"


@pytest.fixture(scope="package", autouse=True)
def _quick_embedder() -> Iterator[None]:
    register_quick()
    yield
    del EMBEDDERS["quick"]


@pytest.fixture(scope="package")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with one edition."""
    home = Home(tmp_path_factory.mktemp("grown"))
    copy_small_corpus(home.corpus)
    write(home, 1)
    with opened(home) as stores:
        assert ingested(home, stores) == 1
    return home


@pytest.fixture
def home(grown: Home, tmp_path: Path) -> Home:
    """A copy of it, to be damaged."""
    return Home(Path(shutil.copytree(grown.folder, tmp_path / "home")))


@pytest.fixture
def disk(grown: Home, tmp_path: Path) -> Iterator[Home]:
    """A copy of it on a small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(folder)]
    if os.getuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("It takes a user who may mount a disk: root, outside a container or in one that may.")
    shutil.copytree(grown.folder, folder, dirs_exist_ok=True)
    yield Home(folder)
    subprocess.run(["umount", "-l", str(folder)], check=True)
