"""The commands, run as a person runs them; beside the running server they go through it."""

from __future__ import annotations

import json
import re
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from assistant.cli import app
from assistant.errors import BadRequest
from assistant.library import Library
from assistant.settings import Settings
from assistant.wiring import Stores, open_assistant
from tests.conftest import Server, cluster_talks, copied, copy_small_corpus, environment, start_server, wait_until_ready
from tests.serving import serving, until

QUESTION = {
    "id": "1", "lang": "en", "kind": "answerable", "question": "How long did the Talk last?",
    "must_include": [["75 minutes"]], "document": "events/innovation-procurement-talk-2023.md",
}  # fmt: skip


def test_ask_search_and_evaluate_beside_the_server(server: Server, tmp_path: Path) -> None:
    env = server.environment()
    answer = cluster_talks("ask", "How long did the Talk last?", env=env)
    assert answer.returncode == 0, answer.stderr
    assert "75 minutes" in answer.stdout
    cited = next(line for line in answer.stdout.splitlines() if line.startswith("[1]"))
    assert len(cited) > 80 and re.search(r"https://\S+$", cited)
    found = json.loads(cluster_talks("search", "intellectual property", "--json", env=env).stdout)
    assert found["passages"]
    file = tmp_path / "questions.jsonl"
    file.write_text(json.dumps(QUESTION) + "\n" + json.dumps({**QUESTION, "id": "2", "must_include": [["76 minutes"]]}))
    result = json.loads(cluster_talks("evaluate", str(file), "--json", env=env).stdout)
    assert [outcome["right"] for outcome in result["outcomes"]] == [True, False]
    assert result["figures"]["right_english"] == 0.5
    assert result["figures"]["right_source"] == 1
    printed = cluster_talks("evaluate", str(file), "--failures", env=env)
    assert "answerable" in printed.stdout
    assert "wanted [['76 minutes']]" in printed.stdout


def test_ingest_beside_the_server_is_done_by_the_server(server: Server) -> None:
    page = server.corpus / "events/okapi.md"
    page.write_text("---\ntitle: The okapi\n---\nThe okapi of the Talk is called Veronika.\n")
    done = cluster_talks("ingest", env=server.environment())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "A server is running and does this run" in done.stdout
    with server.client() as client:
        assert (
            "Veronika"
            in client.post("/api/v1/ask", json={"question": "What is the okapi of the Talk called?"}).json()["answer"]
        )
    page.write_bytes(b"---\ntitle: a: b\n---\nx")
    broken = cluster_talks("ingest", env=server.environment())
    assert broken.returncode == 1
    assert "events/okapi.md: front matter at line 2" in broken.stdout.replace("\n", "")
    page.unlink()
    assert cluster_talks("ingest", env=server.environment()).returncode == 0
    with server.client() as client:
        assert client.get("/readyz").json()["documents"] == 4
    missing = cluster_talks("ingest", "/nowhere", env=server.environment())
    assert missing.returncode == 1
    assert "does not exist" in missing.stderr


def test_without_a_server(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    (corpus / "events").mkdir(parents=True)
    (corpus / "events/okapi.md").write_text("The okapi of the Talk is called Veronika.")
    env = environment(tmp_path / "data", corpus)
    early = cluster_talks("ask", "Who?", env=env)
    assert early.returncode == 1
    assert "cluster-talks ingest" in early.stderr
    report = json.loads(cluster_talks("ingest", "--json", env=env).stdout)
    assert (report["added"], report["published"]) == (["events/okapi.md"], True)
    assert "Veronika" in cluster_talks("ask", "What is the okapi of the Talk called?", env=env).stdout
    assert "bundled-e5" in cluster_talks("editions", "--json", env=env).stdout


def test_a_missing_corpus_is_told_and_the_server_says_so(tmp_path: Path) -> None:
    env = environment(tmp_path / "data", tmp_path / "nowhere")
    ingested = cluster_talks("ingest", env=env)
    assert ingested.returncode == 1
    assert "CLUSTER_TALKS_CORPUS" in ingested.stderr
    with start_server(tmp_path / "data", tmp_path / "nowhere") as running, running.client() as client:
        deadline = time.monotonic() + 60
        while (state := client.get("/readyz").json())["status"] != "failed" and time.monotonic() < deadline:
            time.sleep(0.2)
        assert "nowhere does not exist" in state["failure"]
        refused = client.post("/api/v1/ask", json={"question": "Why?"})
        assert (refused.status_code, "does not exist" in refused.json()["detail"]) == (503, True)
        assert "The start failed" in running.log.read_text()


def test_a_taken_port_is_told(server: Server, tmp_path: Path) -> None:
    port = server.address.rsplit(":", 1)[1]
    done = cluster_talks("serve", "--port", port, env=environment(tmp_path, server.corpus))
    assert done.returncode == 1
    assert f"127.0.0.1:{port} cannot be listened on" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_second_start_has_nothing_to_embed(tmp_path: Path) -> None:
    corpus = copy_small_corpus(tmp_path / "corpus")
    (corpus / "procedures/pcp-intellectual-property.md").unlink()
    with start_server(tmp_path / "data", corpus) as first:
        wait_until_ready(first)
        assert "First edition" in first.log.read_text()
    with start_server(tmp_path / "data", corpus) as second:
        wait_until_ready(second)
        assert "First edition" not in second.log.read_text()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CLUSTER_TALKS_DTA", "x", "Unknown setting: CLUSTER_TALKS_DTA"),
        ("CLUSTER_TALKS_PORT", "abc", "CLUSTER_TALKS_PORT='abc'"),
        ("CLUSTER_TALKS_REDIS_URL", "localhost", "must begin with redis://"),
    ],
)
def test_a_wrong_setting_stops_the_start(tmp_path: Path, name: str, value: str, says: str) -> None:
    done = cluster_talks("settings", env=environment(tmp_path, tmp_path, **{name: value}))
    assert done.returncode == 1
    assert says in done.stderr


@pytest.mark.parametrize("command", ["serve", "ask", "search", "evaluate", "editions", "settings", "ingest"])
def test_every_command_has_help(command: str) -> None:
    shown = cluster_talks(command, "--help", env=environment(Path("data"), Path("corpus")))
    assert shown.returncode == 0
    assert "Usage" in shown.stdout


def test_too_many_questions_are_told_when_to_come_back(tmp_path: Path) -> None:
    with (
        start_server(tmp_path / "data", tmp_path, CLUSTER_TALKS_RATE_LIMIT="3/minute") as limited,
        limited.client() as client,
    ):
        codes = [client.post("/api/v1/ask", json={"question": "Why?"}).status_code for _ in range(5)]
        assert codes == [503, 503, 503, 429, 429]
        refused = client.get("/api/v1/search?q=x")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.json()["title"] == "Too many questions"
        assert client.get("/healthz").status_code == 200
        told = cluster_talks("search", "x", "--url", str(client.base_url), env=environment(tmp_path, tmp_path))
        assert (told.returncode, told.stdout) == (1, "")
        assert re.fullmatch(
            r"Too many questions\. More than 3 per 1 minute\. Ask again in \d+ seconds\.\n", told.stderr
        )


def test_a_server_that_wants_a_key_is_told_of_as_commands_give_one(stores: Stores, tmp_path: Path) -> None:
    settings = Settings(data=stores.data, reader="none", require_key=True)
    with serving(open_assistant(settings, stores), settings) as client:
        told = cluster_talks("ask", "Who?", "--url", str(client.base_url), env=environment(tmp_path, tmp_path))
    assert told.returncode == 1
    assert told.stderr.startswith(
        "A key is needed. A key is needed here. Set CLUSTER_TALKS_KEY to a key of that server"
    )
    assert "Bearer" not in told.stderr


def test_a_key_and_an_address_can_be_given_to_a_question(server: Server, tmp_path: Path) -> None:
    with closing(Library(f"sqlite:///{server.data / 'library.db'}")) as library:
        searching = library.keys.create("To search", "reader", scopes=("search",))[1]
    given, env = ("--url", server.address, "--key", searching), environment(tmp_path, tmp_path)
    assert "licen" in cluster_talks("search", "licence", *given, env=env).stdout
    told = cluster_talks("ask", "Who?", *given, env=env)
    assert told.stderr.startswith("Not allowed with this key. This key is only for search.")


@pytest.mark.parametrize("address", ["notaurl", "localhost:8000", "http://", "http://a:99999", "ftp://a"])
def test_an_address_of_no_server_is_refused_at_the_start(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadRequest, match="is no address of a server"):
        app(["mcp", "--url", address], standalone_mode=False)
    assert capsys.readouterr().out == ""


@pytest.mark.skipif(sys.platform != "linux", reason="It takes a folder that not even root can write to.")
@pytest.mark.parametrize("command", [("ask", "Who?"), ("keys", "create", "Ana")])
def test_a_data_folder_that_cannot_be_written_is_told_in_one_line(command: tuple[str, ...]) -> None:
    told = cluster_talks(*command, env=environment(Path("/sys/kernel"), Path("corpus")))
    assert (told.returncode, told.stderr.count("\n")) == (1, 1)
    assert "Let this user write there, or set CLUSTER_TALKS_DATA to another folder." in told.stderr


def test_settings_are_printed_whole_and_as_json(tmp_path: Path) -> None:
    env = environment(tmp_path, tmp_path, CLUSTER_TALKS_KEY="ct_very_secret", COLUMNS="40")
    lines = cluster_talks("settings", env=env).stdout.splitlines()
    listed = json.loads(cluster_talks("settings", "--json", env=env).stdout)
    assert len(listed) == len(Settings.model_fields)
    for row in listed:
        assert any(row["setting"] in line and row["description"] in line for line in lines)
    assert "ct_very_secret" not in str(lines) + str(listed)


def test_two_servers_cannot_share_a_data_folder(server: Server) -> None:
    with start_server(server.data, server.corpus) as second, second.client() as client:
        deadline = time.monotonic() + 60
        while (state := client.get("/readyz").json())["status"] != "failed" and time.monotonic() < deadline:
            time.sleep(0.2)
        assert "Another process" in state["failure"]
        assert "CLUSTER_TALKS_DATA" in state["failure"]
    with server.client() as client:
        assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_settings_show_no_password(tmp_path: Path, flags: tuple[str, ...]) -> None:
    addresses = {
        "CLUSTER_TALKS_DATABASE_URL": "postgresql://talks:hush1@db.example/talks",
        "CLUSTER_TALKS_REDIS_URL": "rediss://:hush2@redis.example:6379/0",
        "CLUSTER_TALKS_MODEL_KEY": "hush3",
    }
    shown = cluster_talks("settings", *flags, env=environment(tmp_path, tmp_path, **addresses)).stdout
    assert "hush" not in shown
    assert "talks:**********@" in "".join(shown.split())


def test_who_comes_between_the_first_answer_and_the_page_gets_the_page(first_edition: Path, tmp_path: Path) -> None:
    corpus = copy_small_corpus(tmp_path / "corpus")
    with start_server(copied(first_edition, tmp_path), corpus) as server, server.client() as client:
        until(lambda: client.get("/readyz").status_code == 200, 60)
        page = client.get("/")
        assert client.get("/readyz").json()["page"], "it was waited for"
    assert "gradio" in page.text
