"""Gives odd texts to everything that reads a question outside of Python; ends with a signal where that crashes.

    python -m tests.security.odd_text TRIES SEED

Prints how many texts were read. Read by: the tokenizer and the vectors of its pieces (numpy), the guess of a language
(fastText, C++) and the index (tantivy, Rust). onnxruntime gets nothing but vectors of pieces that are in the vocabulary.
"""

from __future__ import annotations

import faulthandler
import random
import sys
import tempfile
from pathlib import Path

import numpy as np

from assistant.e5.model import bundled_words
from assistant.language import EU_LANGUAGES, detect_language
from assistant.lexical import Lexical, build_lexical
from assistant.records import Filters

SIGNS = (
    "a e o ß ı İ ŉ Ω ж 漢 अ ก ﷽ 🇪🇺 👩‍👩‍👧 \u0301 \u200b \u200d \u202e \u2028 \ufeff \ufffd \uffff \U0010ffff \u0000 \u0007 \u001f ▁ <s> </s> <unk> "
    "\" ' \\ + - ( ) [ ] { } * ? ~ ^ : / AND OR NOT TO 0 9 ٣ ½ . , \t \n"
).split(" ")
WORDS = "who pays for the pre-commercial procurement quién paga wer zahlt".split()
WINDOW = 510  # pieces that the model reads at once


def text(chance: random.Random) -> str:
    """Signs and words in any order, now and then one of them very often, up to the length of a question."""
    pieces = [chance.choice(SIGNS) * chance.choice((1, 1, 1, 3, 500)) for _ in range(chance.randint(0, 12))]
    pieces += chance.choices(WORDS, k=chance.randint(0, 6))
    chance.shuffle(pieces)
    return chance.choice(("", " ")).join(pieces)[:4000]


def look(odd: str, index: Lexical) -> None:
    """Have a text read by all of them, and hold what they say to what it may be."""
    words = bundled_words()
    pieces = np.array(words.tokens(odd), dtype=np.int64)
    assert pieces.size == 0 or (pieces.min() >= 0 and pieces.max() < len(words.weights.pieces))
    assert np.isfinite(words.vectors(pieces[:WINDOW])).all()
    assert detect_language(odd) in EU_LANGUAGES
    for language in ("en", "de", "mt"):
        index.stems(odd, language)
    index.search(odd, 5, Filters())


def main() -> None:
    """Read TRIES texts."""
    tries, seed = map(int, sys.argv[1:])
    faulthandler.enable()
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        index = build_lexical(Path(folder) / "index", [])
        for _ in range(tries):
            odd = text(chance)
            try:
                look(odd, index)
            except Exception:
                print(f"seed {seed}: {odd!r}", file=sys.stderr)
                raise
        index.close()
    print(tries)


if __name__ == "__main__":
    main()
