"""An answer worked out again: the same from its edition, and where it differs why."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter
from sqlalchemy import func, select
from typer.testing import CliRunner, Result

from assistant.api.ask import AskIn
from assistant.ask import IN_FORCE, Assistant
from assistant.cli import app
from assistant.engines import QuotesEngine
from assistant.errors import BadRequest
from assistant.library import Library
from assistant.library.tables import ANSWERS, MISSED
from assistant.records import Answer, Document, Section
from assistant.replay import Replayed, edition_of, replay
from assistant.settings import Settings
from assistant.vectors import open_vectors
from assistant.wiring import Stores
from ingest.build import build
from ingest.cut import cut
from ingest.progress import Stages
from tests.conftest import Server
from tests.e2e.test_ingest import assistant as assistant_over
from tests.fakes import WordEmbedder
from tests.serving import serving

ASKED = {"question": "What is the okapi of the Talk called?"}
UNKNOWN = {"question": "Who repairs the lighthouse keeper's bicycle?"}
ANSWER = TypeAdapter(Answer)


@dataclass(frozen=True)
class Zoo:
    """Edition 1 calls the okapi Veronika, 2, which is served, Waltraud; 3 is retired and gave the answer `gone`."""

    stores: Stores
    assistant: Assistant
    gone: Answer

    def ask(self, body: dict[str, Any], edition: int) -> Answer:
        return self.assistant.ask(AskIn.model_validate(body).question_record(), self.stores.library.edition(edition))

    def again(self, body: dict[str, Any], old: Answer, **changed: Any) -> Replayed:
        asking = replace(self.assistant, **changed)

        def again(request: AskIn, old: Answer) -> Answer:
            return asking.ask(request.question_record(), edition_of(asking, old))

        return replay(AskIn.model_validate(body), old, again)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zoo]:
    settings = Settings(data=tmp_path_factory.mktemp("zoo"))
    with closing(Library(settings.library_url)) as library:
        stores = Stores(library, open_vectors(settings), WordEmbedder(), settings.data)
        for name in ("Veronika", "Waltraud", "Zora"):
            document = Document("okapi", "okapi.md", "The okapi of the Talk", name.ljust(64, "0"))
            pieces = cut(document, [Section(f"The okapi of the Talk is called {name}. It was born on 4 March 2024.")])
            library.add_version(document, pieces.text, pieces.chunks)
            library.publish(build([document], stores, Stages())[0].number)
        assistant = assistant_over(stores)
        gone = assistant.ask(AskIn.model_validate(ASKED).question_record())
        library.publish(2)
        stores.drop(3)
        yield Zoo(stores, assistant, gone)


def test_an_answer_is_the_same_from_its_edition_also_when_another_is_served(zoo: Zoo) -> None:
    talk = {**ASKED, "question": "And what is it called?", "language": "en", "filters": {"source": ["okapi"]}}
    talk["history"] = [{"role": "user", "content": "Tell me of the okapi of the Talk."}]
    assert "Waltraud" in zoo.ask(ASKED, 2).answer
    for body in (ASKED, UNKNOWN, talk):
        found = zoo.again(body, zoo.ask(body, 1))
        assert (found.same, found.differs, found.why, found.answer.edition) == (True, (), (), 1)


def test_the_edition_is_found_by_its_digest_whatever_its_number(zoo: Zoo) -> None:
    old = zoo.ask(ASKED, 1)
    moved = replace(old, edition=2, citations=tuple(replace(c, edition=2, link="/read/x") for c in old.citations))
    found = zoo.again(ASKED, moved)
    assert (found.same, found.answer.edition) == (True, 1)


def test_a_retired_edition_is_told_and_the_one_served_is_asked(zoo: Zoo) -> None:
    found = zoo.again(ASKED, zoo.gone)
    assert found.differs[0] == "-The okapi of the Talk is called Zora. [1] (quote)"
    assert any(line.startswith("+[1] okapi.md") and "Waltraud" in line for line in found.differs)
    assert found.why == ("The edition 3 of the answer could not be asked, it may be retired: edition 2 was.",)


def test_other_settings_and_another_version_are_told(zoo: Zoo) -> None:
    old, contact = zoo.ask(UNKNOWN, 2), "https://elsewhere.example"
    found = zoo.again(UNKNOWN, replace(old, version="0.0.9"), contact=contact)
    assert found.differs[-1] == f"+For more, ask here: {contact} (notice)"
    assert [line.split()[0] for line in found.why] == ["Version", "Other"]
    untold = replace(old, version="", settings="", edition_digest=None, as_of=None)
    found = zoo.again(UNKNOWN, untold, contact=contact)
    assert "program that gave it was older" in found.why[0]
    assert "Set `as_of` in the request" in found.why[1]
    assert zoo.again(UNKNOWN, replace(old, language="de")).why[0].startswith("Edition, settings, version and day")


def test_the_day_of_the_answer_counts(zoo: Zoo) -> None:
    early = zoo.ask({**ASKED, "as_of": "2024-01-01"}, 2)
    assert (early.as_of, zoo.ask(ASKED, 2).as_of) == (date(2024, 1, 1), date.today())
    found = zoo.again(ASKED, early)
    assert (found.same, found.answer.as_of) == (True, date(2024, 1, 1))


def test_an_answer_that_was_read_again_by_its_id_can_be_replayed(zoo: Zoo) -> None:
    answers, old = zoo.stores.library.answers, zoo.ask(ASKED, 1)
    answers.keep(old)
    answers.flush()
    kept = answers.find(old.id, 1)
    assert kept is not None
    assert (kept.question_used, kept.as_of, kept.version, kept.settings) == ("", None, old.version, old.settings)
    assert zoo.again(ASKED, kept).same


def test_every_setting_in_force_changes_the_digest_and_only_they(zoo: Zoo) -> None:
    class Other(QuotesEngine):
        name = "chat:other"

    class Reader:
        name = "cross-encoder:x"

    class Retriever:
        embedder = type("Embedder", (), {"name": "other"})

    plain = zoo.assistant
    changes: list[dict[str, Any]] = [
        {"engine": Other()}, {"contact": "x"}, {"reader": Reader()}, {"retriever": Retriever()}, {}
    ]  # fmt: skip
    assert len({replace(plain, **change).settings for change in changes}) == len(IN_FORCE) + 1 == 5
    assert replace(plain, warnings=("x",)).settings == plain.settings == zoo.ask(ASKED, 1).settings


# --- over HTTP


@pytest.fixture(scope="module")
def maintainer(zoo: Zoo) -> Iterator[httpx.Client]:
    key = zoo.stores.library.keys.create("m", "maintainer")[1]
    with serving(zoo.assistant) as client:
        client.headers["X-API-Key"] = key
        yield client


def test_a_maintainer_asks_an_edition_that_is_not_served_and_nothing_is_kept(
    zoo: Zoo, maintainer: httpx.Client
) -> None:
    def kept() -> list[int]:
        zoo.stores.library.answers.flush()
        with zoo.stores.library._engine.connect() as db:
            return [db.scalar(select(func.count()).select_from(table)) or 0 for table in (ANSWERS, MISSED)]

    before = kept()
    found = maintainer.post("/api/v1/editions/1/ask", json=ASKED).json()
    assert ("Veronika" in found["answer"], found["edition"]) == (True, 1)
    assert maintainer.post("/api/v1/editions/1/ask", json=UNKNOWN).json()["abstained"]
    assert kept() == before
    told = maintainer.post("/api/v1/editions/3/ask", json=ASKED)
    assert (told.status_code, told.json()["detail"]) == (409, "Edition 3 is retired.")
    assert maintainer.post("/api/v1/editions/1/ask", json={"question": " "}).status_code == 422


# --- the command


@pytest.fixture
def files(tmp_path: Path) -> Callable[[Any, Any], list[str]]:
    def written(request: Any, answer: Any) -> list[str]:
        paths = [tmp_path / "request.json", tmp_path / "answer.json"]
        for path, value in zip(paths, (request, answer), strict=True):
            path.write_text(json.dumps(value), encoding="utf-8")
        return ["replay", *map(str, paths)]

    return written


def run(arguments: list[str], **env: str) -> Result:
    return CliRunner().invoke(app, arguments, env={f"CLUSTER_TALKS_{name}": value for name, value in env.items()})


def test_the_command_asks_the_data_folder(
    zoo: Zoo, files: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.wiring.open_embedder", lambda _: WordEmbedder())
    here = {"DATA": str(zoo.stores.data), "READER": "none", "CONTACT": zoo.assistant.contact}
    old = ANSWER.dump_python(zoo.ask(ASKED, 1), mode="json")
    done = run(files(ASKED, old), **here)
    assert (done.exit_code, done.stdout) == (0, "The same. Edition 1 was asked.\n"), done.exception
    hostile = {**old, "sentences": [{**old["sentences"][0], "text": "\x1b[31m[bold]Red[/]\nIt"}]}
    done = run(files(ASKED, hostile), **here)
    assert done.exit_code == 1
    assert "-[31m[bold]Red[/] It [1] (quote)\n+The okapi of the Talk is called Veronika. [1]" in done.stdout
    assert "\x1b" not in done.stdout
    found = json.loads(run([*files(ASKED, hostile), "--json"], **here).stdout)
    assert (found["same"], found["answer"]["edition"], len(found["why"])) == (False, 1, 1)


def test_the_command_asks_a_server_and_with_the_key_of_a_maintainer_any_edition(
    zoo: Zoo, maintainer: httpx.Client, files: Callable[..., list[str]]
) -> None:
    there = ["--url", str(maintainer.base_url)]
    served = maintainer.post("/api/v1/ask", json=ASKED).json()
    assert run([*files(ASKED, served), *there]).stdout == "The same. Edition 2 was asked.\n"
    earlier = [*files(ASKED, ANSWER.dump_python(zoo.ask(ASKED, 1), mode="json")), *there]
    plain = run(earlier)
    assert plain.exit_code == 1
    assert "could not be asked, it may be retired: edition 2 was." in plain.stdout
    with_key = run([*earlier, "--key", maintainer.headers["X-API-Key"]])
    assert with_key.stdout == "The same. Edition 1 was asked.\n"


def test_a_real_server_gives_the_same_answer_twice(server: Server, files: Callable[..., list[str]]) -> None:
    asked = {"question": "Wer bleibt bei einer PCP Eigentümer der Schutzrechte?"}
    with server.client() as client:
        old = client.post("/api/v1/ask", json=asked).json()
    assert (len(old["settings"]), len(old["edition_digest"]), old["as_of"]) == (16, 64, date.today().isoformat())
    done = run(files(asked, old), DATA=str(server.data))
    assert (done.exit_code, done.stdout) == (0, f"The same. Edition {old['edition']} was asked.\n"), done.exception


@pytest.mark.parametrize(
    ("request_", "answer", "says"),
    [({"query": "x"}, {}, "is no request: question: Field required"), (ASKED, [1], "is no answer: it: ")],
)
def test_a_file_of_something_else_is_told(
    files: Callable[..., list[str]], request_: Any, answer: Any, says: str
) -> None:
    done = run(files(request_, answer))
    assert isinstance(done.exception, BadRequest)
    assert says in str(done.exception)
