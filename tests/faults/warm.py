"""What the process has imported and read that the others are forked from; nothing in here starts a thread."""

from __future__ import annotations

from datetime import date

import chromadb.api.rust  # noqa: F401

import assistant.cli
import assistant.follow
import assistant.runs
import assistant.serve  # noqa: F401
import ingest.run  # noqa: F401
from assistant.language import detect_language
from assistant.periods import periods_asked
from tests.faults.started import register_quick

register_quick()
periods_asked("Who spoke in May?", date(2026, 5, 1))
detect_language("Who spoke in May?")
