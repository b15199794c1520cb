"""Whom a setting names: functions (settings, environment) → places, read from text alone.

To add a provider of the engine chat: add a line to PROVIDERS, its address and the variables that name another one.
"""

from __future__ import annotations

import sqlite3
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from assistant.errors import UnreadableDocument
from assistant.settings import Settings

Environment = Mapping[str, str]
PORTS = {"http": 80, "https": 443, "redis": 6379, "rediss": 6379}
CHROMA, POSTGRES = 8000, 5432
SOCKETS = "/var/run/postgresql"
SOURCES = "sources.toml"
WEB = ("https://", "http://")
# Of this machine, or of the organisation's own network.
INSIDE = [
    ip_network(name)
    for name in "0.0.0.0/32 127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 ::/128 ::1/128 fc00::/7".split()
]
PROVIDERS: dict[str, tuple[str, ...]] = {
    "anthropic": ("https://api.anthropic.com", "ANTHROPIC_API_URL", "ANTHROPIC_BASE_URL"),
    "google_genai": ("https://generativelanguage.googleapis.com", "GOOGLE_GEMINI_BASE_URL"),
    "mistralai": ("https://api.mistral.ai", "MISTRAL_BASE_URL"),
    "ollama": ("http://127.0.0.1:11434", "OLLAMA_HOST"),
    "openai": ("https://api.openai.com", "OPENAI_API_BASE", "OPENAI_BASE_URL"),
}
HUB = ("https://huggingface.co", "HF_ENDPOINT")
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
YES = ("1", "true", "yes", "on")


@dataclass(frozen=True, slots=True)
class Place:
    """A host and its port, None where none is known; a socket is a host that begins with /."""

    host: str
    port: int | None = None

    @property
    def inside(self) -> bool:
        """Whether the text alone shows that it is this machine or a private network; a name is not looked up."""
        try:
            address = ip_address(self.host)
        except ValueError:
            return self.host == "localhost" or self.host.startswith("/")
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in INSIDE)


def place(address: str, port: int | None = None) -> Place:
    """The host of an address; `port`: the one where it names none. Raises ValueError where it names no host."""
    parts = urlsplit(address if "://" in address else f"//{address}")
    if parts.scheme == "unix":
        return Place(parts.path)
    if not parts.hostname:
        raise ValueError("no host")
    return Place(parts.hostname, parts.port or port or PORTS.get(parts.scheme))


def database(settings: Settings, environ: Environment) -> Iterator[Place]:
    """The hosts of the library database; libpq takes several, and the folder of a socket."""
    from sqlalchemy import make_url

    if not served_library(settings):
        return
    url = make_url(settings.database_url)
    given = [value for name in ("host", "hostaddr") for value in url.normalized_query.get(name, ())]
    named = ",".join(given) or url.host or environ.get("PGHOST") or SOCKETS
    for host in named.split(","):
        yield Place(host) if host.startswith("/") else _host(host, url.port or POSTGRES)


def _host(text: str, port: int) -> Place:
    """A host, perhaps with a port, or an IPv6 address as it is."""
    try:
        return Place(str(ip_address(text)), port)
    except ValueError:
        return place(text, port)


def served_library(settings: Settings) -> bool:
    """Whether the library is kept by a database server."""
    return bool(settings.database_url) and not settings.database_url.startswith("sqlite")


def address_of(name: str, port: int | None = None) -> Callable[[Settings, Environment], Iterator[Place]]:
    """The host of the setting `name`, an address or empty."""

    def named(settings: Settings, _: Environment) -> Iterator[Place]:
        if address := getattr(settings, name):
            yield place(address, port)

    return named


def own_model(settings: Settings, _: Environment) -> Iterator[Place]:
    """The server of the engine chat: where one is set."""
    if settings.engine.startswith("chat:") and settings.model_url:
        yield place(settings.model_url)


def provider(settings: Settings, environ: Environment) -> Iterator[Place]:
    """Where the provider's own package calls, when no server is set."""
    kind, _, model = settings.engine.partition(":")
    if kind != "chat" or settings.model_url:
        return
    name = model.partition(":")[0]
    yield _usual(PROVIDERS[name], environ) if name in PROVIDERS else Place(f"a host that langchain-{name} chooses")


def _usual(known: tuple[str, ...], environ: Environment) -> Place:
    """The place of an address, or of the first variable that names another."""
    address, *variables = known
    others = [environ[name] for name in variables if environ.get(name)]
    return place(others[0], None if "://" in others[0] else place(address).port) if others else place(address)


def hub(name: str, kind: str) -> Callable[[Settings, Environment], Iterator[Place]]:
    """Where the model "KIND:NAME" of the setting `name` is fetched from; nowhere when it is a folder."""

    def named(settings: Settings, environ: Environment) -> Iterator[Place]:
        chosen, _, model = getattr(settings, name).partition(":")
        offline = any(environ.get(variable, "").lower() in YES for variable in OFFLINE)
        if chosen == kind and model and not Path(model).exists() and not offline:
            yield _usual(HUB, environ)

    return named


def proxy(variable: str) -> Callable[[Settings, Environment], Iterator[Place]]:
    """The proxy that an environment variable names, in capitals or not."""

    def named(_: Settings, environ: Environment) -> Iterator[Place]:
        if address := environ.get(variable.lower()) or environ.get(variable):
            yield place(address)

    return named


def sources(settings: Settings, _: Environment) -> list[Place]:
    """The sites that the list of sources in the corpus folder names. Raises UnreadableDocument."""
    file = settings.corpus / SOURCES
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8")).get("source", []) if file.is_file() else []
    except (OSError, ValueError) as error:
        raise UnreadableDocument(f"{file} cannot be read: {error}.", "Correct it.") from error
    return _sites(entry.get("address") for entry in entries if isinstance(entry, dict))


def unfinished(settings: Settings, _: Environment) -> list[Place]:
    """The sites of the ingests that were asked for and are not done: the server does them when it starts."""
    sql = "SELECT value FROM runs, json_each(runs.asked, '$.origins') WHERE status IN ('requested', 'running')"
    return _sites(_looked_up(settings, sql))


def visited(settings: Settings, environ: Environment) -> list[Place]:
    """The sites that documents were fetched from before, but for those of the list of sources."""
    listed = sources(settings, environ)
    return [site for site in _sites(_looked_up(settings, "SELECT address FROM visits")) if site not in listed]


def _sites(addresses: Iterable[object]) -> list[Place]:
    """The places of those that are addresses of the web, each once."""
    return list(dict.fromkeys(place(a) for a in addresses if isinstance(a, str) and a.startswith(WEB)))


def _looked_up(settings: Settings, sql: str) -> list[object]:
    """One column of the library, which is only looked at; nothing where it is a server's, or there is none yet."""
    from sqlalchemy import make_url

    from assistant.library.opening import look

    file = Path(make_url(settings.library_url).database or "") if not served_library(settings) else Path()
    if not file.is_file():
        return []
    try:
        with closing(look(file)) as library:
            return [row[0] for row in library.execute(sql)]
    except sqlite3.OperationalError:  # of a version that had no such table
        return []
