"""What has to hold when a server is back after a kill: each check is a function of the site that yields what is wrong.

To add one: write a function, add a line to CHECKS.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from assistant import doctor
from assistant.backup.archive import open_backup
from assistant.backup.make import make_backup
from assistant.backup.manifest import BadBackup
from tests.faults.started import until
from tests.faults.work import API, PAGE, Site, asked, said, told

BESIDES = {"questions"}  # there are none here, which doctor warns of
OVER = 60  # seconds in which runs that are done again must end


def served(site: Site, client: httpx.Client) -> Iterator[str]:
    """The old edition or the new one, and answers that are right by it."""
    edition = client.get("/readyz").json()["edition"]
    says, may = told(client, edition), site.ledger.possible("served")
    if says not in may:
        yield f"served: edition {edition} says {says}, it may say {may}"
    answer = asked(client, f"probe-{edition}-{site.port}")
    if answer["edition"] == edition and said(answer["answer"]) != says:
        yield f"served: edition {edition} says {says}, its answer {answer['answer']!r}"


def runs_end(site: Site, client: httpx.Client) -> Iterator[str]:
    """Every run that was asked for is known, and comes to an end."""
    wanted = site.ledger.values("run")
    until(lambda: not _under_way(site, client), OVER, "Runs did not end")
    found = {row["id"]: row for row in rows(site, "SELECT id, status, report FROM runs")}
    if lost := wanted - set(found):
        yield f"runs: {lost} are gone"
    for id_ in sorted(wanted & set(found)):
        if found[id_]["status"] == "failed" and "broke off" not in str(found[id_]["report"]):
            yield f"runs: {id_} failed: {found[id_]['report']}"


def ratings(site: Site, _: httpx.Client) -> Iterator[str]:
    found = {row["answer"] for row in rows(site, "SELECT answer FROM feedback")}
    if lost := site.ledger.values("rating") - found:
        yield f"ratings: {len(lost)} are gone"


def keys(site: Site, client: httpx.Client) -> Iterator[str]:
    """The newest are accepted, the older ones are there."""
    made = [deed.value for deed in site.ledger.acknowledged("key")]
    found = rows(site, "SELECT id FROM keys")
    if len(found) < len(made):
        yield f"keys: {len(made)} were made, {len(found)} are there"
    for key in made[-1:]:
        if client.get(f"{API}/sources", headers={"Authorization": f"Bearer {key}"}).status_code != 200:
            yield "keys: one that was made is refused"


def answers(site: Site, client: httpx.Client) -> Iterator[str]:
    """A request that was answered and is sent again has the same id; each edition says one thing."""
    for deed in site.ledger.acknowledged("answer")[-1:]:
        key, id_ = deed.value
        if asked(client, key)["id"] != id_:
            yield "answers: a request that was sent again got another id"
    for edition, says in site.ledger.said.items():
        if len(says) > 1:
            yield f"answers: edition {edition} said {says}"


def page(site: Site, _: httpx.Client) -> Iterator[str]:
    """A document that was uploaded is there whole."""
    found, may = said((site.home.corpus / PAGE).read_text(encoding="utf-8")), site.ledger.possible("page")
    if found not in may:
        yield f"page: it says {found}, it may say {may}"


def backups(site: Site, _: httpx.Client) -> Iterator[str]:
    """A backup is whole or absent, and has all ratings that were acknowledged before it began."""
    for deed in site.ledger.acknowledged("backup"):
        if not deed.value.exists():
            yield "backups: one that was made is gone"
            continue
        before = {one.value for one in site.ledger.acknowledged("rating") if one.ended < deed.began}
        if lost := before - _ratings_in(deed.value):
            yield f"backups: one lacks {len(lost)} ratings"
        site.ledger.deeds.remove(deed)
        deed.value.unlink()
    for file in site.home.folder.glob("*.zip"):
        _ratings_in(file)
        file.unlink()


def _ratings_in(file: Path) -> set[str]:
    """Raises BadBackup."""
    with tempfile.TemporaryDirectory() as folder, open_backup(file, lambda *_: None) as backup:
        backup.unpack(Path(folder), lambda *_: None)
        with closing(sqlite3.connect(Path(folder) / "library.db")) as db:
            return {answer for (answer,) in db.execute("SELECT answer FROM feedback")}


def whole(site: Site, _: httpx.Client) -> Iterator[str]:
    """`doctor` finds nothing: as many vectors and words as passages, in every edition that can be served."""
    for check in doctor.examine(site.home.settings()):
        if check.state != "ok" and check.part not in BESIDES:
            yield f"doctor: {check.part} is {check.state}: {check.found}"


def nothing_left(site: Site, _: httpx.Client) -> Iterator[str]:
    """No index, collection or file of what a kill broke off; of backups, once another was made. It is told once."""
    make_backup(site.home.settings(), probe := site.home.folder / "probe.zip", lambda *_: None)
    probe.unlink()
    ready = {str(row["number"]) for row in rows(site, "SELECT number FROM editions WHERE status = 'ready'")}
    stores = {store.name for store in (site.home.data / "vectors").iterdir()}
    if stores != ready:
        yield f"left: vectors of {stores}, ready are {ready}"
    indexes = [path for path in (site.home.data / "lexical").iterdir() if path.name not in ready]
    for path in (*indexes, *site.home.corpus.glob(".*"), *site.home.folder.glob(".cluster-talks-*")):
        yield f"left: {path.relative_to(site.home.folder)}"
        shutil.rmtree(path)


def quiet(site: Site, _: httpx.Client) -> Iterator[str]:
    """Nothing broke that nobody expected."""
    log = site.home.folder / "server.log"
    text = log.read_text(encoding="utf-8")
    log.write_text("", encoding="utf-8")
    if "Traceback" in text:
        yield f"log: {text[max(text.index('Traceback') - 300, 0) :][:3000]}"


CHECKS: Sequence[Callable[[Site, httpx.Client], Iterator[str]]] = (
    served,
    runs_end,
    served,
    ratings,
    keys,
    answers,
    page,
    backups,
    whole,
    nothing_left,
    quiet,
)


def wrong(site: Site) -> list[str]:
    """What is wrong with a site whose server is ready."""
    found: list[str] = []
    with site.client() as client:
        for check in CHECKS:
            try:
                found += check(site, client)
            except (AssertionError, BadBackup, OSError, ValueError, KeyError, httpx.HTTPError, sqlite3.Error) as error:
                found.append(f"{check.__name__}: {error!r}")
        site.ledger.settle()
        site.ledger.note("served", told(client, client.get("/readyz").json()["edition"]))
        site.ledger.note("page", said((site.home.corpus / PAGE).read_text(encoding="utf-8")))
    found += site.ledger.faults
    site.ledger.faults.clear()
    return found


def rows(site: Site, query: str) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(site.home.data / "library.db")) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(query)]


def _under_way(site: Site, client: httpx.Client) -> bool:
    return any(run["status"] in ("requested", "running") for run in client.get(f"{API}/runs").json())
