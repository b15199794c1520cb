"""Fit the model that decides to refuse, and say how good it is on questions it was not fitted on.

    .venv/bin/python -m tests.quality.fit_refusal --data data --write [--only unanswered]

Takes the questions of this folder, reads their signals from the served edition of `--data`, fits the detectors of each
case and prints their cross-validated figures; `--write` stores them in assistant/refusal.json, with `--only` but for the
other detectors that stand there, which stay and are named `older`.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import RepeatedStratifiedKFold

from assistant.conversation import readings
from assistant.evaluate import Case, read_questions
from assistant.evidence import rank, read_passages
from assistant.periods import periods_asked
from assistant.records import Turn
from assistant.refusal import NO_GAPS, read_signals
from assistant.retrieve import Query
from assistant.settings import load_settings
from assistant.wiring import open_assistant, open_stores

HERE = Path(__file__).parent
FILES = ("golden.jsonl", "ours.jsonl", "blind.jsonl")
MODEL = HERE.parents[1] / "assistant" / "refusal.json"
NEAR_A_GAP = -0.35


@dataclass(frozen=True)
class Detector:
    """What a detector looks at, the labels it should fire on, and the share of the answerable questions it may refuse."""

    signals: tuple[str, ...]
    labels: tuple[str, ...]
    wrong_refusals: float


REFUSALS = ("gap", "unseen", "out_of_scope")
ELSEWHERE = {
    "unread": Detector(("elsewhere", "agreement"), ("out_of_scope",), 0.03),
    "read": Detector(("elsewhere", "agreement", "answers"), ("out_of_scope",), 0.01),
}
DETECTORS = {
    "unread": {
        "gap": Detector(("gap_margin", "gap_reach"), ("gap",), 0.03),
        "out_of_scope": ELSEWHERE["unread"],
    },
    "read": {
        "gap": Detector(("gap_margin", "gap_reach", "answers"), ("gap",), 0.015),
        "out_of_scope": ELSEWHERE["read"],
        # Not by how far a gap is behind: it would never fire where none is near.
        "unanswered": Detector(("answers",), REFUSALS, 0.005),
    },
    "unread" + NO_GAPS: {
        "out_of_scope": ELSEWHERE["unread"],
    },
    # One detector fewer: what "read" refuses wrongly in all, these two may, too.
    "read" + NO_GAPS: {
        "out_of_scope": ELSEWHERE["read"],
        "unanswered": Detector(("answers",), REFUSALS, 0.015),
    },
}


def signals_of(cases: list[Case], data: Path) -> dict[str, list[dict[str, float]]]:
    """The signals of every question, from the edition in `data`: "unread", and "read" by the reader in force."""
    settings = load_settings(data=data)
    stores = open_stores(settings)
    assistant, edition = open_assistant(settings, stores), stores.library.current()
    index = assistant.retriever.index(edition)
    found: dict[str, list[dict[str, float]]] = {"unread": [], "read": []}
    for case in cases:
        history = [Turn(t["role"], t["content"]) for t in case.history]  # type: ignore[arg-type]
        used = index.names.mend(assistant.retriever.nearest(readings(case.question, history, index.names), edition))
        wordings = tuple(dict.fromkeys((used, case.question)))
        hits = assistant.retriever.search(Query(wordings, periods_asked(used, date.today())), edition)
        for variant, reader in (("unread", None), ("read", assistant.reader)):
            read = read_passages(hits, wordings, reader)
            found[variant].append(read_signals(read, rank(read, index.lexical)))
    return found


def label(case: Case, signals: dict[str, float]) -> str:
    """ "answer", the detector that should fire, or "unseen": a near miss next to no recorded gap, which none can know."""
    if not case.abstain:
        return "answer"
    if case.kind == "out_of_scope":
        return "out_of_scope"
    return "gap" if signals["gap_margin"] > NEAR_A_GAP else "unseen"


def fit(rows: list[dict[str, float]], labels: np.ndarray, case: str) -> dict[str, Any]:
    """Each detector of a case ("read", "unread") against the answerable questions."""
    return {name: _fit_one(detector, rows, labels) for name, detector in DETECTORS[case].items()}


def _fit_one(detector: Detector, rows: list[dict[str, float]], labels: np.ndarray) -> dict[str, Any]:
    """A logistic regression, its threshold where the share of answerable questions that it may refuse would be refused."""
    part = np.isin(labels, (*detector.labels, "answer"))
    values = np.array([[row[signal] for signal in detector.signals] for row in rows])[part]
    means, scales = values.mean(0), np.maximum(values.std(0), 1e-9)
    model = LogisticRegression(max_iter=2000).fit((values - means) / scales, labels[part] != "answer")
    weights = model.coef_[0] / scales
    bias = float(model.intercept_[0] - (weights * means).sum())
    answerable = (values @ weights + bias)[labels[part] == "answer"]
    return {
        "weights": dict(zip(detector.signals, weights.round(4).tolist(), strict=True)),
        "bias": round(bias, 4),
        "threshold": round(float(np.quantile(answerable, 1 - detector.wrong_refusals)), 4),
    }


def excess(detectors: dict[str, Any], rows: list[dict[str, float]]) -> np.ndarray:
    """How far the more certain detector is over its threshold; above 0 the question is refused."""
    return np.array(
        [
            max(
                d["bias"] + sum(w * row[signal] for signal, w in d["weights"].items()) - d["threshold"]
                for d in detectors.values()
            )
            for row in rows
        ]
    )


def figures(over: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Precision and recall of refusing, recall by label, and the share of answerable questions refused."""
    refused, refuse = over > 0, labels != "answer"
    return {
        "auroc": float(roc_auc_score(refuse, over)),
        "precision": float(refuse[refused].mean()) if refused.any() else 0.0,
        "recall": float(refused[refuse].mean()),
        **{f"recall_{name}": float(refused[labels == name].mean()) for name in REFUSALS},
        "wrong_refusals": float(refused[~refuse].mean()),
    }


def cross_validate(rows: list[dict[str, float]], labels: np.ndarray, case: str) -> dict[str, dict[str, float]]:
    """Mean and standard deviation of the figures over 5 times 5 folds."""
    folds = []
    for train, test in RepeatedStratifiedKFold(n_splits=5, n_repeats=5, random_state=0).split(labels, labels):
        detectors = fit([rows[i] for i in train], labels[train], case)
        folds.append(figures(excess(detectors, [rows[i] for i in test]), labels[test]))
    return {
        name: {
            "mean": round(float(np.mean([fold[name] for fold in folds])), 3),
            "deviation": round(float(np.std([fold[name] for fold in folds])), 3),
        }
        for name in folds[0]
    }


def _kept(made: dict[str, Any], only: str) -> dict[str, Any]:
    """What is stored when one detector is: the others as they stand there, those of a new case as they were made."""
    stored = json.loads(MODEL.read_text(encoding="utf-8"))
    for case, detectors in DETECTORS.items():
        before = stored.get(case, {}).get("detectors", {})
        older = {name: before[name] for name in detectors if name in before and name != only}
        made[case] = {**made[case], "detectors": made[case]["detectors"] | older, "older": sorted(older)}
    return made


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--write", action="store_true")
    parser.add_argument(
        "--only", help="detector to store; default all", choices=sorted(set().union(*DETECTORS.values()))
    )
    options = parser.parse_args()
    if options.only and not options.write:
        parser.error("--only says what to store: add --write")
    cases = [case for name in FILES for case in read_questions(HERE / name) if case.reason != "unclear"]
    signals = signals_of(cases, options.data)
    if any("gap_margin" not in row for row in signals["unread"]):
        parser.error(f"{options.data} serves an edition that records no gaps: ingest corpus/ into it")
    labels = np.array([label(case, row) for case, row in zip(cases, signals["unread"], strict=True)])
    names, counts = np.unique(labels, return_counts=True)
    made: dict[str, Any] = {
        "training": {"files": FILES, "questions": dict(zip(names.tolist(), counts.tolist(), strict=True))}
    }
    for case in DETECTORS:
        rows = signals[case.removesuffix(NO_GAPS)]
        made[case] = {"detectors": fit(rows, labels, case), "cross_validated": cross_validate(rows, labels, case)}
    print(json.dumps(made, indent=2))
    if options.write:
        MODEL.write_text(
            json.dumps(_kept(made, options.only) if options.only else made, indent=2) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
