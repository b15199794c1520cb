"""Where a quote stands, and the address that opens its original there: page of a PDF, second of a recording, heading.

To add a way of opening a place, write a function and a line in OPENERS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from assistant.language import message, say
from assistant.records import Anchor, Cue, Document

PAGE, SLIDE = message("page {number}"), message("slide {number}")
PAGES = (".html", ".htm", ".xhtml")
WITH_TIME_IN_QUERY = ("youtube.com", "youtu.be")
FRAGMENT_WORDS = 5  # of a text fragment's beginning and end


def cues_between(cues: Sequence[Cue], start: int, end: int) -> tuple[Cue, ...]:
    """Those that were said between two characters, counted from `start` on."""
    following = [cue.at for cue in cues[1:]]
    said = (cue for cue, after in zip_longest(cues, following) if cue.at < end and (after is None or after > start))
    return tuple(replace(cue, at=max(0, cue.at - start)) for cue in said)


def said_at(anchor: Anchor, cues: Sequence[Cue]) -> Anchor:
    """The anchor with the seconds of these cues, where there are any."""
    return replace(anchor, start=cues[0].start, end=cues[-1].end) if cues else anchor


def clock(seconds: float) -> str:
    """Seconds of a recording as people write them: 75.2 is 1:15, 3675 is 1:01:15."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def told_place(anchor: Anchor, language: str) -> Iterator[str]:
    """What a reader needs to find a place again: its heading, page, slide, time; as plain text."""
    yield from anchor.heading[-1:]
    for words, number in ((PAGE, anchor.label or anchor.page), (SLIDE, anchor.slide)):
        if number is not None:
            yield say(words, language, number=number)
    if anchor.start is not None:
        yield clock(anchor.start)


def original(document: Document, anchor: Anchor, text: str) -> str | None:
    """The document's own address, opened at the anchor where its format allows, with `text` as what stands there."""
    if document.url is None:
        return None
    base = document.url.partition("#")[0]
    found = (opener(base, document, anchor, text) for opener in OPENERS)
    return next((address for address in found if address), document.url)


def _at_second(address: str, _: Document, anchor: Anchor, __: str) -> str | None:
    if anchor.start is None:
        return None
    parts = urlsplit(address)
    second = str(int(anchor.start))
    if (parts.hostname or "").removeprefix("www.").removeprefix("m.") in WITH_TIME_IN_QUERY:
        query = [(name, value) for name, value in parse_qsl(parts.query) if name not in ("t", "start")]
        return urlunsplit(parts._replace(query=urlencode([*query, ("t", second)])))
    return f"{address}#t={second}"


def _at_page(address: str, _: Document, anchor: Anchor, __: str) -> str | None:
    return f"{address}#page={anchor.page}" if anchor.page is not None else None


def _at_words(address: str, document: Document, anchor: Anchor, text: str) -> str | None:
    """A text fragment (https://wicg.github.io/scroll-to-text-fragment/); a browser without it goes to the heading."""
    if document.format not in PAGES:
        return None
    words = text.partition("\n")[0].split()
    ends = [words] if len(words) <= 2 * FRAGMENT_WORDS else [words[:FRAGMENT_WORDS], words[-FRAGMENT_WORDS:]]
    marks = ",".join(quote(" ".join(part), safe="").replace("-", "%2D") for part in ends if part)
    return f"{address}#{anchor.fragment or ''}" + (f":~:text={marks}" if marks else "")


Opener = Callable[[str, Document, Anchor, str], str | None]
OPENERS: tuple[Opener, ...] = (_at_second, _at_page, _at_words)
