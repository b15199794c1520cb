"""Traces by OpenTelemetry, sent to a collector by OTLP over HTTP; only where the setting OTLP_ENDPOINT names one.

A request is a span named after its route, an answer a span "ask" with a child for each stage. The SDK is imported only
then, and no provider is made the process's own, so that no library sends spans of its own: theirs would hold addresses
with what people ask.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers
from starlette.types import Scope

from assistant import __version__
from assistant.records import Answer

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

FAILED = 500
MILLISECOND = 1_000_000  # in nanoseconds
PATIENCE = 2  # seconds


@dataclass(frozen=True)
class RequestSpan:
    """The span of a request that is being answered."""

    span: Span

    def end_as(self, method: str, route: str, status: int) -> None:
        """Note how it was answered."""
        from opentelemetry.trace import StatusCode

        self.span.update_name(f"{method} {route}")
        self.span.set_attributes({"http.route": route, "http.response.status_code": status})
        if status >= FAILED:
            self.span.set_status(StatusCode.ERROR)


class Traces:
    """Makes spans and hands them to an exporter in the background."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("cluster_talks", __version__)

    @contextmanager
    def request(self, scope: Scope) -> Iterator[RequestSpan]:
        """The span of a request, below the one that its `traceparent` names."""
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        parent = TraceContextTextMapPropagator().extract(dict(Headers(scope=scope)))
        method = {"http.request.method": scope["method"]}
        with self._tracer.start_as_current_span(
            scope["method"],
            parent,
            SpanKind.SERVER,
            attributes=method,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield RequestSpan(span)

    def here(self) -> Context:
        """The span that this code runs in, as a parent for `answer`."""
        from opentelemetry.context import get_current

        return get_current()

    def answer(self, answer: Answer, parent: Context) -> None:
        """The spans of an answer that has just been finished, from the times it has by stage."""
        from opentelemetry.trace import set_span_in_context

        ended = time.time_ns()
        began = ended - int(answer.timings_ms["total"] * MILLISECOND)
        ask = self._tracer.start_span("ask", parent, attributes=_attributes(answer), start_time=began)
        inside = set_span_in_context(ask, parent)
        for stage, milliseconds in answer.timings_ms.items():
            if stage != "total":
                span = self._tracer.start_span(stage, inside, start_time=began)
                began += int(milliseconds * MILLISECOND)
                span.end(began)
        ask.end(ended)

    def close(self) -> None:
        """Send what is left, for PATIENCE at most: a collector may be away, and the SDK would try again and again."""
        sending = threading.Thread(target=self._provider.shutdown, name="last-traces", daemon=True)
        sending.start()
        sending.join(PATIENCE)


def _attributes(answer: Answer) -> dict[str, Any]:
    return {
        "language": answer.language,
        "outcome": str(answer.reason or "answered"),
        "engine": answer.engine,
        "edition": answer.edition,
    }


def open_traces(endpoint: str) -> Traces | None:
    """Traces to the collector at this address, to which /v1/traces is added; None for ""."""
    if not endpoint:
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = {"service.name": "cluster-talks-assistant", "service.version": __version__}
    provider = TracerProvider(resource=Resource.create(name), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Traces(provider)
