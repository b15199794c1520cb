"""The commands, run as a person runs them; beside the running server they go through it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.conftest import Server, cluster_talks, copy_small_corpus, environment, start_server, wait_until_ready

QUESTION = {
    "id": "1", "lang": "en", "kind": "answerable", "question": "How long did the Talk last?",
    "must_include": [["75 minutes"]], "document": "events/innovation-procurement-talk-2023.md",
}  # fmt: skip


def test_ask_search_and_evaluate_beside_the_server(server: Server, tmp_path: Path) -> None:
    env = server.environment()
    answer = cluster_talks("ask", "How long did the Talk last?", env=env)
    assert answer.returncode == 0, answer.stderr
    assert "75 minutes" in answer.stdout
    assert "[1]" in answer.stdout
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
    assert f"127.0.0.1:{port} cannot be listened on" in " ".join(done.stderr.split())


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
    assert says in " ".join(done.stderr.split())


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


def test_two_servers_cannot_share_a_data_folder(server: Server) -> None:
    with start_server(server.data, server.corpus) as second, second.client() as client:
        deadline = time.monotonic() + 60
        while (state := client.get("/readyz").json())["status"] != "failed" and time.monotonic() < deadline:
            time.sleep(0.2)
        assert "Another process" in state["failure"]
        assert "CLUSTER_TALKS_DATA" in state["failure"]
    with server.client() as client:
        assert client.get("/readyz").status_code == 200
