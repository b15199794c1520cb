"""What the reader learns from and how: examples, losses, a few steps, and going on after an interruption."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from assistant.e5.weights import Weights, bundled_file  # noqa: E402
from assistant.reader.corpus import Passage, exchanged, read_passages, read_written  # noqa: E402
from assistant.reader.examples import Example, times  # noqa: E402
from assistant.reader.losses import loss_of, sentence_losses  # noqa: E402
from assistant.reader.network import Upper  # noqa: E402
from assistant.reader.pairs import Encoder, Pair  # noqa: E402
from assistant.reader.squad import WORDS, read_squad, read_translated  # noqa: E402
from assistant.reader.train import DATA, Trainer, batches  # noqa: E402

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


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(Weights(bundled_file()), torch.device("cpu"))


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
    aside = read_written([DATA / "aside.jsonl"], passages)
    assert {parts[id_] for id_ in learnt} == {"train"}
    assert {parts[json.loads(line)["passage"]] for line in (DATA / "aside.jsonl").open(encoding="utf-8")} == {"aside"}
    assert len(aside) == 560
    assert all(number < len(example.sentences) for example in aside for number in example.answers or ())
    assert len(read_translated(DATA / "translated.tsv")) == 2640


def pair(encoder: Encoder, answers: tuple[int, ...] | None, **more: object) -> Pair:
    return encoder.pair(Example("Who?", "en", "H", ("One is here.", "Two is there."), answers, kind="posed", **more))  # type: ignore[arg-type]


def test_known_none_and_one_of_these_are_learnt_alike(encoder: Encoder) -> None:
    logits = torch.tensor([[9.0, -9.0]] * 4)
    places = torch.ones(4, 2, 3, dtype=torch.bool)
    pairs = [pair(encoder, answers) for answers in ((0,), (1,), (), None)]
    right, other, none, any_ = sentence_losses(logits, pairs, places).tolist()
    assert right < 0.01 and any_ < 0.01
    assert other > 15 and none > 8


def test_a_kind_comes_as_often_as_it_should(encoder: Encoder) -> None:
    one = pair(encoder, ())
    assert sum(map(len, batches([one] * 10, random.Random(0)))) == 10 * times(one.example)


def test_steps_make_it_better_and_an_interruption_loses_nothing(encoder: Encoder, tmp_path: Path) -> None:
    torch.manual_seed(0)
    weights = Weights(bundled_file())
    pairs = [pair(encoder, (0,), span=(0, 0, 3)), pair(encoder, (0,))]

    def trainer() -> Trainer:
        return Trainer(encoder, Upper(weights, encoder.means(pairs)), 30, tmp_path, torch.device("cpu"))

    first = trainer()
    losses = [first.learn(pairs) for _ in range(8)]
    assert losses[-1] < losses[0]
    first.save()
    second = trainer()
    second.resume()
    assert second.step == 8
    for run in (first, second):
        run.upper.eval()
    assert torch.equal(first.scores(pairs)[0].sentences, second.scores(pairs)[0].sentences)
    assert float(loss_of(*(second.scores(pairs)[0], pairs, second.scores(pairs)[1])).detach()) > 0
