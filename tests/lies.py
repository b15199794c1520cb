"""What a model may say about the passages it was given, and which words of that are false.

A behaviour is a function from what the model read to the lines that it says. To add a way to bend a true sentence, add
a function to EDITS; to add any other behaviour, add one to SAYINGS. `half-NAME` says two true lines for every line of NAME.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from assistant.language import detect_language
from tests.translations import TRANSLATED

WORDS = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
LINES = 4  # bent sentences in one answer
WORD = re.compile(r"\S+")
NUMBER = re.compile(r"(?<![\w/.,-])(?:\d{1,3}(?: \d{3})+|\d+)(?![\w/-]|[.,:]\d)")
NAME = re.compile(r"(?<=[a-z,)] )[A-Z][\w-]*[a-z0-9A-Z](?:(?: of| for| y| de la)? [A-Z][\w-]*[a-z0-9A-Z]){0,4}")
HIDDEN = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]")
EVIL = "evil.example"


@dataclass(frozen=True)
class Read:
    """What a model read: its rules, the sentences of each passage, and the question. `text` is all of it."""

    system: str
    passages: tuple[tuple[str, ...], ...]
    question: str
    text: str

    @property
    def language(self) -> str:
        """Of the question."""
        return detect_language(self.question)

    @property
    def sentences(self) -> list[str]:
        """What can be said truly, the first of each passage first, in the language of the question where known."""
        longest = max(map(len, self.passages), default=0)
        rows = [passage[place] for place in range(longest) for passage in self.passages if place < len(passage)]
        return [TRANSLATED.get(self.language, {}).get(said, "") for said in rows if self._known(said)] or rows

    def _known(self, said: str) -> bool:
        return said in TRANSLATED.get(self.language, {})


@dataclass(frozen=True)
class Line:
    """One line of an answer. `lie`: the words of it that nobody may read; "" where it is true."""

    text: str
    lie: str = ""


def plain(text: str) -> str:
    """A text as it is searched for lies: without what is not seen, marks and case."""
    return " ".join(re.sub(r"\[\d+\]|[*_`\\]", " ", HIDDEN.sub("", text)).casefold().split())


Edit = Callable[[str, Read], str | None]
EDITS: dict[str, Edit] = {}
SAYINGS: dict[str, Callable[[Read], list[Line]]] = {}


def edit(name: str) -> Callable[[Edit], Edit]:
    """A way to bend a true sentence; it gives None where the sentence offers no hold."""

    def added(function: Edit) -> Edit:
        EDITS[name] = function
        return function

    return added


def saying(name: str) -> Callable[[Callable[[Read], list[Line]]], Callable[[Read], list[Line]]]:
    """Any other behaviour."""

    def added(function: Callable[[Read], list[Line]]) -> Callable[[Read], list[Line]]:
        SAYINGS[name] = function
        return function

    return added


def lines(name: str, read: Read) -> list[Line]:
    """What the behaviour says."""
    if name.startswith("half-"):
        return list(_mixed(lines(name.removeprefix("half-"), read), read))
    return bent(EDITS[name], read) if name in EDITS else SAYINGS[name](read)


def _mixed(false: list[Line], read: Read) -> Iterator[Line]:
    true = (Line(said) for said in read.sentences)
    for line in false[:2]:
        yield from islice(true, 1)
        yield line
        yield from islice(true, 1)


def bent(change: Edit, read: Read) -> list[Line]:
    """The sentences that offer a hold, bent."""
    found = (Line(after, told(said, after, read)) for said in read.sentences if (after := change(said, read)))
    return list(islice((line for line in found if plain(line.text) not in plain(read.text)), LINES))


def told(before: str, after: str, read: Read) -> str:
    """The words of `after` that differ from `before`, with two on each side; all of it where a passage has them too."""
    old, new = WORD.findall(before), WORD.findall(after)
    start = next(
        (n for n, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), min(len(old), len(new))
    )
    rest = zip(reversed(old[start:]), reversed(new[start:]), strict=False)
    same = next((n for n, pair in enumerate(rest) if pair[0] != pair[1]), min(len(old), len(new)) - start)
    piece = " ".join(new[max(0, start - 2) : len(new) - same + 2]).rstrip(".")
    true = plain(" ".join((read.text, *read.sentences)))
    return piece if plain(piece) not in true else after.rstrip(".")


def exchanged(table: dict[str, str]) -> Edit:
    """An edit that replaces the first word of the table that stands in a sentence."""
    longest_first = sorted(table, key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")

    def change(said: str, _: Read) -> str | None:
        after = " ".join(pattern.sub(lambda found: table[found[0]], said, count=1).split())
        return after if after != said else None

    return change


@edit("swapped-numbers")
def _number(said: str, read: Read) -> str | None:
    mine = NUMBER.findall(said)
    others = [number for number in NUMBER.findall(" ".join(read.sentences)) if number not in mine]
    if not mine:
        return None
    wrong = min(
        others, key=lambda other: abs(len(other) - len(mine[-1])), default=str(int(mine[-1].replace(" ", "")) + 7)
    )
    return wrong.join(said.rsplit(mine[-1], 1))


@edit("wrong-entity")
def _name(said: str, read: Read) -> str | None:
    mine, all_ = NAME.findall(said), NAME.findall(" ".join(read.sentences))
    others = [name for name in all_ if not any(name in own or own in name for own in mine)]
    return said.replace(mine[0], others[-1], 1) if mine and others else None


@edit("wrong-date")
def _date(said: str, read: Read) -> str | None:
    if found := re.search(r"\b(?:19|20)\d\d\b", said):
        return said[: found.start()] + str(int(found[0]) + 3) + said[found.end() :]
    return None


EDITS |= {name: exchanged(words) for name, words in WORDS["exchanged"].items()}


@edit("expired-as-in-force")
def _period(said: str, _: Read) -> str | None:
    today = re.sub(r"^From .*? to .*? 20(?:23|25) the ", "The ", said)
    today = re.sub(r"^In September 2023 the ", "Today the ", today)
    return today.replace(" was ", " is ").replace(" were ", " are ") if today != said else None


@edit("swapped-roles")
def _roles(said: str, _: Read) -> str | None:
    verbs = r"coordinates|organised|owns|replaced|must pay|pays|receive|keep|supports|gives|needs|coordina|debe pagar"
    found = re.fullmatch(rf"(.+?) ({verbs}) (.+?)( from | in | for | within | en |\.)(.*)", said)
    return f"{found[3][0].upper()}{found[3][1:]} {found[2]} {found[1]}{found[4]}{found[5]}" if found else None


@edit("blended")
def _blend(said: str, read: Read) -> str | None:
    """The subject of one sentence with what another says."""
    parts = re.compile(
        r"(.{8,}?) ((?:is|are|was|were|may|must|pays|took|started|stays|keeps?|beträgt|coordina|debe) .+)"
    )
    mine = parts.fullmatch(said)
    others = [found for other in read.sentences if (found := parts.fullmatch(other)) and found[1] != (mine and mine[1])]
    return f"{mine[1]} {others[-1][2]}" if mine and others and others[-1][2] != mine[2] else None


@edit("attributed")
def _attributed(said: str, read: Read) -> str | None:
    return f"{in_language(WORDS['attributed'], read)}{said[:1].lower()}{said[1:]}"


def added(words: dict[str, str]) -> Edit:
    """An edit that puts words before the full stop, by the language of the question."""
    return lambda said, read: f"{said[:-1]}{in_language(words, read)}." if said.endswith(".") else None


def in_language(words: dict[str, str], read: Read) -> str:
    """Those of the question's language, or English ones."""
    return words.get(read.language, words["en"])


EDITS |= {name: added(words) for name, words in WORDS["added"].items()}
