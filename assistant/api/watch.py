"""What is put around the application to see every request: telemetry, the shape of OpenAI's errors, and the count of
those yet to be answered. Telemetry is outermost: what it tells is what the client got."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.types import ASGIApp

from assistant.api.drain import Drain, Draining
from assistant.api.openai.errors import AsOpenAI
from assistant.api.state import State
from assistant.telemetry.kept import Kept
from assistant.telemetry.metrics import Metrics
from assistant.telemetry.requests import Observed
from assistant.telemetry.traces import open_traces

# FastAPI's own would send addresses with what people ask; assistant/telemetry tells less.
NO_TELEMETRY = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


def watch(app: FastAPI, state: State) -> None:
    """Watch every request, also those that other middleware refuses and those that end in an unexpected error.

    From now on app.state has `metrics`, `drain`, and `traces` (None where none are sent)."""
    metrics, drain, traces = Metrics(), Drain(), open_traces(state.settings.otlp_endpoint)
    metrics.registry.register(Kept(lambda: state.assistant.library if state.ready else None, state.settings.data))
    app.state.metrics, app.state.drain, app.state.traces = metrics, drain, traces
    if traces:
        state.on_close(traces.close)
    inner = app.build_middleware_stack

    def stack() -> ASGIApp:
        return Observed(AsOpenAI(Draining(inner(), drain)), metrics, traces)

    app.build_middleware_stack = stack  # type: ignore[method-assign]
