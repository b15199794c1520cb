"""Whether a text gives orders to a machine, such as "ignore previous instructions", open or disguised.

`orders.json` lists the words: language -> list -> words, written as in `cues.json`; a "^" before a word means the start
of a sentence. An order is a row of RULES: words of all its lists close to each other. The language of a text does not
matter: all are tried. To see through another disguise, add a function to DISGUISES.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product
from pathlib import Path
from urllib.parse import unquote

RULES = (("leave", "earlier", "told"), ("leave", "yours", "told"), ("show", "yours", "told"), ("phrases",))
REACH = 60  # characters on each side of the first word, within which the others stand
DEEP = 2  # disguises one over the other
KEPT = 4096
LONGEST = 20_000  # characters of a text that are looked at
READABLE = 0.9  # share of letters, digits and spaces in what is more than noise
LONGEST_WORD = 24
LEAST = 6  # characters of a text in disguise

TAGS = 0xE0000  # where Unicode repeats ASCII as characters that are not seen
ALIKE = str.maketrans("авекмнорстухіјѕԁɡԛԝҮһαβγεικνορτυχⅼ", "abekmhopctyxijsdgqwyhabyeikvoptuxl", "")
LEET = str.maketrans("0134578@$!|", "oieastbasil")
PLAIN = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "_": " "})
SPACED = re.compile(r"(?<!\w)(?:\w[ .\-_*|/]{1,3}){4,}\w(?!\w)")
BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
HEXADECIMAL = re.compile(r"(?<![^\W_])(?:(?:\\x|0x|%)?[0-9a-fA-F]{2}[ ,:]?){8,}")
# What separates the turns of a talk in the input of a model.
MARKS = re.compile(
    r"<\|\w+\|>|\[/?INST\]|<</?SYS>>|</?(?:system|assistant|instructions?|prompt|context|passages?|sources?)>"
    r"|(?:^|\n)[^\S\n]*(?:#{1,4}\s*)?(?:system|assistant|instructions?|human|user)\s*:(?!\w)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Entry:
    """A word, or several, that begin a rule, and what must stand close to them."""

    word: re.Pattern[str]
    rest: tuple[re.Pattern[str], ...]


@lru_cache(KEPT)
def gives_orders(text: str) -> bool:
    """Whether a text, or what it hides, tells a machine what to do."""
    forms: dict[str, None] = {}
    _see_through(text[:LONGEST], DEEP, forms)
    return any(MARKS.search(form) or _orders(form) for form in forms)


def _see_through(text: str, deep: int, forms: dict[str, None]) -> None:
    """Collects a text, and what it may be a disguise of."""
    forms[text] = None
    for disguise in DISGUISES if deep else ():
        for other in disguise(text):
            if len(other) >= LEAST and other not in forms:
                _see_through(other, deep - 1, forms)


def _orders(text: str) -> bool:
    plain = _plain(text)
    begun = (
        (match, entry)
        for word in set(re.findall(r"\w+", plain))
        for entry in _beginning(word)
        for match in entry.word.finditer(plain)
    )
    return any(_close(plain, match, entry.rest) for match, entry in begun) or any(map(_packed, SPACED.findall(text)))


def _plain(text: str) -> str:
    """Small letters without accents."""
    if text.isascii():
        return text.lower().replace("_", " ")
    split = unicodedata.normalize("NFKD", text.casefold().translate(PLAIN))
    return "".join(char for char in split if not unicodedata.combining(char)).replace("’", "'")


def _close(text: str, match: re.Match[str], rest: tuple[re.Pattern[str], ...]) -> bool:
    near = text[max(0, match.start() - REACH) : match.end() + REACH]
    return all(pattern.search(near) for pattern in rest)


def _packed(letters: str) -> bool:
    """Whether letters that were written one by one hold the words of a rule."""
    joined = _plain(re.sub(r"[\W_]", "", letters))
    return any(all(pattern.search(joined) for pattern in rule) for rule in _packed_rules())


def _visible(text: str) -> Iterator[str]:
    """Without characters and markup that are not seen, and with those that only show as tags."""
    if text.isascii() and text.isprintable():
        yield re.sub(r"<[^<>]*>|[*`~]", "", text)
        return
    shown = (chr(ord(char) - TAGS) if TAGS < ord(char) < TAGS + 127 else char for char in text)
    kept = "".join(char for char in shown if unicodedata.category(char) not in ("Cf", "Mn", "Cc") or char in "\n\t")
    yield unicodedata.normalize("NFKC", kept)
    yield re.sub(r"<[^<>]*>|[*`~]", "", kept)


def _unescaped(text: str) -> Iterator[str]:
    if "&" in text or "%" in text:
        yield html.unescape(unquote(text))
    if "\\u" in text:
        yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)


def _lookalikes(text: str) -> Iterator[str]:
    """Letters of other alphabets, and digits, read as the Latin letters they look like."""
    if not text.isascii():
        yield text.casefold().translate(ALIKE)
    yield re.sub(r"[\w@$!|]+", lambda match: match[0] if match[0].isdigit() else match[0].translate(LEET), text)


def _turned(text: str) -> Iterator[str]:
    yield text[::-1]
    yield codecs.encode(text, "rot13")


def _decoded(text: str) -> Iterator[str]:
    for match in BASE64.finditer(text):
        code = match[0].rstrip("=").replace("-", "+").replace("_", "/")
        yield from _readable(lambda code=code: base64.b64decode(code + "=" * (-len(code) % 4)))  # type: ignore[misc]
    for match in HEXADECIMAL.finditer(text):
        digits = re.sub(r"\\x|0x|[%\s,:]", "", match[0])
        yield from _readable(lambda digits=digits: binascii.unhexlify(digits))  # type: ignore[misc]


def _readable(decode: Callable[[], bytes]) -> Iterator[str]:
    try:
        found = decode().decode("utf-8")
    except ValueError:
        return
    if sum(char.isalnum() or char.isspace() for char in found) >= READABLE * len(found):
        yield found


DISGUISES: tuple[Callable[[str], Iterator[str]], ...] = (_visible, _unescaped, _lookalikes, _turned, _decoded)


@lru_cache(KEPT)
def _beginning(word: str) -> tuple[Entry, ...]:
    """What a word may begin."""
    whole, beginnings = _entries()
    starts = (word[:length] for length in range(2, min(len(word), LONGEST_WORD) + 1))
    return (*whole.get(word, ()), *(entry for start in starts for entry in beginnings.get(start, ())))


@cache
def _entries() -> tuple[dict[str, list[Entry]], dict[str, list[Entry]]]:
    """What may begin a rule, by its first word: that is whole, or the beginning of one."""
    whole: dict[str, list[Entry]] = {}
    beginnings: dict[str, list[Entry]] = {}
    for lists, (first, *others) in product(_lists().values(), RULES):
        rest = tuple(re.compile("|".join(map(_pattern, lists[name].split()))) for name in others)
        for word in lists[first].split():
            key = re.findall(r"\w+", _plain(word))[0]
            into = beginnings if word.endswith("*") and _plain(word).strip("^*") == key else whole
            into.setdefault(key, []).append(Entry(re.compile(_pattern(word)), rest))
    return whole, beginnings


@cache
def _packed_rules() -> list[tuple[re.Pattern[str], ...]]:
    """The rules without spaces between their words."""
    return [
        tuple(
            re.compile("|".join(re.escape(re.sub(r"\W", "", _plain(word))) for word in lists[name].split()))
            for name in rule
        )
        for lists, rule in product(_lists().values(), RULES)
    ]


def _pattern(word: str) -> str:
    parts = r"[\W_]+".join(re.escape(_plain(part)) for part in word.strip("^*").split("_"))
    begin = r"(?:^|[^\w\s,]\s*)(?:please\s+)?" if word.startswith("^") else r"(?<!\w)"
    return begin + parts + (r"\w*" if word.endswith("*") else r"(?!\w)")


@cache
def _lists() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("orders.json").read_text(encoding="utf-8"))
    return found
