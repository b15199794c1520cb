"""The questions that every new edition is asked before it is served: those of the maintainers' file, which is never
written here, and those that were added while the program runs, in a file of the data folder.

Both have one JSON object a line, as `assistant.evaluate` reads it. A change is written aside, read back and moved into
place, links followed; a lock of the folder keeps two writers apart. What a line may hold is a field of `Case`.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from assistant.errors import BadRequest, Conflict, NotFound
from assistant.evaluate import Case, has_all, normal, read_questions
from assistant.insights import one_line
from assistant.library import Library
from assistant.scrub import GONE
from assistant.settings import Settings

REFUSED = "unanswerable"  # the kind of a question that is to be refused
FOLDER = "Check the data folder, which the setting CLUSTER_TALKS_DATA names."
APART = "own-"  # begins the id of an own question where the maintainers' file has the same id
Facts = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Asked(Case):
    """A question of either file; `own`: it was added while the program runs and can be removed."""

    own: bool = False


def read_asked(settings: Settings) -> list[Asked]:
    """What a new edition is asked: the maintainers' questions, then our own. Raises Conflict as `read_golden`."""
    theirs = read_golden(settings.asked)
    ids = {case.id for case in theirs}
    own = read_golden(_own(settings)) if _apart(settings) else []
    apart = [vars(case) | {"id": APART + case.id if case.id in ids else case.id} for case in own]
    return [Asked(**vars(case)) for case in theirs] + [Asked(**values, own=True) for values in apart]


def add_asked(settings: Settings, case: Case) -> None:
    """Ask a question from now on. Raises Conflict as `add_case`, also when the maintainers ask it already."""
    add_case(_changed(settings), case, read_golden(settings.asked))


def remove_asked(settings: Settings, id_: str) -> None:
    """Ask a question no longer. Raises Conflict when it is one of the maintainers', and what `remove_case` raises."""
    case = next((case for case in read_asked(settings) if case.id == id_), None)
    if case and not case.own:
        raise Conflict(
            f"The question {id_!r} is one of the maintainers' file.",
            "Delete its line in the file of CLUSTER_TALKS_QUESTIONS, or in questions.jsonl of the corpus folder.",
        )
    clash = id_.startswith(APART) and id_.removeprefix(APART) in {case.id for case in read_golden(settings.asked)}
    remove_case(_changed(settings), id_.removeprefix(APART) if clash else id_)


def _own(settings: Settings) -> Path:
    return settings.data / "questions.jsonl"


def _apart(settings: Settings) -> bool:
    return _own(settings).resolve() != settings.asked.resolve()


def _changed(settings: Settings) -> Path:
    """The file that may be written. Raises Conflict when it is that of the maintainers."""
    if _apart(settings):
        return _own(settings)
    raise Conflict("CLUSTER_TALKS_QUESTIONS names questions.jsonl of the data folder.", "Set it to another file.")


def read_golden(file: Path) -> list[Case]:
    """The questions of the file, none when there is no file. Raises Conflict that names a line that cannot be read."""
    if not _text(file).strip():
        return []
    try:
        return read_questions(file)
    except BadRequest as error:
        raise Conflict(error.detail, "Mend this in the file first. Nothing was changed.") from error


def make_case(question: str, lang: str, kind: str = "answerable", facts: Facts = (), document: str = "") -> Case:
    """A new question, without personal data. `facts` are groups of accepted spellings, `document` is the uri that
    should be cited. Raises BadRequest."""
    asked = one_line(question)
    if not asked.replace(GONE, "").strip():
        raise BadRequest("There is no question.", "Write it in the words of those who ask.")
    refused = kind == REFUSED
    if refused and (facts or document):
        raise BadRequest("A question that is to be refused has no key facts and no document.", "Leave them out.")
    if not (refused or facts):
        raise BadRequest("A question that is to be answered needs a key fact.", "Write one, or let it be refused.")
    uri = " ".join(document.encode("utf-8", "replace").decode().split())
    groups, id_ = [_group(group) for group in facts], f"staff-{secrets.token_hex(4)}"
    return Case(id_, lang, kind, asked, must_include=groups, abstain=refused, document=uri)


def _group(spellings: Sequence[str]) -> list[str]:
    plain = [" ".join(spelling.split()) for spelling in spellings]
    if not plain or not all(normal(spelling).strip() for spelling in plain):
        raise BadRequest("A key fact is empty.", "Write at least one spelling of each fact.")
    if unfit := next((spelling for spelling in plain if one_line(spelling) != spelling), None):
        raise BadRequest(f"{unfit!r} looks like personal data or is too long.", "Choose other words as the key fact.")
    return plain


def doubts(library: Library, case: Case) -> list[str]:
    """What a maintainer should know of a question, a sentence each; none when the served documents fit it."""
    if case.abstain:
        return []
    edition = library.current().number
    found = [f"No served document says {_either(group)}." for group in _unsaid(library, edition, case.must_include)]
    if case.document and case.document not in {document.uri for document in library.documents(edition)}:
        found.append(f"No served document has the uri {case.document}.")
    return found


def _unsaid(library: Library, edition: int, facts: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """The groups of which no passage has a spelling."""
    left = list(facts)
    for chunk, _ in library.all_chunks(edition) if left else ():
        text = normal(chunk.text)
        left = [group for group in left if not has_all(text, [group])]
        if not left:
            break
    return left


def _either(spellings: Sequence[str]) -> str:
    return " or ".join(f"“{spelling}”" for spelling in spellings)


def add_case(file: Path, case: Case, others: Sequence[Case] = ()) -> None:
    """Put a question at the end of the file. Raises Conflict when it is there or among the others already, or the file
    cannot be changed."""
    with _alone(file) as home:
        same = next((known for known in (*others, *read_golden(home)) if _asks(known) == _asks(case)), None)
        if same:
            raise Conflict(f"This question is asked already, with the id {same.id}.", "Delete that one first.")
        text = _text(home)
        end = "\n" if text and not text.endswith("\n") else ""
        line = json.dumps({name: value for name, value in asdict(case).items() if value}, ensure_ascii=False)
        _put(home, f"{text}{end}{line}\n")


def remove_case(file: Path, id_: str) -> None:
    """Take a question out of the file, and the file away with its last question. Raises NotFound, or Conflict when
    several have this id or the file cannot be changed."""
    with _alone(file) as home:
        read_golden(home)
        lines = _text(home).splitlines(keepends=True)
        mine = [n for n, line in enumerate(lines) if line.strip() and str(json.loads(line).get("id") or "") == id_]
        if not mine:
            raise NotFound(f"No question has the id {id_!r}.", "One without an id of its own is deleted in the file.")
        if len(mine) > 1:
            raise Conflict(f"{len(mine)} questions have the id {id_!r}.", "Give each an id of its own in the file.")
        _put(home, "".join(lines[: mine[0]] + lines[mine[0] + 1 :]))


def _asks(case: Case) -> tuple[str, str]:
    """What makes two questions the same: their words, and what they continue."""
    return " ".join(case.question.split()).casefold(), json.dumps(case.history)


@contextmanager
def _alone(file: Path) -> Iterator[Path]:
    """Where the file really is, while nobody else changes it."""
    import fcntl

    home = file.resolve()
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(home.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield home
        finally:
            os.close(folder)
    except OSError as error:
        raise Conflict(f"{file.name} cannot be changed: {error.strerror}.", FOLDER) from error


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8-sig", errors="replace") if file.exists() else ""


def _put(home: Path, text: str) -> None:
    if not text.strip():
        return home.unlink()
    part = home.with_name(f".{home.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        read_questions(part)  # what it cannot read would stop the next ingest
        if home.exists():
            shutil.copymode(home, part)
        part.replace(home)
    finally:
        part.unlink(missing_ok=True)
    return None
