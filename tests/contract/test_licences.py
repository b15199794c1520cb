"""Every package that the server needs has a licence that lets anyone use, change and pass it on.

A new licence of that sort is a line of PERMISSIVE; a package with another one needs a line of EXCEPTIONS that says why
it may be used all the same. `make sbom` writes the whole list, with versions, as build/sbom.json.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

PERMISSIVE = set(
    "0BSD Apache-2.0 BSD-2-Clause BSD-3-Clause BSL-1.0 CC0-1.0 CNRI-Python ISC LLVM-exception MIT MIT-0 MIT-CMU "
    "PSF-2.0 Zlib".split()
)
NAMES = {  # what packages write that do not use the names of SPDX
    "MIT License": "MIT",
    "BSD License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
OWN_FILES = "its own files are used unchanged; the licence asks for no more than to pass on changes to them"
EXCEPTIONS = {
    "certifi": ("MPL-2.0", f"the list of certificate authorities; {OWN_FILES}"),
    "orjson": ("MPL-2.0", OWN_FILES),
    "tld": ("MPL-1.1", f"of its three licences this one is taken; {OWN_FILES}"),
    "tqdm": ("MPL-2.0", OWN_FILES),
}


def needed() -> dict[str, Distribution]:
    """The packages that an installed server has, by name: what pyproject.toml asks for, and what that asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    open_, seen, found = [Requirement(line) for line in project["dependencies"]], set(), {}
    while open_:
        wanted = open_.pop()
        name = canonicalize_name(wanted.name)
        if (asked := (name, frozenset(wanted.extras))) in seen:
            continue
        seen.add(asked)
        found[name] = distribution(name)
        open_ += required(found[name], wanted.extras)
    return found


def required(package: Distribution, extras: set[str]) -> Iterator[Requirement]:
    """What a package asks for on this machine, with these extras."""
    for line in package.requires or ():
        wanted = Requirement(line)
        if wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield wanted


def licence(package: Distribution) -> str:
    """The licence of a package as an expression of SPDX, "" where it tells none."""
    metadata = package.metadata
    told = [line.rpartition(" :: ")[2] for line in metadata.get_all("Classifier", []) if line.startswith("License ::")]
    first = metadata.get("License-Expression") or " AND ".join(NAMES.get(name, name) for name in told)
    written = (metadata.get("License") or "").split("\n")[0].strip()
    return first or NAMES.get(written, written)


def restricting(expression: str) -> set[str]:
    """The licences in an expression that are not permissive, where no alternative is."""
    parts = re.split(r"\s+AND\s+(?![^(]*\))", expression)
    choices = [re.split(r"\s+(?:OR|AND)\s+|\s+WITH\s+", part.strip("() ")) for part in parts]
    return {name for names in choices if not PERMISSIVE & set(names) for name in names}


PACKAGES = needed()


@pytest.mark.parametrize(
    ("expression", "left"),
    [
        ("MIT", set()),
        ("", {""}),
        ("GPL-3.0-only", {"GPL-3.0-only"}),
        ("MIT AND GPL-3.0-only", {"GPL-3.0-only"}),
        ("MIT OR GPL-3.0-only", set()),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", {"MPL-2.0"}),
        ("Apache-2.0 WITH LLVM-exception", set()),
    ],
)
def test_what_restricts_is_found(expression: str, left: set[str]) -> None:
    assert restricting(expression) == left


def test_every_package_that_is_needed_may_be_used_changed_and_passed_on() -> None:
    left = {name: restricting(licence(package)) for name, package in PACKAGES.items()}
    assert {name: names for name, names in left.items() if names and name not in EXCEPTIONS} == {}


def test_every_exception_is_needed_still_and_has_the_licence_that_is_said() -> None:
    assert {name for name, (wanted, _) in EXCEPTIONS.items() if wanted not in licence(PACKAGES[name])} == set()
    assert {name for name in EXCEPTIONS if not restricting(licence(PACKAGES[name]))} == set()


def test_what_they_need_in_turn_is_looked_at_too() -> None:
    asked_for = {"chromadb", "gradio", "fastapi"}
    in_turn = {"starlette", "pydantic-core", "pillow"}
    assert asked_for | in_turn <= set(PACKAGES)
