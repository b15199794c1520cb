"""Captions, WebVTT and SubRip: the cues that one speaker says in a row are one section with one paragraph."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from html import unescape
from itertools import pairwise

from webvtt import WebVTT
from webvtt.models import Timestamp

from assistant.errors import UnreadableDocument
from assistant.records import Cue
from ingest.readers.outline import Outline, plain
from ingest.readers.reading import Reading, decode, front_matter, language_of

PAUSE = 3.0  # seconds of silence that end a paragraph where no speaker is named
FULL_WORDS, MOST_WORDS = 120, 240  # such a paragraph ends past the one at a sentence end, past the other anywhere

TIME = r"(?:(\d{1,4}):)?([0-5]?\d):([0-5]?\d)(?:[.,](\d{1,3})\d*)?"
TIMING = re.compile(rf"\s*{TIME}\s*-->\s*{TIME}(?=\s|$)")
NUMBERED = re.compile(r"(?:^\s*\d+\s*\n)?(^.*-->)", re.MULTILINE)
VOICE = re.compile(r"<v(?:\.[^\s>]*)?[ \t]+([^>\n]{0,200})>")
NOT_SAID = re.compile(r"<[^>\n]{0,300}>|\{\\[^}\n]{0,99}\}|\[[^]\n]{0,99}\]|&[lr]rm;|[♪♫\u200b-\u200f\u2060\ufeff]")
SOUNDS = "laugh|applau|music|musik|musiq|música|cheer|chuckl|cough|inaudible|silence|beifall|gelächter|rires"
SOUND = re.compile(rf"\([^()]{{0,60}}(?:{SOUNDS})[^()]{{0,60}}\)|^\s*\([^()]*\)\s*$", re.IGNORECASE)
UPPER = "".join(filter(str.isupper, map(chr, range(0x530))))
PARTICLE = "van|von|der|den|de|del|della|di|da|dos|du|la|le|zu|af|av|ten|ter"
WORD = rf"[{UPPER}][\w'’.-]*"
NAME = rf"{WORD}(?: (?:(?:{PARTICLE}) ){{0,2}}{WORD}){{0,3}}(?: \d{{1,2}})?(?: \([^()]{{1,40}}\))?"
SPEAKER = re.compile(rf"\x02(?P<voice>[^\x02]*)\x02|(?:(?:>>|-(?!\d))[>\s]*)?(?:(?P<name>{NAME}):(?:\s+|$))?")
LAST_QUESTION = re.compile(r"(?:^|[.!?…]\s+)([^.!?…]{8,300}\?)$")
SENTENCE_END = re.compile(r"[.!?…][\"'»”’)]*$")


def read_vtt(data: bytes) -> Reading:
    """Speaker turns of WebVTT captions."""
    return _read(decode(data), lambda text: text if text.startswith("WEBVTT") else f"WEBVTT\n\n{text}")


def read_srt(data: bytes) -> Reading:
    """Speaker turns of SubRip captions."""
    return _read(decode(data), _as_vtt)


def _as_vtt(text: str) -> str:
    """SubRip as WebVTT: cues without their numbers, and blank lines only between cues."""
    lines = "\n".join(line for line in text.split("\n") if line.strip())
    return "WEBVTT\n\n" + NUMBERED.sub(r"\n\1", lines)


def _read(text: str, as_vtt: Callable[[str], str]) -> Reading:
    lines = text.lstrip("\n").split("\n")
    skipped = len(text) - len(text.lstrip("\n"))
    unreadable = [at for at, line in enumerate(lines, start=skipped + 1) if "-->" in line and not TIMING.match(line)]
    captions = WebVTT.from_string(as_vtt("\n".join(map(_timing, lines))))
    if not captions.captions:
        raise _no_cue(unreadable)
    outline, question = Outline(), None
    for turn in _turns(_pieces(_shown(captions))):
        _tell(outline, turn)
        if question:
            outline.asked(question)
        question = _question(turn)
    return Reading(outline.sections(), front_matter({"language": _language(captions.metadata)}), _notes(unreadable))


def _timing(line: str) -> str:
    """A line with the times as WebVTT writes them, a mere arrow if there are none to read."""
    if "-->" not in line:
        return line
    found = TIMING.match(line)
    return " --> ".join(_clock(*found.groups()[at : at + 4]) for at in (0, 4)) if found else "-->"


def _clock(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> str:
    return f"{hours or '0':0>2}:{minutes:0>2}:{seconds:0>2}.{fraction or '0':0<3}"


def _no_cue(unreadable: Sequence[int]) -> UnreadableDocument:
    where = f"line {unreadable[0]} is no time of a cue" if unreadable else "no line gives the time of a cue"
    return UnreadableDocument(f"no caption was found: {where}.", "Write times as 00:01:02.500 --> 00:01:04.000.")


def _notes(unreadable: Sequence[int]) -> tuple[str, ...]:
    lines = ", ".join(map(str, unreadable))
    return (f"Cues were left out, as their times cannot be read: line {lines}.",) if lines else ()


def _language(metadata: Iterable[str]) -> str | None:
    values = (line.partition(":")[2].strip() for line in metadata if line.lower().startswith("language:"))
    return next(filter(None, map(language_of, values)), None)


@dataclass(frozen=True, slots=True)
class _Shown:
    """The lines that a cue shows, without markup; a speaker's name stands between two \\x02."""

    lines: tuple[str, ...]
    start: float
    end: float


def _shown(captions: WebVTT) -> list[_Shown]:
    """The cues in the order of their time, without what earlier cues still show."""
    cues = [_Shown(_said(cue.raw_text), _seconds(cue.start_time), _seconds(cue.end_time)) for cue in captions.captions]
    cues.sort(key=lambda cue: cue.start)
    repeats = sum(_kept(before.lines, cue.lines) > 0 for before, cue in pairwise(cues))
    return _unrolled(cues) if repeats * 3 > len(cues) else cues


def _seconds(time: Timestamp) -> float:
    return time.in_milliseconds() / 1000


def _said(raw: str) -> tuple[str, ...]:
    """What is said in a cue, line by line: no tags, no notes on sounds."""
    text = unescape(NOT_SAID.sub("", VOICE.sub("\n\x02\\1\x02", raw)))
    text = SOUND.sub(" ", text).replace(" >> ", "\n>> ")
    return tuple(line for line in map(plain, text.split("\n")) if line)


def _unrolled(cues: Sequence[_Shown]) -> list[_Shown]:
    news, before = [], _Shown((), 0, 0)
    for cue in cues:
        news.append(replace(cue, lines=cue.lines[_kept(before.lines, cue.lines) :]))
        before = cue if cue.lines else before
    return news


def _kept(before: tuple[str, ...], lines: tuple[str, ...]) -> int:
    """How many of a cue's first lines are the last ones of the cue before."""
    sizes = range(min(len(before), len(lines)), 0, -1)
    return next((size for size in sizes if before[-size:] == lines[:size]), 0)


@dataclass(frozen=True, slots=True)
class _Piece:
    """What one speaker says in one cue; `other`: a mark says that somebody else speaks."""

    speaker: str | None
    other: bool
    text: str
    start: float
    end: float


def _pieces(cues: Sequence[_Shown]) -> Iterator[_Piece]:
    """A speaker goes on until the next mark; where voices are tagged, only until the end of the cue."""
    tagged = any("\x02" in line for cue in cues for line in cue.lines)
    speaker: str | None = None
    for cue in cues:
        speaker = None if tagged else speaker
        other, text = False, ""
        for line in cue.lines:
            mark = SPEAKER.match(line)
            if mark and mark.group():
                if text:
                    yield _Piece(speaker, other, text, cue.start, cue.end)
                speaker, other, text = plain(mark["voice"] or mark["name"] or "") or None, True, ""
            text = plain(f"{text} {line[mark.end() if mark else 0 :]}")
        if text:
            yield _Piece(speaker, other, text, cue.start, cue.end)


def _turns(pieces: Iterable[_Piece]) -> Iterator[list[_Piece]]:
    turn: list[_Piece] = []
    for piece in pieces:
        if turn and _ends(turn, piece):
            yield turn
            turn = []
        turn.append(piece)
    yield from [turn] if turn else []


def _ends(turn: Sequence[_Piece], piece: _Piece) -> bool:
    """Whether a turn is over before a piece."""
    last = turn[-1]
    if piece.speaker or last.speaker:
        return piece.speaker != last.speaker
    words = sum(len(said.text.split()) for said in turn)
    full = words >= (FULL_WORDS if SENTENCE_END.search(last.text) else MOST_WORDS)
    return piece.other or full or piece.start - max(said.end for said in turn) >= PAUSE


def _question(turn: Sequence[_Piece]) -> str | None:
    """The question that a turn ends with: the next speaker's turn answers it."""
    found = LAST_QUESTION.search(plain(" ".join(piece.text for piece in turn)))
    return found.group(1) if found else None


def _tell(outline: Outline, turn: Sequence[_Piece]) -> None:
    text, cues = "", []
    for piece in turn:
        text += " " if text else ""
        cues.append(Cue(len(text), piece.start, piece.end))
        text += piece.text
    end = max(piece.end for piece in turn)
    outline.at(start=turn[0].start, end=end, speaker=turn[0].speaker)
    outline.paragraph(text, cues=cues)
