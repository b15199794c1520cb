"""Metrics for Prometheus, at /metrics. Each server process has its own; labels take few values, none from a question.

A new metric is a line of Metrics; deploy/grafana.json shows it, deploy/alerts.yaml watches it.
"""

from __future__ import annotations

import platform

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)

from assistant import __version__
from assistant.language import EU_LANGUAGES
from assistant.records import Answer

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
TOO_MANY = 429


class Metrics:
    """What one server process counts."""

    def __init__(self) -> None:
        self.registry = at = CollectorRegistry()
        ProcessCollector(registry=at)
        GCCollector(registry=at)
        build = Info("cluster_talks_build", "What runs here.", registry=at)
        build.info({"version": __version__, "python": platform.python_version()})
        self.requests = Counter(
            "cluster_talks_http_requests", "Requests answered.", ["route", "method", "status"], registry=at
        )
        self.durations = Histogram(
            "cluster_talks_http_request_duration_seconds",
            "Time until the whole response was sent.",
            ["route", "method"],
            buckets=SECONDS,
            registry=at,
        )
        self.limited = Counter("cluster_talks_rate_limited", "Requests refused with status 429.", registry=at)
        self.streams = Gauge("cluster_talks_streams_open", "Event streams being sent.", registry=at)
        self.answers = Counter(
            "cluster_talks_answers", "Questions answered or refused.", ["engine", "language", "outcome"], registry=at
        )
        self.running = Gauge("cluster_talks_answers_running", "Answers coming about.", registry=at)
        self.stages = Histogram(
            "cluster_talks_answer_stage_seconds", "Time by stage of an answer.", ["stage"], buckets=SECONDS, registry=at
        )
        self.first = Histogram(
            "cluster_talks_first_sentence_seconds", "Time until the first sentence.", buckets=SECONDS, registry=at
        )
        self.runs = Counter("cluster_talks_runs", "Ingest runs that ended.", ["status"], registry=at)
        for status in ("done", "failed"):
            self.runs.labels(status)

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request; `route` is its template."""
        method = method if method in METHODS else "other"
        self.requests.labels(route, method, str(status)).inc()
        self.durations.labels(route, method).observe(seconds)
        if status == TOO_MANY:
            self.limited.inc()

    def answer(self, answer: Answer) -> None:
        """Count a finished answer and the time of its stages."""
        self.ended(str(answer.reason or "answered"), answer.engine, answer.language)
        for stage, milliseconds in answer.timings_ms.items():
            self.stages.labels(stage).observe(milliseconds / 1000)

    def ended(self, outcome: str, engine: str, language: str = "other") -> None:
        """Count how one answer ended."""
        self.answers.labels(engine, language if language in EU_LANGUAGES else "other", outcome).inc()

    def text(self) -> bytes:
        """Everything in Prometheus' text form."""
        return generate_latest(self.registry)
