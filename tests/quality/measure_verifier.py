"""What the verifier lets through, on the labelled sentences of `supported.jsonl`, a class and a split at a time.

    .venv/bin/python -m tests.quality.measure_verifier [--models data/models] [--read] [--write] [--show tune]

`--write` fits the score on the split "tune" (`assistant/verify/score.json`) before it measures; `--show` prints what went
wrong there. The other split, "aside", is for totals only: whoever reads its sentences tunes on them.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from assistant.embedders import BundledE5
from assistant.names import Names, collect_names
from assistant.reader.bundled import BundledReader
from assistant.records import NOT_QUOTED
from assistant.verify import NOT_ENOUGH, Source, Verdict, Verifier
from assistant.verify.score import MODEL, forget, signals
from assistant.verify.vectors import FirstLayers
from ingest.cut import units
from ingest.readers import read

HERE = Path(__file__).parent
CORPUS = HERE.parents[1] / "corpus"
SPLITS = ("tune", "aside")
# Of the true sentences of "tune" without another fault, that the score may refuse, by whether sources share the language.
LOST = {"same": 0.05, "other": 0.3}
FOLDS = 8
STRENGTH = 0.1  # inverse, of the regularisation of standardised signals

Row = dict[str, Any]


@dataclass(frozen=True)
class Judged:
    """A labelled sentence, what its passages hold, and the verdict."""

    row: Row
    sources: tuple[Source, ...]
    verdict: Verdict


def rows() -> list[Row]:
    """The labelled sentences."""
    return [json.loads(line) for line in (HERE / "supported.jsonl").read_text(encoding="utf-8").splitlines()]


@cache
def _document(uri: str) -> Any:
    return read((CORPUS / uri).read_bytes(), uri)


def sources_of(row: Row) -> Iterator[Source]:
    """The units of a sentence's passages, as an answer would have them."""
    for passage in row["passages"]:
        document, text = _document(passage["uri"]), passage["text"]
        section = next(section for section in document.sections if text in section.text)
        heading = " > ".join((document.meta.title or passage["uri"], *section.anchor.heading))
        for unit in units(text, "en"):
            if unit.kind not in NOT_QUOTED:
                yield Source(text[unit.start : unit.end], heading, "en", section.period)


def edition_names(labelled: Iterable[Row]) -> Names:
    """The names of the documents that the sentences are about."""
    uris = {passage["uri"] for row in labelled for passage in row["passages"]}
    return collect_names(section.text for uri in sorted(uris) for section in _document(uri).sections)


def with_vectors(embedder: BundledE5, sources: Sequence[Source], known: dict[str, Any]) -> tuple[Source, ...]:
    """The sources with vectors, as an edition keeps them."""
    fresh = list(dict.fromkeys(source.text for source in sources if source.text not in known))
    known |= zip(fresh, map(np.array, embedder.embed_documents(fresh)), strict=True)
    return tuple(replace(source, vector=known[source.text]) for source in sources)


def judge(verifier: Verifier, embedder: BundledE5, labelled: Sequence[Row]) -> list[Judged]:
    """A verdict on every sentence."""
    known: dict[str, Any] = {}
    held = [(row, with_vectors(embedder, list(sources_of(row)), known)) for row in labelled]
    return [Judged(row, sources, verifier.check(row["sentence"], row["lang"], sources)) for row, sources in held]


def precision_and_recall(judged: Sequence[Judged]) -> tuple[float, float]:
    """Of the sentences said to be supported the share that is, and of those that are the share said to be."""
    said = [one.row["supported"] for one in judged if one.verdict.supported]
    return sum(said) / max(len(said), 1), sum(said) / sum(one.row["supported"] for one in judged)


def caught(judged: Sequence[Judged]) -> float:
    """Share of the false sentences that is not let through."""
    false = [one.verdict.supported for one in judged if not one.row["supported"]]
    return 1 - sum(false) / len(false)


def of_split(judged: Sequence[Judged], split: str) -> list[Judged]:
    """The sentences of one split."""
    return [one for one in judged if one.row["split"] == split]


def fit(verifier: Verifier, judged: Sequence[Judged]) -> dict[str, Any]:
    """The score's weights, thresholds and cross-validated figures, from the sentences without any other fault."""
    kept = [one for one in judged if not set(one.verdict.faults) - {NOT_ENOUGH}]
    return weigh([_signals(verifier, one) for one in kept], [one.row for one in kept])


def weigh(found: Sequence[dict[str, float]], labelled: Sequence[Row]) -> dict[str, Any]:
    """A model for the signals of some sentences, whose sources are in English. Its weights come from the sentences in
    other languages: among the English ones the looks leave nothing that these signals tell apart."""
    names = sorted(found[0])
    values = np.array([[one[name] for name in names] for one in found])
    true, same = (np.array([test(row) for row in labelled]) for test in (_is_true, _is_english))
    documents = np.array([row["passages"][0]["uri"] for row in labelled])[~same]
    mean, spread = values[~same].mean(0), np.maximum(values[~same].std(0), 1e-9)
    scaled = (values - mean) / spread
    learnt, label = scaled[~same], true[~same]
    held_out = np.zeros(len(label))
    for seen, unseen in GroupKFold(FOLDS).split(learnt, label, documents):
        held_out[unseen] = _regression(learnt[seen], label[seen]).decision_function(learnt[unseen])
    model = _regression(learnt, label)
    weights, said = model.coef_[0] / spread, model.decision_function(scaled)
    groups = {"same": true & same, "other": true & ~same}
    return {
        "weights": {name: round(float(weight), 4) for name, weight in zip(names, weights, strict=True)},
        "bias": round(float(model.intercept_[0] - weights @ mean), 4),
        "thresholds": {name: round(float(np.quantile(said[group], LOST[name])), 4) for name, group in groups.items()},
        "sentences": {"true": int(label.sum()), "false": int((~label).sum())},
        "auroc_cross_validated": round(float(roc_auc_score(label, held_out)), 3),
    }


def _is_true(row: Row) -> bool:
    return bool(row["supported"])


def _is_english(row: Row) -> bool:
    return bool(row["lang"] == "en")


def _regression(values: np.ndarray, true: np.ndarray) -> LogisticRegression:
    return LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=5000).fit(values, true)


def _signals(verifier: Verifier, one: Judged) -> dict[str, float]:
    sentence = one.row["sentence"]
    case = verifier._case(sentence, one.row["lang"], one.sources)
    cosines = verifier._cosines(sentence, one.sources)
    return signals(case, cosines, verifier._read(sentence, one.sources))


def print_classes(judged: Sequence[Judged], console: Console) -> None:
    """How many sentences of each class are said to be supported."""
    table = Table("class", *SPLITS, box=box.SIMPLE_HEAD)
    classes = sorted({(not one.row["supported"], one.row["class"]) for one in judged})
    for _, name in classes:
        groups = [[one for one in of_split(judged, split) if one.row["class"] == name] for split in SPLITS]
        table.add_row(name, *(f"{sum(one.verdict.supported for one in group)} of {len(group)}" for group in groups))
    console.print(table)
    for split in SPLITS:
        precision, recall = precision_and_recall(of_split(judged, split))
        share = caught(of_split(judged, split))
        console.print(f"{split}: precision {precision:.3f}, recall {recall:.3f}, false sentences caught {share:.3f}")


def print_wrong(judged: Sequence[Judged], console: Console) -> None:
    """The sentences that were misjudged, with what was found wrong."""
    for one in judged:
        if one.verdict.supported != one.row["supported"]:
            console.print(one.row["class"], one.row["lang"], one.row["id"], one.row["sentence"], *one.verdict.faults)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=Path(tempfile.gettempdir()) / "verifier-models")
    parser.add_argument("--read", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--show", choices=("tune",))
    options = parser.parse_args()
    console, labelled = Console(width=200), rows()
    embedder, words = BundledE5(options.models), FirstLayers(options.models)
    reader = BundledReader(options.models, 1) if options.read else None
    verifier = Verifier(embedder, reader, edition_names(labelled), words)
    if options.write:
        model = json.loads(MODEL.read_text(encoding="utf-8")) if MODEL.exists() else {}
        tuned = judge(verifier, embedder, [row for row in labelled if row["split"] == "tune"])
        model["read" if options.read else "unread"] = fit(verifier, tuned)
        MODEL.write_text(json.dumps(model, indent=2) + "\n", encoding="utf-8")
        forget()
    judge(verifier, embedder, labelled)
    began = time.perf_counter()
    judged = judge(verifier, embedder, labelled)
    print_classes(judged, console)
    if options.show:
        print_wrong(of_split(judged, options.show), console)
    console.print(f"{1000 * (time.perf_counter() - began) / len(judged):.1f} ms a sentence, with its passages known")
    for split in SPLITS if options.read else ():
        part = of_split(judged, split)
        read = [verifier._read(one.row["sentence"], one.sources) for one in part]
        console.print(
            f"the reader alone, {split}: AUROC {roc_auc_score([one.row['supported'] for one in part], read):.3f}"
        )


if __name__ == "__main__":
    main()
