"""What the reader learns from and how: examples, losses, a few steps, and going on after an interruption."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

import numpy as np  # noqa: E402

from assistant.e5.weights import Weights, bundled_file  # noqa: E402
from assistant.reader import gather  # noqa: E402
from assistant.reader.batches import Examples  # noqa: E402
from assistant.reader.claims import read_fever, written  # noqa: E402
from assistant.reader.corpus import Passage, exchanged, read_passages, read_twins, read_written  # noqa: E402
from assistant.reader.examples import Example, neighbours, times  # noqa: E402
from assistant.reader.gather import qed_rows, squad_rows  # noqa: E402
from assistant.reader.losses import chances, loss_of, sentence_losses  # noqa: E402
from assistant.reader.pack import Pack, read_pack  # noqa: E402
from assistant.reader.prepare import DATA, pack_of  # noqa: E402
from assistant.reader.squad import WORDS, read_posed, read_squad, read_translated, swapped  # noqa: E402
from assistant.reader.train import Plan, Trainer, teach  # noqa: E402

SUPPORTED = Path(__file__).parents[1] / "quality" / "supported.jsonl"
PARAGRAPH = " ".join(f"Sentence {n} tells of the number {n} and of little else." for n in range(20)) + (
    " The tower was built in 1889 by Eiffel."
)
ROW = {"id": "1", "lang": "en", "title": "Tower", "paragraph": PARAGRAPH, "plausible": None}
ROWS = [
    {**ROW, "question": "When was it built?", "answerable": True, "answer": "1889", "answer_start": PARAGRAPH.index("1889")},
    {**ROW, "id": "2", "question": "When was it sold?", "answerable": False, "answer": None, "answer_start": -1, "plausible": "1889"},
    {**ROW, "id": "3", "title": "Warsaw", "question": "Who built it?", "answerable": True, "answer": "Eiffel", "answer_start": PARAGRAPH.index("Eiffel")},
]  # fmt: skip


@pytest.fixture
def squad(tmp_path: Path) -> Path:
    file = tmp_path / "squad.jsonl.gz"
    with gzip.open(file, "wt", encoding="utf-8") as lines:
        lines.write("\n".join(json.dumps(row) for row in ROWS))
    return file


def test_examples_keep_the_sentence_that_matters_and_topics_stay_apart(squad: Path) -> None:
    parts = read_squad(squad, {"1": ("de", "Wann wurde er gebaut?")})
    made = {(example.kind, example.language): example for example in parts["train"]}
    assert set(made) == {("squad", "en"), ("translated", "de"), ("left out", "en"), ("adversarial", "en")}
    right, gone = made["squad", "en"], made["left out", "en"]
    assert right.answers and right.span
    sentence, start, end = right.span
    assert right.sentences[sentence][start:end] == "1889"
    assert sum(len(text.split()) for text in right.sentences) < WORDS + 12
    assert not any("1889" in text for text in gone.sentences)
    assert made["adversarial", "en"].sentences[made["adversarial", "en"].plausible or 0].startswith("The tower")
    assert [example.question for example in parts["test"]] == ["Who built it?"]
    assert len(parts["test"][0].sentences) == 21, "what measures keeps its whole paragraph"


def test_an_exchanged_question_asks_what_the_passage_does_not_have() -> None:
    passage = Passage("p", "train", "BRINC > Budget", ("BRINC has a budget.",), (), gap=False)
    chance = random.Random(0)
    assert (
        exchanged("What is the budget of BRINC?", passage, ["BRINC", "InnoBuyer"], chance)
        == "What is the budget of InnoBuyer?"
    )
    assert exchanged("What was it in 2021?", passage, [], chance) != "What was it in 2021?"
    assert exchanged("What is the budget?", passage, ["BRINC"], chance) is None


def test_the_shipped_data_fit_their_passages_and_nothing_that_measures_is_learnt() -> None:
    passages = read_passages(DATA / "passages.jsonl.gz")
    parts = {passage.id: passage.part for passage in passages}
    learnt = {
        json.loads(line)["passage"] for file in DATA.glob("questions_*.jsonl") for line in file.open(encoding="utf-8")
    }
    claimed = {json.loads(line)["passage"] for line in (DATA / "claims.jsonl").open(encoding="utf-8")}
    aside = read_written([DATA / "aside.jsonl"], passages)
    assert {parts[id_] for id_ in learnt | (claimed & set(parts))} == {"train"}
    assert {parts[json.loads(line)["passage"]] for line in (DATA / "aside.jsonl").open(encoding="utf-8")} == {"aside"}
    labelled = [json.loads(line) for line in SUPPORTED.read_text(encoding="utf-8").splitlines()]
    verified = " ".join(" ".join(passage["text"].split()) for row in labelled for passage in row["passages"])
    units = [" ".join(unit.split()) for passage in passages if passage.id in claimed for unit in passage.units]
    assert len(units) > 240 and not any(unit in verified for unit in units), "the verifier's questions stay unseen"
    assert len(aside) == 560
    assert all(number < len(example.sentences) for example in aside for number in example.answers or ())
    assert len(read_translated(DATA / "translated.tsv")) == 2640


def test_claims_and_questions_that_were_made_to_mislead(squad: Path, tmp_path: Path) -> None:
    posed = tmp_path / "posed.jsonl"
    line = {"passage": "1|en", "lang": "de", "question": "Wann wurde er verkauft?", "sentence": None, "plausible": 20}
    posed.write_text(json.dumps(line) + "\n" + json.dumps({**line, "passage": "elsewhere|en"}), encoding="utf-8")
    (made,) = read_posed([posed], [squad])
    assert made.answers == () and made.sentences[made.plausible or 0].startswith("The tower")
    fever = tmp_path / "fever.jsonl"
    rows = [
        {"claim": "It is old .", "label": "SUPPORTS", "evidence": ["It -LRB- the tower -RRB- is n't new ."]},
        {"claim": "It is new.", "label": "REFUTES", "evidence": ["It is old .", "It stands ."]},
        {"claim": "It stands.", "label": "SUPPORTS", "evidence": ["It is old .", "It stands ."]},
    ]
    fever.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    one, refuted, several = read_fever([fever])
    assert one.sentences == ("It (the tower) isn't new.",)
    assert (one.answers, refuted.answers, several.answers) == ((0,), (), None)


def test_rows_are_gathered_from_what_was_published(tmp_path: Path) -> None:
    squad, qed, out = (tmp_path / name for name in ("squad.json", "qed.jsonl", "more.jsonl.gz"))
    asked = {"id": "1", "question": "When?", "is_impossible": False, "answers": [{"text": "1889", "answer_start": 15}]}
    missed = {
        "id": "2",
        "question": "Who?",
        "is_impossible": True,
        "answers": [],
        "plausible_answers": [{"text": "built"}],
    }
    paragraph = {"context": "It was built in 1889.", "qas": [asked, missed]}
    squad.write_text(json.dumps({"data": [{"title": "The_Tower", "paragraphs": [paragraph]}] * 2}), encoding="utf-8")
    found = {
        "example_id": 7,
        "title_text": "Cup",
        "question_text": "who won the cup",
        "paragraph_text": "France won it -LRB- 1998 -- 2002 -RRB- .",
    }
    qed.write_text(json.dumps({**found, "original_nq_answers": [[{"string": "France"}]]}), encoding="utf-8")  # fmt: skip
    rows = [*squad_rows(squad, 1), *qed_rows(qed)]
    assert [(row["id"], row["title"], row["answerable"], row["plausible"]) for row in rows] == [
        ("1", "The Tower", True, ""), ("2", "The Tower", False, "built"), ("qed7", "Cup", True, "")]  # fmt: skip
    assert rows[2]["question"] == "Who won the cup?" and rows[2]["paragraph"] == "France won it (1998–2002)."
    with gzip.open(out, "wt", encoding="utf-8") as lines:
        lines.write("\n".join(map(json.dumps, rows)))
    made = read_squad(out, {})["train"]
    assert [example.kind for example in made] == ["squad", "left out", "adversarial", "squad", "left out"]


def test_a_question_in_two_languages_is_asked_of_both_passages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for language, text, asked, answer in (
        ("en", "It was built in 1889.", "When was it built?", "in 1889"),
        ("de", "Er wurde 1889 gebaut.", "Wann wurde er gebaut?", "1889"),
    ):
        answers = [{"text": answer, "answer_start": text.index(answer)}]
        paragraph = {"context": text, "qas": [{"id": "1", "question": asked, "answers": answers}]}
        (tmp_path / f"xquad.{language}.json").write_text(
            json.dumps({"data": [{"title": "The_Tower", "paragraphs": [paragraph]}]}), encoding="utf-8"
        )
    files = [option for file in sorted(tmp_path.glob("*.json")) for option in ("--xquad", str(file))]
    monkeypatch.setattr("sys.argv", ["gather", *files, "--out", str(tmp_path / "crossed.jsonl.gz")])
    gather.main()
    made = read_squad(tmp_path / "crossed.jsonl.gz", {})["train"]
    crossed = {(e.language, e.question, e.sentences) for e in made if e.kind == "crossed"}
    assert crossed == {
        ("de", "Wann wurde er gebaut?", ("It was built in 1889.",)),
        ("en", "When was it built?", ("Er wurde 1889 gebaut.",)),
    }


@pytest.mark.parametrize(
    ("files", "told"), [([], "nothing to gather"), (["--xquad", "german.json"], "like xquad.de.json")]
)
def test_what_cannot_be_gathered_is_told_before_a_file_is_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    files: list[str],
    told: str,
) -> None:
    monkeypatch.setattr("sys.argv", ["gather", *files, "--out", str(tmp_path / "rows.jsonl.gz")])
    with pytest.raises(SystemExit):
        gather.main()
    assert told in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        ("Ca n't buy Ashley 's , he said .", "Can't buy Ashley's, he said."),
        ("the boys ' school", "the boys' school"),
        ("a ' garden ' village", "a ' garden ' village"),
        ("`` So '' -LRB- 5 % -RRB-", "“So” (5%)"),
    ],
)
def test_pieces_are_put_together(pieces: str, text: str) -> None:
    assert written(pieces) == text


def test_a_question_about_a_sentence_that_is_not_there_is_told(tmp_path: Path) -> None:
    row = {"id": "q", "lang": "en", "title": "T", "paragraph": "One is here. Two is here."}
    with gzip.open(tmp_path / "squad.jsonl.gz", "wt") as lines:
        lines.write(json.dumps(row))
    posed = tmp_path / "posed.jsonl"
    posed.write_text(json.dumps({"passage": "q|en", "lang": "en", "question": "Three?", "sentence": 2}))
    with pytest.raises(ValueError, match=r"q\|en has 2 sentences"):
        read_posed([posed], [tmp_path / "squad.jsonl.gz"])


def test_a_question_of_twins_is_asked_of_both_and_some_are_held_aside() -> None:
    learnt, aside = (read_twins(DATA / "twins.jsonl.gz", part) for part in ("train", "aside"))
    assert (len(learnt), len(aside)) == (36370, 3318)
    assert not {e.sentences for e in learnt} & {e.sentences for e in aside}
    for made in (learnt, aside):
        for one, other in zip(made[::2], made[1::2], strict=True):
            assert one.question == other.question and one.sentences != other.sentences
        assert all(number < len(e.sentences) for e in made for number in e.answers or ())
        assert 0.45 < sum(bool(e.answers) for e in made) / len(made) < 0.55


def test_a_swapped_question_asks_for_what_its_passage_does_not_have() -> None:
    one = Example(
        "When did Eiffel build it?", "en", "Tower", ("The firm of Eiffel built it in 1889.",), (0,), kind="squad"
    )
    other = replace(one, question="Who?", sentences=("Nobody knew that Sauvestre drew it.",))
    made = {example.question: example for example in swapped([one, other])}
    assert set(made) == {"When did Sauvestre build it?"}
    assert made["When did Sauvestre build it?"].answers == ()
    assert made["When did Sauvestre build it?"].plausible == 0


def test_neighbours_are_other_passages_and_nobody_says_what_answers() -> None:
    examples = [example(("One is here.", "Two."), (0,)), example(("Three.",), (0,)), example(("Four.",), (0,))]
    made = neighbours(examples, lambda texts: np.ones((len(texts), 2), np.float32), count=1)
    assert len(made) == 3
    assert all(near.sentences != own.sentences and near.unlabelled for near, own in zip(made, examples, strict=True))


def example(sentences: tuple[str, ...], answers: tuple[int, ...] | None, **more: object) -> Example:
    return Example("Who?", "en", "H", sentences, answers, **{"kind": "posed", **more})  # type: ignore[arg-type]


def packed(examples: list[Example], tmp_path: Path) -> Examples:
    pack = pack_of({"train": examples}, Weights(bundled_file()))
    pack.save(tmp_path / "pack.npz")
    stored: Pack = read_pack(tmp_path / "pack.npz")
    return Examples(stored, torch.device("cpu"))


TWO = ("One is here.", "Two is there.")


def test_known_none_and_one_of_these_are_learnt_alike(tmp_path: Path) -> None:
    made = packed([example(TWO, answers) for answers in ((0,), (1,), (), None)], tmp_path)
    batch = made.batch(np.arange(4))
    right, other, none, any_ = sentence_losses(chances(torch.tensor([[9.0, -9.0]] * 4), batch.places), batch).tolist()
    assert right < 0.01 and any_ < 0.01
    assert other > 15 and none > 8


def test_a_pack_keeps_pieces_sentences_and_spans(tmp_path: Path) -> None:
    made = packed([example(TWO, (1,), span=(1, 0, 3), plausible=None), example(("Three.",), ())], tmp_path)
    batch = made.batch(np.arange(2))
    assert batch.places.any(-1).tolist() == [[True, True], [True, False]]
    first, last = batch.span[0].tolist()
    assert batch.places[0, 1].nonzero().flatten().tolist()[0] == first - 1 <= last - 1
    assert batch.span[1].tolist() == [0, 0]
    assert batch.answers.tolist() == [[False, True], [False, False]]


def test_a_kind_comes_as_often_as_it_should(tmp_path: Path) -> None:
    made = packed([example(TWO, ())] * 10, tmp_path)
    (numbers,) = [np.concatenate(list(made.epoch(np.arange(10), 4, 0)))]
    often = times(example(TWO, ()))
    assert 10 * int(often) <= len(numbers) <= 10 * int(often + 1)


def test_teachers_and_steps_make_it_better_and_an_interruption_loses_nothing(tmp_path: Path) -> None:
    made = packed(
        [example(TWO, (0,), span=(0, 0, 3)), example(TWO, (0,)), example(("Three.",), None, unlabelled=True)], tmp_path
    )
    teacher = Trainer(made, Plan("teacher", 2, 4, 1, split=0), tmp_path)
    teacher.run()
    said = teach([teacher])
    assert torch.allclose(said.exp().sum(1), torch.ones(3), atol=1e-2), "unlabelled ones are taught too"

    first = Trainer(made, Plan("reader", 30, 4, 0), tmp_path)
    batch = made.batch(np.arange(3))
    losses = [float(first.learn(batch, said[:, : 1 + batch.places.shape[1]])) for _ in range(8)]
    assert losses[-1] < losses[0]
    first.save()
    second = Trainer(made, Plan("reader", 30, 4, 0), tmp_path)
    second.resume()
    assert second.step == 8
    for run in (first, second):
        run.network.eval()
    assert torch.equal(first.scores(batch).sentences, second.scores(batch).sentences)
    third = Trainer(made, Plan("more", 30, 4, 0), tmp_path)
    third.start(tmp_path / "reader.pt")
    third.network.eval()
    assert third.step == 0 and torch.equal(third.scores(batch).sentences, first.scores(batch).sentences)
    assert float(loss_of(second.scores(batch), batch).detach()) > 0
