"""What is kept of questions, for how long, and the themes that they make."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from assistant.ask import Assistant
from assistant.embedders import BundledE5, Embedder
from assistant.errors import NotFound
from assistant.insights import Theme, find_theme, mark_done, note_feedback, note_missed, themes
from assistant.library import Library
from assistant.records import Anchor, Answer, Citation, Document, Reason
from assistant.runs import Runner
from assistant.settings import Keeping, Settings
from assistant.wiring import Stores
from tests.e2e.test_library import BEFORE_REVISIONS
from tests.fakes import WordEmbedder

PARKING = "What does parking cost in Zagreb?"


@pytest.fixture
def library(stores: Stores) -> Library:
    return stores.library


def ago(**time: int) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat(timespec="seconds")


def answer(
    id_: str = "a", reason: Reason | None = Reason.NOT_IN_CORPUS, document: str | None = None, used: str = ""
) -> Answer:
    cited = (
        ()
        if document is None
        else (Citation(1, document, "T", "t.md", None, Anchor(), "", "q", (0, 1), None, None, 1, "d"),)
    )
    return Answer(id_, "", reason is not None, reason, "en", used, (), cited, (), 1, "quotes")


def miss(library: Library, question: str, asker: str, **more: Any) -> int:
    values = {"answer": f"{asker}-{question}", "language": "en", "reason": "not_in_corpus", "edition": 1, **more}
    return library.missed.add(question=question, asker=asker, **values)


def shown(library: Library, embedder: Embedder | None = None, **asked: int) -> list[Theme]:
    return themes(library, embedder or WordEmbedder(), **asked)


# --- what is kept


def test_a_refused_question_is_kept_without_personal_data(library: Library) -> None:
    note_missed(library, "I'm Ana Kovač (ana@firma.hr):  what is PCP?", answer(document="doc"), "203.0.113.7")
    (row,) = library.missed.rows("")
    assert row["question"] == "I'm […] ([…]): what is PCP?"
    assert (row["answer"], row["reason"], row["document"], row["language"]) == ("a", "not_in_corpus", "doc", "en")
    assert "203" not in row["asker"]
    assert len(row["asker"]) == 16


@pytest.mark.parametrize("reason", [None, Reason.UNCLEAR])
def test_what_was_answered_or_asked_back_is_not_kept(library: Library, reason: Reason | None) -> None:
    note_missed(library, PARKING, answer(reason=reason), "203.0.113.7")
    assert library.missed.rows("") == []


def test_nothing_is_kept_when_insights_are_off(library: Library) -> None:
    note_missed(library, PARKING, answer(), "203.0.113.7", Keeping(on=False))
    assert library.missed.rows("") == []


def test_a_long_question_is_cut_and_odd_characters_go(library: Library) -> None:
    note_missed(library, "Why\0 \ud800 " + "so " * 1000, answer(), "203.0.113.7")
    kept = library.missed.rows("")[0]["question"]
    assert (len(kept), kept[:6]) == (500, "Why ? ")


def test_a_restricted_question_is_not_kept(library: Library) -> None:
    note_missed(library, PARKING, answer(), "203.0.113.7", restricted=True)
    assert library.missed.rows("") == []


def test_a_follow_up_is_kept_as_it_was_understood(library: Library) -> None:
    used = "Who pays the mayor? I'm Ana Kovač. And in Split?"
    note_missed(library, "And in Split?", answer(used=used), "203.0.113.7", asked_after=True)
    note_missed(library, "And in Split?", answer(used="And in split?"), "203.0.113.7")
    kept = [row["question"] for row in library.missed.rows("")]
    assert kept == ["Who pays the mayor? I'm […]. And in Split?", "And in Split?"]


def test_a_client_leaves_fifty_questions_a_day_at_most(library: Library) -> None:
    for number in range(52):
        note_missed(library, PARKING, answer(str(number)), "203.0.113.7")
    assert len(library.missed.rows("")) == 50
    note_missed(library, PARKING, answer("other"), "203.0.113.8")
    library.missed.erase("0")
    note_missed(library, PARKING, answer("again"), "203.0.113.7")
    assert [row["answer"] for row in library.missed.rows("")][-2:] == ["other", "again"]


def test_a_network_of_ipv6_is_one_asker(library: Library) -> None:
    for address in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"):
        note_missed(library, PARKING, answer(address), address)
    marks = [row["asker"] for row in library.missed.rows("")]
    assert (marks[0] == marks[1], marks[0] == marks[2]) == (True, False)


def test_an_asker_is_the_same_all_day_and_another_on_the_next(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Tomorrow:
            return cast(Tomorrow, datetime.now(tz) + timedelta(days=1))

    for client in ("203.0.113.7", "203.0.113.7", "203.0.113.8"):
        note_missed(library, PARKING, answer(), client)
    monkeypatch.setattr("assistant.insights.datetime", Tomorrow)
    note_missed(library, PARKING, answer(), "203.0.113.7")
    first, again, other, tomorrow = (row["asker"] for row in library.missed.rows(""))
    assert first == again
    assert len({first, other, tomorrow}) == 3


def test_only_a_complaint_keeps_its_question(library: Library) -> None:
    said: dict[str, Any] = {"language": "en", "edition": 1, "comment": "Thanks. ana@firma.hr", "question": PARKING}
    note_feedback(library, answer="a", rating="up", **said)
    note_feedback(library, answer="b", rating="down", reason="wrong", **said)
    down, up = library.feedback.latest()
    assert (up["question"], up["comment"]) == (None, "Thanks. […]")
    assert (down["question"], down["comment"], down["reason"]) == (PARKING, "Thanks. […]", "wrong")


def test_a_complaint_has_a_mark_of_who_complained_and_praise_has_none(library: Library, stores: Stores) -> None:
    said: dict[str, Any] = {"language": "en", "edition": 1, "client": "203.0.113.7"}
    for id_, rating, question in (("a", "down", PARKING), ("b", "down", PARKING), ("c", "down", None), ("d", "up", "")):
        note_feedback(library, answer=id_, rating=cast(Any, rating), question=question, **said)
    note_missed(library, PARKING, answer("e"), "203.0.113.7")
    with closing(sqlite3.connect(stores.data / "library.db")) as db:
        marks = [mark for (mark,) in db.execute("SELECT asker FROM feedback ORDER BY answer")]
    (missed,) = library.missed.rows("")
    assert marks == [missed["asker"], missed["asker"], None, None]
    assert all("asker" not in row for row in library.feedback.latest()), "staff need not see it"


def test_a_library_of_before_gets_the_column_of_who_complained(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    Library(url).close()
    with closing(sqlite3.connect(tmp_path / "old.db")) as db:
        db.executescript(BEFORE_REVISIONS + "ALTER TABLE feedback DROP COLUMN asker")
        db.execute(
            "INSERT INTO feedback (answer, rating, comment, question, language, edition, created) "
            "VALUES ('old', 'down', '', 'Why?', 'en', 1, '2026-01-01T00:00:00+00:00')"
        )
        db.commit()
    for client in ("203.0.113.7", "203.0.113.8"):
        with closing(Library(url)) as library:
            note_feedback(library, answer=client, rating="down", language="en", edition=1, question="", client=client)
            note_feedback(library, answer="b", rating="down", language="en", edition=1, question="Why?", client=client)
            assert [bool(row["asker"]) for row in library.feedback.rows("")] == [False, True]


def test_a_second_rating_replaces_the_first(library: Library) -> None:
    first = note_feedback(library, answer="a", rating="down", language="en", edition=1, question=PARKING)
    second = note_feedback(library, answer="a", rating="up", language="en", edition=1)
    assert [row["id"] for row in library.feedback.latest()] == [second]
    assert second > first


# --- the logs


def test_feedback_by_week_and_by_edition(library: Library) -> None:
    for number, (rating, edition, at) in enumerate(
        [("up", 1, ago(days=7)), ("down", 1, ago(days=7)), ("up", 2, ago()), ("up", 2, ago(days=700))]
    ):
        library.feedback.add(answer=f"a{number}", rating=rating, language="en", edition=edition, at=at)
    weeks = library.feedback.by_week(4)
    assert [counts[1:] for counts in weeks] == [(0, 0), (0, 0), (1, 1), (1, 0)]
    assert {datetime.fromisoformat(week).weekday() for week, _, _ in weeks} == {0}
    assert library.feedback.by_edition() == {1: (1, 1), 2: (2, 0)}
    assert [row["answer"] for row in library.feedback.latest(1, "down")] == ["a1"]


def test_missed_by_week(library: Library) -> None:
    for at in (ago(days=14), ago(), ago()):
        miss(library, PARKING, "p", at=at)
    assert [count for _, count in library.missed.by_week(4)] == [0, 1, 0, 2]


def test_feedback_that_is_not_there_cannot_be_done(library: Library) -> None:
    with pytest.raises(NotFound, match="no feedback 9"):
        library.feedback.done(9)


def test_the_newest_rows_are_read_oldest_first(library: Library) -> None:
    for number in range(4):
        miss(library, f"Question {number}", "p")
    assert [row["question"] for row in library.missed.rows("", 2)] == ["Question 2", "Question 3"]


def test_sessions_that_are_over_are_deleted_when_one_is_opened_and_by_the_runner(stores: Stores) -> None:
    def held() -> int:
        with closing(sqlite3.connect(stores.data / "library.db")) as db:
            return int(db.execute("SELECT count(*) FROM sessions").fetchone()[0])

    sessions = stores.library.sessions
    sessions.open(7, -1)
    sessions.open(7, 8)
    assert held() == 1
    later = datetime.now(UTC) + timedelta(hours=9)
    runner = Runner(Settings(data=stores.data), stores, lambda: cast(Assistant, None), clock=lambda: later)
    runner.tidy()
    assert held() == 0


def test_a_session_ends_by_itself_or_is_closed(library: Library, stores: Stores) -> None:
    token, over = library.sessions.open(7, 8), library.sessions.open(7, -1)
    assert (library.sessions.find(token), library.sessions.find(over), library.sessions.find("")) == (7, None, None)
    kept = b"".join(file.read_bytes() for file in stores.data.glob("library.db*"))
    assert token.encode() not in kept
    library.sessions.close(token)
    assert library.sessions.find(token) is None


def test_what_is_erased_is_not_in_the_file_any_longer(library: Library, stores: Stores) -> None:
    def held(word: bytes) -> bool:
        return word in b"".join(file.read_bytes() for file in stores.data.glob("library.db*"))

    miss(library, "Where is the quokka?", "p", answer="a")
    library.feedback.add(answer="a", rating="down", language="en", edition=1, comment="numbat")
    assert (held(b"quokka"), held(b"numbat")) == (True, True)
    assert library.missed.erase("a") + library.feedback.erase("a") == 2
    assert (held(b"quokka"), held(b"numbat")) == (False, False)


def test_what_is_old_is_deleted_at_the_start_and_once_a_day(stores: Stores) -> None:
    now = datetime(2026, 11, 25, 12, tzinfo=UTC)
    runner = Runner(Settings(data=stores.data, keep_days=30), stores, lambda: cast(Assistant, None), clock=lambda: now)
    for day in ("2026-10-25", "2026-10-27"):
        miss(stores.library, day, "p", at=f"{day}T12:00:00+00:00")
        stores.library.feedback.add(answer=day, rating="up", language="en", edition=1, at=f"{day}T12:00:00+00:00")
    left = lambda: ([r["question"] for r in stores.library.missed.rows("")], len(stores.library.feedback.latest()))  # noqa: E731
    last = runner.tidy()
    assert left() == (["2026-10-27"], 1)
    now += timedelta(hours=11)
    stores.library.missed.add(
        answer="x", question="old", language="en", reason="outdated", edition=1, asker="p", at="2026-01-01"
    )
    last = runner.tidy(last)
    assert left() == (["2026-10-27", "old"], 1), "once a day"
    now += timedelta(days=2)
    runner.tidy(last)
    assert left() == ([], 0)


# --- themes


def test_a_theme_shows_once_enough_people_asked(library: Library) -> None:
    for asker in ("p1", "p1", "p1", "p2"):
        miss(library, PARKING, asker, answer=f"{asker}{len(library.missed.rows(''))}")
    assert shown(library) == []
    miss(library, "what does parking cost in zagreb?", "p3", language="hr", reason="out_of_scope")
    (theme,) = shown(library)
    assert (theme.count, theme.people) == (5, 3)
    assert theme.languages == {"en": 4, "hr": 1}
    assert theme.reasons == {"not_in_corpus": 4, "out_of_scope": 1}
    assert theme.weeks == (0,) * 11 + (5,)
    assert theme.change == 5
    assert theme.rows == (1, 2, 3, 4, 5)


def test_many_complaints_of_one_client_are_one_person(library: Library) -> None:
    said: dict[str, Any] = {"rating": "down", "language": "en", "edition": 1, "question": PARKING}
    for number in range(3):
        note_feedback(library, answer=f"a{number}", client="203.0.113.7", **said)
    note_missed(library, PARKING, answer("b"), "203.0.113.7")
    (theme,) = shown(library, people=1)
    assert (theme.people, theme.count) == (1, 4)
    for number in range(2):
        note_feedback(library, answer=f"c{number}", **said)
    assert shown(library)[0].people == 3, "of unknown clients each complaint counts"


def test_themes_read_the_newest_rows(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.insights.ROWS", 3)
    for number in range(3):
        miss(library, "Who pays the mayor?", f"p{number}")
    for number in range(3):
        miss(library, PARKING, f"p{number}")
    assert [theme.question for theme in shown(library, people=1)] == [PARKING]


def test_a_complaint_counts_as_one_person_unless_the_refusal_is_counted(library: Library) -> None:
    miss(library, PARKING, "p1", answer="a")
    down: dict[str, Any] = {"rating": "down", "language": "en", "edition": 1, "question": PARKING}
    library.feedback.add(answer="a", **down)
    library.feedback.add(answer="b", **down)
    (theme,) = shown(library, people=1)
    assert (theme.people, theme.count, theme.rows, theme.complaints) == (2, 2, (1,), (1, 2))
    assert theme.reasons == {"not_in_corpus": 1, "down": 1}
    assert shown(library, people=3) == []


def test_different_questions_are_different_themes_the_most_asked_first(library: Library) -> None:
    for number in range(3):
        miss(library, "Who pays the mayor?", f"p{number}")
    for number in range(4):
        miss(library, PARKING, f"p{number}")
    assert [theme.question for theme in shown(library)] == [PARKING, "Who pays the mayor?"]


def test_the_most_central_wording_stands_for_a_theme(library: Library) -> None:
    for number, question in enumerate([PARKING + " today", PARKING, PARKING + " now", PARKING]):
        miss(library, question, f"p{number}")
    (theme,) = shown(library)
    assert theme.question == PARKING
    assert set(theme.questions) == {PARKING + " today", PARKING + " now"}


def test_the_document_that_was_cited_most_is_named_with_its_title(library: Library) -> None:
    library.add_version(Document("d2", "p.md", "Parking", "digest"), "", [])
    edition = library.begin_edition("words", 64)
    library.add_members(edition, ["digest"])
    library.finish_edition(edition)
    library.publish(edition)
    for number, document in enumerate(["d1", "d2", "d2", None]):
        miss(library, PARKING, f"p{number}", document=document)
    (theme,) = shown(library)
    assert (theme.document, theme.title) == ("d2", "Parking")


def test_every_question_is_embedded_once(library: Library) -> None:
    class Counting(WordEmbedder):
        asked = 0

        def embed_query(self, text: str) -> list[float]:
            self.asked += 1
            return super().embed_query(text)

    embedder = Counting()
    for number in range(3):
        miss(library, PARKING, f"p{number}")
    library.feedback.add(answer="b", rating="down", language="en", edition=1, question=PARKING)
    first, second = shown(library, embedder), shown(library, embedder)
    assert (first, embedder.asked) == (second, 4)
    embedder.name = "another"
    shown(library, embedder)
    assert embedder.asked == 8


def test_a_theme_that_is_done_is_gone_until_it_is_asked_again(library: Library) -> None:
    for number in range(3):
        miss(library, PARKING, f"p{number}")
    library.feedback.add(answer="b", rating="down", language="en", edition=1, question=PARKING)
    (theme,) = shown(library)
    mark_done(library, find_theme(shown(library), theme.id))
    assert shown(library, people=1) == []
    with pytest.raises(NotFound, match="no such theme"):
        find_theme(shown(library, people=1), theme.id)
    assert library.feedback.latest()[0]["done"]
    miss(library, PARKING, "p9")
    assert [theme.count for theme in shown(library, people=1)] == [1]


def test_a_theme_keeps_its_id_when_more_people_ask(library: Library) -> None:
    for number in range(3):
        miss(library, PARKING, f"p{number}")
    before = shown(library)[0].id
    miss(library, PARKING, "p9")
    assert shown(library)[0].id == before


def test_what_is_older_than_asked_for_is_left_out(library: Library) -> None:
    for number, days in enumerate([1, 2, 40]):
        miss(library, PARKING, f"p{number}", at=ago(days=days))
    assert shown(library, days=30) == []
    (theme,) = shown(library, days=60)
    assert theme.first < theme.last


WORDINGS = {
    "ukraine": [
        ("en", "Can Ukrainian companies take part in PCP tenders?"),
        ("de", "Dürfen ukrainische Unternehmen an einer PCP teilnehmen?"),
        ("fr", "Les entreprises ukrainiennes peuvent-elles participer à un PCP ?"),
    ],
    "weather": [
        ("en", "What will the weather be in Brussels tomorrow?"),
        ("de", "Wie wird das Wetter morgen in Brüssel?"),
        ("fr", "Quel temps fera-t-il demain à Bruxelles ?"),
    ],
}


def test_the_bundled_model_groups_questions_across_languages(library: Library, tmp_path: Path) -> None:
    for theme, wordings in WORDINGS.items():
        for number, (language, question) in enumerate(wordings):
            miss(library, question, f"{theme}{number}", language=language)
    found = themes(library, BundledE5(tmp_path / "models"))
    grouped = [sorted((theme.question, *theme.questions)) for theme in found]
    assert sorted(grouped) == sorted(sorted(q for _, q in wordings) for wordings in WORDINGS.values())
    assert [theme.languages for theme in found] == [{"en": 1, "de": 1, "fr": 1}] * 2
