"""The proper names of an edition: InnoBuyer, BRINC, Larrañeta. Names are written alike in every language, so they tell
what a question is about when little else can, and a slip in one of them can be mended."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from rapidfuzz import fuzz, process

from assistant.language import is_function_word

WORD = re.compile(r"[^\W_][\w'’]*(?:-[^\W_]\w*)*")
SHORTEST = 5  # letters of a name in which a slip is mended; shorter ones are a letter away from too many words
ALIKE = 88  # of 100, edit distance against length: "Procure4Helth" 96, "procedura" and ProCura 87


@dataclass(frozen=True)
class Names:
    """Names as they are spelt, the most frequent spelling first, and all words of the edition, folded."""

    names: tuple[str, ...]
    words: frozenset[str]

    @cached_property
    def _exact(self) -> frozenset[str]:
        return frozenset(self.names)

    @cached_property
    def _spelling(self) -> dict[str, str]:
        return {fold(name): name for name in reversed(self.names)}

    def of(self, text: str) -> list[str]:
        """The names in a text, as the edition spells them, in order."""
        return [self._spelling[fold(word)] for word in WORD.findall(text) if self._is_name(word)]

    def _is_name(self, word: str) -> bool:
        """Exactly spelt, or another way that is no everyday word: Dutch "een" is not the EEN."""
        return word in self._exact or (fold(word) in self._spelling and not is_function_word(word))

    def without(self, text: str) -> str:
        """`text` without its names."""
        return WORD.sub(lambda match: "" if self._is_name(match.group()) else match.group(), text)

    def exchanged(self, text: str, old: str, new: str) -> str:
        """`text` with another name in the place of one, however that is spelt there."""
        return WORD.sub(lambda match: new if self.of(match.group()) == [old] else match.group(), text)

    def mend(self, text: str) -> str:
        """`text` with names spelt as the edition spells them: "inobuyer", "BRINCi" and "Larraneta" become the names."""
        return WORD.sub(lambda match: self._mended(match.group()), text)

    def _mended(self, word: str) -> str:
        key = fold(word)
        if len(key) < SHORTEST or word in self._exact:
            return word
        if key in self._spelling:
            return self._spelling[key] if marked(self._spelling[key]) or word[0].isupper() else word
        if key in self.words:
            return word
        found = process.extractOne(key, self._long, scorer=fuzz.ratio, score_cutoff=ALIKE)
        name = self._spelling[found[0]] if found else word
        return name if name[0].lower() == key[0] and (marked(name) or word[0].isupper()) else word

    @cached_property
    def _long(self) -> list[str]:
        return [key for key in self._spelling if len(key) >= SHORTEST]


def marked(name: str) -> bool:
    """Whether a name cannot be an ordinary word: a capital or a digit inside."""
    return any(c.isupper() or c.isdigit() for c in name[1:])


def fold(word: str) -> str:
    """Lower case without accents."""
    if word.isascii():
        return word.lower()
    return "".join(c for c in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(c))


def collect_names(texts: Iterable[str]) -> Names:
    """Words that are mostly written with a capital inside a sentence, or with one inside the word."""
    named: Counter[str] = Counter()
    plain: Counter[str] = Counter()
    for text in texts:
        for sentence in re.split(r"[.!?:;|\n]\s*", text):
            for place, word in enumerate(WORD.findall(sentence)):
                if (len(word) > 1 and any(c.isupper() for c in word[1:])) or (place and word[0].isupper()):
                    named[word] += 1
                elif place:
                    plain[word.lower()] += 1
    names = [word for word, count in named.most_common() if count > plain[word.lower()] and len(word) > 1]
    return Names(tuple(names), frozenset(fold(word) for word in (*plain, *named)))
