"""Make the pack that the reader is trained from: all examples, in pieces.

    .venv/bin/python -m assistant.reader.prepare --squad squad.jsonl.gz --squad more.jsonl.gz --out training

`data/README.md` tells what the files are. Takes 8 minutes of two cores the first time, most of it for the search that
finds passages near a question; its vectors are kept in the folder.
"""

from __future__ import annotations

import argparse
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from assistant.e5.tokens import Tokenizer
from assistant.e5.weights import Weights, bundled_file
from assistant.reader.claims import read_fever
from assistant.reader.corpus import corpus_examples, read_passages, read_twins, read_written
from assistant.reader.examples import Embed, Example, neighbours, times
from assistant.reader.pack import KNOWN, NONE, SIZES, SOME, UNKNOWN, UNSAID, Array, Kept, Pack
from assistant.reader.pieces import Marks, PassagePieces, passage_pieces, question_pieces
from assistant.reader.squad import mined, read_posed, read_squad, read_translated, swapped

DATA = Path(__file__).with_name("data")


def load_examples(
    squads: Sequence[Path], fever: Sequence[Path], embed: Embed, *, twins: bool
) -> dict[str, list[Example]]:
    """All examples by part."""
    from assistant.language import detect_language

    parts: dict[str, list[Example]] = {"train": [], "dev": [], "test": [], "aside": []}
    train = parts["train"]
    translated = read_translated(DATA / "translated.tsv")
    for squad in squads:
        for part, examples in read_squad(squad, translated).items():
            parts[part] += examples
    posed = read_posed(sorted(DATA.glob("posed_*.jsonl")), squads)
    train += mined(train, embed) + neighbours(posed, embed) + posed
    train += swapped(train)
    corpus = read_passages(DATA / "passages.jsonl.gz")
    train += corpus_examples(corpus, embed, detect_language)
    passages = corpus + read_passages(DATA / "invented.jsonl.gz")
    learnt, aside = ([passage for passage in passages if passage.part == part] for part in ("train", "aside"))
    questions = [*sorted(DATA.glob("questions_*.jsonl")), DATA / "invented_questions.jsonl"]
    written = read_written(questions, learnt)
    train += written + neighbours(written, embed)
    parts["aside"] += read_written([DATA / "aside.jsonl", DATA / "invented_questions.jsonl"], aside)
    if twins:
        train += read_twins(DATA / "twins.jsonl.gz", "train")
        parts["aside"] += read_twins(DATA / "twins.jsonl.gz", "aside")
    claims = [DATA / "claims.jsonl"]
    train += read_written(claims, learnt, "claim") + read_posed(claims, squads, "claim") + read_fever(fever)
    parts["aside"] += read_written(claims, aside, "claim")
    return parts


def kept(embed: Embed, folder: Path) -> Embed:
    """The same, but vectors of texts that were embedded before are read from the folder."""

    def vectors(texts: Sequence[str]) -> np.ndarray:
        digest = hashlib.blake2b("\0".join(texts).encode(), digest_size=8).hexdigest()
        file = folder / f"vectors-{digest}.npy"
        if not file.exists():
            np.save(file, embed(texts))
        return np.asarray(np.load(file))

    return vectors


def pack_of(parts: Mapping[str, Sequence[Example]], weights: Weights) -> Pack:
    """The examples of all parts, without those whose answer was cut off."""
    tokens, marks = Tokenizer(weights), Marks(weights.begin, weights.end)
    questions: dict[tuple[int, ...], int] = {}
    passages: dict[PassagePieces, int] = {}
    whole: list[tuple[str, Example, int, PassagePieces]] = []
    for part, examples in parts.items():
        for example in examples:
            told = passage_pieces(example.heading, example.sentences, tokens, marks)
            if all(told.sentences[n][0] < told.sentences[n][1] for n in example.answers or ()):
                asked = question_pieces(example.question, tokens, marks)
                passages.setdefault(told, len(passages))
                whole.append((part, example, questions.setdefault(asked, len(questions)), told))
    pieces = [*questions, *(told.pieces for told in passages)]
    used = np.unique(np.concatenate([np.fromiter(text, np.int32) for text in pieces]))
    texts = {
        "question": _padded([np.searchsorted(used, text) + 1 for text in questions]),
        "passage": _padded([np.searchsorted(used, told.pieces) + 1 for told in passages]),
        "place": _padded([[place for place, _, _ in told.words] for told in passages], UNSAID).astype(np.int8),
    }
    names = {
        "part": list(parts),
        "kind": sorted({example.kind for _, example, _, _ in whole}),
        "language": sorted({example.language for _, example, _, _ in whole}),
    }
    spans = [_span(example, told) for _, example, _, told in whole]
    rows: dict[str, Array] = {
        "question": np.array([question for _, _, question, _ in whole], np.int32),
        "passage": np.array([passages[told] for *_, told in whole], np.int32),
        "state": np.array([_state(example) for _, example, _, _ in whole], np.int8),
        "answers": _marked([example.answers or () for _, example, _, _ in whole]),
        "span": np.array(spans, np.int16).reshape(-1, 2),
        "plausible": _known((example.plausible for _, example, _, _ in whole)),
        "relevant": _known((example.relevant for _, example, _, _ in whole)),
        "times": np.array([times(example) for _, example, _, _ in whole], np.float32),
        "weight": np.array([example.weight for _, example, _, _ in whole], np.float32),
        "part": np.array([names["part"].index(part) for part, *_ in whole], np.int8),
        "kind": np.array([names["kind"].index(example.kind) for _, example, _, _ in whole], np.int8),
        "language": np.array([names["language"].index(example.language) for _, example, _, _ in whole], np.int8),
    }
    return Pack(texts, rows, names, _tensors(weights, used))


def _tensors(weights: Weights, used: Array) -> Kept:
    """All tensors, of the word vectors only those used, one of nothing before them."""
    kept = {name: np.array(weights.bytes_of(name)) for name in (*weights.encoder_tensors(), "emb.type", "emb.pos")}
    words = weights.blocks("emb.word", weights.hidden)
    kept["emb.word"] = np.concatenate([np.zeros_like(words[:1]), words[used]]).reshape(-1)
    return Kept({name: getattr(weights, name) for name in SIZES}, kept)


def _state(example: Example) -> int:
    if example.unlabelled:
        return UNKNOWN
    if example.answers is None:
        return SOME
    return KNOWN if example.answers else NONE


def _span(example: Example, told: PassagePieces) -> tuple[int, int]:
    if example.answers == ():
        return 0, 0
    if example.span is None:
        return UNSAID, UNSAID
    number, start, end = example.span
    inside = [n for n, (s, a, b) in enumerate(told.words, 1) if s == number and a < end and b > start]
    return (inside[0], inside[-1]) if inside else (UNSAID, UNSAID)


def _known(values: Iterable[float | None]) -> Array:
    return np.array([UNSAID if value is None else value for value in values], np.int8)


def _padded(texts: Sequence[Sequence[int] | Array], nothing: int = 0) -> Array:
    made = np.full((len(texts), max(map(len, texts))), nothing, np.int32)
    for row, text in zip(made, texts, strict=True):
        row[: len(text)] = text
    return made


def _marked(numbers: Sequence[Sequence[int]]) -> Array:
    made = np.zeros((len(numbers), 1 + max((max(some) for some in numbers if some), default=0)), bool)
    for row, some in zip(made, numbers, strict=True):
        row[list(some)] = True
    return made


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--squad", type=Path, action="append", default=[], help="question file like SQuAD's; repeatable"
    )
    parser.add_argument("--fever", type=Path, action="append", default=[], help="claim file like FEVER's; repeatable")
    parser.add_argument("--twins", action="store_true", help="the passages with twins too; the shipped model had none")
    parser.add_argument("--out", type=Path, default=Path("training"), help="where pack.npz is written")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    from assistant.e5.model import E5

    parts = load_examples(
        options.squad, options.fever, kept(E5(options.out).passages, options.out), twins=options.twins
    )
    pack = pack_of(parts, Weights(bundled_file()))
    pack.save(options.out / "pack.npz")
    print({part: len(examples) for part, examples in parts.items()})  # noqa: T201
    print(Counter(example.kind for example in parts["train"]))  # noqa: T201


if __name__ == "__main__":
    main()
