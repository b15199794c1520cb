"""What a maintainer should mend in the documents: one function a rule, in the table RULES.

A rule takes a Page and yields problems with the line they stand on. To add one, write the function and a line in RULES;
rules over several pages stand in CORPUS_RULES.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import frontmatter
from markdown_it.tree import SyntaxTreeNode
from pydantic import ConfigDict, ValidationError

from assistant.errors import CorpusMissing, UnreadableDocument
from assistant.records import Period
from ingest.cut import TERMS, units
from ingest.fetch import File
from ingest.listing import find
from ingest.readers.markdown import MARKDOWN, read_markdown, without_pointers
from ingest.readers.reading import FrontMatter, Reading, decode

MAX_WORDS_SENTENCE = 45
MAX_WORDS_SECTION = 200
SHINGLE = 5
NEAR_DUPLICATE = 0.8
LEANING = re.compile(r"^(It|Its|They|Their|Them|This|That|These|Those|He|She|His|Her)\b")


class StrictFrontMatter(FrontMatter):
    """Front matter of a document of the corpus: what must be there, and nothing else."""

    model_config = ConfigDict(extra="forbid")

    title: str
    kind: str
    language: str
    url: str
    publisher: str
    licence: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend: where, what is wrong, what to do."""

    file: str
    line: int
    rule: str
    detail: str
    remedy: str


Finding = tuple[int, str, str]


@dataclass(frozen=True)
class Page:
    """A Markdown document with its lines."""

    file: File

    @property
    def uri(self) -> str:
        """Its name among the documents."""
        return self.file.uri

    @cached_property
    def text(self) -> str:
        """The whole file, as the reader reads it. Raises UnreadableDocument."""
        return decode(self.data)

    @cached_property
    def data(self) -> bytes:
        """Its bytes. Raises UnreadableDocument."""
        return self.file.read()

    @cached_property
    def reading(self) -> Reading:
        """What the reader makes of it. Raises UnreadableDocument."""
        return read_markdown(self.data)

    @cached_property
    def values(self) -> dict[str, object]:
        """The front matter as it was written."""
        return dict(frontmatter.parse(self.text)[0])

    @cached_property
    def first_line(self) -> int:
        """Number of the line before the body's first."""
        body = str(frontmatter.parse(self.text)[1])
        return self.text[: len(self.text.rstrip()) - len(body)].count("\n")

    @cached_property
    def tree(self) -> SyntaxTreeNode:
        """The body's syntax tree."""
        return SyntaxTreeNode(MARKDOWN.parse(str(frontmatter.parse(self.text)[1])))

    def line(self, node: SyntaxTreeNode) -> int:
        """The line of the file that a node of the tree starts on."""
        return self.first_line + (node.map[0] if node.map else 0) + 1

    @cached_property
    def paragraphs(self) -> list[tuple[int, str, SyntaxTreeNode]]:
        """(line, text, node) of every paragraph that makes statements, those of list items included."""
        found = []
        for node in self.tree.walk():
            if node.type == "paragraph" and not _inside(node, "footnote"):
                text, _ = without_pointers(node)
                if text and not text.startswith(TERMS):
                    found.append((self.line(node), text, node))
        return found

    @cached_property
    def sentences(self) -> list[tuple[int, str]]:
        """(line, text) of every sentence."""
        return [(line, text[u.start : u.end]) for line, text, _ in self.paragraphs for u in units(text, "en")]


def lint(paths: Sequence[Path], corpus: Path) -> list[Problem]:
    """Every problem of the Markdown documents below `paths` (default: the corpus), by file and line.

    Raises CorpusMissing when a path does not exist.
    """
    pages = [Page(found) for found in find(paths or [corpus], corpus) if found.path.suffix == ".md"]
    if not pages:
        raise CorpusMissing(f"There are no Markdown documents below {', '.join(map(str, paths or [corpus]))}.")
    problems: list[Problem] = []
    readable = []
    for page in pages:
        try:
            page.reading  # noqa: B018 - reads, and raises
        except UnreadableDocument as error:
            problems.append(Problem(page.uri, 1, "readable", error.detail, error.remedy))
            continue
        readable.append(page)
        for rule, check in RULES.items():
            problems += [Problem(page.uri, line, rule, *says) for line, *says in check(page)]
    for rule, check_all in CORPUS_RULES.items():
        problems += [Problem(page.uri, line, rule, *says) for page, (line, *says) in check_all(readable)]
    return sorted(problems, key=lambda problem: (problem.file, problem.line))


def front_matter(page: Page) -> Iterator[Finding]:
    """All keys are there, none is unknown, and the kind is the folder's name."""
    try:
        meta = StrictFrontMatter.model_validate(page.values)
    except ValidationError as error:
        for problem in error.errors():
            yield 1, f"{problem['loc'][0]}: {problem['msg']}", "corpus/README.md shows the front matter."
        return
    if "/" in page.uri and meta.kind != page.uri.split("/")[0]:
        yield 1, f"kind is {meta.kind!r} in the folder of {page.uri!r}", "Name the folder, or move the file."
    if meta.retrieved is None:
        yield 1, "retrieved is missing", "Give the day on which the source was read."


def long_sentence(page: Page) -> Iterator[Finding]:
    """No sentence over 45 words."""
    for line, sentence in page.sentences:
        if (count := len(sentence.split())) > MAX_WORDS_SENTENCE:
            yield line, f"{count} words in “{sentence[:50]}…”", "Split the sentence."


def leaning_sentence(page: Page) -> Iterator[Finding]:
    """No sentence that begins with a pronoun: quoted alone it says nothing."""
    for line, sentence in page.sentences:
        if found := LEANING.match(sentence):
            yield line, f"begins with {found.group()}: “{sentence[:50]}…”", "Repeat the subject."


def large_section(page: Page) -> Iterator[Finding]:
    """No section over 200 words."""
    for section in page.reading.sections:
        words = len(" ".join(line for line in section.text.split("\n") if not line.startswith((*TERMS, "| "))).split())
        if words > MAX_WORDS_SECTION:
            heading = " › ".join(section.anchor.heading) or "opening"
            yield _line_of(page, heading), f"{words} words under “{heading}”", "Split the section."


def missing_source(page: Page) -> Iterator[Finding]:
    """Every paragraph has a note with an address; a list takes those of its lead-in, a recorded gap needs none."""
    gaps = " ".join(section.text for section in page.reading.sections if section.gap)
    for line, text, node in page.paragraphs:
        marked = any(child.type == "footnote_ref" for child in node.walk())
        if not marked and not _inside(node, "list_item") and text not in gaps:
            yield line, f"no source for “{text[:50]}…”", "Add a footnote mark with an address."


def notes(page: Page) -> Iterator[Finding]:
    """Every note is defined and used, and has an address."""
    used = set(re.findall(r"\[\^([^\]]+)\](?!:)", page.text))
    defined = {m.group(1): m for m in re.finditer(r"^\[\^([^\]]+)\]:(.*)$", page.text, re.MULTILINE)}
    for name, found in defined.items():
        line = page.text[: found.start()].count("\n") + 1
        if name not in used:
            yield line, f"the note [^{name}] is not used", "Remove it."
        if "http" not in found.group(2):
            yield line, f"the note [^{name}] has no address", "Add the address of the source."
    for name in sorted(used - set(defined)):
        yield _line_of(page, f"[^{name}]"), f"the note [^{name}] is not defined", "Define it at the end of the file."


def dead_link(page: Page) -> Iterator[Finding]:
    """Every link to another document leads to a file."""
    for node in page.tree.walk():
        if node.type == "link":
            target = str(node.attrs["href"])
            if not re.match(r"[a-z]+:", target) and not (page.file.path.parent / target.partition("#")[0]).exists():
                yield _line_of(page, target), f"{target} does not exist", "Correct the link."


def periods(page: Page) -> Iterator[Finding]:
    """A period ends after it begins, and a section's lies within its document's."""
    meta = page.reading.meta
    whole = Period(meta.valid_from, meta.valid_until)
    if whole.start and whole.until and whole.start > whole.until:
        yield 1, "valid_from is after valid_until", "Exchange them."
    for section in page.reading.sections:
        part, heading = section.period, " › ".join(section.anchor.heading)
        if part.start and part.until and part.start > part.until:
            yield _line_of(page, heading), f"the period of “{heading}” ends before it begins", "Exchange the dates."
        before = part.start and whole.start and part.start < whole.start
        after = part.until and whole.until and part.until > whole.until
        if before or after:
            yield _line_of(page, heading), f"“{heading}” holds outside its document's period", "Correct one of them."


def superseded(pages: Sequence[Page]) -> Iterator[tuple[Page, Finding]]:
    """A document that is superseded exists and ends before its successor begins."""
    by_uri = {page.uri: page for page in pages}
    for page in pages:
        meta = page.reading.meta
        if meta.supersedes is None:
            continue
        old = by_uri.get(meta.supersedes)
        if old is None:
            yield page, (1, f"supersedes {meta.supersedes}, which does not exist", "Correct the path.")
        elif meta.valid_from is None or (end := old.reading.meta.valid_until) is None or end >= meta.valid_from:
            yield page, (1, f"the period of {old.uri} does not end before this one begins", "Correct the periods.")


def near_duplicate(pages: Sequence[Page]) -> Iterator[tuple[Page, Finding]]:
    """No paragraph stands twice, also not nearly: four of five runs of five words the same."""
    seen: dict[tuple[str, ...], set[int]] = defaultdict(set)
    kept: list[tuple[Page, int, set[tuple[str, ...]]]] = []
    for page in pages:
        for line, text, node in page.paragraphs:
            if _inside(node, "list_item"):
                continue
            shingles = _shingles(text)
            shared: dict[int, int] = defaultdict(int)
            for shingle in shingles:
                for other in seen[shingle]:
                    shared[other] += 1
                seen[shingle].add(len(kept))
            for other, count in shared.items():
                if count >= NEAR_DUPLICATE * len(shingles | kept[other][2]):
                    where = f"{kept[other][0].uri}:{kept[other][1]}"
                    yield page, (line, f"nearly the same as {where}: “{text[:50]}…”", "Keep one and link to it.")
                    break
            kept.append((page, line, shingles))


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + SHINGLE]) for i in range(len(words) - SHINGLE + 1)}


def _inside(node: SyntaxTreeNode, kind: str) -> bool:
    while node.parent is not None:
        node = node.parent
        if node.type == kind:
            return True
    return False


def _line_of(page: Page, words: str) -> int:
    place = page.text.find(words.rsplit(" › ", maxsplit=1)[-1])
    return page.text[:place].count("\n") + 1 if place >= 0 else 1


RULES: dict[str, Callable[[Page], Iterator[Finding]]] = {
    "front-matter": front_matter,
    "long-sentence": long_sentence,
    "leaning-sentence": leaning_sentence,
    "large-section": large_section,
    "missing-source": missing_source,
    "notes": notes,
    "dead-link": dead_link,
    "periods": periods,
}
CORPUS_RULES: dict[str, Callable[[Sequence[Page]], Iterator[tuple[Page, Finding]]]] = {
    "superseded": superseded,
    "near-duplicate": near_duplicate,
}
