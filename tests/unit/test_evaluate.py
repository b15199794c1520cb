"""How a question counts as right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import BadRequest
from assistant.evaluate import Case, evaluate, has_all, normal, read_questions
from assistant.evaluation_report import confusion, refusal_curve, write_report


@pytest.mark.parametrize(
    ("text", "groups", "right"),
    [
        ("It is EUR 140\u00a0000 now", [["140 000"]], True),
        ("It is 1140 000", [["140 000"]], False),
        ("in 1976", [["76"]], False),
        ("7\u20138 May 2024", [["7-8 May 2024"]], True),
        ("BRINC and InnoBuyer", [["brinc"], ["Procure4Health", "innobuyer"]], True),
        ("BRINC only", [["brinc"], ["innobuyer"]], False),
        ("one [1] two [2].", [["one two."]], True),
    ],
)
def test_key_facts(text: str, groups: list[list[str]], right: bool) -> None:
    assert has_all(normal(text), groups) is right


class Scripted:
    """Answers as told."""

    def __init__(self, **answers: tuple[str, bool]) -> None:
        self._answers = answers

    def ask(self, body: Mapping[str, Any]) -> dict[str, Any]:
        text, abstained = self._answers[body["question"]]
        return {
            "answer": text, "abstained": abstained, "reason": None, "citations": [{"uri": "a.md", "title": "A", "anchor": {"heading": ["H"]}}], "margin": 1.0 if abstained else -1.0,
            "timings_ms": {"total": 1.0}, "question_used": body["question"],
        }  # fmt: skip

    def search(self, words: str, count: int) -> dict[str, Any]:
        return {"passages": [{"text": "nothing"}, {"text": "yes"}]}


def test_a_spelling_that_says_nothing_is_told(tmp_path: Path) -> None:
    file = tmp_path / "q.jsonl"
    for name, spellings in (("must_include", '[["yes", " [1]"]]'), ("must_not_include", '[""]')):
        file.write_text(f'{{"question": "Why?"}}\n{{"question": "Who?", "{name}": {spellings}}}\n')
        with pytest.raises(BadRequest, match=r"line 2: a spelling is empty"):
            read_questions(file)


def test_a_mark_of_the_byte_order_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text('{"question": "Why?"}\n', encoding="utf-8-sig")
    assert [case.question for case in read_questions(tmp_path / "q.jsonl")] == ["Why?"]


def test_figures() -> None:
    asker = Scripted(good=("yes", False), wrong=("no", False), shy=("yes", True), rude=("bad", False), calm=("", True))
    base = Case("", "en", "answerable", "", must_include=[["yes"]], document="a.md")
    cases = [Case(**{**base.__dict__, "id": name, "question": name}) for name in ("good", "wrong", "shy")]
    cases += [
        Case(name, "de", "unanswerable", name, abstain=True, must_not_include=["bad"]) for name in ("rude", "calm")
    ]
    result = evaluate(cases, asker)
    assert [outcome.right for outcome in result.outcomes] == [True, False, False, False, True]
    figures = result.figures()
    assert figures["right_english"] == pytest.approx(1 / 3)
    assert figures["wrong_refusals"] == pytest.approx(1 / 3)
    assert figures["refusal_recall"] == 0.5
    assert figures["refusal_precision"] == 0.5
    assert figures["wrong_among_answered"] == pytest.approx(2 / 3)
    assert figures["near_miss_auroc"] == pytest.approx(3.5 / 6), "two ties count half"
    assert figures["right_source"] == 1
    assert (figures["recall_at_1"], figures["recall_at_3"]) == (0, 1)


def test_the_page_to_read_and_its_comparison(tmp_path: Path) -> None:
    case = Case("one", "de", "answerable", "<b>good?</b>", must_include=[["yes"]])
    refusal = Case("two", "en", "unanswerable", "calm?", abstain=True, reason="not_in_corpus")
    page = tmp_path / "out.html"
    write_report(
        evaluate([case, refusal], Scripted(**{"<b>good?</b>": ("no", False), "calm?": ("", True)})), "set", page
    )
    assert "compared with" not in page.read_text()
    write_report(
        evaluate([case, refusal], Scripted(**{"<b>good?</b>": ("yes", False), "calm?": ("", True)})), "set", page
    )
    text = page.read_text()
    assert "now right" in text
    assert "&lt;b&gt;good?" in text
    assert "+1.000" in text
    kept = page.with_suffix(".json").read_text()
    assert '"right_english": null' in kept
    assert "NaN" not in kept


def test_refusing_more_and_more() -> None:
    cases = [Case(name, "en", "x", name, abstain=name == "calm") for name in ("calm", "good")]
    outcomes = evaluate(cases, Scripted(calm=("", True), good=("yes", False))).outcomes
    assert refusal_curve(outcomes) == [{"precision": 1, "recall": 1}, {"precision": 0.5, "recall": 1}]
    assert confusion(outcomes) == {("not_in_corpus", "answered"): 1, ("answered", "answered"): 1}


def test_a_bad_file_names_its_line(tmp_path: Path) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text('{"id": "1", "lang": "en", "kind": "x", "question": "?"}\nnonsense\n')
    with pytest.raises(BadRequest, match="line 2"):
        read_questions(file)
    file.write_text("\n")
    with pytest.raises(BadRequest, match="no questions"):
        read_questions(file)
