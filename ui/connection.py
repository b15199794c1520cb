"""What the chat page needs when its server goes away: what to say, and the conversation as text to hand back.

`connection.js` notices, says it and hands back. A new sentence is a line of `notice` and a `say(…)` in the script.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from assistant.ask import MAX_QUESTION
from assistant.language import EU_LANGUAGES
from ui.conversation import Exchange, Exchanges
from ui.markup import said

SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
SHOW = "connection.show(element, trigger); watch('value', connection.again);"
MOST = 500_000  # bytes, half of what a request may have: what it is put into escapes its quotes
ID = re.compile(r"^([0-9a-f]{32})?$")
LARGEST = 2**31
CONVERSATION, EXCHANGE = TypeAdapter(Exchanges), TypeAdapter(Exchange)


def notice(language: str) -> str:
    """The place where the script says how the connection is, with the sentences in the language of the page."""
    sentences = {
        "lost": said("The connection is lost. Trying again …", language),
        "unsent": said(
            "The connection is lost. Your question stays in the box: ask it again when the connection is back.",
            language,
        ),
        "back": said("Connected again.", language),
        "slow": said("This takes longer than usual. You can wait, or stop it.", language),
        "busy": said(
            "Too many questions were asked in a short time. Your question stays in the box: ask it again in a minute.",
            language,
        ),
        "failed": said("Something went wrong. Your question is not lost: please try again.", language),
    }
    data = "".join(f' data-{name}="{sentence}"' for name, sentence in sentences.items())
    return f'<p role="status" aria-live="polite"{data}></p>'


def write(exchanges: Sequence[Exchange]) -> str:
    """The conversation as JSON, as much of its end as can be handed back; `read` is its opposite."""
    kept, size = deque[bytes](), 1
    for text in map(EXCHANGE.dump_json, reversed(exchanges)):
        size += len(text) + 1
        if size > MOST:
            break
        kept.appendleft(text)
    return f"[{b','.join(kept).decode()}]"


def read(text: str) -> Exchanges:
    """What `write` wrote; nothing where a browser hands back anything else, or more."""
    if len(text) > MOST:
        return ()
    try:
        exchanges = CONVERSATION.validate_json(text)
    except ValidationError:
        return ()
    return exchanges if all(map(_possible, exchanges)) else ()


def _possible(exchange: Exchange) -> bool:
    """Whether this program may have written it: a browser can hand back what it likes."""
    return (
        exchange.language in EU_LANGUAGES
        and len(exchange.question) <= MAX_QUESTION
        and bool(ID.match(exchange.id))
        and 0 <= exchange.edition < LARGEST
    )


def broken_off(exchanges: Exchanges) -> Exchanges:
    """The conversation after the connection broke: an answer that was on its way has failed."""
    return tuple(replace(entry, state="failed") if entry.state == "running" else entry for entry in exchanges)
