"""Before an edition is served: the plan, the questions asked of both editions, and what is held back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.editions import difference
from assistant.engines import QuotesEngine, Task, Worded
from assistant.errors import Conflict
from assistant.evaluate import Case
from assistant.records import Edition, Question
from assistant.retrieve import Index
from assistant.wiring import Stores
from ingest.gate import Gate
from ingest.progress import Stages
from ingest.report import Report, report_page, write_report
from ingest.run import Publish, Run
from ingest.web.client import Web
from tests.e2e.test_ingest import assistant, found

OKAPI = "The okapi of the zoo eats {food} every morning."
CASES = [
    Case("okapi", "en", "answerable", "What does the okapi of the zoo eat every morning?", must_include=[["leaves"]]),
    Case("speakers", "en", "answerable", "Who were the speakers of the talk?", must_include=[["Larrañeta"]]),
]


def run(stores: Stores, corpus: Path, publish: Publish = "auto", margin: float = 0.02) -> Report:
    def gate() -> Gate:
        return Gate(assistant(stores), CASES, stores.data / "checked", margin)

    return Run(stores, corpus, Web("test"), gate).ingest([], publish)


@pytest.fixture
def page(small_corpus: Path) -> Path:
    made = small_corpus / "events/okapi.md"
    made.write_text(OKAPI.format(food="leaves"))
    return made


def test_a_plan_tells_what_would_change_and_changes_nothing(stores: Stores, small_corpus: Path, page: Path) -> None:
    def plan() -> Report:
        return Run(stores, small_corpus, Web("test")).plan([])

    first = plan()
    assert (first.planned, first.edition, len(first.added), first.embed_seconds) == (True, 0, 5, None)
    assert stores.library.editions() == []
    run(stores, small_corpus)
    page.write_text(OKAPI.format(food="grass"))
    (small_corpus / "events/talk-speakers.md").unlink()
    (small_corpus / "events/bad.pdf").write_bytes(b"no")
    report = plan()
    assert (report.changed, report.removed) == (["events/okapi.md"], ["events/talk-speakers.md"])
    assert (report.embedded, report.unchanged, report.failed[0].uri) == (1, 3, "events/bad.pdf")
    assert [edition.number for edition in stores.library.editions()] == [1]
    assert "leaves" in found(stores, "okapi zoo morning")


def test_an_edition_is_open_before_it_is_served_and_nobody_who_asks_the_old_one_waits(
    stores: Stores, small_corpus: Path, page: Path
) -> None:
    run(stores, small_corpus)
    page.write_text(OKAPI.format(food="grass"))
    serving, known = assistant(stores), Question("What does the okapi of the zoo eat every morning?")
    serving.ask(known)
    said: list[str] = []

    def slowly(edition: Edition) -> Index:
        asker = threading.Thread(target=lambda: said.append(serving.ask(known).answer))
        asker.start()
        asker.join(10)
        return opened(edition)

    opened, serving.retriever._opened = serving.retriever._opened, slowly  # type: ignore[method-assign]
    Run(stores, small_corpus, Web("test"), opening=serving.retriever.index).ingest([])
    assert ["leaves" in text for text in said] == [True]
    serving.retriever._opened = opened  # type: ignore[method-assign]
    assert "grass" in serving.ask(known).answer


def test_no_model_is_asked_what_an_edition_is_judged_by(stores: Stores, small_corpus: Path, page: Path) -> None:
    class Model(QuotesEngine):
        name = "chat:model"

        def compose(self, task: Task) -> Iterator[Worded]:
            raise AssertionError("it costs money, and answers otherwise each time")

    writing = replace(assistant(stores), engine=Model())
    for food in ("leaves", "leaves and bark"):
        page.write_text(OKAPI.format(food=food))
        gate = Gate(writing, CASES, stores.data / "checked", 0.02)
        report = Run(stores, small_corpus, Web("test"), lambda gate=gate: gate).ingest([])  # type: ignore[misc]
    assert report.checked is not None
    assert report.checked.questions == 2


def test_an_edition_that_answers_worse_is_held_back(stores: Stores, small_corpus: Path, page: Path) -> None:
    first = run(stores, small_corpus)
    assert (first.published, first.checked) == (True, None), "there is nothing to compare the first with"
    page.write_text(OKAPI.format(food="grass"))
    held = run(stores, small_corpus)
    assert (held.published, held.edition, stores.library.current().number) == (False, 2, 1)
    assert "50.0% of 2 questions are answered right, 100.0% before" in held.held
    assert held.checked
    assert [(c.id, c.right_before, c.right_after) for c in held.checked.changes] == [("okapi", True, False)]
    assert "grass" in held.checked.changes[0].after
    stores.library.publish(2)
    assert "grass" in found(stores, "okapi zoo morning")


def test_a_held_edition_is_not_embedded_again_and_an_equal_one_is_published(
    stores: Stores, small_corpus: Path, page: Path
) -> None:
    run(stores, small_corpus)
    page.write_text(OKAPI.format(food="grass"))
    assert run(stores, small_corpus).embedded == 1
    again = run(stores, small_corpus)
    assert (again.edition, again.embedded, again.published) == (2, 0, False), "the held one is not built again"
    page.write_text(OKAPI.format(food="green leaves"))
    good = run(stores, small_corpus)
    assert (good.published, good.held) == (True, "")
    page.write_text(OKAPI.format(food="grass"))
    assert run(stores, small_corpus, margin=0.5).published, "within the margin"


def test_publishing_is_left_to_the_maintainer_on_request(stores: Stores, small_corpus: Path, page: Path) -> None:
    assert run(stores, small_corpus).published
    page.write_text(OKAPI.format(food="young leaves"))
    report = run(stores, small_corpus, "never")
    assert (report.published, stores.library.current().number) == (False, 1)
    assert report.checked
    assert [change.id for change in report.checked.changes] == ["okapi"]


def test_a_first_edition_that_is_not_to_be_published_is_built(stores: Stores, small_corpus: Path, page: Path) -> None:
    report = run(stores, small_corpus, "never")
    assert (report.published, report.held, report.edition) == (False, "Publishing was left to you.", 1)
    stores.library.publish(1)


def test_outcomes_of_an_edition_are_asked_once(stores: Stores, small_corpus: Path, page: Path) -> None:
    run(stores, small_corpus)
    page.write_text(OKAPI.format(food="young leaves"))
    run(stores, small_corpus)
    kept = sorted(file.name.partition("-")[0] for file in (stores.data / "checked").iterdir())
    assert kept == ["1", "2"]
    asked: list[str] = []
    page.write_text(OKAPI.format(food="old leaves"))
    gate = Gate(assistant(stores), CASES, stores.data / "checked", 0.02)
    stages = Stages(lambda stage, done, total: asked.append(stage))
    Run(stores, small_corpus, Web("test"), lambda: gate, stages).ingest([])
    assert asked.count("check") == len(CASES) + 1, "only the new edition is asked"


def test_what_differs_between_editions(stores: Stores, small_corpus: Path, page: Path) -> None:
    run(stores, small_corpus)
    page.write_text(OKAPI.format(food="green leaves"))
    (small_corpus / "events/new.md").write_text("The zebra is new.")
    (small_corpus / "events/talk-not-known.md").unlink()
    run(stores, small_corpus)
    found = difference(stores.library, 1, 2)
    assert (found.added, found.removed) == (("events/new.md",), ("events/talk-not-known.md",))
    assert [changed.uri for changed in found.changed] == ["events/okapi.md"]
    assert "+The okapi of the zoo eats green leaves every morning." in found.changed[0].lines


def test_the_served_edition_cannot_be_retired_and_a_retired_one_not_published(
    stores: Stores, small_corpus: Path, page: Path
) -> None:
    run(stores, small_corpus)
    page.write_text(OKAPI.format(food="green leaves"))
    run(stores, small_corpus)
    with pytest.raises(Conflict, match="Edition 2 is being served"):
        stores.drop(2)
    assert "leaves" in found(stores, "okapi zoo morning"), "a refused retirement removes nothing"
    stores.drop(1)
    with pytest.raises(Conflict, match="Edition 1 is retired"):
        stores.library.publish(1)


def test_near_duplicates_and_partly_read_documents_are_told(stores: Stores, small_corpus: Path) -> None:
    speakers = small_corpus / "events/talk-speakers.md"
    (small_corpus / "events/copy.md").write_text(speakers.read_text() + "\nOne more line.\n")
    report = run(stores, small_corpus)
    assert report.near_duplicates == [("events/copy.md", "events/talk-speakers.md")]


def test_a_corpus_that_is_almost_gone_is_held_back(stores: Stores, small_corpus: Path) -> None:
    for number in range(8):
        (small_corpus / f"events/animal-{number}.md").write_text(f"The animal number {number} is here.")
    run(stores, small_corpus)
    for page in [*small_corpus.rglob("animal-*.md")][:6]:
        page.unlink()
    report = run(stores, small_corpus)
    assert (report.published, "6 of 12 documents would go" in report.held) == (False, True)
    (small_corpus / "events/animal-7.md").touch()
    assert len(stores.library.documents(stores.library.current().number)) == 12


def test_the_edition_served_before_is_kept_however_many_were_held(
    stores: Stores, small_corpus: Path, page: Path
) -> None:
    run(stores, small_corpus)
    for number in range(4):
        page.write_text(OKAPI.format(food=f"grass {number}"))
        assert not run(stores, small_corpus).published
    page.write_text(OKAPI.format(food="fresh leaves"))
    assert run(stores, small_corpus).published
    stores.library.publish(1)
    assert "leaves" in found(stores, "okapi zoo morning")


def test_lost_vectors_are_built_again(stores: Stores, small_corpus: Path, page: Path) -> None:
    run(stores, small_corpus)
    stores.vectors.drop(1)
    report = run(stores, small_corpus)
    assert (report.edition, report.published, report.unchanged) == (2, True, 5)
    assert "the old one cannot be asked" in report.notes[-1].text
    assert "leaves" in found(stores, "okapi zoo morning")


def test_the_report_is_a_page_and_what_it_quotes_is_only_text(
    stores: Stores, small_corpus: Path, page: Path, tmp_path: Path
) -> None:
    run(stores, small_corpus)
    page.write_text(OKAPI.format(food="<script>alert(1)</script> grass"))
    (small_corpus / "events/<b>.pdf").write_bytes(b"no")
    report = run(stores, small_corpus)
    write_report(report, tmp_path / "report.html", "today")
    text = (tmp_path / "report.html").read_text()
    assert "Edition 2 is built but not served" in text
    assert "&lt;b&gt;.pdf" in text
    assert "<script>" not in text
    assert "http" not in text.replace("http-equiv", ""), "nothing from outside"
    assert "A plan" in report_page({**report.__dict__, "planned": True, "read": {}, "checked": None}, "today")
