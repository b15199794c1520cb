"""Fit the model that decides to refuse, and say how good it is on questions it was not fitted on.

    .venv/bin/python -m tests.quality.fit_refusal --data data --write

Takes the questions of this folder, reads their signals from the served edition of `--data`, fits a multinomial logistic
regression and prints its cross-validated figures; `--write` stores it in assistant/refusal.json.
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import RepeatedStratifiedKFold

from assistant.conversation import stand_alone
from assistant.evaluate import Case, read_questions
from assistant.evidence import rank, read_signals
from assistant.periods import day_asked
from assistant.records import Turn
from assistant.retrieve import Query
from assistant.settings import load_settings
from assistant.wiring import open_assistant, open_stores

HERE = Path(__file__).parent
FILES = ("golden.jsonl", "ours.jsonl")
SIGNALS = ("elsewhere", "coverage", "gap_margin", "gap_first", "agreement")
MODEL = HERE.parents[1] / "assistant" / "refusal.json"
WRONG_REFUSALS = 0.06
STRENGTH = 1.0


def signals_of(cases: list[Case], data: Path) -> list[dict[str, float]]:
    """The signals of every question, from the edition in `data`."""
    settings = load_settings(data=data)
    stores = open_stores(settings)
    assistant, edition = open_assistant(settings, stores), stores.library.current()
    lexical = assistant.retriever.index(edition).lexical
    found = []
    for case in cases:
        used = stand_alone(case.question, [Turn(t["role"], t["content"]) for t in case.history])  # type: ignore[arg-type]
        wordings = (used,) if used == case.question else (used, case.question)
        hits = assistant.retriever.search(Query(wordings, day_asked(used, date.today())), edition)
        found.append(read_signals(used, hits, lexical, rank(used, hits, lexical)))
    return found


def label(case: Case, signals: dict[str, float]) -> str:
    """The class a question belongs to."""
    if not case.abstain:
        return "answer"
    if case.kind == "out_of_scope":
        return "out_of_scope"
    return "gap" if signals["gap_margin"] > -1 else "unsure"


def fit(values: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Standardise and fit; the coefficients as plain numbers."""
    means, scales = values.mean(0), np.maximum(values.std(0), 1e-6)
    model = LogisticRegression(C=STRENGTH, max_iter=2000).fit((values - means) / scales, labels)
    return {
        "signals": list(SIGNALS),
        "means": means.round(5).tolist(),
        "scales": scales.round(5).tolist(),
        "classes": {
            name: {"intercept": round(float(intercept), 4), "coefficients": coefficients.round(4).tolist()}
            for name, intercept, coefficients in zip(model.classes_, model.intercept_, model.coef_, strict=True)
        },
    }


def answer_shares(model: dict[str, Any], values: np.ndarray) -> np.ndarray:
    """Probability of the class "answer" for every row."""
    scaled = (values - np.array(model["means"])) / np.array(model["scales"])
    logits = {n: scaled @ np.array(w["coefficients"]) + w["intercept"] for n, w in model["classes"].items()}
    powers = {name: np.exp(logit) for name, logit in logits.items()}
    return powers["answer"] / sum(powers.values())


def threshold(shares: np.ndarray, refuse: np.ndarray) -> float:
    """The highest threshold that keeps wrong refusals within WRONG_REFUSALS."""
    return float(np.quantile(shares[~refuse], WRONG_REFUSALS))


def figures(shares: np.ndarray, refuse: np.ndarray, limit: float) -> dict[str, float]:
    """Precision and recall of refusing, and the share of answerable questions refused."""
    refused = shares < limit
    return {
        "auroc": float(roc_auc_score(refuse, -shares)),
        "precision": float((refused & refuse).sum() / max(refused.sum(), 1)),
        "recall": float((refused & refuse).sum() / refuse.sum()),
        "wrong_refusals": float((refused & ~refuse).sum() / (~refuse).sum()),
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    cases = [case for name in FILES for case in read_questions(HERE / name)]
    signals = signals_of(cases, options.data)
    values = np.array([[row[name] for name in SIGNALS] for row in signals])
    labels = np.array([label(case, row) for case, row in zip(cases, signals, strict=True)])
    refuse = labels != "answer"
    folds = []
    for train, test in RepeatedStratifiedKFold(n_splits=5, n_repeats=5, random_state=0).split(values, labels):
        model = fit(values[train], labels[train])
        limit = threshold(answer_shares(model, values[train]), refuse[train])
        folds.append(figures(answer_shares(model, values[test]), refuse[test], limit))
    measured = {
        name: {
            "mean": round(float(np.mean([f[name] for f in folds])), 3),
            "spread": round(float(np.std([f[name] for f in folds])), 3),
        }
        for name in folds[0]
    }
    model = fit(values, labels)
    shares = answer_shares(model, values)
    model["answer_threshold"] = round(threshold(shares, refuse), 4)
    model["training"] = {
        "files": FILES,
        "questions": dict(zip(*map(np.ndarray.tolist, np.unique(labels, return_counts=True)), strict=True)),
    }
    model["cross_validated"] = measured
    print(json.dumps(measured, indent=1), figures(shares, refuse, model["answer_threshold"]))  # noqa: T201
    for kind in ("unanswerable", "out_of_scope"):
        part = np.array([case.kind == kind or not case.abstain for case in cases])
        print(kind, "AUROC", round(float(roc_auc_score(refuse[part], -shares[part])), 3))  # noqa: T201
    if options.write:
        MODEL.write_text(json.dumps(model, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
