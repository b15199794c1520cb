"""What maintainers do over HTTP, on a real server with its own corpus: keys, uploads, runs, editions."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from httpx_sse import connect_sse

from assistant.api import maintain
from assistant.away import Away
from assistant.library import Library
from tests.conftest import Server, cluster_talks, copied, copy_small_corpus, start_server, wait_until_ready

API = "/api/v1"
OKAPI = "# Okapi\n\nThe okapi tender of Zagreb was opened by Ljubica Šarić on 4 March 2024.\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, first_edition: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("maintain")
    corpus = copy_small_corpus(folder / "corpus")
    (folder / "outside.md").write_text("Nobody may ingest the quagga.")
    (corpus / "out").symlink_to(folder)
    with start_server(copied(first_edition, folder), corpus) as running:
        wait_until_ready(running)
        yield running


def make_key(server: Server, role: str) -> dict[str, Any]:
    made = cluster_talks("keys", "create", f"a {role}", "--role", role, "--json", env=server.environment())
    return dict(json.loads(made.stdout))


def client_with(server: Server, key: str) -> httpx.Client:
    client = server.client()
    client.headers["Authorization"] = f"Bearer {key}"
    return client


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with client_with(server, make_key(server, "maintainer")["key"]) as made:
        yield made


@pytest.fixture
def library(server: Server) -> Iterator[Library]:
    with closing(Library(f"sqlite:///{server.data / 'library.db'}")) as opened:
        yield opened


def upload(
    client: httpx.Client, files: dict[str, bytes | str], folder: str | None = None, **query: Any
) -> httpx.Response:
    parts = [
        ("files", (name, content.encode() if isinstance(content, str) else content)) for name, content in files.items()
    ]
    data = {} if folder is None else {"folder": folder}
    return client.post(f"{API}/documents", files=parts, data=data, params=query)


def events(client: httpx.Client, run: int) -> list[tuple[str, Any]]:
    with connect_sse(client, "GET", f"{API}/runs/{run}/events") as source:
        return [(event.event, event.json()) for event in source.iter_sse()]


def ingest(client: httpx.Client, **asked: Any) -> dict[str, Any]:
    """The report of a run, waited for."""
    response = client.post(f"{API}/ingest", json=asked)
    assert response.status_code == 202, response.text
    name, report = events(client, response.json()["run"])[-1]
    assert name == "done", report
    return dict(report)


def found(client: httpx.Client, words: str) -> tuple[int, dict[str, str]]:
    """The edition that a search is made in, and what it finds: texts by uri."""
    answer = client.get(f"{API}/search", params={"q": words, "count": 50}).json()
    return answer["edition"], {passage["uri"]: passage["text"] for passage in answer["passages"]}


def tree(server: Server) -> dict[str, bytes]:
    """Every file around the corpus, hidden ones too; not the data folder and the log."""
    home = server.corpus.parent
    files = [path for path in home.rglob("*") if path.is_file() and not path.is_relative_to(server.data)]
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in files if path != server.log}


def refused(response: httpx.Response, status: int, says: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert says in problem["detail"]
    assert problem["remedy"]


# --- keys


def maintainer_routes(client: httpx.Client) -> list[tuple[str, str]]:
    paths = client.get("/openapi.json").json()["paths"]
    marked = [(method, path) for path, of in paths.items() for method, told in of.items() if "maintain" in told["tags"]]
    return [(method.upper(), path.replace("{run}", "1").replace("{edition}", "1")) for method, path in marked]


def test_every_route_needs_a_maintainers_key(server: Server, client: httpx.Client) -> None:
    routes = maintainer_routes(client)
    assert len(routes) == 16
    reader = make_key(server, "reader")["key"]
    with server.client() as nobody, client_with(server, reader) as reading, client_with(server, "ct_wrong") as wrong:
        for method, path in routes:
            response = nobody.request(method, path)
            refused(response, 401, "key is needed")
            assert response.headers["WWW-Authenticate"] == "Bearer"
            refused(reading.request(method, path), 403, "reader may not")
            refused(wrong.request(method, path), 401, "unknown or revoked")


def test_a_key_is_asked_for_before_a_file_is_looked_at(server: Server) -> None:
    with server.client() as nobody:
        refused(upload(nobody, {"a.exe": b"x" * 3_000_000}), 401, "key is needed")


def test_a_revoked_key_is_refused_at_once(server: Server) -> None:
    key = make_key(server, "maintainer")
    with client_with(server, key["key"]) as mine:
        assert mine.get(f"{API}/runs").status_code == 200
        cluster_talks("keys", "revoke", str(key["id"]), env=server.environment())
        refused(mine.get(f"{API}/runs"), 401, "revoked")


def test_the_documentation_shows_which_routes_need_a_key(client: httpx.Client) -> None:
    schema = client.get("/openapi.json").json()
    assert schema["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert schema["paths"][f"{API}/ingest"]["post"]["security"] == [{"key": []}, {"key_header": []}]
    assert {} in schema["paths"][f"{API}/ask"]["post"]["security"]


# --- from upload to roll-back


def test_upload_ingest_publish_roll_back_and_delete(server: Server, client: httpx.Client) -> None:
    before = client.get("/readyz").json()["edition"]
    response = upload(client, {"okapi.md": OKAPI}, ingest=True)
    assert response.status_code == 201, response.text
    body = response.json()
    assert body["files"] == [{"uri": "uploads/okapi.md", "replaced": False}]
    assert response.headers["Location"] == f"{API}/runs/{body['run']}"

    *progress, (name, report) = events(client, body["run"])
    assert {event for event, _ in progress} <= {"progress"}
    assert (name, report["added"], report["published"], report["failed"]) == ("done", ["uploads/okapi.md"], True, [])
    after = report["edition"]
    assert after > before
    assert client.get("/readyz").json()["edition"] == after
    assert client.get(f"{API}/runs/{body['run']}").json()["report"] == report
    page = client.get(f"{API}/runs/{body['run']}/report")
    assert page.headers["content-type"].startswith("text/html")
    assert "uploads/okapi.md" in page.text
    answer = client.post(f"{API}/ask", json={"question": "Who opened the okapi tender of Zagreb?"}).json()
    assert "Ljubica Šarić" in answer["answer"]

    assert client.post(f"{API}/editions/{before}/publish").json() == {"served": before, "before": after}
    edition, texts = found(client, "okapi tender")
    assert (edition, "uploads/okapi.md" in texts, bool(texts)) == (before, False, True)
    listed = client.get(f"{API}/editions").json()
    assert (listed["served"], listed["editions"][0]["number"]) == (before, after)
    changes = client.get(f"{API}/editions/diff", params={"old": before, "new": after}).json()
    assert changes == {"old": before, "new": after, "added": ["uploads/okapi.md"], "removed": [], "changed": []}
    assert client.get(f"{API}/editions/diff", params={"old": after}).json()["removed"] == ["uploads/okapi.md"]
    client.post(f"{API}/editions/{after}/publish")
    edition, texts = found(client, "okapi tender")
    assert (edition, "4 March 2024" in texts["uploads/okapi.md"]) == (after, True)

    response = upload(client, {"okapi.md": OKAPI.replace("4 March", "5 April")}, ingest=True)
    assert response.json()["files"] == [{"uri": "uploads/okapi.md", "replaced": True}]
    assert events(client, response.json()["run"])[-1][1]["changed"] == ["uploads/okapi.md"]
    assert "5 April 2024" in found(client, "okapi tender")[1]["uploads/okapi.md"]

    assert client.delete(f"{API}/documents", params={"uri": "uploads/okapi.md"}).status_code == 204
    assert ingest(client)["removed"] == ["uploads/okapi.md"]
    assert "uploads/okapi.md" not in found(client, "okapi tender")[1]


def test_a_plan_changes_nothing(server: Server, client: httpx.Client) -> None:
    assert upload(client, {"zebra.txt": "The zebra tender was cancelled."}, "plans/2026").json()["run"] is None
    before = client.get(f"{API}/editions").json()
    report = ingest(client, origins=["plans"], plan=True)
    assert (report["planned"], report["added"]) == (True, ["plans/2026/zebra.txt"])
    assert client.get(f"{API}/editions").json() == before
    assert "plans/2026/zebra.txt" not in found(client, "zebra tender")[1]
    (server.corpus / "plans/2026/zebra.txt").unlink()


def test_an_edition_that_is_not_published_waits(client: httpx.Client) -> None:
    served = client.get(f"{API}/editions").json()["served"]
    upload(client, {"gnu.md": "# Gnu\n\nThe gnu tender was won by Žofie."}, "held")
    report = ingest(client, origins=["held/gnu.md"], publish="never")
    assert (report["published"], client.get(f"{API}/editions").json()["served"]) == (False, served)
    client.delete(f"{API}/documents", params={"uri": "held/gnu.md"})


def test_retiring(client: httpx.Client) -> None:
    upload(client, {"ibis.md": "# Ibis\n\nThe ibis tender is open."}, "retire")
    served, old = ingest(client)["edition"], client.get(f"{API}/editions").json()["editions"][1]["number"]
    refused(client.delete(f"{API}/editions/{served}"), 409, "being served")
    response = client.delete(f"{API}/editions/{old}")
    assert (response.status_code, response.headers["Location"]) == (202, f"{API}/runs/{response.json()['run']}")
    assert events(client, response.json()["run"])[-1] == ("done", {"edition": old})
    refused(client.post(f"{API}/editions/{old}/publish"), 409, "is retired")
    refused(client.get(f"{API}/runs/{response.json()['run']}/report"), 404, "ingested nothing")


# --- runs


def test_events_tell_every_change_and_then_the_failure(client: httpx.Client, library: Library) -> None:
    run = library.runs.begin({"do": "ingest"})
    seen = []
    with connect_sse(client, "GET", f"{API}/runs/{run}/events") as source:
        for event in source.iter_sse():
            seen.append((event.event, event.json()))
            if len(seen) == 1:
                time.sleep(1)  # what has not changed is not told again
                library.runs.update(run, stage="read", progress=0.5)
            elif len(seen) == 2:
                library.runs.update(run, status="failed", report={"detail": "Power cut.", "remedy": "Wait."})
    assert seen == [
        ("progress", {"stage": "running", "progress": 0.0}),
        ("progress", {"stage": "read", "progress": 0.5}),
        ("error", {"title": "The run failed", "detail": "Power cut.", "remedy": "Wait."}),
    ]
    refused(client.get(f"{API}/runs/{run}/report"), 409, "is failed")
    latest = client.get(f"{API}/runs").json()[0]
    assert (latest["id"], latest["status"], latest["asked"], latest["report"]) == (
        run,
        "failed",
        {"do": "ingest"},
        None,
    )


@pytest.mark.parametrize("path", ["runs/9999", "runs/9999/events", "runs/9999/report", "editions/diff?old=9999"])
def test_what_does_not_exist_is_404(client: httpx.Client, path: str) -> None:
    refused(client.get(f"{API}/{path}"), 404, "9999")


@pytest.mark.parametrize("path", ["runs/0", f"runs/{10**30}", f"editions/diff?old={10**30}", "runs/x"])
def test_what_is_no_number_is_422(client: httpx.Client, path: str) -> None:
    refused(client.get(f"{API}/{path}"), 422, "")


OUTSIDE = (
    "/etc/hosts", "..", "events/../../outside.md", "events/..", "out/outside.md", "out", "file:///etc/hosts", "HTTP://x",
    "missing.md", "a\x00b", "x" * 300,
)  # fmt: skip


@pytest.mark.parametrize("origin", OUTSIDE)
def test_only_the_web_and_the_corpus_can_be_ingested(client: httpx.Client, origin: str) -> None:
    runs = client.get(f"{API}/runs").json()
    refused(client.post(f"{API}/ingest", json={"origins": ["events", origin]}), 422, "The corpus folder has nothing at")
    assert client.get(f"{API}/runs").json() == runs


def test_unknown_fields_and_choices_are_refused(client: httpx.Client) -> None:
    refused(client.post(f"{API}/ingest", json={"publish": "ask"}), 422, "publish")
    refused(client.post(f"{API}/ingest", json={"orgins": []}), 422, "orgins")
    refused(client.post(f"{API}/ingest", json={"origins": [""]}), 422, "origins")


# --- uploads

NAMES = {
    "../../evil.md": "names/evil.md",
    "..\\..\\evil.txt": "names/evil.txt",
    "/etc/cron.d/evil.html": "names/evil.html",
    "...hidden.md": "names/hidden.md",
    "re\u0301sume\u0301.md": "names/résumé.md",
    "a\u202eb\u200b.md": "names/ab.md",
    f"{'x' * 400}.md": f"names/{'x' * 147}.md",
    f"{'語' * 140}.md": f"names/{'語' * 79}.md",
}


@pytest.mark.parametrize("sent", NAMES)
def test_a_file_is_saved_under_a_plain_name_in_its_folder(server: Server, client: httpx.Client, sent: str) -> None:
    before = tree(server)
    response = upload(client, {sent: "A text."}, "names")
    assert response.json()["files"] == [{"uri": NAMES[sent], "replaced": False}]
    assert tree(server) == {**before, f"corpus/{NAMES[sent]}": b"A text."}


def test_control_characters_in_a_name_are_left_out(client: httpx.Client) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a\x07b\x00c.md"\r\n\r\n'
    sent = {"Content-Type": "multipart/form-data; boundary=x"}
    response = client.post(f"{API}/documents", content=head + b"A text.\r\n--x--\r\n", headers=sent)
    assert response.json()["files"] == [{"uri": "uploads/abc.md", "replaced": False}]


FOLDERS = (
    "..",
    "../x",
    "/tmp",
    "a/../b",
    ".",
    ".git",
    "a//b",
    "a\\b",
    "a/",
    "out",
    "out/x",
    "a\x07",
    "/".join("abcdefghi"),
)


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_folder_outside_or_hidden(server: Server, client: httpx.Client, folder: str) -> None:
    before = tree(server)
    refused(upload(client, {"evil.md": "A text."}, folder), 422, "is not a folder")
    assert tree(server) == before


BAD: dict[str, tuple[dict[str, bytes | str], int, str]] = {
    "wrong ending": ({"good.md": "A text.", "bad.exe": "MZ"}, 422, "'bad.exe' is no document"),
    "no ending": ({"good.md": "A text.", "Makefile": "all:"}, 422, "'Makefile' is no document"),
    "no name left": ({"good.md": "A text.", "..": "x"}, 422, "'' is no document"),
    "too large": ({"good.md": "A text.", "big.txt": b"x" * 64_000_001}, 413, "over 64,000,000 bytes"),
    "too many": ({f"{n}.md": "A text." for n in range(21)}, 422, "Too many files"),
    "twice": ({"good.md": "A text.", "x/good.md": "Another."}, 422, "'good.md' is taken"),
    "lonely sidecar": ({"good.md": "A text.", "other.md.yaml": "title: x"}, 422, "is beside no document"),
    "other sidecar": ({"good.md": "A text.", "list.yaml": "title: x"}, 422, "'list.yaml' is no document"),
    "a folder's name": ({"good.md": "A text.", "taken.md": "x"}, 422, "'taken.md' is taken"),
}


@pytest.mark.parametrize("name", BAD)
def test_an_upload_is_saved_whole_or_not_at_all(server: Server, client: httpx.Client, name: str) -> None:
    (server.corpus / "whole/taken.md").mkdir(parents=True, exist_ok=True)
    before = tree(server)
    files, status, says = BAD[name]
    refused(upload(client, files, "whole"), status, says)
    assert tree(server) == before
    assert list(server.corpus.glob(".upload-*")) == []


def test_what_is_no_upload_is_refused(client: httpx.Client) -> None:
    refused(client.post(f"{API}/documents", json={"files": []}), 422, "not a form")
    refused(client.post(f"{API}/documents", files={"file": ("a.md", b"A text.")}), 422, "no file")
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    refused(client.post(f"{API}/documents", content=b"nonsense", headers=broken), 422, "")
    refused(
        client.post(f"{API}/documents", content=b"", headers={"Content-Type": "multipart/form-data"}), 422, "boundary"
    )


def test_a_file_in_the_way_of_a_folder_is_told(server: Server, client: httpx.Client) -> None:
    upload(client, {"way.md": "A text."}, "way")
    before = tree(server)
    refused(upload(client, {"a.md": "A text."}, "way/way.md"), 409, "cannot be saved")
    assert tree(server) == before


def test_a_large_file_and_a_sidecar(server: Server, client: httpx.Client) -> None:
    text = "# Kiwi\n\nThe kiwi tender is long.\n" + "\n\n".join(f"Paragraph {n}." for n in range(100_000))
    sent = upload(client, {"kiwi.md": text, "kiwi.md.yaml": "title: Kiwi of Łódź\n"}, "large")
    assert [file["uri"] for file in sent.json()["files"]] == ["large/kiwi.md", "large/kiwi.md.yaml"]
    assert len(text) > 1_500_000
    assert (server.corpus / "large/kiwi.md").read_text(encoding="utf-8") == text
    assert upload(client, {"kiwi.md.yaml": "title: Kiwi\n"}, "large").json()["files"][0]["replaced"] is True
    assert client.delete(f"{API}/documents", params={"uri": "large/kiwi.md"}).status_code == 204
    assert list((server.corpus / "large").iterdir()) == []


def test_a_sidecar_alone_ingests_its_document(client: httpx.Client) -> None:
    upload(client, {"emu.md": "The emu tender is open."}, "side")
    sent = upload(client, {"emu.md.yaml": "title: Emu of Łódź\n"}, "side", ingest=True).json()
    assert events(client, sent["run"])[-1][1]["added"] == ["side/emu.md"]
    titles = {document["title"] for document in client.get(f"{API}/sources").json()["documents"]}
    assert "Emu of Łódź" in titles


GONE = (
    "missing.md", "../outside.md", "out/outside.md", "/etc/hosts", "events", "events/../README.md", ".hidden.md",
    "sources.toml", "a\x00.md", "x" * 300 + ".md", ".",
)  # fmt: skip


@pytest.mark.parametrize("uri", GONE)
def test_only_documents_of_the_corpus_are_deleted(server: Server, client: httpx.Client, uri: str) -> None:
    for name in (".hidden.md", "README.md"):
        (server.corpus / name).write_text("Kept.")
    (server.corpus / "sources.toml").write_text("")
    before = tree(server)
    refused(client.delete(f"{API}/documents", params={"uri": uri}), 404, "no document")
    assert tree(server) == before


def test_a_link_is_deleted_and_not_what_it_points_at(server: Server, client: httpx.Client) -> None:
    (server.corpus / "link.md").symlink_to(server.corpus.parent / "outside.md")
    assert client.delete(f"{API}/documents", params={"uri": "link.md"}).status_code == 204
    assert not (server.corpus / "link.md").is_symlink()
    assert (server.corpus.parent / "outside.md").is_file()


def test_nothing_is_taken_before_the_server_is_ready(tmp_path: Path) -> None:
    with (
        start_server(tmp_path / "data", copy_small_corpus(tmp_path / "corpus")) as starting,
        starting.client() as early,
    ):
        refused(early.post(f"{API}/ingest", json={}), 503, "being prepared")
        refused(upload(early, {"a.md": "A text."}), 503, "being prepared")
    assert not (tmp_path / "corpus/uploads").exists()


def test_the_events_of_a_run_wait_for_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter(
        [Away("The database", "CLUSTER_TALKS_DATABASE_URL"), {"id": 1, "status": "done", "report": {"edition": 2}}]
    )

    def one(_: int) -> dict[str, Any]:
        found = next(looks)
        if isinstance(found, Away):
            raise found
        return found

    async def told() -> list[str | None]:
        library = SimpleNamespace(runs=SimpleNamespace(one=one))
        run = {"id": 1, "status": "running", "stage": "read", "progress": 0.5}
        return [event.event async for event in maintain.events(run, cast(Any, SimpleNamespace(library=library)))]

    monkeypatch.setattr(maintain, "LOOK_SECONDS", 0)
    assert asyncio.run(told()) == ["progress", "done"]
