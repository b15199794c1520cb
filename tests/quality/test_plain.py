"""The plain questions that people really ask: where they are listed, and what the listed ones are answered with.

`plain.jsonl` holds 60 that no section lists word for word; `test_quality.py` holds the floors under them, over its one
edition. A question listed for a section that states something is answered from there, one listed for a recorded gap is
refused with it; so no question may stand on both sides. To list a question for two documents that both answer it, add
its words to SHARED.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import pytest

from assistant.evaluate import has_all, normal, read_questions
from assistant.listed import words_of
from ingest.listing import find
from ingest.readers import read
from tests.conftest import Server

HERE = Path(__file__).parent
CORPUS = HERE.parents[1] / "corpus"
PLAIN = HERE / "plain.jsonl"
SHARED = {
    "che cosa sono gli european innovation procurement awards",
    "how can our region become host of clusters meet regions",
    "how many communities of practice does big buyers working together set up",
    "how many digits does a cpv code have",
    "how many solutions came out of indemand",
    "on whose behalf are the eu clusters talks held",
    "what is a call-back clause in a pcp contract",
    "what is a lot in a public contract",
    "what is innovation procurement",
    "what is the enterprise europe network",
    "what is the grant number of innobuyer",
    "what is the innovation procurement task force",
    "what is the international cleantech network",
    "what is the light regime",
    "what is the public buyers community",
    "when did procure4health begin",
    "who is in charge of procure4health",
    "who or what is ticbiomed",
    "who picks the winner of a design contest",
}
SPEAKERS = [["Poort"], ["Larrañeta"], ["Juul"], ["González"]]
# Of the documents that the small corpus has.
ANSWERED = {
    "What was the Talk of 13 September 2023 about?": [["innovation procurement"]],
    "Kto występował na Talku?": SPEAKERS,
    "Wer hat beim Clusters Talk gesprochen?": SPEAKERS,
    "when was the clusters talk": [["13 September 2023"]],
    "¿Quién organizó el Talk?": [["ECCP"]],
    "Who owns the patents in a PCP?": [["supplier owns"]],
}
REFUSED = {
    "How many people attended the webinar?": [["number of participants"]],
    "In welcher Sprache war der Talk?": [["language of the Talk"]],
    "Chi ha moderato il Talk?": [["moderator"]],
}


@cache
def listed() -> dict[str, set[tuple[str, bool]]]:
    """The documents that list each question, and whether the section records a gap."""
    places = defaultdict(set)
    for found in find([CORPUS], CORPUS):
        for section in read(found.read(), found.uri).sections:
            for question in section.asked:
                places[words_of(question)].add((found.uri, section.gap))
    return places


def test_no_question_is_both_answered_and_said_to_be_unknown() -> None:
    assert [words for words, places in listed().items() if len({gap for _, gap in places}) > 1] == []


def test_a_question_is_listed_in_one_document_unless_several_answer_it() -> None:
    assert {words for words, places in listed().items() if len({uri for uri, _ in places}) > 1} == SHARED


def test_the_plain_questions_are_none_of_those_listed() -> None:
    assert [case.id for case in read_questions(PLAIN) if words_of(case.question) in listed()] == []


def test_half_of_the_plain_questions_are_not_in_english_and_a_sixth_has_no_answer() -> None:
    cases = read_questions(PLAIN)
    assert Counter(case.lang == "en" for case in cases) == {True: 30, False: 30}
    assert sum(case.abstain for case in cases) == 10
    assert len({case.lang for case in cases}) == 11
    assert [case.id for case in cases] == [f"plain-{number:03}" for number in range(1, 61)]


@pytest.mark.parametrize("question", ANSWERED)
def test_a_listed_question_is_answered(server: Server, question: str) -> None:
    answer = asked(server, question)
    assert not answer["abstained"]
    assert has_all(normal(str(answer["answer"])), ANSWERED[question]), answer["answer"]


@pytest.mark.parametrize("question", REFUSED)
def test_a_question_listed_for_a_gap_is_refused_with_it(server: Server, question: str) -> None:
    answer = asked(server, question)
    assert (answer["abstained"], answer["reason"]) == (True, "not_in_corpus")
    assert has_all(normal(str(answer["answer"])), REFUSED[question]), answer["answer"]


def asked(server: Server, question: str) -> dict[str, object]:
    with server.client() as client:
        found: dict[str, object] = json.loads(client.post("/api/v1/ask", json={"question": question}).text)
    return found
