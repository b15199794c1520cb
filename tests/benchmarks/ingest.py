"""What an ingest costs: a folder of small documents read for the first time, unchanged, and with one changed.

    .venv/bin/python -m tests.benchmarks.ingest --documents 1000

The documents are the sections of corpus/, one a file, in Markdown, HTML and text by turns. Prints the seconds of each run
by stage, the share of the first run that the embedder took, and what the second took of the first.
"""

from __future__ import annotations

import argparse
import html
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from assistant.embedders import Embedder
from assistant.settings import Settings
from assistant.terminal import progress_bar
from assistant.wiring import open_stores
from ingest.listing import find
from ingest.readers.markdown import read_markdown
from ingest.run import open_run

CORPUS = Path(__file__).parents[2] / "corpus"
FORMS = {
    ".md": lambda title, text: f"# {title}\n\n{text}\n",
    ".html": lambda title, text: (
        f"<html><head><title>{html.escape(title)}</title></head><body><main><h1>{html.escape(title)}</h1>{''.join(f'<p>{html.escape(p)}</p>' for p in text.split(chr(10) * 2))}</main></body></html>"
    ),
    ".txt": lambda title, text: f"{title}\n\n{text}\n",
}


class Timed(Embedder):
    """An embedder that counts its seconds."""

    def __init__(self, inner: Embedder) -> None:
        self._inner, self.seconds = inner, 0.0
        self.name, self.dimension = inner.name, inner.dimension

    def embed_query(self, text: str) -> list[float]:
        return self._inner.embed_query(text)

    def embed_documents(self, texts: Sequence[str]) -> list[list[float]]:
        began = time.perf_counter()
        try:
            return self._inner.embed_documents(list(texts))
        finally:
            self.seconds += time.perf_counter() - began


def sections() -> Iterator[tuple[str, str]]:
    """(title, text) of every section of the corpus."""
    for file in find([CORPUS], CORPUS):
        if file.path.suffix == ".md":
            reading = read_markdown(file.read())
            for section in reading.sections:
                yield " ".join((reading.meta.title or "", *section.anchor.heading)), section.text


def write(folder: Path, count: int) -> None:
    """`count` documents in ten folders."""
    endings = list(FORMS)
    for number, (title, text) in zip(range(count), sections(), strict=False):
        ending = endings[number % len(endings)]
        place = folder / f"part-{number % 10}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:05}{ending}").write_text(FORMS[ending](title, text), encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1000)
    count = parser.parse_args().documents
    console = Console()
    table = Table(
        "run", "documents", "embedded", "all s", "list", "read", "embed", "index", "model s", box=box.SIMPLE_HEAD
    )
    spent: list[float] = []
    model: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder) / "data", corpus=Path(folder) / "corpus")
        write(settings.corpus, count)
        stores = open_stores(settings)
        stores.embedder.embed_documents(["warm-up"])
        stores = replace(stores, embedder=(timed := Timed(stores.embedder)))
        with closing(stores.library), progress_bar(console) as show:
            for name in ("first", "unchanged", "one changed"):
                if name == "one changed":
                    page = next(settings.corpus.rglob("*.md"))
                    page.write_text(
                        page.read_text(encoding="utf-8") + "\nOne more sentence stands here.\n", encoding="utf-8"
                    )
                began, timed.seconds = time.perf_counter(), 0.0
                report = open_run(settings, stores, None, show).ingest([])
                spent.append(time.perf_counter() - began)
                model.append(timed.seconds)
                stages = (f"{report.seconds.get(stage, 0):.2f}" for stage in ("list", "read", "embed", "index"))
                table.add_row(
                    name, str(report.documents), str(report.embedded), f"{spent[-1]:.2f}", *stages, f"{model[-1]:.2f}"
                )
    console.print(table)
    console.print(
        f"unchanged / first: {spent[1] / spent[0]:.1%}, of the first inside the model: {model[0] / spent[0]:.0%}"
    )


if __name__ == "__main__":
    main()
