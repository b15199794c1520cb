"""Documents into the corpus folder and out of it, over HTTP. Every route needs a maintainer's key.

Names are made plain and folders stay below the corpus folder; files are saved all or none.
"""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import AsyncIterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic.dataclasses import dataclass
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from assistant.api.auth import Maintainer, get_maintainer
from assistant.api.maintain import PREFIX, IngestIn, ask_for, below
from assistant.api.problems import BodyLimit, responses
from assistant.api.state import Ready, StateNow
from assistant.beside import beside, sweep
from assistant.errors import BadRequest, Conflict, NotFound, TooLarge

MAX_FILE = 64_000_000
MAX_FILES = 20
MAX_NAME = 150
MAX_NAME_BYTES = 240  # file systems take 255, and a sidecar's name is longer
MAX_DEPTH = 8
PART = ".upload-"  # how the folder of what is being written begins
SIDECAR = ".yaml"
SIDECARS = (SIDECAR, ".yml")

router = APIRouter(
    prefix=PREFIX, tags=["maintain"], dependencies=[Depends(get_maintainer)], responses=responses(401, 403, 422, 503)
)


@dataclass(frozen=True)
class Saved:
    """A file that was saved: its uri, and whether it took the place of another one."""

    uri: str
    replaced: bool


@dataclass(frozen=True)
class Upload:
    """The files of an upload, and the run that ingests them where one was asked for."""

    files: list[Saved]
    run: int | None


UPLOAD = {
    "type": "object",
    "required": ["files"],
    "properties": {
        "files": {"type": "array", "items": {"type": "string", "format": "binary"}, "maxItems": MAX_FILES},
        "folder": {"type": "string", "default": "uploads", "description": "folder below the corpus folder"},
    },
}


class UploadsApart:
    """Limits every body but that of an upload, whose files are counted while they are read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._limited = app, BodyLimit(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        upload = scope["type"] == "http" and (scope["method"], scope["path"]) == ("POST", f"{PREFIX}/documents")
        await (self._app if upload else self._limited)(scope, receive, send)


class _Parts(MultiPartParser):
    """The parts of an upload; reading stops where one is over MAX_FILE."""

    def on_part_begin(self) -> None:
        super().on_part_begin()
        self._size = 0

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._size += end - start
        if self._size > MAX_FILE:
            raise TooLarge(f"A file is over {MAX_FILE:,} bytes.", "Split the document.")
        super().on_part_data(data, start, end)


async def _form(request: Request, _: Maintainer) -> AsyncIterator[FormData]:
    """The form of an upload. FastAPI would read it before it asks for the key."""
    if not request.headers.get("Content-Type", "").startswith("multipart/form-data"):
        raise BadRequest("The body is not a form with files.", "Send multipart/form-data with the field files.")
    try:
        form = await _Parts(request.headers, request.stream(), max_files=MAX_FILES, max_fields=1).parse()
    except MultiPartException as error:
        raise BadRequest(error.message, f"Send up to {MAX_FILES} files, and folder.") from error
    except ClientDisconnect as error:
        raise BadRequest("The upload broke off.", "Send it again.") from error
    try:
        yield form
    finally:
        await form.close()


@router.post(
    "/documents",
    status_code=201,
    responses=responses(409, 413),
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": UPLOAD}}}},
)
def upload(
    form: Annotated[FormData, Depends(_form)],
    assistant: Ready,
    state: StateNow,
    key: Maintainer,
    response: Response,
    ingest: Annotated[bool, Query(description="ask for a run that ingests the files")] = False,
) -> Upload:
    """Save files in the corpus folder, all or none; a file of the same name is replaced."""
    files = [sent for sent in form.getlist("files") if isinstance(sent, UploadFile)]
    folders = [sent for sent in form.getlist("folder") if isinstance(sent, str)]
    home = state.corpus.resolve()
    into = _folder(folders[0] if folders else "uploads", home)
    targets = [into / name for name in _names(files, into)]
    try:
        saved = [Saved(path.relative_to(home).as_posix(), replaced) for path, replaced in _save(files, targets, home)]
    except OSError as error:
        raise Conflict(f"The files cannot be saved: {error.strerror}.", "Check the corpus folder.") from error
    if not ingest:
        return Upload(saved, None)
    origins = sorted({str(path.with_suffix("") if path.suffix == SIDECAR else path) for path in targets})
    asked = {**IngestIn().model_dump(), "do": "ingest", "origins": origins, "by": key.name}
    return Upload(saved, ask_for(asked, assistant.library, response).run)


def plain_name(sent: str) -> str:
    """The name that a file is saved under: the last part of what was sent, without what hides or breaks a name."""
    shown = "".join(c for c in sent if unicodedata.category(c)[0] != "C" and c not in "\u2028\u2029")
    name = unicodedata.normalize("NFC", shown).replace("\\", "/").rpartition("/")[2].strip().lstrip(". ")
    stem, ending = PurePosixPath(name).stem, PurePosixPath(name).suffix
    stem = stem[: max(MAX_NAME - len(ending), 0)]
    while stem and len((stem + ending).encode()) > MAX_NAME_BYTES:
        stem = stem[:-1]
    return stem + ending


def _folder(sent: str, home: Path) -> Path:
    parts = unicodedata.normalize("NFC", sent).split("/")
    into = home.joinpath(*parts)
    plain = len(parts) <= MAX_DEPTH and all(part and part == plain_name(part) for part in parts)
    if not plain or not into.resolve().is_relative_to(home):
        raise BadRequest(
            f"{sent!r} is not a folder to upload to.", "Use plain names with / between them: uploads/2026."
        )
    return into.resolve()


def _endings() -> tuple[str, ...]:
    """The endings of the files that ingest reads."""
    from assistant.wiring import plugin

    return tuple(plugin("formats"))


def _names(files: Sequence[UploadFile], into: Path) -> list[str]:
    """The names that the files get. Raises BadRequest when one of them cannot be taken."""
    names, endings = [plain_name(file.filename or "") for file in files], _endings()
    if not names:
        raise BadRequest("There is no file in the form.", "Send the field files, each with its name.")
    for name in names:
        if not _readable(name, endings):
            raise BadRequest(f"{name!r} is no document.", f"Upload {', '.join(endings)}, or {SIDECAR} beside one.")
        document = name.removesuffix(SIDECAR)
        if document not in names and document != name and not (into / document).is_file():
            raise BadRequest(f"{name!r} is beside no document.", f"Name it as the document and {SIDECAR}.")
        if names.count(name) > 1 or (into / name).is_dir():
            raise BadRequest(f"The name {name!r} is taken.", "Give each file a name of its own.")
    return names


def _readable(name: str, endings: tuple[str, ...]) -> bool:
    document = name.removesuffix(SIDECAR)
    return PurePosixPath(document).suffix.lower() in endings


def _save(files: Sequence[UploadFile], targets: Sequence[Path], home: Path) -> list[tuple[Path, bool]]:
    """Write all files aside, then move them to their places; with each, whether there was one before."""
    home.mkdir(parents=True, exist_ok=True)
    with beside(home / "files", PART) as aside:
        written = [aside / str(number) for number in range(len(files))]
        for file, path in zip(files, written, strict=True):
            with path.open("wb") as out:
                shutil.copyfileobj(file.file, out, 1 << 20)
        targets[0].parent.mkdir(parents=True, exist_ok=True)
        replaced = [target.exists() for target in targets]
        for path, target in zip(written, targets, strict=True):
            path.replace(target)
    return list(zip(targets, replaced, strict=True))


def tidy(corpus: Path) -> None:
    """Remove what uploads left that were killed while they wrote."""
    sweep(corpus, PART)


@router.delete("/documents", status_code=204, responses=responses(404, 409))
def remove(uri: Annotated[str, Query(min_length=1, max_length=2000)], state: StateNow) -> None:
    """Delete a file of the corpus folder and the sidecar beside it. The next ingest removes its answers."""
    file = _file(uri, state.corpus)
    try:
        for ending in ("", *SIDECARS):
            file.with_name(file.name + ending).unlink(missing_ok=True)
    except OSError as error:
        raise Conflict(f"{uri} cannot be deleted: {error.strerror}.", "Check the corpus folder.") from error


def _file(uri: str, corpus: Path) -> Path:
    """The file, itself a link at most. Raises NotFound when there is none or it is no document of the corpus folder."""
    path = PurePosixPath(uri)
    hidden = any(part.startswith(".") for part in path.parts)
    try:
        file = below(corpus, str(path.parent)) / path.name
        known = not hidden and _readable(path.name, _endings()) and (file.is_file() or file.is_symlink())
    except (BadRequest, OSError, ValueError):
        known = False
    if not known:
        raise NotFound(
            f"The corpus folder has no document {uri!r}.",
            f"GET {PREFIX}/sources lists what is served; POST {PREFIX}/ingest leaves out what came from elsewhere.",
        )
    return file
