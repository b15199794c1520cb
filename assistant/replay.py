"""An answer worked out again: is it the same, and if not, what differs and why? The command `cluster-talks replay`.

An answer holds what it was made by: edition, settings, version and day. What was asked it does not hold, so the request
that it answered is needed, too. To compare one more field, add it to FIELDS or LISTS; to tell one more reason, to WHY.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assistant.anchors import place
from assistant.errors import BadRequest, ClusterTalksError
from assistant.options import KeyText, Url
from assistant.records import Answer, Citation, Edition, Sentence
from assistant.settings import Settings, load_settings
from assistant.terminal import Json, open_console, print_json

if TYPE_CHECKING:
    import httpx

    from assistant.api.ask import AskIn
    from assistant.ask import Assistant

console = open_console()
COLOURS = {"+": "green", "-": "red"}
FIELDS = ("abstained", "reason", "language", "question_used", "suggestions")
LEFT_OUT = ("question_used", "suggestions")  # of an answer that was read again by its id

Again = Callable[["AskIn", Answer], Answer]


def _sentence(sentence: Sentence) -> str:
    marks = "".join(f" [{number}]" for number in sentence.citations)
    shown = f" (highlighted: {sentence.text[slice(*sentence.highlight)]})" if sentence.highlight else ""
    return f"{sentence.text}{marks}{shown} ({sentence.kind})"


def _citation(citation: Citation) -> str:
    stands = " › ".join(filter(None, (citation.uri, place(asdict(citation.anchor)))))
    start, end = citation.span
    return f"[{citation.number}] {stands}, characters {start} to {end} of {citation.digest[:12]}: {citation.quote}"


def _placeless(citation: Citation) -> Citation:
    """Without what the same passage of an edition with another number has otherwise."""
    return replace(citation, edition=0, link="", retrieved=None)


# Field -> what of an item counts, and the line that shows it.
LISTS: dict[str, tuple[Callable[[Any], object], Callable[[Any], str]]] = {
    "sentences": (lambda sentence: sentence, _sentence),
    "citations": (_placeless, _citation),
}


def _other_edition(old: Answer, new: Answer) -> bool:
    return old.edition_digest != new.edition_digest if old.edition_digest else old.edition != new.edition


WHY: tuple[tuple[Callable[[Answer, Answer], bool], str], ...] = (
    (
        lambda old, new: not old.version,
        "The answer does not tell its settings and version: the program that gave it was older.",
    ),
    (
        _other_edition,
        "The edition {old.edition} of the answer could not be asked, it may be retired: edition {new.edition} was.",
    ),
    (
        lambda old, new: bool(old.version) and old.version != new.version,
        "Version {old.version} gave the answer, this is {new.version}.",
    ),
    (
        lambda old, new: bool(old.settings) and old.settings != new.settings,
        "Other settings are in force: engine ({old.engine} before, now {new.engine}), reader, embedder or contact.",
    ),
    (
        lambda old, new: old.as_of is None,
        "The answer does not tell its day; the rules of {new.as_of} counted. Set `as_of` in the request.",
    ),
    (
        lambda old, new: old.as_of not in (None, new.as_of),
        "The request asks for the rules of {new.as_of}, the answer was given for {old.as_of}.",
    ),
    (lambda old, new: new.engine != "quotes", "A language model words answers; it may do so otherwise each time."),
)
UNKNOWN = "Edition, settings, version and day are the same: nothing here explains it. Please report it."


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of it: `differs` are lines that tell what does, those of before with a "-", those of now with a "+";
    `why`: what may be the reason, a sentence each."""

    same: bool
    differs: tuple[str, ...]
    why: tuple[str, ...]
    answer: Answer


def replay(request: AskIn, old: Answer, again: Again) -> Replayed:
    """Ask a request again, on the day of the answer that it had, and compare. Raises ClusterTalksError."""
    new = again(request.model_copy(update={"as_of": request.as_of or old.as_of}), old)
    differs = tuple(_differences(old, new))
    why = [told.format(old=old, new=new) for holds, told in WHY if holds(old, new)]
    return Replayed(not differs, differs, tuple(why or [UNKNOWN]) if differs else (), new)


def _differences(old: Answer, new: Answer) -> Iterator[str]:
    kept = LEFT_OUT if not old.question_used else ()
    for name in FIELDS:
        before, now = getattr(old, name), getattr(new, name)
        if before != now and name not in kept:
            yield from (f"-{name}: {before}", f"+{name}: {now}")
    for name, (counts, line) in LISTS.items():
        before, now = getattr(old, name), getattr(new, name)
        if list(map(counts, before)) != list(map(counts, now)):
            yield from _changed([*map(line, before)], [*map(line, now)]) or [f"+{name}: what is not shown differs"]


def _changed(before: list[str], now: list[str]) -> list[str]:
    lines = difflib.unified_diff(before, now, lineterm="", n=0)
    return [line for number, line in enumerate(lines) if number > 1 and line[0] in COLOURS]


# --- asking again


@contextmanager
def asking_again(settings: Settings, url: str) -> Iterator[Again]:
    """What asks an edition again: here, or by the server at an address or that owns the data folder."""
    from assistant.wiring import DataFolder, open_assistant, owned_stores

    if address := url or DataFolder(settings.data).served_at():
        with _elsewhere(address, settings.key.get_secret_value()) as again:
            yield again
        return
    with owned_stores(settings) as stores:
        assistant = open_assistant(settings, stores)
        with closing(assistant.engine):
            yield lambda request, old: assistant.ask(request.question_record(), edition_of(assistant, old))


def edition_of(assistant: Assistant, old: Answer) -> Edition:
    """The edition that an answer came from, under whatever number it is here; where there is none, the one served."""
    library = assistant.library
    known = sorted(library.ready(assistant.retriever.embedder.name), key=lambda edition: edition.number != old.edition)
    name = "digest" if old.edition_digest else "number"
    wanted = old.edition_digest or old.edition
    return next((edition for edition in known if getattr(edition, name) == wanted), None) or library.current()


@contextmanager
def _elsewhere(address: str, key: str) -> Iterator[Again]:
    import httpx

    from assistant.asking import TIMEOUT, key_header

    with httpx.Client(base_url=address, headers=key_header(key), timeout=TIMEOUT) as client:
        yield lambda request, old: _sent(client, request, old, with_key=bool(key))


def _sent(client: httpx.Client, request: AskIn, old: Answer, *, with_key: bool) -> Answer:
    """The answer of a server: of the same edition to a maintainer's key, else of the one that it serves."""
    from pydantic import TypeAdapter

    from assistant.asking import reaching, read_result

    def answered(path: str) -> Answer:
        with reaching(str(client.base_url)):
            found = read_result(client.post(path, json=request.model_dump(mode="json")))
        return TypeAdapter(Answer).validate_python(found)

    if with_key:
        with suppress(ClusterTalksError):
            return answered(f"/api/v1/editions/{old.edition}/ask")
    return answered("/api/v1/ask")


# --- the command

Request = Annotated[Path, typer.Argument(help="The JSON that was sent.", exists=True, dir_okay=False)]
Given = Annotated[Path, typer.Argument(help="The JSON of its answer.", exists=True, dir_okay=False)]
EXAMPLES = """

Examples:

[bold]cluster-talks replay request.json answer.json[/]   what was sent to POST /api/v1/ask, and what came back

[bold]cluster-talks replay request.json answer.json --url https://talks.example.eu[/]   by that server; with the key of
a maintainer also from an edition that is not served
"""


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("replay", epilog=EXAMPLES)(_replay)


def _replay(request: Request, answer: Given, url: Url = "", key: KeyText = "", as_json: Json = False) -> None:
    """Work a saved answer out again, from its edition, and tell what differs. Exit status 1 when something does."""
    from assistant.api.ask import AskIn

    settings = load_settings(**({"key": key} if key else {}))
    asked, old = _read(request, AskIn, "request"), _read(answer, Answer, "answer")
    with asking_again(settings, url) as again:
        found = replay(asked, old, again)
    if as_json:
        print_json(asdict(found))
    else:
        _show(found)
    if not found.same:
        raise typer.Exit(1)


def _read(file: Path, kind: Any, name: str) -> Any:  # noqa: ANN401
    """What a file holds. Raises BadRequest."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_json(file.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "it"
        remedy = f"Save the JSON of the {name} of POST /api/v1/ask as it is."
        raise BadRequest(f"{file} is no {name}: {where}: {first['msg']}.", remedy) from error


def _show(found: Replayed) -> None:
    if found.same:
        console.print(f"The same. Edition {found.answer.edition} was asked.")
        return
    console.print("It differs; - is the saved answer, + the one of now:")
    for line in map(_plain, (*found.differs, *found.why)):
        console.print(line, style=COLOURS.get(line[0], ""), markup=False, highlight=False, soft_wrap=True)


def _plain(line: str) -> str:
    """On one line, and nothing in it that a terminal would obey: what a file holds is untrusted."""
    return "".join(filter(str.isprintable, " ".join(line.split())))
