"""Checks of what answers: the engine, the models, and the questions that a new edition is asked."""

from __future__ import annotations

from contextlib import closing

from assistant.doctor.warned import Warned
from assistant.settings import Settings


def engine(settings: Settings) -> str:
    """Whether answers can be worded as is set; a model is asked for a word."""
    from assistant.embedders import open_embedder
    from assistant.engines import open_engine
    from assistant.engines.model import ModelFailed

    with closing(open_engine(settings, open_embedder(settings))) as opened:
        try:
            return opened.tried()
        except ModelFailed as failure:
            raise Warned(f"{opened.name} does not answer: {failure}", "Quotes are shown until it does.") from failure


def embedder(settings: Settings) -> str:
    """Whether the embedding model embeds."""
    from assistant.embedders import open_embedder

    opened = open_embedder(settings)
    return f"{opened.name}, {len(opened.embed_query('Who?'))} numbers a vector"


def reader(settings: Settings) -> str:
    """Whether the reader's model is the one that was shipped, and reads."""
    from assistant.reader import Text, open_reader

    opened = open_reader(settings)
    if opened is None:
        return "none is set: near misses are told from answers less well"
    opened.read("Who?", [Text("", ("Somebody.",))])
    return f"{opened.name} reads"


def questions(settings: Settings) -> str:
    """How many questions decide whether an edition is served."""
    from assistant.golden import read_asked

    asked = read_asked(settings)
    if not asked:
        raise Warned("There are none: a new edition is served unchecked.", f"Write some in {settings.asked}.")
    return f"{len(asked)} are asked before an edition is served"
