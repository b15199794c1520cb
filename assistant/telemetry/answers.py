"""Answers, watched: whichever way a question came in, its answer passes here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from assistant.ask import Assistant
from assistant.errors import ClusterTalksError
from assistant.records import Done, Edition, Event, Question, Said
from assistant.telemetry.metrics import Metrics
from assistant.telemetry.traces import Traces


@dataclass(frozen=True)
class WatchedAssistant(Assistant):
    """An assistant whose answers are counted and traced."""

    metrics: Metrics = field(default_factory=Metrics)
    traces: Traces | None = None

    def stream(self, question: Question, edition: Edition | None = None) -> Iterator[Event]:
        """As Assistant.stream."""
        return self._watched(super().stream(question, edition))

    def _watched(self, events: Iterator[Event]) -> Iterator[Event]:
        began, parent = time.perf_counter(), self.traces.here() if self.traces else None
        outcome, first = "stopped", True
        self.metrics.running.inc()
        try:
            for event in events:
                if isinstance(event, Said) and first:
                    first = False
                    self.metrics.first.observe(time.perf_counter() - began)
                if isinstance(event, Done):
                    outcome = ""
                    self.metrics.answer(event.answer)
                    if self.traces and parent is not None:
                        self.traces.answer(event.answer, parent)
                yield event
        except ClusterTalksError as error:
            outcome = "failed" if error.status >= 500 else ""  # noqa: PLR2004 - less is the question's own fault
            raise
        except Exception:
            outcome = "failed"
            raise
        finally:
            self.metrics.running.dec()
            if outcome:
                self.metrics.ended(outcome, self.engine.name)


def watched(assistant: Assistant, metrics: Metrics, traces: Traces | None = None) -> WatchedAssistant:
    """The same assistant, watched."""
    parts = {part.name: getattr(assistant, part.name) for part in fields(assistant)}
    return WatchedAssistant(**parts, metrics=metrics, traces=traces)
