"""BM25 over an edition (tantivy), one index field a language so that each text is stemmed by its own rules.

A question is searched in its own language's field and in those of every language the edition holds; names and numbers
match in all of them. The index derives from the library and can be rebuilt at any time.
"""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import tantivy

from assistant.records import Chunk, Document, Filters

# ISO code -> tantivy's name of the Snowball stemmer and stop-word list; other languages are only lower-cased.
STEMMERS = {
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "it": "italian",
    "nl": "dutch",
    "pt": "portuguese",
    "ro": "romanian",
    "sv": "swedish",
}
WITHOUT_STOP_WORDS = {"el", "ro"}
HEADING_BOOST = 1.5
WORD = re.compile(r"\w+", re.UNICODE)


class Lexical:
    """The index of one edition, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._index = tantivy.Index.open(str(folder))
        self._analysers = _analysers()
        self._rarities: dict[str, float] = {}
        for language, analyser in self._analysers.items():
            self._index.register_tokenizer(language, analyser)

    def close(self) -> None:
        """Let go of the index files."""
        del self._index

    def stems(self, text: str, language: str) -> frozenset[str]:
        """The stemmed words of a text, without stop words."""
        return frozenset(self._analysers[f"words_{language if language in STEMMERS else 'any'}"].analyze(text))

    def rarity(self, stem: str) -> float:
        """Inverse document frequency of a stem over all languages of the edition, at least 0."""
        if stem not in self._rarities:
            searcher = self._index.searcher()
            found = sum(searcher.doc_freq(field, stem) for field in self._fields("text"))
            self._rarities[stem] = math.log(1 + searcher.num_docs / (1 + found))
        return self._rarities[stem]

    def share(self, asked: frozenset[str], there: frozenset[str]) -> float:
        """Share of the stems asked for that are there, each weighted by its rarity: 0..1."""
        total = math.fsum(map(self.rarity, asked))
        return math.fsum(map(self.rarity, asked & there)) / total if total else 0.0

    def search(self, question: str, count: int, filters: Filters) -> list[tuple[str, float]]:
        """(passage id, BM25 score) of the best `count` passages, best first."""
        words = WORD.findall(question)[:64]
        if not words:
            return []
        # Only plain words reach the query parser, so no character of a question can act as its syntax.
        query, _ = self._index.parse_query_lenient(
            " ".join(f'"{word}"' for word in words),
            [*self._fields("text"), *self._fields("head")],
            field_boosts=dict.fromkeys(self._fields("head"), HEADING_BOOST),
        )
        restricted = [(tantivy.Occur.Must, query), *self._restrictions(filters)]
        searcher = self._index.searcher()
        found = searcher.search(tantivy.Query.boolean_query(restricted), count)
        return [(str(searcher.doc(address)["id"][0]), float(score)) for score, address in found.hits]

    def _restrictions(self, filters: Filters) -> list[tuple[tantivy.Occur, tantivy.Query]]:
        wanted = {"kind": filters.kind, "source": filters.source, "language": filters.language}
        return [
            (tantivy.Occur.Must, tantivy.Query.term_set_query(self._index.schema, field, list(values)))
            for field, values in wanted.items()
            if values
        ]

    def _fields(self, name: str) -> list[str]:
        return [f"{name}_{language}" for language in (*STEMMERS, "any")]


def build_lexical(folder: Path, passages: Iterable[tuple[Chunk, Document]]) -> Lexical:
    """Build the index of an edition, beside `folder` until it is whole."""
    part = folder.with_name(f"{folder.name}.part")
    for old in (part, folder):
        shutil.rmtree(old, ignore_errors=True)
    part.mkdir(parents=True)
    index = tantivy.Index(_schema(), path=str(part))
    for language, analyser in _analysers().items():
        index.register_tokenizer(language, analyser)
    writer = index.writer(heap_size=64_000_000, num_threads=1)
    for chunk, document in passages:
        language = document.language if document.language in STEMMERS else "any"
        writer.add_document(
            tantivy.Document(
                id=chunk.id,
                kind=document.kind,
                source=document.id,
                language=document.language,
                **{
                    f"text_{language}": chunk.text,
                    f"head_{language}": " ".join((document.title, *chunk.anchor.path)),
                },
            )
        )
    writer.commit()
    writer.wait_merging_threads()
    part.rename(folder)
    return Lexical(folder)


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw")
    for field in ("kind", "source", "language"):
        builder.add_text_field(field, tokenizer_name="raw")
    for language in (*STEMMERS, "any"):
        for name in ("text", "head"):
            builder.add_text_field(f"{name}_{language}", tokenizer_name=f"words_{language}")
    return builder.build()


def _analysers() -> dict[str, tantivy.TextAnalyzer]:
    analysers = {}
    for language in (*STEMMERS, "any"):
        builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple()).filter(tantivy.Filter.remove_long(60))
        builder = builder.filter(tantivy.Filter.lowercase())
        if stemmer := STEMMERS.get(language):
            if language not in WITHOUT_STOP_WORDS:
                builder = builder.filter(tantivy.Filter.stopword(stemmer))
            builder = builder.filter(tantivy.Filter.stemmer(stemmer))
        analysers[f"words_{language}"] = builder.filter(tantivy.Filter.ascii_fold()).build()
    return analysers
