"""Nothing of Gradio prints what was sent."""

from __future__ import annotations

import importlib
import logging
from pathlib import Path

import gradio
import pytest

from ui.quiet import PRINTING, hush

WHEN_A_SCRIPT_IS_RELOADED = {"gradio.utils"}  # which a server of ours never does


def test_every_module_of_gradio_that_prints_errors_is_known() -> None:
    files = Path(gradio.__file__).parent.glob("*.py")
    printing = {f"gradio.{file.stem}" for file in files if "print_exc(" in file.read_text(encoding="utf-8")}
    assert printing == {module.__name__ for module in PRINTING} | WHEN_A_SCRIPT_IS_RELOADED


def test_an_error_is_told_once_and_without_its_message(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    queueing = importlib.import_module("gradio.queueing")
    for name, value in {"traceback": queueing.traceback, "print": print}.items():
        monkeypatch.setitem(vars(queueing), name, value)
    monkeypatch.setattr(logging.getLogger(), "handlers", [caplog.handler])  # a server may have run in this process
    hush()
    with caplog.at_level(logging.INFO):
        queueing.print("zebramark")
        try:
            raise KeyError("zebramark\nforged")
        except KeyError:
            queueing.traceback.print_exc()
    assert capsys.readouterr() == ("", "")
    assert [record.getMessage().rpartition(":")[0] for record in caplog.records] == [
        "Gradio met a KeyError: test_quiet.py"
    ]
