"""This project, over its Python interface, as `cluster-talks serve` opens it."""

# mypy: disable-error-code="import-not-found"
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from exchange import DEPTH, Ask

from assistant.asking import LocalAsker
from assistant.settings import load_settings
from assistant.wiring import open_assistant, open_stores


def open_system(documents: list[dict[str, str]], corpus: str, data: str) -> Ask:
    """Ingests the folder `corpus` into the folder `data`, which is made anew and which nobody else opens."""
    shutil.rmtree(data, ignore_errors=True)
    settings = load_settings(corpus=Path(corpus).resolve(), data=Path(data).resolve())
    places = {"CLUSTER_TALKS_CORPUS": str(settings.corpus), "CLUSTER_TALKS_DATA": str(settings.data)}
    command = [str(Path(sys.executable).with_name("cluster-talks")), "ingest"]
    subprocess.run(command, env={**os.environ, **places}, check=True, stdout=subprocess.DEVNULL)
    assistant = open_assistant(settings, open_stores(settings))
    assistant.prepare()
    asker = LocalAsker(assistant)

    def ask(question: dict[str, Any]) -> dict[str, Any]:
        began = time.perf_counter()
        answer = asker.ask({"question": question["question"], "history": question["history"]})
        spent = (time.perf_counter() - began) * 1000
        return {
            "text": answer["answer"],
            "sources": [citation["uri"] for citation in answer["citations"]],
            "passages": [p["text"] for p in asker.search(answer["question_used"], DEPTH)["passages"]],
            "score": None,
            "refused": answer["abstained"],
            "ms": spent,
        }

    return ask
