"""What a site's robots.txt permits, read once for each origin (RFC 9309)."""

from __future__ import annotations

from collections.abc import Callable

import httpx
from protego import Protego

from ingest.web.failure import NotFetched

PRODUCT = "cluster-talks-assistant"
SERVER_ERROR = 500


class Robots:
    """The rules of the sites of one run. `get` fetches a robots.txt and raises NotFetched."""

    def __init__(self, get: Callable[[httpx.URL], bytes]) -> None:
        self._get = get
        self._rules: dict[httpx.URL, Protego | NotFetched] = {}

    def permit(self, url: httpx.URL) -> float:
        """The seconds that the site wants between requests, 0 where it says none. Raises NotFetched."""
        rules = self._of(url.copy_with(raw_path=b"/robots.txt", fragment=None))
        if isinstance(rules, NotFetched):
            raise NotFetched(rules.detail, rules.remedy) from rules
        if not rules.can_fetch(str(url.copy_with(fragment=None)), PRODUCT):
            raise NotFetched(
                f"The robots.txt of {url.host} does not permit it.",
                "Ask the site's owner, or take the document out of the sources.",
            )
        return float(rules.crawl_delay(PRODUCT) or 0.0)

    def _of(self, place: httpx.URL) -> Protego | NotFetched:
        if place not in self._rules:
            self._rules[place] = self._load(place)
        return self._rules[place]

    def _load(self, place: httpx.URL) -> Protego | NotFetched:
        try:
            return Protego.parse(self._get(place).decode("utf-8-sig", "replace"))
        except NotFetched as failure:
            if failure.code is None:
                return failure
            if failure.code >= SERVER_ERROR:
                detail = f"{place} cannot be read (status {failure.code}), so nothing there may be fetched."
                return NotFetched(detail, "Try again later.")
            return Protego.parse("")
