"""Backup, restore and repair of real stores: the same answers come back, whatever happens on the way."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistant import doctor
from assistant.backup.make import Extras, make_backup
from assistant.backup.restore import restore_backup
from assistant.cli import app
from assistant.embedders import EMBEDDERS
from assistant.errors import Busy, EmbedderMismatch
from assistant.library import Library
from assistant.records import Question
from assistant.repair import repair
from assistant.settings import Settings
from assistant.wiring import DataFolder, Stores, open_assistant, open_stores, plugin
from tests.conftest import ROOT, Server, cluster_talks, copy_small_corpus
from tests.fakes import WordEmbedder
from tests.serving import serving
from tests.unit.test_backup import contents, quiet

QUESTIONS = (
    "How long did the Talk last?",
    "Who spoke at the Talk?",
    "Who owns the rights after a PCP?",
    "What is not known about the Talk?",
    "Wie lange dauerte der Talk?",
    "Wer sprach beim Talk?",
    "Wer bleibt bei einer vorkommerziellen Auftragsvergabe Eigentümer der Schutzrechte?",
    "Wann war der Talk?",
    "Combien de temps a duré le Talk ?",
    "Qui a pris la parole lors du Talk ?",
    "À qui appartiennent les droits de propriété intellectuelle ?",
    "Quel temps fera-t-il demain ?",
)
OKAPI = "# The okapi\n\nThe okapi of the Talk is called {name}.\n"
NAMED = {"question": "What is the okapi of the Talk called?"}
# Where words are all that counts, each language has animals of its own.
ANIMALS = {
    "en": "The okapi eats ten kilograms of leaves a day. The walrus sleeps on the ice of the north. "
    "The beaver builds a dam of branches.",
    "de": "Der Dachs gräbt einen Bau mit vielen Kammern. Der Luchs jagt nachts im Wald. "
    "Der Biber baut einen Damm aus Ästen. Der Storch frisst Frösche auf der Wiese.",
    "fr": "Le hérisson dort tout l'hiver sous les feuilles. Le renard chasse la nuit dans la forêt. "
    "Le castor construit un barrage de branches. La cigogne mange des grenouilles.",
}
OF_ANIMALS = (
    NAMED["question"],
    "How many kilograms of leaves does the okapi eat a day?",
    "Where does the walrus sleep?",
    "What does the beaver build of branches?",
    "Was gräbt der Dachs mit vielen Kammern?",
    "Wo jagt der Luchs nachts?",
    "Was baut der Biber aus Ästen?",
    "Was frisst der Storch auf der Wiese?",
    "Où dort le hérisson tout l'hiver ?",
    "Que chasse le renard la nuit dans la forêt ?",
    "Que construit le castor, un barrage de branches ?",
    "Que mange la cigogne, des grenouilles ?",
)
CHILD = """
import sys
from pathlib import Path
from assistant.backup.restore import restore_backup
from assistant.embedders import EMBEDDERS
from assistant.settings import Settings
from tests.fakes import WordEmbedder
EMBEDDERS["quick"] = lambda name, settings: WordEmbedder()

def told(stage, done, total):
    print(stage, done == total, flush=True)
    sys.stdin.readline()

settings = Settings(data=Path(sys.argv[1]), embedder="quick")
restore_backup(settings, Path(sys.argv[2]), told, force=True)
"""


class Quick(WordEmbedder):
    """Remembers what it embedded, whichever of them did."""

    def _vector(self, text: str) -> list[float]:
        return remembered(text)


@cache
def remembered(text: str) -> list[float]:
    return WordEmbedder()._vector(text)


@pytest.fixture(autouse=True, scope="module")
def _quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(EMBEDDERS, "quick", lambda name, settings: Quick())
        yield


def load(folder: Path, **more: Any) -> Settings:
    return Settings(
        **{"data": folder / "data", "corpus": folder / "corpus", "embedder": "quick", "reader": "none", **more}
    )


@contextmanager
def opened(settings: Settings) -> Iterator[Stores]:
    stores = open_stores(settings)
    with closing(stores.library), closing(stores.vectors):
        yield stores


def ingest(settings: Settings, stores: Stores, publish: str, progress: Callable[..., None] = quiet) -> int:
    return int(plugin("ingest")(settings, stores, None, progress).ingest([], publish).edition)


def said(answer: dict[str, Any]) -> dict[str, Any]:
    """What an answer says and shows. Left out are its id, its times, and what depends on far neighbours, which an
    approximate index may rank otherwise once it is built anew."""
    return {name: value for name, value in answer.items() if name not in ("id", "timings_ms", "margin", "suggestions")}


def ask_all(client: httpx.Client, questions: Iterable[str]) -> list[dict[str, Any]]:
    return [client.post("/api/v1/ask", json={"question": question}).json() for question in questions]


@contextmanager
def asking(client: httpx.Client, questions: Sequence[str]) -> Iterator[None]:
    """Somebody asks all the time."""
    over = threading.Event()
    thread = threading.Thread(target=lambda: [ask_all(client, questions) for _ in iter(over.is_set, True)])
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def answers_of(settings: Settings) -> list[Any]:
    """What is answered about the animals, with its citations and the edition."""
    with opened(settings) as stores:
        assistant = open_assistant(settings, stores)
        answers = [assistant.ask(Question(question)) for question in OF_ANIMALS]
    return [(answer.answer, answer.abstained, answer.sentences, answer.citations, answer.edition) for answer in answers]


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus and two editions of it, the second of which is served."""
    folder = tmp_path_factory.mktemp("grown")
    page = copy_small_corpus(folder / "corpus") / "events" / "okapi.md"
    for language, text in ANIMALS.items():
        told = f"---\ntitle: Animals ({language})\nlanguage: {language}\n---\n{text}\n"
        (folder / f"corpus/events/animals-{language}.md").write_text(told, encoding="utf-8")
    settings = load(folder)
    with opened(settings) as stores:
        for name in ("Veronika", "Josephine"):
            page.write_text(OKAPI.format(name=name), encoding="utf-8")
            ingest(settings, stores, "auto")
    return folder


@pytest.fixture(scope="module")
def large(grown: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a third edition, which has so many sentences that the vectors of some wait to be written to their index."""
    folder = Path(shutil.copytree(grown, tmp_path_factory.mktemp("large") / "home"))
    lines = (f"Zq{number} zr{number * 7} zs{number * 11}." for number in range(2300))
    (folder / "corpus/events/zebras.md").write_text("# Zebras\n\n" + " ".join(lines) + "\n", encoding="utf-8")
    with opened(load(folder)) as stores:
        ingest(load(folder), stores, "auto")
    return folder


@pytest.fixture(scope="module")
def expected(grown: Path) -> list[Any]:
    return answers_of(load(grown))


@pytest.fixture
def home(grown: Path, tmp_path: Path) -> Path:
    """A copy of it, to be lost or damaged."""
    return Path(shutil.copytree(grown, tmp_path / "home"))


# --- backup and restore


def test_a_backup_taken_while_people_ask_and_an_edition_is_built_brings_everything_back(home: Path) -> None:
    settings, file = load(home), home / "talks.zip"

    def in_between(stage: str, done: int, total: int) -> None:
        if stage == "embed" and not file.exists():
            assert [edition.status for edition in stores.library.editions()] == ["building", "ready", "ready"]
            stores.library.answers.flush()
            make_backup(settings, file, quiet)

    with opened(settings) as stores, serving(open_assistant(settings, stores), settings) as client:
        stores.library.publish(1)
        old = client.post("/api/v1/ask", json=NAMED).json()
        stores.library.publish(2)
        answers = ask_all(client, OF_ANIMALS)
        (home / "corpus/events/okapi.md").write_text(OKAPI.format(name="Berta"), encoding="utf-8")
        with asking(client, OF_ANIMALS):
            assert ingest(settings, stores, "never", in_between) == 3
        (citation,) = old["citations"]
        text = client.get(f"/api/v1/sources/{citation['document']}/text", params={"edition": 1}).json()
    shutil.rmtree(settings.data)

    restored = restore_backup(settings, file, quiet)
    assert (restored.kept, restored.manifest.edition and restored.manifest.edition.number) == (None, 2)
    with opened(settings) as stores, serving(open_assistant(settings, stores), settings) as client:
        assert [edition.status for edition in stores.library.editions()] == ["retired", "ready", "ready"]
        assert list(map(said, ask_all(client, OF_ANIMALS))) == list(map(said, answers))
        assert "Josephine" in client.post("/api/v1/ask", json=NAMED).json()["answer"]
        for answer in (old, *answers):
            again = client.get(f"/api/v1/answers/{answer['id']}").json()
            assert (again["answer"], again["citations"]) == (answer["answer"], answer["citations"])
        assert "Veronika" in text["text"]
        assert client.get(f"/api/v1/sources/{citation['document']}/text", params={"edition": 1}).json() == text
        stores.library.publish(1)
        assert said(client.post("/api/v1/ask", json=NAMED).json()) == said(old), "one can still roll back"
    assert {answer["edition"] for answer in answers} == {2}
    assert sum(not answer["abstained"] for answer in answers) >= 9


def test_the_real_server_is_backed_up_while_it_answers_and_answers_the_same_elsewhere(
    server: Server, tmp_path: Path
) -> None:
    file, elsewhere = tmp_path / "talks.zip", Settings(data=tmp_path / "data", corpus=server.corpus)
    with server.client() as client:
        answers = ask_all(client, QUESTIONS)
        with asking(client, QUESTIONS):
            made = cluster_talks("backup", str(file), "--json", env=server.environment())
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["bytes"] == file.stat().st_size
    restored = restore_backup(elsewhere, file, quiet)
    assert restored.manifest.edition and restored.manifest.edition.number == answers[0]["edition"]
    with opened(elsewhere) as stores, serving(open_assistant(elsewhere, stores), elsewhere) as client:
        assert list(map(said, ask_all(client, QUESTIONS))) == list(map(said, answers))
        for answer in answers:
            assert client.get(f"/api/v1/answers/{answer['id']}").json()["citations"] == answer["citations"]
    assert sum(not answer["abstained"] for answer in answers) >= 9


def test_with_its_vectors_a_backup_is_restored_without_embedding(
    home: Path, expected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load(home)
    file = make_backup(settings, home / "talks.zip", quiet, Extras(vectors=True)).file
    monkeypatch.setattr(Quick, "embed_documents", lambda embedder, texts: 1 / 0)
    restored = restore_backup(settings, file, quiet, force=True)
    monkeypatch.undo()
    assert restored.embedded == 0
    assert answers_of(settings) == expected
    assert {path.name for path in settings.data.iterdir()} & {"vectors.npy", "chunks.json"} == set()


def test_an_edition_of_another_embedder_is_not_restored_under_this_one(home: Path) -> None:
    file = make_backup(load(home), home / "talks.zip", quiet).file
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Quick, "name", "another")
        with pytest.raises(EmbedderMismatch, match="built with 'words', not 'another'"):
            restore_backup(load(home, data=home / "other"), file, quiet)
    assert sorted(path.name for path in home.iterdir()) == ["corpus", "data", "talks.zip"]


def test_a_restore_killed_at_any_moment_leaves_what_was_there(home: Path, expected: list[Any]) -> None:
    settings = load(home)
    file = make_backup(settings, home / "talks.zip", quiet).file
    before = contents(settings.data)
    for moment in ("embed False", "embed True"):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(settings.data), str(file)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert child.stdin and child.stdout
        for line in child.stdout:
            if line.strip() == moment:
                break
            child.stdin.write("\n")
            child.stdin.flush()
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL, moment
        assert contents(settings.data) == before
    assert [path for path in home.iterdir() if "restoring" in path.name], "what it left"
    restored = restore_backup(settings, file, quiet, force=True)
    assert restored.kept is not None
    assert contents(restored.kept) == before
    assert sorted(path.name for path in home.iterdir()) == ["corpus", "data", restored.kept.name, "talks.zip"]
    assert answers_of(settings) == expected


# --- repair


def segments(data: Path, end: str) -> list[Path]:
    return list((data / "lexical" / "2").glob(f"*.{end}"))


def no_words(data: Path) -> None:
    shutil.rmtree(data / "lexical" / "2")


def cut_words(data: Path) -> None:
    for file in segments(data, "term"):
        file.write_bytes(file.read_bytes()[:-20])


def flipped_words(data: Path) -> None:
    for file in segments(data, "idx"):
        whole = bytearray(file.read_bytes())
        whole[len(whole) // 2] ^= 1
        file.write_bytes(whole)


def no_segment(data: Path) -> None:
    for file in segments(data, "store"):
        file.unlink()


def no_vectors(data: Path) -> None:
    shutil.rmtree(data / "vectors")


def broken_store(data: Path) -> None:
    with (data / "vectors" / "2" / "chroma.sqlite3").open("r+b") as file:
        file.seek(4096)
        file.write(b"x" * 40000)


def no_store(data: Path) -> None:
    (data / "vectors" / "2" / "chroma.sqlite3").write_bytes(b"")


def of_chroma(data: Path, statement: str, edition: int = 2) -> None:
    with closing(sqlite3.connect(data / "vectors" / str(edition) / "chroma.sqlite3")) as db:
        assert db.execute(statement).rowcount
        db.commit()


def no_collection(data: Path) -> None:
    of_chroma(data, "DELETE FROM collections WHERE name = 'edition-2-units'")


def fewer_rows(data: Path) -> None:
    of_chroma(data, "DELETE FROM embeddings WHERE id % 2")


def lost_indexes(data: Path) -> None:
    for index in indexes(data, 2):
        shutil.rmtree(index)


def indexes(data: Path, edition: int) -> list[Path]:
    """Of an edition the folders of its indexes, the largest first."""
    files = (data / "vectors" / str(edition)).glob("*/data_level0.bin")
    return [file.parent for file in sorted(files, key=lambda file: -file.stat().st_size)]


DAMAGE: dict[Callable[[Path], None], str] = {
    no_words: "words",
    cut_words: "words",
    flipped_words: "words",
    no_segment: "words",
    no_vectors: "vectors",
    broken_store: "vectors",
    no_store: "vectors",
    no_collection: "vectors",
    fewer_rows: "vectors",
    lost_indexes: "vectors",
}


def examined(settings: Settings) -> dict[str, doctor.Check]:
    parts = ("library", "words", "vectors")
    return {part: doctor._examined(part, doctor.CHECKS[part], settings) for part in parts}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_of_what_derives_from_the_library_is_found_and_mended(
    home: Path, expected: list[Any], damage: Callable[[Path], None]
) -> None:
    settings = load(home)
    damage(settings.data)
    found = examined(settings)
    assert [part for part, check in found.items() if check.state != "ok"] == [DAMAGE[damage]], found
    assert "cluster-talks doctor --repair" in found[DAMAGE[damage]].remedy
    mended = repair(settings, quiet)
    assert {one.part for one in mended} == {DAMAGE[damage]}
    assert 2 in {one.edition for one in mended}
    assert all(check.state == "ok" for check in examined(settings).values())
    assert answers_of(settings) == expected


def flipped(at: int, bit: int) -> Callable[[Path], None]:
    def flip(index: Path) -> None:
        with (index / "data_level0.bin").open("r+b") as file:
            file.seek(at)
            (byte,) = file.read(1)
            file.seek(at)
            file.write(bytes([byte ^ bit]))

    return flip


def cut(index: Path) -> None:
    file = index / "data_level0.bin"
    file.write_bytes(file.read_bytes()[:-1000])


INDEX_DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut off": cut,
    "gone": shutil.rmtree,
    "a link that leads nowhere": flipped(7, 0x80),
    "another exponent in a vector": flipped(132 + 3, 0x40),
    "no names": lambda index: (index / "index_metadata.pickle").write_bytes(b""),
    "no links": lambda index: (index / "link_lists.bin").write_bytes(b""),
}


def test_a_damaged_index_is_noticed_before_chroma_follows_its_links(large: Path, tmp_path: Path) -> None:
    settings = load(Path(shutil.copytree(large, tmp_path / "home")))
    index, *_ = indexes(settings.data, 3)
    assert examined(settings)["vectors"].state == "ok"
    for name, damage in INDEX_DAMAGE.items():
        kept = Path(shutil.copytree(index, tmp_path / "kept"))
        damage(index)
        found = examined(settings)["vectors"]
        assert (found.state, found.found) == ("broken", "Edition 3 has a damaged index of its sentences."), name
        if name != "no links":
            shutil.rmtree(index, ignore_errors=True)
            kept.rename(index)
    before = answers_of(load(large))
    assert {one.part for one in repair(settings, quiet)} == {"vectors"}
    assert examined(settings)["vectors"].state == "ok"
    assert answers_of(settings) == before


@pytest.mark.parametrize(
    ("loss", "found"),
    [
        ("DELETE FROM embeddings_queue", "broken"),
        ("UPDATE embeddings_queue SET vector = zeroblob(length(vector))", "ok"),  # which only reading them tells
    ],
)
def test_vectors_that_were_not_in_their_index_yet_are_mended(
    large: Path, tmp_path: Path, loss: str, found: str
) -> None:
    settings = load(Path(shutil.copytree(large, tmp_path / "home")))
    of_chroma(settings.data, loss, edition=3)
    assert examined(settings)["vectors"].state == found
    assert {one.part for one in repair(settings, quiet)} == {"vectors"}
    assert answers_of(settings) == answers_of(load(large))
    assert repair(settings, quiet) == [], "once is enough"


def test_beside_a_process_that_owns_the_folder_nothing_is_repaired(home: Path) -> None:
    settings = load(home)
    no_words(settings.data)
    server = DataFolder(settings.data)
    server.own("http://127.0.0.1:8000")
    with pytest.raises(Busy, match="Another process"):
        repair(settings, quiet)
    server.release()
    with (
        closing(Library(settings.library_url)) as library,
        library.publisher.turn(),
        pytest.raises(Busy, match="building an edition"),
    ):
        repair(settings, quiet)
    assert not (settings.data / "lexical" / "2").exists()


def test_a_damaged_library_is_not_repaired_but_restored(home: Path) -> None:
    settings = load(home)
    with (settings.data / "library.db").open("r+b") as file:
        file.seek(8192)
        file.write(b"x" * 20000)
    with pytest.raises(Exception, match=r"cluster-talks restore FILE --force|malformed"):
        repair(settings, quiet)


def test_the_commands_tell_what_they_did(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {
        "DATA": home / "data",
        "CORPUS": home / "corpus",
        "EMBEDDER": "quick",
        "READER": "none",
    }.items():
        monkeypatch.setenv(f"CLUSTER_TALKS_{name}", str(value))

    def run(*arguments: str) -> str:
        app(list(arguments), standalone_mode=False)
        return capsys.readouterr().out

    file = str(home / "talks.zip")
    assert "2 editions" in run("backup", file)
    assert "nothing was changed" in run("restore", file, "--check")
    told = run("restore", file, "--force")
    assert "edition 2 served" in told
    assert "data.before-restore-" in told
    no_words(home / "data")
    assert "its BM25 index was built anew" in run("doctor", "--repair")
    assert json.loads(run("doctor", "--repair", "--json"))[0]["found"] == "nothing was missing or damaged"
    assert json.loads(run("restore", file, "--check", "--json"))["edition"]["number"] == 2
