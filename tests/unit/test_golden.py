"""The file of the questions that new editions are asked: what may stand in it, and that no change breaks it."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assistant.errors import BadRequest, Conflict, NotFound
from assistant.evaluate import Case, read_questions
from assistant.golden import add_case, doubts, make_case, read_golden, remove_case
from assistant.records import Chunk, Document
from assistant.settings import Settings
from assistant.wiring import Stores
from ingest.run import open_run

FIRST = '{"id": "1", "question": "Who pays?", "must_include": [["the buyer"]]}'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "questions.jsonl"
    made.write_text(FIRST)  # without an end of line
    return made


def asked(file: Path) -> list[str]:
    return [case.question for case in read_questions(file)]


# --- what a question is


def test_a_new_question_has_no_personal_data_and_its_own_id() -> None:
    case = make_case("I'm Ana Kovač (ana@firma.hr):\n what is  PCP?", "en", facts=[[" a\u2028 b", "c"]])
    assert case.question == "I'm […] ([…]): what is PCP?"
    assert case.must_include == [["a b", "c"]]
    assert case.id != make_case("What is PCP?", "en").id


def test_a_question_to_be_refused_is_marked_and_has_no_facts() -> None:
    assert make_case("What is the weather?", "en", "unanswerable").abstain
    for wrong in ({"facts": [["rain"]]}, {"document": "rain.md"}):
        with pytest.raises(BadRequest, match="to be refused"):
            make_case("What is the weather?", "en", "unanswerable", **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("question", ["", " \n", "ana@firma.hr", "\0"])
def test_what_holds_no_question_is_refused(question: str) -> None:
    with pytest.raises(BadRequest, match="no question"):
        make_case(question, "en")


@pytest.mark.parametrize(
    ("facts", "says"),
    [([[]], "empty"), ([["a", " "]], "empty"), ([["ana@firma.hr"]], "personal data"), ([["\ud800"]], "personal data")],
)
def test_a_key_fact_that_cannot_be_found_in_an_answer_is_refused(facts: list[list[str]], says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        make_case("Who?", "en", facts=facts)


# --- the file


def test_a_question_is_added_at_the_end_and_the_other_lines_stay(file: Path) -> None:
    case = make_case("Wer zahlt?\u2028Und wann?", "de", facts=[["sofort", "at once"]], document="a\u2028\ud800b.md")
    add_case(file, case)
    assert file.read_text().startswith(FIRST + "\n")
    assert read_questions(file) == [Case("1", question="Who pays?", must_include=[["the buyer"]]), case]
    assert [path.name for path in file.parent.iterdir()] == ["questions.jsonl"]


def test_the_first_question_makes_the_file_and_the_last_takes_it_away(tmp_path: Path) -> None:
    file, case = tmp_path / "new" / "questions.jsonl", make_case("Who?", "en")
    assert read_golden(file) == []
    add_case(file, case)
    assert asked(file) == ["Who?"]
    with pytest.raises(Conflict, match="last question"):
        remove_case(file, case.id, keep_one=True)
    remove_case(file, case.id)
    assert not file.exists()


def test_the_same_question_in_other_letters_is_refused(file: Path) -> None:
    with pytest.raises(Conflict, match="with the id 1"):
        add_case(file, make_case("who  PAYS?", "en"))
    file.write_text('{"question": "And when?", "history": [{"role": "user", "content": "Who pays?"}]}')
    add_case(file, make_case("And when?", "en"))
    assert asked(file) == ["And when?"] * 2, "one of them continues another"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("nonsense", "line 2"),
        ('{"question": "Who?", "must_include": ["a word"]}', "line 2: must_include.0"),
        ("[]", "line 2"),
        ("\udcff", "not in UTF-8"),
    ],
)
def test_a_file_with_a_broken_line_is_left_as_it_is(file: Path, line: str, says: str) -> None:
    file.write_text(f"{FIRST}\n{line}\n", errors="surrogateescape")
    before = file.read_bytes()
    for change in (lambda: add_case(file, make_case("Who?", "en")), lambda: remove_case(file, "1")):
        with pytest.raises(Conflict, match=says):
            change()
    assert file.read_bytes() == before


def test_only_a_question_with_an_id_of_its_own_is_removed(file: Path) -> None:
    file.write_text('{"question": "A?"}\n\n{"id": 7, "question": "B?"}\n{"id": "x", "question": "C?"}\n')
    with pytest.raises(NotFound, match="'1'"):
        remove_case(file, "1")
    remove_case(file, "7")
    assert file.read_text() == '{"question": "A?"}\n\n{"id": "x", "question": "C?"}\n'
    file.write_text('{"id": "x", "question": "C?"}\n{"id": "x", "question": "D?"}\n')
    with pytest.raises(Conflict, match="2 questions"):
        remove_case(file, "x")


def test_a_link_stays_a_link_and_the_file_keeps_its_rights(file: Path, tmp_path: Path) -> None:
    file.chmod(0o640)
    link = tmp_path / "corpus" / "questions.jsonl"
    link.parent.mkdir()
    link.symlink_to(file)
    add_case(link, make_case("Who?", "en"))
    assert link.is_symlink()
    assert asked(file) == ["Who pays?", "Who?"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_many_writers_lose_nothing(file: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: add_case(file, make_case(f"Question {n}?", "en")), range(40)))
    assert sorted(asked(file)) == sorted(["Who pays?", *(f"Question {n}?" for n in range(40))])


def test_a_file_that_cannot_be_written_is_told_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "corpus").write_text("a file where a folder should be")
    with pytest.raises(Conflict, match=r"^questions\.jsonl cannot be changed: (File exists|Not a directory)\.") as told:
        add_case(tmp_path / "corpus" / "questions.jsonl", make_case("Who?", "en"))
    assert str(tmp_path) not in str(told.value)


def test_a_write_that_breaks_off_leaves_the_file_whole(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(Conflict, match="No space left"):
        add_case(file, make_case("Who?", "en"))
    assert [path.name for path in file.parent.iterdir()] == ["questions.jsonl"]
    assert file.read_text() == FIRST


def test_the_next_ingest_asks_it(stores: Stores, tmp_path: Path) -> None:
    settings = Settings(data=stores.data, corpus=tmp_path / "corpus")
    case = make_case("Who?", "en", facts=[["me"]])
    add_case(settings.asked, case)
    run = open_run(settings, stores, lambda: None)  # type: ignore[arg-type, return-value]
    assert run.gate is not None
    assert run.gate().cases == [case]


# --- the documents


def test_what_no_served_document_says_is_doubted(stores: Stores) -> None:
    library, passage = stores.library, "The mayor\u00a0pays EUR 143 000."
    library.add_version(Document("d", "p.md", "Paying", "x"), passage, [Chunk("c", "d", passage, 0, len(passage))])
    edition = library.begin_edition("words", 64)
    library.add_members(edition, ["x"])
    library.finish_edition(edition)
    library.publish(edition)
    fits = make_case("Who?", "en", facts=[["nobody", "the mayor"], ["143 000"]], document="p.md")
    assert doubts(library, fits) == []
    unfit = make_case("Who?", "en", facts=[["the mayor"], ["43 000"], ["a", "b c"]], document="q.md")
    assert doubts(library, unfit)[0] == "No served document says “43 000”."
    assert doubts(library, unfit)[-1] == "No served document has the uri q.md."
    assert "Without key facts" in doubts(library, make_case("Who?", "en"))[0]
    assert doubts(library, make_case("Who?", "en", "unanswerable")) == []


def test_every_line_of_the_golden_set_is_listed() -> None:
    golden = Path(__file__).parents[1] / "quality" / "golden.jsonl"
    assert [case.id for case in read_golden(golden)] == [json.loads(line)["id"] for line in golden.open()]
