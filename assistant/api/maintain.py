"""What maintainers do: ingest, watch runs, publish editions; `uploads` has the rest. Every route needs their key.

A run is only asked for here; the server's one Runner does it. Over HTTP nothing outside the corpus folder can be named.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from fastapi import Path as InPath
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints
from pydantic.dataclasses import dataclass

from assistant.api.ask import Asked as Question
from assistant.api.auth import Maintainer, get_maintainer
from assistant.api.problems import responses
from assistant.api.state import Ready, StateNow
from assistant.away import Away
from assistant.editions import Difference, difference
from assistant.errors import BadRequest, Conflict, NotFound
from assistant.library import Library
from assistant.records import Answer, Edition

PREFIX = "/api/v1"
WEB = ("https://", "http://")
LOOK_SECONDS = 0.3

router = APIRouter(
    prefix=PREFIX, tags=["maintain"], dependencies=[Depends(get_maintainer)], responses=responses(401, 403, 422, 503)
)
Number = Annotated[int, InPath(ge=1, le=2**31 - 1)]
Origin = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class IngestIn(BaseModel):
    """What to ingest and what to do with the new edition. Nothing named means the whole corpus."""

    model_config = ConfigDict(extra="forbid")

    origins: list[Origin] = Field(
        [], description="web addresses, or paths relative to the corpus folder", examples=[["uploads/guide.md"]]
    )
    publish: Literal["auto", "never"] = Field("auto", description="auto: unless answers get worse")
    plan: StrictBool = Field(False, description="only tell what would be done; change nothing")
    remove: list[Origin] = Field([], description="uris of documents from the web to leave out", examples=[[]])


@dataclass(frozen=True)
class Asked:
    """A run that was asked for; `/api/v1/runs/{run}/events` tells how it goes."""

    run: int
    status: str = "requested"


@dataclass(frozen=True)
class Run:
    """A run: what was asked, how far it is, and its report at the end. The list of runs leaves reports out."""

    id: int
    status: str
    stage: str
    progress: float
    created: str
    asked: dict[str, Any]
    report: dict[str, Any] | None


@dataclass(frozen=True)
class Editions:
    """All editions, newest first, and which one is served."""

    served: int
    editions: list[Edition]


@dataclass(frozen=True)
class Published:
    """The edition that is served from now on, and the one before."""

    served: int
    before: int


# --- runs


@router.post("/ingest", status_code=202)
def ingest(body: IngestIn, assistant: Ready, state: StateNow, key: Maintainer, response: Response) -> Asked:
    """Ask for a run that brings the served documents up to date."""
    origins = [_origin(origin, state.corpus) for origin in body.origins]
    return ask_for(
        {**body.model_dump(), "do": "ingest", "origins": origins, "by": key.name}, assistant.library, response
    )


def ask_for(asked: dict[str, Any], library: Library, response: Response) -> Asked:
    """Ask the server's runner for a run, and tell in the response where it is."""
    run = library.runs.begin(asked, status="requested")
    response.headers["Location"] = f"{PREFIX}/runs/{run}"
    return Asked(run)


def _origin(sent: str, corpus: Path) -> str:
    if not sent.startswith(WEB):
        return str(below(corpus, sent))
    if "@" in sent.split("/")[2]:  # it would be kept with the run, and shown
        raise BadRequest("The address holds a user name or password.", "Take out what stands before the @.")
    return sent


def below(corpus: Path, path: str) -> Path:
    """What is at a path relative to the corpus folder, links followed. Raises BadRequest when that is not inside it."""
    relative, home = PurePosixPath(path), corpus.resolve()
    try:
        found = (home / path).resolve(strict=True)
        inside = found.is_relative_to(home) and not relative.is_absolute() and ".." not in relative.parts
    except (OSError, RuntimeError, ValueError):  # missing, a circle of links, a name that no file can have
        inside = False
    if not inside:
        raise BadRequest(
            f"The corpus folder has nothing at {path!r}.",
            "Name a web address, or a file or folder by its path relative to the corpus folder.",
        )
    return found


@router.get("/runs")
def runs(assistant: Ready) -> list[Run]:
    """The latest 50 runs, newest first, without their reports."""
    return [Run(**{**run, "report": None}) for run in assistant.library.runs.latest(50)]


def _known(run: Number, assistant: Ready) -> dict[str, Any]:
    return assistant.library.runs.one(run)


KnownRun = Annotated[dict[str, Any], Depends(_known)]


@router.get("/runs/{run}", responses=responses(404))
def one_run(run: KnownRun) -> Run:
    """One run with its report."""
    return Run(**run)


@router.get("/runs/{run}/events", response_class=EventSourceResponse, responses=responses(404))
async def events(run: KnownRun, assistant: Ready) -> AsyncIterator[ServerSentEvent]:
    """How a run goes, as an event stream: `progress` …, then `done` with the report, or `error`."""
    told: dict[str, Any] = {}
    while run["status"] in ("requested", "running"):
        now = {"stage": run["stage"] or run["status"], "progress": run["progress"]}
        if now != told:
            yield ServerSentEvent(event="progress", data=now)
        told = now
        await asyncio.sleep(LOOK_SECONDS)
        with suppress(Away):  # the next look may find the database there
            run = await run_in_threadpool(assistant.library.runs.one, run["id"])
    if run["status"] == "done":
        yield ServerSentEvent(event="done", data=run["report"])
    else:
        yield ServerSentEvent(event="error", data={"title": "The run failed", **run["report"]})


@router.get("/runs/{run}/report", response_class=HTMLResponse, responses=responses(404, 409))
def report(run: KnownRun) -> str:
    """The report of an ingest run as a page to read."""
    from assistant.wiring import plugin

    if run["status"] != "done":
        raise Conflict(f"Run {run['id']} is {run['status']}.", "Only a run that is done has a report.")
    if run["asked"].get("do") != "ingest":
        raise NotFound(f"Run {run['id']} ingested nothing.", f"GET {PREFIX}/runs/{run['id']} tells what it did.")
    page: str = plugin("report")(run["report"], f"{datetime.fromisoformat(run['created']):%Y-%m-%d %H:%M}")
    return page


# --- editions


@router.get("/editions")
def editions(assistant: Ready) -> Editions:
    """All editions, newest first."""
    return Editions(assistant.library.current().number, assistant.library.editions())


@router.get("/editions/diff", responses=responses(404))
def diff(
    assistant: Ready,
    old: Annotated[int, Query(ge=1, le=2**31 - 1)],
    new: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="default: the one being served")] = None,
) -> Difference:
    """What differs between two editions."""
    return difference(assistant.library, old, new or assistant.library.current().number)


@router.post("/editions/{edition}/ask", responses=responses(404, 409))
def ask_edition(edition: Number, question: Question, assistant: Ready) -> Answer:
    """Answer a question from an edition, before it is served or after, to look at it or to replay an answer. Nothing of
    it is kept."""
    wanted = assistant.library.edition(edition)
    if wanted.status != "ready":
        raise Conflict(f"Edition {edition} is {wanted.status}.", "Ask one that is ready.")
    return assistant.ask(question, wanted)


@router.post("/editions/{edition}/publish", responses=responses(404, 409))
def publish(edition: Number, assistant: Ready) -> Published:
    """Serve this edition from now on, its indexes opened before; an older one is a roll-back."""
    wanted, before = assistant.library.edition(edition), assistant.library.current().number
    if wanted.status == "ready":
        assistant.retriever.index(wanted)
    assistant.library.publish(edition)
    return Published(edition, before)


@router.delete("/editions/{edition}", status_code=202, responses=responses(404, 409))
def retire(edition: Number, assistant: Ready, key: Maintainer, response: Response) -> Asked:
    """Ask for a run that removes an edition's vectors and index; what its answers cited can still be read."""
    if assistant.library.edition(edition).number == assistant.library.current().number:
        raise Conflict(f"Edition {edition} is being served.", "Publish another one first.")
    return ask_for({"do": "retire", "edition": edition, "by": key.name}, assistant.library, response)
