"""The real assistant over HTTP, its model being the server of `lying.py`; and what of its answers reached the reader."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from httpx_sse import connect_sse

from assistant.ask import Assistant
from assistant.engines import guarded, open_engine
from assistant.settings import Settings
from assistant.wiring import Stores, open_assistant, open_stores, plugin
from tests.conftest import ROOT
from tests.lies import plain
from tests.lying import lying
from tests.replies import Liar
from tests.serving import serving

DOCUMENTS = (
    "events/innovation-procurement-talk-2023.md",
    "procedures/pcp-intellectual-property.md",
    "rules/late-payment.md",
    "rules/thresholds-2022-2023.md",
    "rules/thresholds-2026-2027.md",
    "projects/procure4health.md",
    "funding/horizon-europe-pcp-and-ppi-rates.md",
)
GOLDEN = ("G001", "G037", "G054", "G071", "G088", "G091", "G092", "G096", "G155")  # answered by DOCUMENTS
ASKED = re.compile(r"<!-- asked:.*?-->\n", re.DOTALL)  # left out of copies: most of the time of an edition goes there


@dataclass(frozen=True)
class Reached:
    """An answer as the reader has it: the answer itself and the events of its stream, where there was one."""

    answer: dict[str, Any]
    events: tuple[tuple[str, dict[str, Any]], ...] = ()

    def sentences(self, *kinds: str) -> list[dict[str, Any]]:
        """The sentences of these kinds; of the stream, too, if it said others than the answer."""
        streamed = [data for name, data in self.events if name == "sentence"]
        return [one for one in (*self.answer["sentences"], *streamed) if one["kind"] in kinds]

    @property
    def raw(self) -> str:
        """Everything but quotes of documents, as it was sent."""
        return "\n".join(one["text"] for one in self.sentences("generated", "notice"))

    def shows(self, lie: str) -> bool:
        """Whether these words are in it, however they are marked up; marks such as "[99]" as they stand."""
        return plain(lie) in plain(self.raw) if plain(lie) else lie in self.raw

    @property
    def fell_back(self) -> bool:
        """Whether the evidence was quoted because the model would not do: a notice stands before a quote."""
        kinds = [one["kind"] for one in self.answer["sentences"]]
        return "quote" in kinds and "notice" in kinds[: len(kinds) - kinds[::-1].index("quote") - 1]


@dataclass
class Fooled:
    """An assistant whose model lies. `client` reaches it over HTTP; `later`: seconds that its clock for the model is
    put forward."""

    client: httpx.Client
    liar: Liar
    settings: Settings
    stores: Stores
    served: Served
    later: float = 0.0

    def lie(self, name: str, script: str = "") -> None:
        """From now on the model does this, with the engine as it is; one that was left alone is asked again."""
        self.liar.forget()
        self.liar.instead, self.liar.script = name, script
        self.later += 2 * guarded.PAUSE  # whatever failed before

    def model(self, name: str, **more: Any) -> None:
        """From now on this model answers, as a fresh engine that has no failures behind it."""
        self.liar.forget()
        self.served.now.engine.close()
        given = {"engine": f"chat:openai:{name}", "model_url": self.liar.address, "model_timeout": 60, **more}
        settings = self.settings.model_copy(update=given)
        engine: Any = open_engine(settings, self.stores.embedder)
        engine._model._now = lambda: time.monotonic() + self.later
        self.served.now = replace(self.served.now, engine=engine)

    def ask(self, question: str, **more: Any) -> Reached:
        """The answer as JSON."""
        response = self.client.post("/api/v1/ask", json={"question": question, **more})
        assert response.status_code == 200, response.text
        return Reached(response.json())

    def stream(self, question: str, **more: Any) -> Reached:
        """The answer as a stream of events."""
        body = {"question": question, **more}
        with connect_sse(self.client, "POST", "/api/v1/ask/stream", json=body) as source:
            assert source.response.status_code == 200
            events = tuple((event.event, event.json()) for event in source.iter_sse())
        assert events[-1][0] == "done", events[-1]
        return Reached(events[-1][1], events)


def golden() -> dict[str, str]:
    """The questions of `golden.jsonl` that DOCUMENTS answer, by their id; English, German, Spanish and French."""
    rows = map(json.loads, (ROOT / "tests" / "quality" / "golden.jsonl").read_text(encoding="utf-8").splitlines())
    return {row["id"]: row["question"] for row in rows if row["id"] in GOLDEN}


class Served:
    """What is served: an assistant that can be exchanged while the server runs."""

    def __init__(self, now: Assistant) -> None:
        self.now = now

    def __getattr__(self, name: str) -> Any:
        return getattr(self.now, name)


def copy_documents(folder: Path, uris: tuple[str, ...]) -> None:
    """Copies of documents of the corpus, without the questions that they are said to answer."""
    for uri in uris:
        (folder / uri).parent.mkdir(parents=True, exist_ok=True)
        (folder / uri).write_text(ASKED.sub("", (ROOT / "corpus" / uri).read_text(encoding="utf-8")), encoding="utf-8")


@contextmanager
def fooled(data: Path, corpus: Path) -> Iterator[Fooled]:
    """The assistant over the documents in `corpus`, with the bundled embedder and the real verifier."""
    settings = Settings(data=data, corpus=corpus, reader="none")
    stores = open_stores(settings)
    plugin("ingest")(settings, stores, None, lambda *_: None).ingest([])
    served = Served(open_assistant(settings, stores))
    with lying() as liar, serving(served, settings) as client:
        made = Fooled(client, liar, settings, stores, served)
        made.model("liar")
        yield made
    stores.library.close()
