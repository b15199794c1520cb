"""axe-core in an open page: the violations of WCAG 2.0, 2.1 and 2.2, levels A and AA, and of its best practices."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

SCRIPT = (Path(__file__).with_name("vendor") / "axe.min.js").read_text(encoding="utf-8")
VERSION = re.search(r"axe v([\d.]+)", SCRIPT).group(1)  # type: ignore[union-attr]
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice")
BARRIERS = ("serious", "critical")
RUN = """async tags => (await axe.run({ runOnly: tags, resultTypes: ["violations"] })).violations.map(found => ({
  rule: found.id, impact: found.impact, help: found.help, places: found.nodes.length,
  first: `${found.nodes[0].html} ${found.nodes[0].failureSummary}`,
}))"""


@dataclass(frozen=True)
class Violation:
    """A rule that the page breaks, in how many places, and the first of them."""

    rule: str
    impact: str
    help: str
    places: int
    first: str

    def __str__(self) -> str:
        return f"{self.rule} ({self.impact}), {self.places} times, first: {self.first}"

    @property
    def barrier(self) -> bool:
        return self.impact in BARRIERS


def look_over(page: Page) -> list[Violation]:
    """Every violation in the page as it stands."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(SCRIPT)
    return [Violation(**found) for found in page.evaluate(RUN, TAGS)]
