"""Feeds hostile strings to every pattern of the project; prints those whose time grows faster than the string.

    python -m tests.security.patterns

Patterns are found in the globals of all modules that can be imported without the heavy libraries, and in the source of
all: `re.search("…", text)` and the like. A string is a unit again and again, alone or behind a text that nearly
matches. With CLUSTER_TALKS_FUZZ set, strings have 20,000 characters; else 5,000, and only what is slow at 1,250 gets so
many.
"""

from __future__ import annotations

import ast
import importlib
import json
import math
import os
import pkgutil
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from re import _parser  # type: ignore[attr-defined]
from typing import Any

ROOT = Path(__file__).parents[2]
PARTS = ("assistant", "ingest", "ui")
HEAVY = (
    "chromadb gradio langchain onnx onnxruntime pandas redis scipy sentence_transformers sklearn tantivy torch "
    "trafilatura transformers"
).split()
LONG = bool(os.environ.get("CLUSTER_TALKS_FUZZ"))
SIZE = 20_000 if LONG else 5_000  # characters
QUICK = 0.0 if LONG else 0.0004  # seconds that are no reason to try a longer string
SOON = 0.02  # seconds of processor time within which nobody cares
GROWTH = 8  # times the time, for four times the string: 4 where it is linear, 16 where it goes by the square
BOUNDED = {  # the pattern is given no longer texts than this: characters, and what sees to it
    "assistant.scrub.ADDRESSES": (4_000, "MAX_QUESTION, and the longest comment of a rating"),
    "assistant/telemetry/logs.py:117": (4_000, "pydantic repeats some fifty characters of what was sent"),
    "assistant.verify.addresses.ADDRESS": (4_000, "LONGEST_UNIT of assistant/verify"),
    "assistant.verify.figures._CODE": (4_000, "LONGEST_UNIT of assistant/verify"),
}
APART = ("ingest.readers", "ingest/readers", "ingest/lint")  # run in a process with a limit, or by a maintainer
GROWTH_APART = 32  # the square is let through, the cube is 64
AT_ONCE = 1.0  # seconds of processor time that a bounded text may take
ANY = {"CATEGORY_DIGIT": "7", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "a"}


@dataclass(frozen=True)
class Found:
    """A pattern, where it stands, and the methods that it is used with."""

    where: str
    pattern: re.Pattern[str]
    used: tuple[str, ...]


def imported() -> tuple[dict[str, Any], set[str]]:
    """The modules that could be imported, and the names of the others."""
    sys.modules |= dict.fromkeys(HEAVY)  # type: ignore[arg-type]
    modules, left = {}, set()
    for part in PARTS:
        package = importlib.import_module(part)
        for module in pkgutil.walk_packages(package.__path__, f"{part}.", onerror=lambda _: None):
            try:
                modules[module.name] = importlib.import_module(module.name)
            except (ImportError, AttributeError):
                left.add(module.name)
    return modules, left


def held(value: Any, depth: int = 4) -> Iterator[re.Pattern[str]]:
    """The patterns in a value, also those in tables and records."""
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield value
    elif depth and isinstance(value, dict):
        yield from held([*value.keys(), *value.values()], depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from held(one, depth - 1)
    elif depth and hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        yield from held([getattr(value, name, None) for name in value.__dataclass_fields__], depth - 1)


def flag(given: ast.expr) -> re.RegexFlag:
    """The flags that an argument of a function of `re` gives; none, where it is something else."""
    match given:
        case ast.Attribute(ast.Name("re"), name):
            return re.RegexFlag[name]
        case ast.BinOp(left, ast.BitOr(), right):
            return flag(left) | flag(right)
    return re.NOFLAG


def written(source: str) -> Iterator[tuple[int, re.Pattern[str], str]]:
    """The patterns that stand in a source text as they are: line, pattern, and the function of `re`."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(ast.Attribute(ast.Name("re"), function), [ast.Constant(str(text)), *more], keywords):
                flags = sum(map(flag, [*more, *(keyword.value for keyword in keywords)]))
                yield node.lineno, re.compile(text, flags), function


def all_patterns() -> list[Found]:
    """Every pattern once."""
    modules, _ = imported()
    sources = {file: file.read_text(encoding="utf-8") for part in PARTS for file in (ROOT / part).rglob("*.py")}
    found: dict[tuple[str, int], Found] = {}
    for name, module in modules.items():
        for variable, value in list(vars(module).items()):
            for pattern in held(value):
                if (key := (pattern.pattern, pattern.flags)) not in found:
                    found[key] = Found(f"{name}.{variable}", pattern, calls(variable, sources.values()))
    for file, source in sources.items():
        for line, pattern, function in written(source):
            where = f"{file.relative_to(ROOT)}:{line}"
            used = ("finditer",) if function == "compile" else (function,)
            found.setdefault((pattern.pattern, pattern.flags), Found(where, pattern, used))
    return list(found.values())


def calls(variable: str, sources: Iterable[str]) -> tuple[str, ...]:
    """The methods that a variable is used with; what is held in a table may be searched all over a text."""
    named = re.compile(rf"\b{re.escape(variable)}\.(search|match|fullmatch|finditer|findall|sub|split)\(")
    return tuple(sorted({call for text in sources for call in named.findall(text)})) or ("finditer",)


def nearly(tree: Any) -> str:
    """A text that a pattern matches, or nearly."""
    return "".join(_nearly(str(kind), value) for kind, value in tree)


def _nearly(kind: str, value: Any) -> str:
    match kind:
        case "LITERAL":
            return chr(value)
        case "ANY" | "NOT_LITERAL":
            return "x"
        case "IN":
            return _one_of(str(value[0][0]), value[0][1])
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            return nearly(value[2]) * max(1, min(value[0], 3))
        case "SUBPATTERN" | "BRANCH":
            return nearly(value[3] if kind == "SUBPATTERN" else value[1][0])
    return ""


def _one_of(kind: str, value: Any) -> str:
    match kind:
        case "LITERAL":
            return chr(value)
        case "RANGE":
            return chr(value[0])
        case "CATEGORY":
            return ANY.get(str(value), "-")
    return "x"


def strings(pattern: re.Pattern[str]) -> Iterator[Callable[[int], str]]:
    """Makers of hostile strings of a size."""
    whole = nearly(_parser.parse(pattern.pattern, pattern.flags))
    signs = [sign for sign in dict.fromkeys(whole) if not sign.isalnum() and not sign.isspace()][:3]
    for unit in dict.fromkeys(filter(None, (*" \na7", *signs, whole[:1], whole, whole[:-1], f"{whole} "))):
        yield lambda size, unit=unit: (unit * size)[:size]  # type: ignore[misc]
        yield lambda size, unit=unit: (whole + unit * size)[: size - 1] + "\x00"  # type: ignore[misc]


def seconds(found: Found, text: str) -> float:
    """Processor time of all that the pattern is used for; a substitution and a list are what finding all is."""
    began = time.process_time()
    for name in found.used:
        result = getattr(found.pattern, name if name in ("search", "match", "fullmatch") else "finditer")(text)
        for _ in result if hasattr(result, "__next__") else ():
            pass
    return time.process_time() - began


def too_slow(found: Found) -> str:
    """What is wrong with a pattern, "" where nothing is."""
    bound = BOUNDED.get(found.where, (0, ""))[0]
    apart = found.where.startswith(APART)
    growth = GROWTH_APART if apart else GROWTH
    for make in strings(found.pattern):
        sizes = (bound,) if bound else (SIZE // 64, SIZE // 16) if apart else (SIZE // 16, SIZE // 4, SIZE)
        before = math.inf
        for size in sizes:
            took = seconds(found, text := make(size))
            if took > (AT_ONCE if bound else max(SOON, growth * before)):
                return f"{took:.3f} s for {size:,} characters of {text[:30]!r}, {before:.3f} s for a quarter"
            if took < QUICK and size > SIZE // 8:
                break
            before = took
    return ""


def main() -> None:
    """Print what was found as JSON."""
    patterns = all_patterns()
    slow = {found.where: wrong for found in patterns if (wrong := too_slow(found))}
    print(json.dumps({"patterns": [found.where for found in patterns], "slow": slow}))


if __name__ == "__main__":
    main()
