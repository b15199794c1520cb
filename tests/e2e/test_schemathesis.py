"""Schemathesis over the whole of the API's document: no 5xx, no undocumented status, nothing that is not as it says.

The application runs in this process over two small editions with the quick embedder, so that a case costs milliseconds;
runs that are asked for are ended and not done, so nothing is fetched. RUNS tells who asks what, how much, and the least
number of cases that must come of it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.engine import events, from_schema

from assistant.api.app import create_app
from assistant.api.state import State
from assistant.library import Library
from assistant.runs import Runner
from assistant.settings import Settings
from assistant.vectors import open_vectors
from assistant.wiring import Stores, open_assistant
from tests.conftest import copy_small_corpus
from tests.fakes import WordEmbedder


@dataclass(frozen=True)
class Run:
    """Cases of operations with these tags, with a maintainer's key or without any."""

    tags: tuple[str, ...]
    keyed: bool
    examples: int
    least: int


RUNS = {
    "ask": Run(("ask",), True, 8, 450),
    "ask, no key": Run(("ask",), False, 4, 350),
    "sources and openai": Run(("sources", "openai"), True, 8, 450),
    "sources and openai, no key": Run(("sources", "openai"), False, 3, 300),
    "staff and operations": Run(("staff", "operations"), True, 8, 350),
    "maintain": Run(("maintain",), True, 7, 600),
    "staff, maintain and operations, no key": Run(("staff", "maintain", "operations"), False, 3, 600),
}
CHECKS = {
    # Some rules are sentences, not schema: "The question is empty.", "The corpus folder has nothing at …".
    "positive_data_acceptance": {"enabled": False},
    "negative_data_rejection": {"expected-statuses": ["400", "401", "403", "404", "405", "409", "413", "422"]},
}
MEANT = {
    ("GET /api/v1/editions/diff", "unsupported_method"),  # DELETE /editions/{edition} answers there
    ("POST /api/v1/ask/batch", "negative_data_rejection"),  # a question that cannot be used costs its line
    ("GET /v1/responses/{id}", "ensure_resource_availability"),  # none is kept
    ("DELETE /v1/responses/{id}", "ensure_resource_availability"),
}
STREAMS = ("text/event-stream", "application/x-ndjson")
INGEST = {"do": "ingest", "origins": [], "publish": "auto", "plan": False, "remove": [], "by": "Ana"}


@dataclass
class Outcome:
    """What came of a run: cases, the operations they were of, and what was wrong, each thing once."""

    cases: int = 0
    operations: set[str] = field(default_factory=set)
    wrong: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def note(self, event: Any) -> None:
        if isinstance(event, events.NonFatalError | events.FatalError):
            error = getattr(event, "value", None) or getattr(event, "exception", None)
            self.wrong[getattr(event, "label", ""), "error", ""] = str(error)
        if not isinstance(event, events.ScenarioFinished):
            return
        self.cases += sum(1 for sent in event.recorder.interactions.values() if sent.response is not None)
        self.operations |= {case.value.operation.label for case in event.recorder.cases.values()}
        for id_, checks in event.recorder.checks.items():
            operation = event.recorder.cases[id_].value.operation.label
            for check in (c for c in checks if c.failure_info and (operation, c.name) not in MEANT):
                failed = check.failure_info
                about = f"{failed.failure.message}\n{failed.code_sample}"
                self.wrong.setdefault((operation, check.name, failed.failure.title), about)


@schemathesis.serializer("application/x-ndjson")
def _lines(_: schemathesis.SerializationContext, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


@dataclass(frozen=True)
class Api:
    app: Any
    key: str


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The application over two editions, with runs, a rating, and a refused question that nobody dealt with."""
    folder = tmp_path_factory.mktemp("api")
    settings = Settings(
        data=folder / "data",
        corpus=copy_small_corpus(folder / "corpus"),
        reader="none",
        metrics="open",
        insights_people=1,
    )
    settings.data.mkdir()
    library = Library(settings.library_url)
    stores = Stores(library, open_vectors(settings), WordEmbedder(), settings.data)
    runner = Runner(settings, stores, lambda: open_assistant(settings, stores))
    (settings.corpus / "uploads").mkdir()
    for name in ("guide.md", "old.md"):
        (settings.corpus / "uploads" / name).write_text(f"# {name}\n\nA supplier may ask for the rules of a call.\n")
        runner.do(library.runs.begin(INGEST), INGEST)
    state, stopped = State(settings), threading.Event()
    state.serve(open_assistant(settings, stores))
    state.page = True
    ending = threading.Thread(target=_end_runs, args=(library, stopped))
    ending.start()
    yield Api(create_app(state, lambda state, app: None), library.keys.create("Ana", "maintainer")[1])
    stopped.set()
    ending.join()
    library.close()


def _end_runs(library: Library, stopped: threading.Event) -> None:
    while not stopped.wait(0.1):
        while run := library.runs.claim():
            library.runs.update(run["id"], status="failed", report={"title": "Not done", "detail": "This is a test."})


def outcome(api: Api, run: Run) -> Outcome:
    config = schemathesis.Config.from_dict(
        {
            "seed": 1,
            "continue-on-failure": True,
            "headers": {"Authorization": f"Bearer {api.key}"} if run.keyed else {},
            "generation": {"max-examples": run.examples, "deterministic": True, "database": "none"},
            "checks": CHECKS,
        }
    )
    schema = schemathesis.openapi.from_asgi("/openapi.json", api.app, config=config)
    for operation in _operations(schema.raw_schema):
        operation["responses"].pop("default", None)  # every status must be named
    for stream in _streams(schema.raw_schema):  # each event and line is held to its schema, not all as one text
        del stream["schema"]
        stream |= {"itemSchema": stream.get("x-itemSchema", {})}
    found = Outcome()
    for event in from_schema(schema.include(tag=list(run.tags))).execute():
        found.note(event)
    return found


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        yield from methods.values()


def _streams(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for operation in _operations(document):
        for response in operation["responses"].values():
            yield from (content for kind, content in response.get("content", {}).items() if kind in STREAMS)


@pytest.mark.parametrize("name", RUNS)
def test_what_the_document_says_is_the_case(api: Api, name: str) -> None:
    found, run = outcome(api, RUNS[name]), RUNS[name]
    told = "\n\n".join(f"{' · '.join(what)}\n{about}" for what, about in found.wrong.items())
    assert not found.wrong, f"{len(found.wrong)} things are wrong\n\n{told}"
    wanted = {
        f"{method.upper()} {path}"
        for path, methods in api.app.openapi()["paths"].items()
        for method, operation in methods.items()
        if set(operation["tags"]) & set(run.tags)
    }
    assert found.operations == wanted
    assert found.cases >= run.least


def test_all_runs_together_are_over_2000_cases_of_every_tag(api: Api) -> None:
    assert sum(run.least for run in RUNS.values()) >= 2_000
    for keyed in (True, False):
        tags = {tag for run in RUNS.values() if run.keyed is keyed for tag in run.tags}
        assert tags == {tag["name"] for tag in api.app.openapi()["tags"]}


def test_nothing_was_written_outside_the_folders_of_the_test(api: Api) -> None:
    settings: Settings = api.app.state.assistant.settings
    left = {path.name for path in Path(settings.corpus.parent).iterdir()}
    assert left == {"data", "corpus"}
