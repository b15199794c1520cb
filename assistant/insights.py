"""What people ask that the documents do not answer: refused and down-voted questions, grouped into themes.

Nothing is kept of a question that was answered and not complained about. What is kept went through `scrub`, and of who
asked or complained only a mark that holds for one day and one server process. A theme shows once enough people are in
it; a complaint, with its question and comment, shows to staff at once in the list of feedback.
"""

from __future__ import annotations

import hmac
import logging
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.exc import SQLAlchemyError

from assistant.addresses import network_of
from assistant.errors import NotFound, NotReady
from assistant.library import Library
from assistant.library.voices import FeedbackLog, MissedLog, week_of, week_starts
from assistant.records import Answer, Reason
from assistant.scrub import scrub
from assistant.settings import KEEPING, Keeping

if TYPE_CHECKING:
    from assistant.embedders import Embedder

MAX_KEPT = 500
MOST_A_DAY = 50  # questions of one asker that are kept
WORDINGS = 5
WEEKS = 12
RECENT = 4  # weeks that are compared with as many before
FARTHEST = 0.13
ROWS = 5_000  # of each log, the newest, that themes are made of
NEWEST = 2_000  # wordings that are grouped: the memory of grouping grows with their square
_SECRET = secrets.token_bytes(32)


@dataclass(frozen=True, slots=True)
class Theme:
    """Questions that ask for the same. `question` is the most central wording, `questions` are others, `people` tells
    how many asked (who asked on two days counts twice), `weeks` how often a week, oldest first, `change` the last four
    weeks less the four before. `document` is the one that the refusals cited most. `rows` are ids of missed questions,
    `complaints` of down-votes. `id` stays while the theme's first question is kept."""

    id: str
    question: str
    questions: tuple[str, ...]
    count: int
    people: int
    languages: dict[str, int]
    reasons: dict[str, int]
    weeks: tuple[int, ...]
    change: int
    document: str | None
    title: str | None
    first: str
    last: str
    rows: tuple[int, ...]
    complaints: tuple[int, ...]


# --- noting


def note_missed(
    library: Library,
    question: str,
    answer: Answer,
    client: str,
    keeping: Keeping = KEEPING,
    *,
    restricted: bool = False,
    asked_after: bool = False,
) -> None:
    """Keep a question that was refused, without personal data and without the address `client` it came from.
    Not when it was `restricted`, by filters or to another day: the documents may answer it; and not over MOST_A_DAY.
    One that was `asked_after` others is kept as it was understood, which may hold the question that it continues."""
    if not keeping.on or restricted or not answer.abstained or answer.reason in (None, Reason.UNCLEAR):
        return
    asker = _asker(client)
    try:
        if library.missed.today(asker) >= MOST_A_DAY:
            return
        library.missed.add(
            answer=answer.id,
            question=one_line(answer.question_used if asked_after else question),
            language=answer.language,
            reason=str(answer.reason),
            document=answer.citations[0].document if answer.citations else None,
            edition=answer.edition,
            asker=asker,
        )
    except SQLAlchemyError:  # whoever asked has an answer to read; the note is lost
        logging.getLogger(__name__).exception("A refused question cannot be kept")


def note_feedback(
    library: Library,
    *,
    answer: str,
    rating: Literal["up", "down"],
    language: str,
    edition: int,
    reason: str | None = None,
    comment: str = "",
    question: str | None = None,
    document: str | None = None,
    client: str = "",
) -> int:
    """Keep a rating; its number. The question is kept of a "down" only, question and comment without personal data, and
    with a question a mark of who complained. Of an unknown address `client`, "", each complaint counts as a person."""
    complaint = question if rating == "down" else None
    return library.feedback.add(
        answer=answer,
        rating=rating,
        language=language,
        edition=edition,
        reason=reason,
        comment=_clean(comment),
        question=one_line(complaint) if complaint else None,
        document=document,
        asker=_asker(client) if client and complaint else None,
    )


def one_line(question: str) -> str:
    """A question as it may be kept: one line of at most MAX_KEPT characters without personal data."""
    return _clean(" ".join(question.split()))[:MAX_KEPT]


def _clean(text: str) -> str:
    """Without personal data, and without characters that a database refuses."""
    return scrub(text.encode("utf-8", "replace").decode().replace("\0", ""))


def _asker(client: str) -> str:
    """A mark of a client address that holds for one day: who asks twice counts once, and nobody can be traced back."""
    return hmac.new(_SECRET, f"{datetime.now(UTC).date()} {network_of(client)}".encode(), "sha256").hexdigest()[:16]


# --- themes


@dataclass(frozen=True, slots=True, eq=False)
class _Voice:
    """One question of either log."""

    log: Literal["missed", "feedback"]
    id: int
    answer: str
    asker: str
    question: str
    language: str
    reason: str
    document: str | None
    created: str
    vector: NDArray[np.float32]


def themes(library: Library, embedder: Embedder, *, people: int = 3, days: int = 90) -> list[Theme]:
    """The themes of the last days that so many people asked about and that are not done, most people first.

    Average linkage on the cosine distance of the questions' vectors joins what is nearer than FARTHEST. Measured with
    the bundled e5 on 16 questions in 5 wordings each, in 8 languages: the cosine of two wordings of one question has
    the median .88, of two questions .78 (99 % below .88). Of the pairs that are put together, 80 % belong together at a
    distance of .13, and 53 % of the pairs that belong together are; at .10 it is 100 % and 35 %, at .16 68 % and 74 %.
    With 83 questions of the golden sets about 37 facts it is 71 % and 39 % at .13. For another embedder measure again.
    """
    since = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
    groups = [group for group in _grouped(_voices(library, embedder, since)) if _people(group) >= people]
    titles = _titles(library) if groups else {}
    return sorted((_theme(group, titles) for group in groups), key=lambda theme: (-theme.people, -theme.count))


def find_theme(listed: Iterable[Theme], id_: str) -> Theme:
    """The theme of this id. Raises NotFound."""
    if theme := next((theme for theme in listed if theme.id == id_), None):
        return theme
    raise NotFound("There is no such theme any longer.", "Look at the list of themes again.")


def mark_done(library: Library, theme: Theme) -> None:
    """Do not show the questions of a theme any longer."""
    library.missed.done(theme.rows)
    for complaint in theme.complaints:
        library.feedback.done(complaint)


def _voices(library: Library, embedder: Embedder, since: str) -> list[_Voice]:
    """Every open question, oldest first."""
    missed, down = library.missed.rows(since, ROWS), library.feedback.rows(since, ROWS)
    askers = {row["answer"]: row["asker"] for row in missed}
    for row in down:  # who complains of a refusal is the one who asked
        row["asker"] = askers.get(row["answer"]) or row["asker"] or row["answer"]
    voices = [
        *(_voice("missed", row, vector) for row, vector in _embedded(library.missed, missed, embedder)),
        *(_voice("feedback", row, vector) for row, vector in _embedded(library.feedback, down, embedder)),
    ]
    return sorted(voices, key=lambda voice: voice.created)


def _voice(log: Literal["missed", "feedback"], row: dict[str, Any], vector: NDArray[np.float32]) -> _Voice:
    taken = {name: row[name] for name in ("id", "answer", "asker", "question", "language", "document", "created")}
    return _Voice(log=log, reason=row["reason"] or "down", vector=vector, **taken)


def _embedded(
    log: MissedLog | FeedbackLog, rows: list[dict[str, Any]], embedder: Embedder
) -> Iterator[tuple[dict[str, Any], NDArray[np.float32]]]:
    """Rows with their vectors of unit length; what has none of this embedder gets one, which is kept."""
    new = {
        row["id"]: np.asarray(embedder.embed_query(row["question"]), dtype=np.float32)
        for row in rows
        if row["embedder"] != embedder.name
    }
    log.set_vectors({id_: vector.tobytes() for id_, vector in new.items()}, embedder.name)
    for row in rows:
        vector = new[row["id"]] if row["id"] in new else np.frombuffer(row["vector"], dtype=np.float32)
        yield row, vector / max(float(np.linalg.norm(vector)), 1e-9)


def _grouped(voices: list[_Voice]) -> list[list[_Voice]]:
    """Voices that ask for the same, each group oldest first; the same words are one wording."""
    wordings: dict[str, list[_Voice]] = defaultdict(list)
    for voice in reversed(voices):
        wordings[voice.question.casefold()].append(voice)
    newest = list(wordings.values())[:NEWEST]
    groups: dict[int, list[_Voice]] = defaultdict(list)
    for label, alike in zip(_labels([alike[0].vector for alike in newest]), newest, strict=True):
        groups[label].extend(alike)
    return [
        sorted(group, key=lambda voice: (voice.created, voice.log == "feedback", voice.id)) for group in groups.values()
    ]


def _labels(vectors: list[NDArray[np.float32]]) -> list[int]:
    """The number of the group of each vector."""
    if len(vectors) < 2:  # noqa: PLR2004 - nothing to compare
        return [0] * len(vectors)
    from sklearn.cluster import AgglomerativeClustering  # type: ignore[import-untyped]

    stacked = np.stack(vectors)
    clustering = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=FARTHEST
    )
    return list(map(int, clustering.fit_predict(np.clip(1 - stacked @ stacked.T, 0, 2))))


def _people(group: list[_Voice]) -> int:
    return len({voice.asker for voice in group})


def _theme(group: list[_Voice], titles: dict[str, str]) -> Theme:
    once = list({voice.answer: voice for voice in reversed(group)}.values())  # a refusal may be down-voted too
    wordings = _wordings(group)
    weekly = Counter(week_of(voice.created) for voice in once)
    weeks = tuple(weekly[week] for week in week_starts(WEEKS))
    cited = Counter(voice.document for voice in once if voice.document).most_common(1)
    document = cited[0][0] if cited else None
    return Theme(
        id=f"{group[0].log}-{group[0].id}",
        question=wordings[0],
        questions=tuple(wordings[1 : 1 + WORDINGS]),
        count=len(once),
        people=_people(group),
        languages=dict(Counter(voice.language for voice in once).most_common()),
        reasons=dict(Counter(voice.reason for voice in once).most_common()),
        weeks=weeks,
        change=sum(weeks[-RECENT:]) - sum(weeks[-2 * RECENT : -RECENT]),
        document=document,
        title=titles.get(document) if document else None,
        first=group[0].created,
        last=group[-1].created,
        rows=tuple(voice.id for voice in group if voice.log == "missed"),
        complaints=tuple(voice.id for voice in group if voice.log == "feedback"),
    )


def _wordings(group: list[_Voice]) -> list[str]:
    """The different wordings, the most central first: the nearest to the mean of all."""
    centre = np.sum([voice.vector for voice in group], axis=0)
    ranked = sorted(group, key=lambda voice: -float(voice.vector @ centre))
    return list({voice.question.casefold(): voice.question for voice in ranked}.values())


def _titles(library: Library) -> dict[str, str]:
    """Titles of the documents being served, by id."""
    try:
        return {document.id: document.title for document in library.documents(library.current().number)}
    except NotReady:
        return {}
