"""What people told: ratings of answers, questions that were refused, and the sessions of staff who read both.

Nothing here knows who asked: `assistant.insights` decides what may be kept before it comes here. A week is named by its
Monday. What is deleted is also overwritten in an SQLite file.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Table, delete, func, insert, select, update

from assistant.errors import NotFound
from assistant.library.logs import now
from assistant.library.tables import FEEDBACK, MISSED, SESSIONS
from assistant.library.wipe import wipe

UNSEEN = ("vector", "embedder", "asker")  # columns that are not listed


class _Log:
    """What the two logs share: rows with an id, an answer, the times `created` and `done`, and a vector."""

    _table: Table

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def forget(self, before: str) -> int:
        """Delete what is older than an ISO time; how many rows that were."""
        return self._delete(self._table.c.created < before)

    def erase(self, answer: str) -> int:
        """Delete what is kept under the id of an answer; how many rows that were."""
        return self._delete(self._table.c.answer == answer)

    def reopen(self, ids: Iterable[int]) -> None:
        """Note that rows are not dealt with after all; ids that are gone are passed over."""
        with self._engine.begin() as db:
            db.execute(update(self._table).where(self._table.c.id.in_(list(ids))).values(done=None))

    def set_vectors(self, vectors: Mapping[int, bytes], embedder: str) -> None:
        """Keep the vectors of questions by row id, float32 bytes, and whose they are."""
        with self._engine.begin() as db:
            for id_, vector in vectors.items():
                mine = self._table.c.id == id_
                db.execute(update(self._table).where(mine).values(vector=vector, embedder=embedder))

    def _delete(self, condition: ColumnElement[bool]) -> int:
        return wipe(self._engine, delete(self._table).where(condition))

    def _done(self, ids: Iterable[int]) -> int:
        mark = update(self._table).values(done=now())
        with self._engine.begin() as db:
            return sum(db.execute(mark.where(self._table.c.id == id_)).rowcount for id_ in ids)

    def _open(self, since: str, count: int | None, *conditions: ColumnElement[bool]) -> list[dict[str, Any]]:
        wanted = (self._table.c.created >= since, self._table.c.done.is_(None), *conditions)
        newest = select(self._table).where(*wanted).order_by(self._table.c.id.desc()).limit(count)
        with self._engine.connect() as db:
            return [dict(row) for row in db.execute(newest).mappings()][::-1]


class FeedbackLog(_Log):
    """Ratings of answers, one an answer."""

    _table = FEEDBACK

    def add(
        self,
        *,
        answer: str,
        rating: str,
        language: str,
        edition: int,
        reason: str | None = None,
        comment: str = "",
        question: str | None = None,
        document: str | None = None,
        asker: str | None = None,
        at: str | None = None,
    ) -> int:
        """Number of a new rating, made `at` an ISO time (default now). An earlier one of the same answer goes."""
        values = {
            "answer": answer,
            "rating": rating,
            "reason": reason,
            "comment": comment,
            "question": question,
            "document": document,
            "language": language,
            "edition": edition,
            "asker": asker,
            "created": at or now(),
        }
        with self._engine.begin() as db:
            id_ = _insert(db, FEEDBACK, values)
        wipe(self._engine, delete(FEEDBACK).where(FEEDBACK.c.answer == answer, FEEDBACK.c.id < id_))
        return id_

    def latest(self, count: int = 100, rating: str | None = None) -> list[dict[str, Any]]:
        """The latest ratings, newest first, all or only "up" or "down" ones."""
        columns = [column for column in FEEDBACK.c if column.name not in UNSEEN]
        query = select(*columns).order_by(FEEDBACK.c.id.desc()).limit(count)
        if rating:
            query = query.where(FEEDBACK.c.rating == rating)
        with self._engine.connect() as db:
            return [dict(row) for row in db.execute(query).mappings()]

    def rows(self, since: str, count: int | None = None) -> list[dict[str, Any]]:
        """The "down" ratings with a question that are not done, made since an ISO time, oldest first: all, or the
        newest `count`."""
        return self._open(since, count, FEEDBACK.c.rating == "down", FEEDBACK.c.question.is_not(None))

    def by_week(self, weeks: int = 12) -> list[tuple[str, int, int]]:
        """(Monday, up, down) of the last weeks, oldest first, this one at the end."""
        starts = week_starts(weeks)
        query = select(FEEDBACK.c.created, FEEDBACK.c.rating).where(FEEDBACK.c.created >= starts[0])
        with self._engine.connect() as db:
            found = Counter((week_of(created), rating) for created, rating in db.execute(query))
        return [(week, found[week, "up"], found[week, "down"]) for week in starts]

    def by_edition(self) -> dict[int, tuple[int, int]]:
        """(up, down) by the edition that answered."""
        query = select(FEEDBACK.c.edition, FEEDBACK.c.rating, func.count()).group_by(
            FEEDBACK.c.edition, FEEDBACK.c.rating
        )
        with self._engine.connect() as db:
            found = {(edition, rating): count for edition, rating, count in db.execute(query)}
        return {
            edition: (found.get((edition, "up"), 0), found.get((edition, "down"), 0))
            for edition in sorted({edition for edition, _ in found})
        }

    def done(self, id_: int) -> None:
        """Note that a rating is dealt with. Raises NotFound."""
        if not self._done([id_]):
            raise NotFound(f"There is no feedback {id_}.", "GET /api/v1/feedback lists the latest.")


class MissedLog(_Log):
    """Questions that were refused."""

    _table = MISSED

    def add(
        self,
        *,
        answer: str,
        question: str,
        language: str,
        reason: str,
        edition: int,
        asker: str,
        document: str | None = None,
        at: str | None = None,
    ) -> int:
        """Number of a newly noted question, asked `at` an ISO time (default now)."""
        values = {
            "answer": answer,
            "question": question,
            "language": language,
            "reason": reason,
            "document": document,
            "edition": edition,
            "asker": asker,
            "created": at or now(),
        }
        with self._engine.begin() as db:
            return _insert(db, MISSED, values)

    def rows(self, since: str, count: int | None = None) -> list[dict[str, Any]]:
        """The questions that are not done, asked since an ISO time, oldest first: all, or the newest `count`."""
        return self._open(since, count)

    def today(self, asker: str) -> int:
        """How many questions are kept that an asker asked today."""
        theirs = select(func.count()).where(MISSED.c.asker == asker, MISSED.c.created >= now()[:10])
        with self._engine.connect() as db:
            return db.execute(theirs).scalar_one()

    def by_week(self, weeks: int = 12) -> list[tuple[str, int]]:
        """(Monday, how many) of the last weeks, oldest first, this one at the end."""
        starts = week_starts(weeks)
        query = select(MISSED.c.created).where(MISSED.c.created >= starts[0])
        with self._engine.connect() as db:
            found = Counter(map(week_of, db.execute(query).scalars()))
        return [(week, found[week]) for week in starts]

    def done(self, ids: Iterable[int]) -> None:
        """Note that questions are dealt with."""
        self._done(list(ids))


class Sessions:
    """Who is logged in: random tokens, of which only the SHA-256 is kept."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def open(self, key_id: int, hours: float) -> str:
        """The token of a new session of a key; it ends by itself. Those that are over are deleted."""
        token = secrets.token_urlsafe(32)
        expires = (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="seconds")
        self.forget(now())
        with self._engine.begin() as db:
            db.execute(insert(SESSIONS).values(digest=_digest(token), key=key_id, expires=expires))
        return token

    def find(self, token: str) -> int | None:
        """The id of the key whose session this is; None once it has ended."""
        mine = select(SESSIONS.c.key).where(SESSIONS.c.digest == _digest(token), SESSIONS.c.expires > now())
        with self._engine.connect() as db:
            return db.execute(mine).scalar()

    def forget(self, before: str) -> int:
        """Delete the sessions that were over at an ISO time; how many those were."""
        with self._engine.begin() as db:
            return db.execute(delete(SESSIONS).where(SESSIONS.c.expires <= before)).rowcount

    def close(self, token: str) -> None:
        """End a session."""
        with self._engine.begin() as db:
            db.execute(delete(SESSIONS).where(SESSIONS.c.digest == _digest(token)))


def week_of(time: str) -> str:
    """The Monday of the week of an ISO time."""
    day = date.fromisoformat(time[:10])
    return (day - timedelta(days=day.weekday())).isoformat()


def week_starts(weeks: int) -> list[str]:
    """The Mondays of the last weeks, oldest first, this week's at the end."""
    monday = date.fromisoformat(week_of(now()))
    return [(monday - timedelta(weeks=back)).isoformat() for back in reversed(range(weeks))]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _insert(db: Connection, table: Table, values: dict[str, Any]) -> int:
    return int(db.execute(insert(table).values(**values)).inserted_primary_key[0])  # type: ignore[index]
