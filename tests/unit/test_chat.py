"""Chat models of providers that do not speak as OpenAI's does. That one is held by tests/e2e/test_lying.py."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from assistant.engines.chat import ChatModel
from assistant.engines.model import ModelFailed, Prompt
from assistant.settings import Settings


class Ollama(BaseHTTPRequestHandler):
    """Answers as Ollama does, a line of JSON a piece."""

    asked: list[dict[str, Any]]

    def do_POST(self) -> None:
        self.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        if self.asked[-1]["model"] == "unknown":
            self.send_response(404)
            self.end_headers()
            self.wfile.write(json.dumps({"error": f"no model for {self.asked[-1]['messages']}"}).encode())
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.end_headers()
        for text, done in (("Ana ", False), ("pays.", False), ("", True)):
            told = {"model": "m", "message": {"role": "assistant", "content": text}, "done": done}
            self.wfile.write(json.dumps(told | ({"done_reason": "stop"} if done else {})).encode() + b"\n")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def ollama() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    asked: list[dict[str, Any]] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Told", (Ollama,), {"asked": asked})) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


def test_ollama_writes_within_the_length_it_is_told(ollama: tuple[str, list[dict[str, Any]]]) -> None:
    address, asked = ollama
    model = ChatModel("ollama:llama3.1:8b", Settings(model_url=address))
    assert "".join(model.write(Prompt("Rules.", "Who?", tokens=7))) == "Ana pays."
    model.close()
    assert asked[0]["model"] == "llama3.1:8b"
    assert asked[0]["options"] == {"num_predict": 7, "temperature": 0}
    assert [turn["content"] for turn in asked[0]["messages"]] == ["Rules.", "Who?"]


def test_a_failure_does_not_repeat_what_was_asked(ollama: tuple[str, list[dict[str, Any]]]) -> None:
    model = ChatModel("ollama:unknown", Settings(model_url=ollama[0]))
    with pytest.raises(ModelFailed) as failed:
        list(model.write(Prompt("Rules.", "Is Ana ill?")))
    assert (str(failed.value), failed.value.__cause__) == ("ResponseError 404", None)


@pytest.mark.parametrize("provider", ["ollama", "openai"])
def test_a_model_that_is_not_there_says_so(provider: str) -> None:
    model = ChatModel(f"{provider}:m", Settings(model_url="http://127.0.0.1:9/v1", model_timeout=5))
    with pytest.raises(ModelFailed, match="Connect"):
        list(model.write(Prompt("Rules.", "Who?")))
    model.close()
