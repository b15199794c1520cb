"""The glossary's words in an answer: each is marked where it stands first, and its meaning kept beside the answer.

The meaning is a tooltip (ARIA pattern): described by it for those who listen, shown on hover and focus by `page.js`.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from assistant.glossary import Entry, Glossary
from ui.markup import plain


class Words:
    """Marks the words of one exchange; `prefix` tells its tooltips from those of other exchanges, `languages` are those
    of the visitor, the likeliest first."""

    def __init__(self, glossary: Glossary, prefix: str, languages: Sequence[str]) -> None:
        self._glossary, self._prefix, self._languages = glossary, prefix, languages
        self._explained: dict[str, Entry] = {}

    def marked(self, text: str) -> str:
        """The text as markup."""
        parts, at = [], 0
        for word in self._glossary.find(text):
            if word.entry.link not in self._explained:
                self._explained[word.entry.link] = word.entry
                tip = self._id(len(self._explained))
                parts += [plain(text[at : word.start]), _term(text[word.start : word.end], tip)]
                at = word.end
        return "".join((*parts, plain(text[at:])))

    def meanings(self) -> str:
        """The tooltips of all words marked so far."""
        return "".join(
            f'<span class="meaning" role="tooltip" id="{self._id(number)}">{self._meaning(entry)}</span>'
            for number, entry in enumerate(self._explained.values(), 1)
        )

    def _meaning(self, entry: Entry) -> str:
        language = next((language for language in self._languages if language in entry.translations), None)
        translated = f'<b lang="{language}">{escape(entry.translations[language])}</b> ' if language else ""
        return f'{translated}<span lang="{escape(entry.language)}">{escape(entry.meaning)}</span>'

    def _id(self, number: int) -> str:
        return f"meaning-{self._prefix}{number}"


def _term(name: str, tip: str) -> str:
    """Not a `button`, which lines break around: a stop behind it would begin the next one."""
    return f'<span role="button" tabindex="0" class="term" aria-describedby="{tip}">{escape(name)}</span>'
