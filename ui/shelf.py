"""What the page takes from the edition being served: the words it explains, and the kinds of documents there are."""

from __future__ import annotations

import threading

from assistant.glossary import Glossary, collect_glossary
from assistant.library import Library


class Shelf:
    """Read once an edition; `refresh` looks whether another one is served."""

    def __init__(self, library: Library) -> None:
        self._library, self._edition = library, 0
        self._reading = threading.Lock()
        self.glossary, self.kinds = Glossary(()), frozenset[str]()
        self.refresh()

    def refresh(self) -> None:
        """Take what the served edition has."""
        edition = self._library.current()
        with self._reading:
            if edition.number != self._edition:
                passages = list(self._library.all_chunks(edition.number))
                self.glossary = collect_glossary(passages, edition)
                self.kinds = frozenset(document.kind for _, document in passages)
                self._edition = edition.number
