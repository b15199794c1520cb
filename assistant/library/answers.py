"""Answers, kept without their questions so that they can be told again by their id.

An answer is made of quotes of published documents and of fixed notices. What depends on the words of the question is
left out: the question as it was understood, the day that it asked for, the suggestions and the times; an answer with a
generated sentence is not kept at all. Nothing tells who asked.

A *claim* is the mark of a request that named itself: it leads to the id of the one answer to it.

There are MOST of each at most, so that nobody fills the disk: `trim` deletes the oldest beyond that.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter
from sqlalchemy import Column, Engine, delete, func, insert, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from assistant.library.logs import now
from assistant.library.opening import LibraryUnwritable
from assistant.library.tables import ANSWERS, CLAIMS
from assistant.library.wipe import wipe
from assistant.records import Answer, Sentence

MOST = 100_000  # about 6 kB each

_ANSWER = TypeAdapter(Answer)


class Answers:
    """The kept answers. `keep` only remembers, so that nobody waits for a write; `flush` writes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: dict[str, Answer] = {}
        self._writing = threading.Lock()

    def keep(self, answer: Answer) -> None:
        """Have an answer told again from now on; it is written at the next `flush`."""
        if not _generated(answer.sentences):
            self._waiting[answer.id] = replace(answer, question_used="", suggestions=(), timings_ms={}, as_of=None)

    def flush(self) -> None:
        """Write what was kept since the last time. An answer that cannot be written is lost: whoever asked has it."""
        with self._writing:
            for id_ in list(self._waiting):
                try:
                    self._write(self._waiting[id_])
                except SQLAlchemyError:
                    logging.getLogger(__name__).exception("An answer cannot be kept")
                finally:
                    del self._waiting[id_]

    def _write(self, answer: Answer) -> None:
        values = {"id": answer.id, "created": now(), "record": _ANSWER.dump_python(answer, mode="json")}
        try:
            with self._engine.begin() as db:
                db.execute(insert(ANSWERS).values(values))
        except IntegrityError:  # it was given before: the first stays
            return

    def find(self, id_: str, days: int) -> Answer | None:
        """An answer as it was said, unless it is unknown or older than so many days."""
        if waiting := self._waiting.get(id_):
            return waiting
        since = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")
        with self._engine.connect() as db:
            record = db.execute(select(ANSWERS.c.record).where(ANSWERS.c.id == id_, ANSWERS.c.created >= since))
            found = record.scalar()
        return _ANSWER.validate_python(found) if found else None

    def claim(self, mark: str, id_: str) -> str:
        """The id of the answer that a mark leads to: `id_`, unless an earlier claim says another."""
        try:
            with self._engine.begin() as db:
                db.execute(insert(CLAIMS).values(mark=mark, answer=id_, created=now()))
                return id_
        except IntegrityError:
            with self._engine.connect() as db:
                return db.execute(select(CLAIMS.c.answer).where(CLAIMS.c.mark == mark)).scalar() or id_
        except LibraryUnwritable:  # sent again it is worked out again
            return id_

    def forget(self, before: str) -> int:
        """Delete what is older than an ISO time; how many answers and claims that were."""
        return wipe(self._engine, *(delete(table).where(table.c.created < before) for table in (ANSWERS, CLAIMS)))

    def trim(self, most: int = MOST) -> int:
        """Delete the oldest beyond so many answers and so many claims; how many that were."""
        return sum(self._trim(key, created, most) for key, created in _AGED)

    def _trim(self, key: Column[str], created: Column[str], most: int) -> int:
        with self._engine.connect() as db:
            if db.execute(select(func.count()).select_from(key.table)).scalar_one() <= most:
                return 0
        beyond = select(key).order_by(created.desc(), key).offset(most)
        return wipe(self._engine, delete(key.table).where(key.in_(beyond)))

    def erase(self, id_: str) -> int:
        """Delete an answer and the claims that lead to it; 1 where there was one, else 0."""
        with self._writing:
            waiting = self._waiting.pop(id_, None)
            mine = delete(ANSWERS).where(ANSWERS.c.id == id_), delete(CLAIMS).where(CLAIMS.c.answer == id_)
            return int(bool(wipe(self._engine, *mine) or waiting))


_AGED = ((ANSWERS.c.id, ANSWERS.c.created), (CLAIMS.c.mark, CLAIMS.c.created))


def _generated(sentences: Sequence[Sentence]) -> bool:
    return any(sentence.kind == "generated" for sentence in sentences)
