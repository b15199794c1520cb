"""The file of the questions that new editions are asked: what may stand in it, and that no change breaks it."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assistant.errors import BadRequest, BadSetting, Conflict, NotFound
from assistant.evaluate import Case, read_questions
from assistant.golden import (
    add_asked,
    add_case,
    doubts,
    make_case,
    read_asked,
    read_golden,
    remove_asked,
    remove_case,
)
from assistant.records import Chunk, Document
from assistant.settings import Settings
from assistant.wiring import Stores
from ingest.run import open_run

ME = [["me"]]
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
    assert case.id != make_case("What is PCP?", "en", facts=ME).id


def test_a_question_to_be_refused_is_marked_and_has_no_facts() -> None:
    assert make_case("What is the weather?", "en", "unanswerable").abstain
    for wrong in ({"facts": [["rain"]]}, {"document": "rain.md"}):
        with pytest.raises(BadRequest, match="to be refused"):
            make_case("What is the weather?", "en", "unanswerable", **wrong)  # type: ignore[arg-type]


def test_a_question_to_be_answered_needs_a_key_fact() -> None:
    with pytest.raises(BadRequest, match="needs a key fact"):
        make_case("Who?", "en", document="p.md")


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
    file, case = tmp_path / "new" / "questions.jsonl", make_case("Who?", "en", facts=ME)
    assert read_golden(file) == []
    add_case(file, case)
    assert asked(file) == ["Who?"]
    remove_case(file, case.id)
    assert not file.exists()


def test_the_same_question_in_other_letters_is_refused(file: Path) -> None:
    with pytest.raises(Conflict, match="with the id 1"):
        add_case(file, make_case("who  PAYS?", "en", facts=ME))
    file.write_text('{"question": "And when?", "history": [{"role": "user", "content": "Who pays?"}]}')
    add_case(file, make_case("And when?", "en", facts=ME))
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
    for change in (lambda: add_case(file, make_case("Who?", "en", facts=ME)), lambda: remove_case(file, "1")):
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
    add_case(link, make_case("Who?", "en", facts=ME))
    assert link.is_symlink()
    assert asked(file) == ["Who pays?", "Who?"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_many_writers_lose_nothing(file: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: add_case(file, make_case(f"Question {n}?", "en", facts=ME)), range(40)))
    assert sorted(asked(file)) == sorted(["Who pays?", *(f"Question {n}?" for n in range(40))])


def test_a_file_that_cannot_be_written_is_told_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "corpus").write_text("a file where a folder should be")
    with pytest.raises(Conflict, match=r"^questions\.jsonl cannot be changed: (File exists|Not a directory)\.") as told:
        add_case(tmp_path / "corpus" / "questions.jsonl", make_case("Who?", "en", facts=ME))
    assert str(tmp_path) not in str(told.value)


def test_a_write_that_breaks_off_leaves_the_file_whole(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(Conflict, match="No space left"):
        add_case(file, make_case("Who?", "en", facts=ME))
    assert [path.name for path in file.parent.iterdir()] == ["questions.jsonl"]
    assert file.read_text() == FIRST


# --- both files


@pytest.fixture
def settings(stores: Stores, file: Path) -> Settings:
    """The maintainers ask one question; nothing of our own yet."""
    return Settings(data=stores.data, corpus=file.parent)


def test_the_next_ingest_asks_both_and_only_our_own_file_was_written(
    settings: Settings, stores: Stores, file: Path
) -> None:
    case = make_case("Who?", "en", facts=ME)
    add_asked(settings, case)
    run = open_run(settings, stores, lambda: None)  # type: ignore[arg-type, return-value]
    assert run.gate is not None
    assert [asked.id for asked in run.gate().cases] == ["1", case.id]
    assert [asked.own for asked in read_asked(settings)] == [False, True]
    assert file.read_text() == FIRST
    remove_asked(settings, case.id)
    assert [asked.id for asked in read_asked(settings)] == ["1"]


def test_our_own_are_asked_where_the_maintainers_have_no_file(settings: Settings, stores: Stores, file: Path) -> None:
    file.unlink()
    assert open_run(settings, stores, lambda: None).gate is None  # type: ignore[arg-type, return-value]
    add_asked(settings, make_case("Who?", "en", facts=ME))
    assert open_run(settings, stores, lambda: None).gate is not None  # type: ignore[arg-type, return-value]
    assert not file.exists()


def test_a_named_file_without_questions_stops_the_ingest(stores: Stores, tmp_path: Path) -> None:
    named = tmp_path / "mine.jsonl"
    settings = Settings(data=stores.data, questions=named)
    for write in (lambda: None, named.touch):
        write()
        with pytest.raises(BadSetting, match="no such file, or an empty one"):
            open_run(settings, stores, None)


def test_a_question_of_the_maintainers_is_not_added_again_and_not_removed(settings: Settings, file: Path) -> None:
    with pytest.raises(Conflict, match="with the id 1"):
        add_asked(settings, make_case("Who pays?", "en", facts=ME))
    with pytest.raises(Conflict, match="'1' is one of the maintainers' file"):
        remove_asked(settings, "1")
    with pytest.raises(NotFound, match="'2'"):
        remove_asked(settings, "2")
    assert file.read_text() == FIRST


def test_the_same_id_in_both_files_names_two_questions(settings: Settings, file: Path) -> None:
    (settings.data / "questions.jsonl").write_text('{"id": "1", "question": "Who?"}\n')
    assert [(asked.id, asked.own) for asked in read_asked(settings)] == [("1", False), ("own-1", True)]
    remove_asked(settings, "own-1")
    assert not (settings.data / "questions.jsonl").exists()
    assert file.read_text() == FIRST


def test_a_maintainers_file_that_is_that_of_the_data_folder_is_read_once_and_not_written(
    settings: Settings, file: Path
) -> None:
    (settings.data / "questions.jsonl").symlink_to(file)
    assert [(asked.id, asked.own) for asked in read_asked(settings)] == [("1", False)]
    with pytest.raises(Conflict, match=r"names questions\.jsonl of the data folder"):
        add_asked(settings, make_case("Who?", "en", facts=ME))
    assert file.read_text() == FIRST


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
    assert doubts(library, make_case("Who?", "en", "unanswerable")) == []


def test_every_line_of_the_golden_set_is_listed() -> None:
    golden = Path(__file__).parents[1] / "quality" / "golden.jsonl"
    assert [case.id for case in read_golden(golden)] == [json.loads(line)["id"] for line in golden.open()]
