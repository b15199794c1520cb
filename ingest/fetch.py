"""A path or folder → the files to read, each with a stable uri. Nothing is opened that is not a plain file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import CorpusMissing, UnreadableDocument

MAX_BYTES = 20_000_000
NOT_DOCUMENTS = {"README.md", "SOURCES.md", "LICENSE", "LICENSE.md"}


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read. `root` is "" below the corpus folder, else the folder that was named; `uri` its name there."""

    path: Path
    root: str
    uri: str

    def read(self) -> bytes:
        """The file's bytes. Raises UnreadableDocument when it is too large, empty or cannot be opened."""
        try:
            size = self.path.stat().st_size
            if size > MAX_BYTES:
                raise UnreadableDocument(f"{self.uri}: {size:,} bytes, over {MAX_BYTES:,}.", "Split the document.")
            data = self.path.read_bytes()
        except OSError as error:
            raise UnreadableDocument(f"{self.uri}: {error.strerror}.", "Check the file and its permissions.") from error
        if not data.strip():
            raise UnreadableDocument(f"{self.uri}: the file is empty.", "Fill it or remove it.")
        return data


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run answers for: documents of `root` whose uri starts with `prefix` and were not found are removed."""

    root: str
    prefix: str
    whole: bool

    def covers(self, root: str, uri: str) -> bool:
        """Whether a document that is gone from disk was this scope's to keep."""
        return self.root == root and (uri == self.prefix or (self.whole and uri.startswith(self.prefix)))


def scope_of(path: Path, corpus: Path) -> Scope:
    """Root and prefix of a path that was named. Raises CorpusMissing when it does not exist."""
    if not path.exists():
        raise CorpusMissing(f"{path} does not exist.", "Name a file or folder, or set CLUSTER_TALKS_CORPUS.")
    here, home = path.resolve(), corpus.resolve()
    whole = here.is_dir()
    if here.is_relative_to(home):
        relative = here.relative_to(home).as_posix()
        return Scope("", "" if relative == "." else relative + "/" * whole, whole)
    folder = here if whole else here.parent
    return Scope(str(folder), f"{folder.name}/" if whole else f"{folder.name}/{here.name}", whole)


def find(paths: Sequence[Path], corpus: Path) -> Iterator[Found]:
    """The files below `paths` in a stable order, hidden files and links out of the folder left aside."""
    for path in paths:
        scope = scope_of(path, corpus)
        base = corpus.resolve() if scope.root == "" else Path(scope.root).parent
        for file in [path.resolve()] if path.is_file() else sorted(path.resolve().rglob("*")):
            relative = file.relative_to(base)
            hidden = any(part.startswith(".") for part in relative.parts)
            if file.is_file() and not hidden and not file.is_symlink() and file.name not in NOT_DOCUMENTS:
                yield Found(file, scope.root, relative.as_posix())
