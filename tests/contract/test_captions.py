"""Captions of YouTube, Teams and Zoom, and SubRip: whole texts with speakers, times and the characters of the cues."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import UnreadableDocument
from assistant.records import Anchor, Cue, Section
from ingest.readers.captions import read_srt, read_vtt
from ingest.readers.reading import Reading

SAMPLES = Path(__file__).parent / "samples"


def vtt(*cues: tuple[str, str, str]) -> Reading:
    blocks = (f"{start} --> {end}\n{text}\n" for start, end, text in cues)
    return read_vtt(("WEBVTT\n\n" + "\n".join(blocks)).encode())


def test_automatic_captions_roll() -> None:
    reading = read_vtt((SAMPLES / "auto-captions.vtt").read_bytes())
    assert reading.meta.language == "en"
    assert reading.notes == ()
    assert reading.sections == (
        Section(
            "welcome to the clusters talk from Malmö",
            Anchor(start=0.16, end=5.11),
            cues=(Cue(0, 0.16, 2.389), Cue(24, 2.399, 5.11)),
        ),
        Section(
            "our guest buys trams for R&D tests",
            Anchor(start=11.0, end=16.0),
            cues=(Cue(0, 11.0, 13.19), Cue(21, 13.2, 16.0)),
        ),
    )


@pytest.mark.parametrize(("said", "language"), [("de-AT", "de"), ("German", None), ("Spanish", None), ("EN", "en")])
def test_the_language_of_a_file_is_a_tag_and_no_word(said: str, language: str | None) -> None:
    cue = "00:01.000 --> 00:02.000\nWho may bid?\n"
    assert read_vtt(f"WEBVTT\nLanguage: {said}\n\n{cue}".encode()).meta.language == language


def test_tagged_voices() -> None:
    reading = read_vtt((SAMPLES / "teams.vtt").read_bytes())
    assert reading.meta.language is None
    assert reading.sections == (
        Section(
            "Good morning. Who may take part in a market consultation?",
            Anchor(start=3.1, end=6.24, speaker="Zoë Lindqvist"),
            cues=(Cue(0, 3.1, 6.24),),
        ),
        Section(
            "Anybody may. It gives no advantage & no disadvantage later.",
            Anchor(start=7.0, end=14.02, speaker="José Ångström-Díaz (EIC)"),
            asked=("Who may take part in a market consultation?",),
            cues=(Cue(0, 7.0, 9.5), Cue(13, 9.5, 14.02)),
        ),
        Section("Thank you.", Anchor(start=14.9, end=16.0), cues=(Cue(0, 14.9, 16.0),)),
        Section(
            "Then we close here.",
            Anchor(start=3723.0, end=3725.0, speaker="Zoë Lindqvist"),
            cues=(Cue(0, 3723.0, 3725.0),),
        ),
    )


def test_names_before_a_colon_and_marks_of_change() -> None:
    reading = read_vtt((SAMPLES / "zoom.vtt").read_bytes())
    assert reading.sections == (
        Section(
            "So, the budget of the call is 9 million euro: three for each lot.",
            Anchor(start=16.239, end=22.0, speaker="Márta Kovács"),
            cues=(Cue(0, 16.239, 19.089), Cue(27, 19.1, 22.0)),
        ),
        Section(
            "WHAT DOES A LOT COVER?", Anchor(start=24.5, end=26.0, speaker="MODERATOR"), cues=(Cue(0, 24.5, 26.0),)
        ),
        Section(
            "One phase.",
            Anchor(start=26.0, end=31.25, speaker="Ilse van der Velde"),
            asked=("WHAT DOES A LOT COVER?",),
            cues=(Cue(0, 26.0, 31.25),),
        ),
        Section("And who pays?", Anchor(start=26.0, end=31.25), cues=(Cue(0, 26.0, 31.25),)),
        Section(
            "The Commission pays 90 percent (PCP),\n\nand you the rest.",
            Anchor(start=31.5, end=33.0),
            asked=("And who pays?",),
            cues=(Cue(0, 31.5, 33.0), Cue(39, 31.5, 33.0)),
        ),
    )


def test_subrip_of_windows() -> None:
    data = (SAMPLES / "vergabe.srt").read_bytes()
    assert b"\r\n" in data
    assert b"\x84sechs Wochen\x93" in data
    reading = read_srt(data)
    assert reading.notes == ("Cues were left out, as their times cannot be read: line 24.",)
    assert reading.sections == (
        Section(
            "Die Vergabestelle in Köln prüft zuerst den Markt.",
            Anchor(start=1.0, end=6.0),
            cues=(Cue(0, 1.0, 3.5), Cue(26, 3.5, 6.0)),
        ),
        Section(
            "Dann fragt sie fünf Firmen. Das dauert „sechs Wochen“. Für 2026 2026",
            Anchor(start=9.5, end=17.25),
            cues=(Cue(0, 9.5, 12.0), Cue(28, 12.04, 14.0), Cue(55, 15.0, 17.25)),
        ),
    )


@pytest.mark.parametrize(
    ("text", "speaker", "said"),
    [
        ("Dr. Łukasz Żak: Yes.", "Dr. Łukasz Żak", "Yes."),
        ("Speaker 2: Yes.", "Speaker 2", "Yes."),
        ("ŠÁRKA NOVÁ:\nyes.", "ŠÁRKA NOVÁ", "yes."),
        ("<v.loud Ana>Ana's <b>answer</b>", "Ana", "Ana's answer"),
        ("we said this: yes.", None, "we said this: yes."),
        ("At 10:30 we begin.", None, "At 10:30 we begin."),
        ("The Call Of The Year: yes.", None, "The Call Of The Year: yes."),
        (">> Yes.", None, "Yes."),
        ("-5 degrees, [coughs] he said\n(the buyer)", None, "-5 degrees, he said (the buyer)"),
        ("♪ A song ♪ &lt;of&gt; tenders", None, "A song <of> tenders"),
        ("Thanks. (MUSIC FADES)", None, "Thanks."),
    ],
)
def test_one_cue(text: str, speaker: str | None, said: str) -> None:
    (section,) = vtt(("00:01.000", "00:02.000", text)).sections
    assert section.anchor == Anchor(start=1.0, end=2.0, speaker=speaker)
    assert section.text == said


def test_a_change_of_speaker_in_the_middle_of_a_line() -> None:
    sections = vtt(("00:01.000", "00:02.000", "Is it open? &gt;&gt; It is.")).sections
    assert [section.text for section in sections] == ["Is it open?\n\nIt is."]


def test_a_speaker_goes_on_until_the_next() -> None:
    sections = vtt(
        ("00:01.000", "00:02.000", "Ana: One."),
        ("00:20.000", "00:21.000", "Two."),
        ("00:21.000", "00:22.000", "Bo: No."),
    ).sections
    assert [(section.anchor.speaker, section.text) for section in sections] == [("Ana", "One. Two."), ("Bo", "No.")]


def test_without_speakers_a_pause_or_many_words_part() -> None:
    words = " ".join(["word"] * 60)
    sections = vtt(
        ("00:01.000", "00:10.000", f"{words}."),
        ("00:12.999", "00:20.000", f"{words}."),
        ("00:20.000", "00:21.000", "After 120 words."),
        ("00:24.000", "00:25.000", "After a pause."),
    ).sections
    assert [section.text for section in sections] == [f"{words}. {words}.", "After 120 words.", "After a pause."]


def test_without_ends_of_sentences_twice_as_many_words_part() -> None:
    words = " ".join(["word"] * 60)
    cues = [(f"00:{at:02}.000", f"00:{at + 1:02}.000", f"{words} {at}") for at in range(5)]
    assert [len(section.cues) for section in vtt(*cues).sections] == [4, 1]


def test_a_pause_counts_from_the_end_of_the_longest_cue() -> None:
    cues = [("00:01.000", "00:09.000", "long"), ("00:02.000", "00:03.000", "short"), ("00:10.000", "00:11.000", "next")]
    assert [section.text for section in vtt(*cues).sections] == ["long short next"]


def test_words_said_twice_stay() -> None:
    cues = [("00:01.000", "00:02.000", "Yes."), ("00:02.000", "00:03.000", "Yes."), ("00:03.000", "00:04.000", "No.")]
    more = [(f"00:0{at}.000", f"00:0{at + 1}.000", f"Lot {at}.") for at in (4, 5, 6)]
    assert [section.text for section in vtt(*cues, *more).sections] == ["Yes. Yes. No. Lot 4. Lot 5. Lot 6."]


def test_cues_are_told_in_the_order_of_their_time() -> None:
    (section,) = vtt(("00:05.000", "00:06.000", "second"), ("0:04.5", "00:07,250", "first")).sections
    assert section.text == "first second"
    assert section.anchor == Anchor(start=4.5, end=7.25)
    assert section.cues == (Cue(0, 4.5, 7.25), Cue(6, 5.0, 6.0))


@pytest.mark.parametrize(
    ("read", "text", "says"),
    [
        (read_vtt, "WEBVTT\n\nNOTE nothing\n", "no line gives the time of a cue"),
        (read_vtt, "WEBVTT\n\n00:61:00.000 --> 00:62:00.000\nText\n", "line 3 is no time of a cue"),
        (read_vtt, "\n\nWEBVTT\n\n1 --> 2\nText\n", "line 5 is no time of a cue"),
        (read_srt, "1\n00:00:1x,000 --> 00:00:02,000\nText\n", "line 2 is no time of a cue"),
        (read_srt, "", "no line gives the time of a cue"),
    ],
)
def test_without_a_cue_it_is_refused(read: Callable[[bytes], Reading], text: str, says: str) -> None:
    with pytest.raises(UnreadableDocument, match=says) as caught:
        read(text.encode())
    assert caught.value.remedy == "Write times as 00:01:02.500 --> 00:01:04.000."


@pytest.mark.parametrize("text", ["1\n00:01 --> 00:02\nA\n\nB\n2\n00:02 --> 00:03\nC", "00:01 --> 00:03\n\nA\nB C\n"])
def test_careless_subrip(text: str) -> None:
    (section,) = read_srt(text.encode()).sections
    assert section.text == "A B C"
    assert section.anchor == Anchor(start=1.0, end=3.0)


words = st.lists(st.text("abcdeéłßž", min_size=1, max_size=8), min_size=1, max_size=12)
cues = st.lists(
    st.tuples(
        st.integers(0, 5000), st.integers(1, 90), st.sampled_from(["", "Ana: ", "<v Bo Ek>", ">> ", "\n"]), words
    ),
    min_size=1,
    max_size=30,
    unique_by=(lambda cue: cue[0], lambda cue: " ".join(cue[3])),
)


def clock(tenths: int) -> str:
    return f"{tenths // 36000:02}:{tenths // 600 % 60:02}:{tenths // 10 % 60:02},{tenths % 10}00"


@given(cues, st.booleans())
def test_every_cue_points_at_its_first_character(said: list[tuple[int, int, str, list[str]]], subrip: bool) -> None:
    blocks = [
        f"{number}\n{clock(start)} --> {clock(start + length)}\n{mark}{' '.join(words)}\n"
        for number, (start, length, mark, words) in enumerate(said)
    ]
    if subrip:
        reading = read_srt("\n".join(blocks).encode())
    else:
        blocks = [block.replace("\n\n", "\n") for block in blocks]
        reading = read_vtt("\n".join(["WEBVTT\n", *blocks]).encode())
    found = [(cue.start, cue.end, section, cue.at) for section in reading.sections for cue in section.cues]
    ordered = sorted(said)
    assert [start for start, *_ in found] == [start / 10 for start, *_ in ordered]
    for (_, end, section, at), (start, length, _, words) in zip(found, ordered, strict=True):
        assert end == (start + length) / 10
        assert section.text[at:].startswith(" ".join(words))
        assert at == 0 or section.text[at - 1].isspace()
        assert section.anchor.start <= start / 10
        assert end <= section.anchor.end
