"""Which sentences are shown, and how they are cited."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from assistant.citations import Citing, Neighbours, markdown, neighbours_of
from assistant.engines import QuotesEngine, Task
from assistant.evidence import (
    ANSWER_CHARACTERS,
    READ_PASSAGES,
    Quote,
    choose,
    disagree,
    find_evidence,
    is_outdated,
    not_known,
    rank,
    read_passages,
    suggest,
)
from assistant.lexical import Lexical
from assistant.names import Names
from assistant.reader import Text
from assistant.records import (
    Anchor,
    Chunk,
    Citation,
    Document,
    Edition,
    Filters,
    Hit,
    Period,
    Reading,
    Reason,
    Related,
    Sentence,
    SourceMark,
    Span,
    Unit,
    UnitKind,
)
from assistant.refusal import judge, read_signals
from assistant.retrieve import Found, Gaps, _Fused, _Ranking

EDITION = Edition(number=3, embedder="e", dimension=1, status="ready", created="")
DOCUMENT = Document(id="doc", uri="rules/a.md", title="A", digest="d", url="https://doc.example")


def hit(name: str, *units: tuple[str, UnitKind], score: float = 0.5, **more: object) -> Hit:
    text, spans = "", []
    for part, kind in units:
        text += "\n- " if kind == "item" else " " if text else ""
        spans.append(Unit(len(text), len(text) + len(part), kind))
        text += part
    chunk = Chunk(id=name, document="doc", text=text, start=100, end=100 + len(text), units=tuple(spans))
    return Hit(replace(chunk, **more), DOCUMENT, score)  # type: ignore[arg-type]


def shown(*quotes: Quote) -> list[str]:
    return [quote.text for quote in choose(sorted(quotes, key=lambda q: -q.score))]


def test_sentences_of_the_best_passage_come_first_in_reading_order() -> None:
    one = hit("one", ("First.", "sentence"), ("Second.", "sentence"))
    two = hit("two", ("Other.", "sentence"), ("Far.", "sentence"))
    assert shown(Quote(one, 1, 1.0), Quote(two, 0, 0.9), Quote(one, 0, 0.5), Quote(two, 1, 0.1)) == [
        "First.", "Second.", "Other.",
    ]  # fmt: skip


def test_what_says_something_by_itself_can_be_quoted() -> None:
    said = (("77% 150,000", "sentence"), ("Yes.", "sentence"), ("Not sure.", "sentence"), ("Ναι μπορεί.", "sentence"))
    chunk = hit("p", *said, ("Why not?", "question"), ("5 404 000", "item"), ("Also: x y", "terms")).chunk
    assert [chunk.quotable(n) for n in range(len(chunk.units))] == [False, False, True, True, False, True, False]
    deadline = hit("d", ("When?", "question"), ("3 May 2026, 17:00", "sentence"), anchor=Anchor(heading=("Deadline",)))
    assert deadline.chunk.quotable(1)


def test_where_nothing_can_be_quoted_nothing_is_answered() -> None:
    fragment = replace(hit("p", ("77%", "sentence")), units=(0.9,))
    finding = find_evidence(replace(found(fragment), words="procurement budget"), Stems(), "en")
    assert (finding.reason, finding.quotes) == (Reason.NOT_IN_CORPUS, ())


def test_a_list_is_shown_whole_with_its_lead_in() -> None:
    listed = hit("list", ("Three:", "lead"), ("a", "item"), ("b", "item"), ("c", "item"), ("After.", "sentence"))
    assert shown(Quote(listed, 2, 1.0)) == ["Three:", "a", "b", "c"]
    assert shown(Quote(listed, 0, 1.0)) == ["Three:", "a", "b", "c"]


def test_a_table_row_is_shown_under_its_lead_in() -> None:
    table = hit("table", ("Values:", "lead"), ("Works; 2026: 5", "row"), ("Supplies; 2026: 2", "row"))
    assert shown(Quote(table, 2, 1.0)) == ["Values:", "Supplies; 2026: 2"]
    assert shown(Quote(table, 0, 1.0)) == ["Values:", "Works; 2026: 5", "Supplies; 2026: 2"]


def test_of_what_is_not_known_only_what_is_asked_about_is_told() -> None:
    gap = hit("g", ("The budget was not found.", "sentence"), ("Its start was not found.", "sentence"), gap=True)
    near = hit("n", ("The price was not found.", "sentence"), gap=True)
    said = hit("s", ("The buyers were three.", "sentence"))
    ranked = [Quote(said, 0, 1.2), Quote(gap, 0, 1.0), Quote(near, 0, 0.8), Quote(gap, 1, 0.7)]
    assert [quote.text for quote in not_known(ranked)] == ["The budget was not found.", "The price was not found."]
    assert not_known([Quote(said, 0, 1.2)]) == ()


def test_what_is_said_already_is_not_said_again() -> None:
    one = hit("one", ("The supplier owns the rights.", "sentence"))
    two = hit("two", ("Rights: the supplier owns.", "sentence"), ("Buyers may use them.", "sentence"))
    words = frozenset({"supplier", "own", "right"})
    quotes = (Quote(one, 0, 1.0, words), Quote(two, 0, 0.9, words), Quote(two, 1, 0.8, frozenset({"buyer", "use"})))
    assert shown(*quotes) == ["The supplier owns the rights.", "Buyers may use them."]


def test_the_room_is_kept_but_one_quote_is_always_shown() -> None:
    long = hit("long", ("x" * 2 * ANSWER_CHARACTERS, "sentence"), ("Short.", "sentence"))
    assert len(shown(Quote(long, 0, 1.0), Quote(long, 1, 0.5))) == 1
    assert shown() == []


def test_a_citation_points_at_the_quoted_stretch_and_its_source() -> None:
    passage = hit(
        "p", ("One.", "sentence"), ("Two.", "sentence"), ("Three.", "sentence"),
        sources=(SourceMark(4, "https://one.example"), SourceMark(9, "https://two.example")),
        period=Period(date(2024, 1, 1), date(2025, 12, 31)), anchor=Anchor(heading=("H",)),
    )  # fmt: skip
    citing = Citing(EDITION, together=[(passage, 0), (passage, 1)])
    assert (citing.numbers([(passage, 0)]), citing.numbers([(passage, 1), (passage, 0)])) == ((1,), (2, 1))
    first, citation = citing.citations
    assert (first.quote, first.url) == ("One.", "https://one.example")
    assert (citation.quote, citation.span) == ("Two.", (105, 109))
    assert citation.url == "https://two.example"
    assert citation.link == "/read/doc?edition=3&start=105&end=109#quote"
    assert (citation.valid_from, citation.valid_until) == (date(2024, 1, 1), date(2025, 12, 31))
    citing.numbers([(passage, 2)])
    last = citing.citations[-1]
    assert last.url == "https://doc.example"


def cited(passage: Hit, unit: int, neighbours: Neighbours) -> Citation:
    citing = Citing(EDITION, neighbours)
    citing.numbers([(passage, unit)])
    (citation,) = citing.citations
    return citation


def test_a_citation_tells_what_took_the_place_of_its_document() -> None:
    passage = hit("p", ("One.", "sentence"))
    old = passage.document
    newer = replace(old, id="new", uri="new.md", title="New", supersedes=old.uri)
    citation = cited(passage, 0, neighbours_of([old, newer]))
    assert citation.superseded_by == Related("new", "New", "new.md", newer.url)
    citation = cited(passage, 0, neighbours_of([old]))
    assert citation.superseded_by is None


def test_the_text_of_an_answer() -> None:
    sentences = [
        Sentence("Lead:", (1,)),
        Sentence("a", (1,), layout="item"),
        Sentence("b", (2,), layout="item"),
        Sentence("Then this.", (3,)),
        Sentence("And this.", (3,)),
        Sentence("A notice.", kind="notice"),
    ]
    assert markdown(sentences) == "Lead: [1]\n\n- a\n- b [2]\n\nThen this. [3] And this. [3]\n\nA notice."


NEAR = {"elsewhere": -0.09, "gap_margin": -0.6, "gap_reach": -0.03, "agreement": 0.95}
NO_GAPS = {"elsewhere": -0.09, "agreement": 0.95}


@pytest.mark.parametrize(
    ("signals", "verdict"),
    [
        (NEAR, "answer"),
        ({**NEAR, "gap_margin": 0.6, "gap_reach": 0.04}, "gap"),
        ({**NEAR, "elsewhere": 0.04, "agreement": 0.3}, "out_of_scope"),
        ({**NEAR, "answers": 4.0}, "answer"),
        ({**NEAR, "answers": -6.5}, "unanswered"),
        ({**NEAR, "gap_margin": -1.0, "answers": -4.0}, "unanswered"),
        (NO_GAPS, "answer"),
        ({**NO_GAPS, "elsewhere": 0.04, "agreement": 0.3}, "out_of_scope"),
        ({**NO_GAPS, "answers": 2.0}, "answer"),
        ({**NO_GAPS, "answers": -2.5}, "unanswered"),
    ],
)
def test_the_decision_on_clear_cases(signals: dict[str, float], verdict: str) -> None:
    assert judge(signals) == verdict


def test_documents_that_record_no_gaps_are_not_compared_with_any() -> None:
    stated, gap = hit("stated", ("It is 5.", "sentence")), hit("gap", ("Not known.", "sentence"), gap=True)
    beside = read_signals(found(stated), [Quote(stated, 0, 0.6), Quote(gap, 0, 0.4)])
    assert (beside["gap_margin"], beside["gap_reach"]) == (pytest.approx(-0.2), 0.0)
    assert read_signals(found(stated), [Quote(stated, 0, 0.6)]).keys() == NO_GAPS.keys()


def test_the_nearest_gaps_are_those_that_may_be_cited() -> None:
    projects, rules = (replace(DOCUMENT, id=kind, kind=kind) for kind in ("projects", "rules"))
    rows = np.array([[1.0, 0.0], [0.9, 0.4], [0.0, 1.0]], np.float32)
    gaps = Gaps((("near", projects), ("near", projects), ("far", rules)), rows)
    asked = np.array([1.0, 0.0], np.float32)
    assert gaps.nearest(asked, 2, Filters()) == ["near", "far"]
    assert gaps.nearest(asked, 2, Filters(kind=("rules",))) == ["far"]
    assert gaps.nearest(asked, 2, Filters(kind=("events",))) == []


def test_a_passage_that_lists_no_questions_is_not_behind_for_that() -> None:
    fused = _Fused()
    fused.add(_Ranking(1.0, ["silent", "other", "asked"]))
    fused.add(_Ranking(0.5, ["asked"], listed=True))
    asked, silent = hit("asked", asked=("What is it?",)), hit("silent")
    assert fused.first(2) == ["asked", "silent"]
    assert fused.share(silent.chunk) == 1.0
    assert fused.share(asked.chunk) == pytest.approx((1 / 12 + 0.5 / 10) / (1.5 / 10))


TODAY = Period(date(2026, 1, 1), date(2026, 1, 1))


def found(*hits: Hit, asked: Period = TODAY) -> Found:
    return Found(hits, (), 0.0, "How much?", (asked,))


def test_what_holds_at_other_times_only_is_outdated() -> None:
    old = hit("old", ("It is 5.", "sentence"), period=Period(date(2022, 1, 1), date(2023, 12, 31)))
    always = hit("always", ("It is 6.", "sentence"))
    assert is_outdated(found(old), [Quote(old, 0)])
    assert not is_outdated(found(old, always), [Quote(old, 0)])
    assert not is_outdated(found(old, asked=Period(date(2023, 5, 1), date(2023, 5, 1))), [Quote(old, 0)])


def quote(document: str, text: str, *stems: str, **more: object) -> Quote:
    found = hit(document, (text, "sentence"), **more)
    return Quote(replace(found, document=replace(DOCUMENT, id=document)), 0, 1.0, frozenset(stems))


def test_two_sources_that_disagree() -> None:
    one = quote("one", "BRINC works with 30 firms.", "brinc", "work", "firm", "30")
    other = quote("two", "BRINC works with 20 firms.", "brinc", "work", "firm", "20")
    assert disagree([one, other])
    assert not disagree([one, replace(other, stems=one.stems)])
    assert not disagree([one, replace(other, hit=replace(other.hit, document=one.hit.document))])
    old = quote("two", "20", "brinc", "work", "firm", "20", period=Period(None, date(2020, 1, 1)))
    new = quote("one", "30", "brinc", "work", "firm", "30", period=Period(date(2021, 1, 1)))
    assert not disagree([old, new])


def test_suggestions_are_answered_elsewhere_and_in_the_language_of_the_question() -> None:
    shown_already = hit("shown", ("A.", "sentence"), asked=("Who pays for the development of the solution?",))
    german = "Wer bezahlt die Entwicklung der Lösung?"
    other = hit("other", ("B.", "sentence"), asked=("Who owns the results of the project?", german))
    gap = hit("gap", ("Not known.", "sentence"), gap=True, asked=("What did the whole project cost?",))
    near = found(shown_already, other, gap)
    assert suggest(near, "en", [Quote(shown_already, 0)]) == ("Who owns the results of the project?",)
    assert suggest(near, "de", []) == (german,)


class ScriptedReader:
    """Says the given logits of the units of a passage, by its first unit."""

    name = "scripted"

    def __init__(self, **logits: tuple[float, ...]) -> None:
        self.logits = logits
        self.read_texts: list[Text] = []

    def read(self, question: str, passages: Sequence[Text]) -> list[Reading]:
        self.read_texts = list(passages)
        return [self._reading(self.logits[passage.units[0].strip(".")]) for passage in passages]

    def prepare(self, passages: Iterable[Text]) -> None:
        pass

    def _reading(self, logits: tuple[float, ...]) -> Reading:
        best = max(range(len(logits)), key=logits.__getitem__)
        return Reading(0.5, 1.0 if logits[best] > 0 else 0.0, logits, Span(best, 0, 3, 1.0))


def test_the_best_passages_and_the_first_gap_are_read_under_their_headings() -> None:
    many = [hit(f"p{n}", (f"P{n}.", "sentence"), ("Also: x", "terms")) for n in range(READ_PASSAGES + 2)]
    gap = hit("gap", ("G.", "sentence"), gap=True, anchor=Anchor(heading=("Not known",)))
    other = hit("other", ("H.", "sentence"), gap=True)
    reader = ScriptedReader(**{f"P{n}": (1.0, 0.0) for n in range(READ_PASSAGES)}, G=(-2.0,))
    read = read_passages(replace(found(*many), gaps=(gap, other)), ["How much?"], reader)
    assert [text.units for text in reader.read_texts[:1]] == [("P0.", "")]
    assert reader.read_texts[-1] == Text("A > Not known", ("G.",))
    assert [hit.reading is not None for hit in read.hits] == [True] * READ_PASSAGES + [False] * 2
    assert [hit.reading is not None for hit in read.gaps] == [True, False]
    assert read_passages(found(*many), ["How much?"], None).hits[0].reading is None


def test_of_several_wordings_the_surest_reading_is_kept() -> None:
    class Careful(ScriptedReader):
        def read(self, question: str, passages: Sequence[Text]) -> list[Reading]:
            return [Reading(0.5, 0.5, (2.0 if question == "How long?" else -2.0,)) for _ in passages]

    read = read_passages(found(hit("p", ("P.", "sentence"))), ["Who? How long?", "How long?"], Careful())
    assert read.hits[0].reading == Reading(0.5, 0.5, (2.0,))


def test_the_words_that_answer_are_highlighted_where_the_reader_is_sure() -> None:
    sure = replace(
        hit("a", ("One two.", "sentence"), ("Else.", "sentence")),
        reading=Reading(1, 0.9, (3.0, -3.0), Span(0, 0, 3, 1.0)),
    )
    unsure = replace(sure, reading=Reading(1, 0.2, (-1.0, -3.0), Span(0, 0, 3, 1.0)))
    relevance_only = replace(sure, reading=Reading(1, None, (3.0, -3.0)))
    assert Quote(sure, 0).highlight == (0, 3)
    listed = replace(hit("l", ("One two.", "item")), reading=sure.reading)
    whole = replace(sure, reading=Reading(1, 0.9, (3.0, -3.0), Span(0, 0, 7, 1.0)))
    rather_none = replace(sure, reading=Reading(1, 0.9, (3.0, -3.0), Span(0, 0, 3, -1.0)))
    gap = replace(sure, chunk=replace(sure.chunk, gap=True))
    assert [Quote(other, 0).highlight for other in (listed, whole, rather_none, gap)] == [None] * 4
    assert [Quote(*pair).highlight for pair in ((sure, 1), (unsure, 0), (relevance_only, 0))] == [None] * 3
    task = Task("One?", "en", (Quote(sure, 0),), (sure,), Names((), frozenset()), lambda chunks: {})
    assert [sentence.highlight for sentence in QuotesEngine().compose(task)] == [(0, 3)]


class Stems(Lexical):
    """Words of a text by themselves, all as rare."""

    def __init__(self) -> None:
        pass

    def stems(self, text: str, language: str) -> frozenset[str]:
        return frozenset(text.strip(".?").casefold().split())

    def rarity(self, stem: str) -> float:
        return 1.0


def first(*hits: Hit, words: str = "How much?") -> str:
    return rank(replace(found(*hits), words=words), Stems())[0].text


def test_what_the_reader_says_counts_for_a_sentence_and_against_it() -> None:
    said = replace(hit("p", ("Yes.", "item"), ("No.", "item")), units=(0.8, 0.8))
    assert first(replace(said, reading=Reading(1, 0.5, (-3.0, 0.0)))) == "No."
    assert first(replace(said, reading=Reading(1, 0.5, (3.0, 0.0)))) == "Yes."
    assert first(replace(said, reading=Reading(1, 0.5, (9.0, 99.0)))) == "Yes.", "no more than SURE"


def test_words_in_common_with_a_listed_question_put_a_passage_first() -> None:
    one, other = (replace(hit(name, (f"{name}.", "item")), units=(0.8,)) for name in ("one", "other"))
    assert first(one, replace(other, alike=0.9)) == "other."
    assert first(replace(one, alike=0.9), other) == "one."


def test_a_sentence_with_the_words_of_the_question_goes_before_one_whose_heading_has_them() -> None:
    above = hit("a", ("It does.", "item"), anchor=Anchor(heading=("Price",)), score=0.5)
    within = hit("w", ("A price.", "item"), anchor=Anchor(heading=("Else",)), score=0.5)
    assert first(*(replace(one, units=(0.8,)) for one in (above, within)), words="price") == "A price."
