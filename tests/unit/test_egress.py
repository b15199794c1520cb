"""Who would be called: what each setting names, read from its text alone; and that the report itself calls nobody."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from typer.testing import CliRunner

from assistant.cli import app
from assistant.egress import LINES, calls
from assistant.egress.hosts import PROVIDERS, SOURCES, Place
from assistant.errors import BadSetting, UnreadableDocument
from assistant.library import Library
from assistant.settings import PREFIX, Settings
from ingest.listing import LIST, is_address
from ingest.web.sources import read_sources
from tests.conftest import ROOT

# Texts that name nobody to call: where to listen, whom to believe, what to say, what to do.
NAME_NOBODY = {"host", "trusted_proxies", "contact", "rate_limit", "model_sha256", "device"}
HARMLESS = (bool, int, float, Path)
SECRET = "s3cret"
HEARD: list[str] = []
LISTED = """
[[source]]
address = "https://one.example.eu/sitemap.xml"
[[source]]
address = "https://one.example.eu/page"
[[source]]
address = "http://10.0.0.3:8080/guide"
[[source]]
address = "slides/talk.pptx"
"""


def listen(event: str, _: tuple[Any, ...]) -> None:
    if event.startswith("socket.") and HEARD:
        HEARD.append(event)


sys.addaudithook(listen)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "corpus").mkdir()
    return tmp_path


def named(folder: Path, environ: dict[str, str] | None = None, **given: Any) -> list[tuple[str, str, int | None, bool]]:
    settings = Settings(data=folder / "data", corpus=folder / "corpus", **given)
    return [(c.setting.removeprefix(PREFIX), c.host, c.port, c.inside) for c in calls(settings, environ or {})]


def kinds(annotation: Any) -> Iterator[Any]:
    """The types that a setting may have, without None."""
    if get_origin(annotation) is Literal:
        return
    yield from (kind for kind in get_args(annotation) or (annotation,) if kind is not type(None))


def test_every_setting_that_could_name_somebody_is_in_the_table_or_known_to_name_nobody() -> None:
    could = {
        name
        for name, field in Settings.model_fields.items()
        if any(kind not in HARMLESS for kind in kinds(field.annotation)) and name not in ("key", "model_key")
    }
    assert could - {line.setting for line in LINES} == NAME_NOBODY


def test_with_the_default_settings_it_is_nobody(folder: Path) -> None:
    assert named(folder) == []
    assert calls(Settings(data=folder / "data"), {"HTTPS_PROXY": "http://proxy:3128"}) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"chroma_url": "http://127.0.0.1"}, ("CHROMA_URL", "127.0.0.1", 8000, True)),
        ({"chroma_url": "https://chroma.example.eu:443"}, ("CHROMA_URL", "chroma.example.eu", 443, False)),
        ({"redis_url": f"rediss://:{SECRET}@10.1.2.3/0"}, ("REDIS_URL", "10.1.2.3", 6379, True)),
        ({"redis_url": "unix:///run/redis.sock"}, ("REDIS_URL", "/run/redis.sock", None, True)),
        ({"database_url": f"postgresql://me:{SECRET}@db/x"}, ("DATABASE_URL", "db", 5432, False)),
        ({"database_url": "postgresql:///x?host=/tmp"}, ("DATABASE_URL", "/tmp", None, True)),
        ({"database_url": "postgresql://[::1]:6000/x"}, ("DATABASE_URL", "::1", 6000, True)),
        ({"database_url": "postgresql:///x?host=192.168.0.9"}, ("DATABASE_URL", "192.168.0.9", 5432, True)),
        ({"otlp_endpoint": "http://traces:4318"}, ("OTLP_ENDPOINT", "traces", 4318, False)),
        ({"engine": "chat:openai:m"}, ("ENGINE", "api.openai.com", 443, False)),
        ({"engine": "chat:ollama:m"}, ("ENGINE", "127.0.0.1", 11434, True)),
        ({"engine": "chat:groq:m"}, ("ENGINE", "a host that langchain-groq chooses", None, False)),
        ({"engine": "chat:openai:m", "model_url": "http://gpu:81/v1"}, ("MODEL_URL", "gpu", 81, False)),
        ({"embedder": "sentence-transformers:a/b"}, ("EMBEDDER", "huggingface.co", 443, False)),
        ({"reader": "cross-encoder:a/b"}, ("READER", "huggingface.co", 443, False)),
    ],
)
def test_a_setting_names_its_host(folder: Path, given: dict[str, str], expected: tuple[Any, ...]) -> None:
    assert named(folder, **given) == [expected]


@pytest.mark.parametrize(
    "given",
    [
        {"model_url": "http://gpu:81/v1"},
        {"engine": "local:model.gguf", "model_url": "http://gpu:81/v1"},
        {"database_url": "sqlite:////tmp/library.db"},
        {"embedder": f"sentence-transformers:{ROOT}"},
        {"reader": "none"},
    ],
)
def test_what_is_not_used_or_stands_on_this_machine_names_nobody(folder: Path, given: dict[str, str]) -> None:
    assert named(folder, **given) == []


def test_several_hosts_of_a_database_are_all_named(folder: Path) -> None:
    hosts = named(folder, database_url="postgresql://me@/x?host=10.0.0.1:6000&host=two")
    assert [(host, port) for _, host, port, _ in hosts] == [("10.0.0.1", 6000), ("two", 5432)]


@pytest.mark.parametrize(
    "host", "127.8.8.8 ::1 ::ffff:10.0.0.1 10.0.0.1 172.31.0.1 192.168.1.1 fd00::1 localhost".split()
)
def test_this_machine_and_private_networks_are_inside(host: str) -> None:
    assert Place(host).inside


@pytest.mark.parametrize(
    "host",
    "8.8.8.8 172.32.0.1 169.254.169.254 ::ffff:8.8.8.8 2001:db8::1 chroma 127.0.0.1.example.eu 2130706433".split(),
)
def test_everything_else_counts_as_outside(host: str) -> None:
    assert not Place(host).inside


def test_a_variable_of_the_provider_leads_elsewhere(folder: Path) -> None:
    for provider, (_, *variables) in PROVIDERS.items():
        for variable in variables:
            seen = named(folder, {variable: "http://10.9.9.9:99/v1"}, engine=f"chat:{provider}:m")
            assert seen == [("ENGINE", "10.9.9.9", 99, True)], variable
    assert named(folder, {"OLLAMA_HOST": "gpu"}, engine="chat:ollama:m") == [("ENGINE", "gpu", 11434, False)]
    assert named(folder, {"HF_HUB_OFFLINE": "1"}, reader="cross-encoder:a/b") == []


def test_a_proxy_is_called_with_what_goes_by_http(folder: Path) -> None:
    environ = {"https_proxy": f"http://me:{SECRET}@proxy:3128"}
    assert named(folder, environ, redis_url="redis://redis") == [("REDIS_URL", "redis", 6379, False)]
    assert ("HTTPS_PROXY", "proxy", 3128, False) in named(folder, environ, engine="chat:openai:m")


def test_the_list_of_sources_names_its_sites_as_the_ingest_reads_them(folder: Path) -> None:
    assert SOURCES == LIST
    (folder / "corpus" / SOURCES).write_text(LISTED)
    assert sum(is_address(source.address) for source in read_sources(folder / "corpus" / SOURCES)) == 3
    assert named(folder) == [("CORPUS", "one.example.eu", 443, False), ("CORPUS", "10.0.0.3", 8080, True)]
    (folder / "corpus" / SOURCES).write_text("[[source")
    with pytest.raises(UnreadableDocument, match=r"sources\.toml cannot be read"):
        named(folder)


def test_the_library_tells_of_unfinished_ingests_and_of_sites_that_were_fetched_from(folder: Path) -> None:
    (folder / "data").mkdir()
    with closing(Library(f"sqlite:///{folder / 'data' / 'library.db'}")) as library:
        library.runs.begin({"do": "ingest", "origins": ["https://asked.example.eu/a"]}, status="requested")
        done = library.runs.begin({"do": "ingest", "origins": ["https://done.example.eu/a"]}, status="requested")
        library.runs.update(done, status="done")
        for address in ("https://before.example.eu/a", "https://before.example.eu/b", "https://one.example.eu/a"):
            library.visits.note(address, "d", None, None, "s")
    (folder / "corpus" / SOURCES).write_text(LISTED)
    assert [host for setting, host, *_ in named(folder) if setting == "DATA"] == [
        "asked.example.eu",
        "before.example.eu",
    ]


@pytest.mark.parametrize("given", [{"chroma_url": f"http://u:{SECRET}@h:p{SECRET}"}, {"database_url": SECRET}])
def test_an_address_without_a_host_is_told_without_its_password(folder: Path, given: dict[str, str]) -> None:
    with pytest.raises(BadSetting, match="_URL holds no address with a host") as told:
        named(folder, **given)
    assert SECRET not in str(told.value)


def test_the_report_shows_no_password_makes_nothing_and_calls_nobody(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    given = {
        "DATA": str(folder / "data"),
        "CORPUS": str(folder / "corpus"),
        "DATABASE_URL": f"postgresql://me:{SECRET}@db.example.eu/x",
        "CHROMA_URL": f"http://me:{SECRET}@chroma.example.eu",
        "REDIS_URL": f"redis://:{SECRET}@redis.example.eu",
        "OTLP_ENDPOINT": f"http://me:{SECRET}@traces.example.eu:4318",
        "ENGINE": "chat:openai:m",
        "MODEL_URL": f"http://me:{SECRET}@gpu.example.eu/v1",
    }
    for name, value in given.items():
        monkeypatch.setenv(PREFIX + name, value)
    HEARD.append("listening")
    told, shown = (CliRunner().invoke(app, ["egress-report", *options]) for options in (["--json"], []))
    heard = HEARD.copy()
    HEARD.clear()
    assert heard == ["listening"]
    assert SECRET not in told.stdout + shown.stdout
    hosts = {call["host"].partition(".")[0] for call in json.loads(told.stdout)["called"]}
    assert hosts == {"db", "chroma", "redis", "traces", "gpu"}
    assert [host for host in hosts if f"{host}.example.eu:" not in shown.stdout] == []
    assert "which was not asked" in shown.stdout
    assert list(folder.iterdir()) == [folder / "corpus"]


def test_the_report_says_nobody(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUSTER_TALKS_DATA", str(folder / "data"))
    assert CliRunner().invoke(app, ["egress-report"]).stdout.startswith("Nobody.\n")


def test_the_hook_of_these_tests_hears() -> None:
    import socket

    HEARD.append("listening")
    with socket.socket() as any_socket, pytest.raises(OSError):
        any_socket.connect(("127.0.0.1", 1))
    heard = HEARD.copy()
    HEARD.clear()
    assert "socket.connect" in heard


def test_the_library_that_runs_the_models_is_told_not_to_call_its_maker() -> None:
    import assistant.e5.model  # noqa: F401

    assert os.environ.get("ORT_DISABLE_TELEMETRY") == "1"
