"""The lying model itself: it reads the passages it is given, its lies are lies, and it speaks as OpenAI's server does."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from openai import InternalServerError, OpenAI

from tests.lies import EDITS, Read, lines, plain
from tests.lying import BEHAVIOURS, lying
from tests.replies import FAULTS, Liar, read_prompt
from tests.sayings import SAYINGS

PASSAGES = """Passages:

[1] Late payment > How fast?
A public authority must pay an invoice within 30 days.
The term may be 60 days only in exceptional cases.
- a listed item

[2] The Talk > Who organised it? (holds 2022-01-01 to 2023-12-31)
The European Cluster Platform organised the Talk of 13 September 2023 for the Commission.
From 1 January 2022 to 31 December 2023 the EU threshold for works was EUR 5 382 000 without VAT.
The money goes to the public buyers and not to the firms.

Question: How fast must an authority pay?

Answer in English, only from the passages:"""
MESSAGES = [
    {"role": "system", "content": "You say only what stands there.\nNever lie."},
    {"role": "user", "content": PASSAGES},
]
READ = read_prompt(MESSAGES)


@pytest.fixture(scope="module")
def liar() -> Iterator[Liar]:
    with lying() as made:
        yield made


def test_the_passages_the_question_and_the_rules_are_read() -> None:
    assert [len(passage) for passage in READ.passages] == [2, 3]
    assert READ.sentences[0] == "A public authority must pay an invoice within 30 days."
    assert (READ.question, READ.language) == ("How fast must an authority pay?", "en")
    assert READ.system.endswith("Never lie.")


@pytest.mark.parametrize("name", EDITS)
def test_a_bent_sentence_is_no_longer_in_the_passages_and_tells_what_is_false(name: str) -> None:
    said = lines(name, READ)
    assert said, "no sentence offers a hold"
    for line in said:
        assert plain(line.text) not in plain(PASSAGES)
        assert plain(line.lie)
        assert plain(line.lie) in plain(line.text)
        assert plain(line.lie) not in plain(PASSAGES)


@pytest.mark.parametrize("name", SAYINGS)
def test_what_is_marked_as_a_lie_is_said(name: str) -> None:
    assert [line for line in lines(name, READ) if line.lie not in line.text] == []


def test_half_lies_stand_between_true_sentences() -> None:
    said = lines("half-swapped-numbers", READ)
    assert [bool(line.lie) for line in said] == [False, True, False, False, True, False]


def test_translations_are_said_where_the_question_is_in_another_language() -> None:
    unit = "The Andalusian Healthcare Service in Spain coordinates (leads) Procure4Health."
    read = Read("", ((unit,),), "¿Quién coordina Procure4Health y quién lo financia?", unit)
    assert read.sentences == ["El Servicio Andaluz de Salud de España coordina Procure4Health."]


def test_it_speaks_as_the_server_of_openai_does(liar: Liar) -> None:
    with OpenAI(base_url=liar.address, api_key="x", max_retries=0) as client:
        assert [model.id for model in client.models.list()] == list(BEHAVIOURS)
        messages: list = MESSAGES  # type: ignore[type-arg]
        whole = client.chat.completions.create(model="honest", messages=messages).choices[0].message.content
        pieces = client.chat.completions.create(model="honest", messages=messages, stream=True)
        assert whole == "".join(piece.choices[0].delta.content or "" for piece in pieces)
        assert str(whole).startswith("A public authority must pay")
        with pytest.raises(InternalServerError):
            client.chat.completions.create(model="500", messages=messages)
    assert [told.behaviour for told in liar.told] == ["honest", "honest"]


@pytest.mark.parametrize("name", [name for name in FAULTS if name not in ("hangs", "hangs-midway", "slow-drip")])
def test_no_fault_ends_as_a_good_stream_does(liar: Liar, name: str) -> None:
    body = {"model": name, "messages": MESSAGES, "stream": True}
    read = b""
    try:
        with httpx.stream("POST", f"{liar.address}/chat/completions", json=body, timeout=5) as response:
            for piece in response.iter_bytes():
                read += piece
                if len(read) > 20_000:
                    break
            good = response.status_code == 200 and b'"finish_reason": "stop"' in read
    except httpx.HTTPError:
        good = False
    assert not good
