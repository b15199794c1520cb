"""What the image and compose.yaml say fits the program and leaves nothing open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from assistant.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
PINNED = re.compile(r"[a-z/-]+:\d+\.\d+\.?\d*(-[a-z]+)*")
KNOWN = {PREFIX + name.upper() for name in Settings.model_fields}


def instructions(name: str) -> list[str]:
    """The arguments of an instruction of the Dockerfile, each as one line."""
    whole = DOCKERFILE.replace("\\\n", " ")
    return [line.partition(" ")[2].strip() for line in whole.splitlines() if line.split(" ")[0] == name]


def values(found: Any) -> Iterator[str]:
    if isinstance(found, dict):
        found = [*found.keys(), *found.values()]
    if isinstance(found, list):
        for item in found:
            yield from values(item)
    else:
        yield str(found)


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned(name: str) -> None:
    assert PINNED.fullmatch(SERVICES[name]["image"])


def test_the_image_is_pinned_and_runs_as_nobody_in_particular() -> None:
    assert all(PINNED.fullmatch(base.split(" ")[0]) for base in instructions("FROM"))
    assert instructions("USER") == ["10001:10001"]
    assert "/healthz" in instructions("HEALTHCHECK")[0]


@pytest.mark.parametrize("where", ["compose.yaml", "Dockerfile", "docs/scaling.md"])
def test_every_setting_that_is_named_exists(where: str) -> None:
    named = set(re.findall(rf"{PREFIX}[A-Z_]+", (ROOT / where).read_text(encoding="utf-8")))
    assert named and named <= KNOWN


def test_no_secret_has_a_default_and_none_is_written_down() -> None:
    used = re.findall(r"\$\{([A-Z_]+)([^}]*)\}", COMPOSE)
    assert {name for name, _ in used} == {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "SITE"}
    assert all(rest.startswith(":?") for _, rest in used)
    secrets = [text for service in SERVICES.values() for text in values(service) if re.search(r"://[^/]*:[^/]*@", text)]
    assert secrets and all(re.search(r":\$\{[A-Z_]+:\?[^}]*\}@", text) for text in secrets)


def test_only_the_proxy_can_be_reached_and_engines_reach_nobody() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert yaml.safe_load(COMPOSE)["networks"]["back"] == {"internal": True}
    for name in ("postgres", "chroma", "redis"):
        assert (SERVICES[name]["networks"], "healthcheck" in SERVICES[name]) == (["back"], True)


@pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if "build" in service])
def test_what_is_ours_writes_only_where_it_must(name: str) -> None:
    service = SERVICES[name]
    assert (service["read_only"], service["cap_drop"], service["tmpfs"]) == (True, ["ALL"], ["/tmp"])
    assert {volume.split(":")[1] for volume in service["volumes"]} <= {"/data", "/corpus"}
    assert SERVICES["a"]["volumes"] != SERVICES["b"]["volumes"], "each server has a folder of its own"


def test_volumes_and_what_the_proxy_passes_to_are_there() -> None:
    named = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())}
    assert {name for name in named if not name.startswith("./")} == set(yaml.safe_load(COMPOSE)["volumes"])
    assert all((ROOT / name).exists() for name in named if name.startswith("./"))
    proxied = re.search(r"reverse_proxy (.*) \{", (ROOT / "deploy/Caddyfile").read_text(encoding="utf-8"))
    assert proxied and {address.split(":")[0] for address in proxied[1].split()} == {"a", "b"}


def test_the_image_gets_what_it_copies_and_leaves_torch_out() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [part for copy in instructions("COPY") if "--from" not in copy for part in copy.split(" ")[:-1]]
    assert {part for part in copied if not part.startswith("--")} == kept
    assert all((ROOT / name).exists() for name in kept)
    assert any("not d.startswith('sentence-transformers')" in run for run in instructions("RUN"))
