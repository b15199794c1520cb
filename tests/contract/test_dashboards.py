"""The dashboard and the alert rules ask for metrics that exist, by labels and values that those have, and for all."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from assistant.records import Answer, Reason
from assistant.settings import Settings
from assistant.telemetry.kept import Kept
from assistant.telemetry.metrics import Metrics
from assistant.wiring import Stores, plugin
from tests.conftest import ROOT, copy_small_corpus

BOARD = json.loads((ROOT / "deploy/grafana.json").read_text(encoding="utf-8"))
ALERTS = yaml.safe_load((ROOT / "deploy/alerts.yaml").read_text(encoding="utf-8"))
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
ASKED = [target["expr"] for panel in PANELS for target in panel["targets"]] + [rule["expr"] for rule in RULES]
BY_PROMETHEUS = {"job", "instance"}  # labels that it adds itself
SERIES = re.compile(r"\b((?:cluster_talks|process)_\w+)(?:\{([^}]*)\})?")
VALUES = re.compile(r"(\w+)\s*(?:=~|!=|!~|=)\s*\"([^\"]*)\"")
BY = re.compile(r"\bby \(([^)]*)\)")


@pytest.fixture
def told(stores: Stores, tmp_path: Any) -> dict[str, dict[str, set[str]]]:
    """Every series that a server tells after all kinds of answers: the values of its labels."""
    settings = Settings(data=stores.data, corpus=copy_small_corpus(tmp_path / "corpus"))
    plugin("ingest")(settings, stores, None, lambda stage, done, total: None).ingest([])
    metrics = Metrics()
    metrics.registry.register(Kept(lambda: stores.library, stores.data))
    metrics.request("/readyz", "GET", 503, 0.1)
    metrics.first.observe(0.1)
    timings = dict.fromkeys(("total", "understand", "search", "read", "evidence", "compose"), 1.0)
    for reason in (None, *Reason):
        metrics.answer(
            Answer("x", "", reason is not None, reason, "en", "", (), (), (), 1, "quotes", timings_ms=timings)
        )
    for outcome in ("failed", "stopped"):
        metrics.ended(outcome, "quotes")
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            for label, value in (sample.labels or {"": ""}).items():
                found[sample.name][label].add(value)
    return found


def asked(query: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The series of a query, each with what it wants of labels."""
    for name, wanted in SERIES.findall(query):
        yield name, dict(VALUES.findall(wanted))


def test_what_is_asked_for_exists(told: dict[str, dict[str, set[str]]]) -> None:
    for query in ASKED:
        for name, wanted in asked(query):
            assert name in told, query
            for label, pattern in wanted.items():
                if label not in BY_PROMETHEUS:
                    for value in pattern.split("|"):
                        assert any(re.fullmatch(value, known) for known in told[name][label]), query
            for label in {part.strip() for group in BY.findall(query) for part in group.split(",")} - BY_PROMETHEUS:
                assert any(label in told[series] for series, _ in asked(query)), query


def test_what_matters_is_shown(told: dict[str, dict[str, set[str]]]) -> None:
    parts = re.compile(r"_(bucket|sum|count)$")
    ours = {parts.sub("", name) for name in told if name.startswith("cluster_talks_") and not name.endswith("_created")}
    assert ours == {
        parts.sub("", name) for query in ASKED for name, _ in asked(query) if name.startswith("cluster_talks_")
    }


def test_the_dashboard_holds_together() -> None:
    assert BOARD["schemaVersion"] >= 39
    assert [variable["name"] for variable in BOARD["templating"]["list"]] == ["datasource", "job", "instance"]
    numbers = [panel["id"] for panel in BOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
    for panel in PANELS:
        assert panel["title"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        for target in panel["targets"]:
            assert 'job=~"$job"' in target["expr"], target["expr"]
            assert target["expr"].count("(") == target["expr"].count(")")


def test_no_two_panels_lie_on_each_other() -> None:
    taken = [
        (x, y)
        for panel in BOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(taken) == len(set(taken))


def test_each_alert_says_what_is_wrong_and_what_to_do() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES) >= 8
    for rule in RULES:
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert set(rule["annotations"]) == {"summary", "action"}
        assert rule["expr"].count("(") == rule["expr"].count(")")
