"""Gradio is imported without a look at its sources, and whoever looks at sources afterwards finds them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT

CODE = """
import inspect, pathlib
from contextlib import nullcontext
before, read, seen = inspect.getfile, pathlib.Path.read_text, []
pathlib.Path.read_text = lambda self, *a, **k: seen.append(self.name) or read(self, *a, **k)
from ui.entry import _without_stubs
with {within}():
    from ui import page
import gradio
print("textbox.py" in seen, inspect.getfile is before, inspect.getfile(gradio.Textbox).endswith("textbox.py"))
"""


@pytest.mark.parametrize(("within", "looks"), [("_without_stubs", "False"), ("nullcontext", "True")])
def test_gradio_is_imported_without_its_sources(within: str, looks: str) -> None:
    code = CODE.format(within=within)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [looks, "True", "True"]
