"""Who would be called under the settings in force, and what they would get. Nothing is called to find out.

A setting under which somebody is called is a line of LINES; `hosts.py` reads from its text who that is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from assistant.egress import hosts
from assistant.egress.hosts import Environment, Place
from assistant.errors import BadSetting
from assistant.settings import PREFIX, Settings

ALWAYS = "at the start, at each question and at each ingest"
MODEL = "the question, the conversation before it and the passages found"
ASKED = "at each question, also those that check a new edition"
SITE = "the addresses of its pages, and the name and version of this program with CLUSTER_TALKS_CONTACT"
FETCHED = "at the start and at an ingest, when the model is loaded"
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


@dataclass(frozen=True, slots=True)
class Line:
    """A setting, whom it names, what they get and when. `proxied`: by HTTP, through a proxy where one is set."""

    setting: str
    named: Callable[[Settings, Environment], Iterable[Place]]
    sent: str
    when: str
    proxied: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """Somebody who would be called: by which setting, where, what is sent and when. `inside`: this machine or a private
    network, as the address shows without a look-up."""

    setting: str
    host: str
    port: int | None
    inside: bool
    sent: str
    when: str


LINES = (
    Line(
        "database_url",
        hosts.database,
        "all that is kept: texts, refused questions, feedback, answers, digests of keys",
        ALWAYS,
    ),
    Line(
        "chroma_url",
        hosts.address_of("chroma_url", hosts.CHROMA),
        "vectors of each question and of the passages, with kind and language, no text",
        ALWAYS,
        proxied=True,
    ),
    Line(
        "redis_url",
        hosts.address_of("redis_url"),
        "the network address or key number of who asks, to count requests",
        "at each question, search and rating",
    ),
    Line("model_url", hosts.own_model, MODEL, ASKED, proxied=True),
    Line("engine", hosts.provider, MODEL, ASKED, proxied=True),
    Line("embedder", hosts.hub("embedder", "sentence-transformers"), "the name of the model", FETCHED, proxied=True),
    Line("reader", hosts.hub("reader", "cross-encoder"), "the name of the model", FETCHED, proxied=True),
    Line(
        "otlp_endpoint",
        hosts.address_of("otlp_endpoint"),
        "route, status and times of each request, language and outcome of each answer, no text",
        "every few seconds while requests come",
        proxied=True,
    ),
    Line("corpus", hosts.sources, SITE, "at the first start, and at each ingest of the corpus that you start"),
    Line("data", hosts.unfinished, SITE, "at the next start of the server: an ingest is not finished"),
    Line("data", hosts.visited, SITE, "fetched before; again only when an ingest names it"),
)
NOTES: tuple[tuple[Callable[[Settings, Sequence[Call]], bool], str], ...] = (
    (
        lambda _, __: True,
        "What you name yourself is called as well: an address given to `cluster-talks ingest` or to a maintainer's "
        "ingest, and --url.",
    ),
    (lambda _, calls: any(not call.inside for call in calls), "A name counts as outside: none was looked up."),
    (lambda _, calls: any(call.sent == SITE for call in calls), "A site may lead on to another host."),
    (
        lambda settings, _: hosts.served_library(settings),
        "Which sites were fetched from before stands in the library database, which was not asked.",
    ),
)


def calls(settings: Settings, environ: Environment) -> list[Call]:
    """Who would be called, in the order of LINES. Raises BadSetting, or UnreadableDocument of the list of sources."""
    direct = [call for line in LINES for call in _calls(PREFIX + line.setting.upper(), line, settings, environ)]
    proxied = {PREFIX + line.setting.upper() for line in LINES if line.proxied}
    behind = ", ".join(dict.fromkeys(call.setting for call in direct if call.setting in proxied))
    if not behind:
        return direct
    sent = f"what goes by HTTP to the host of {behind}; where that is https, only its name"
    through = [Line(name, hosts.proxy(name), sent, "with each of these, but for hosts in NO_PROXY") for name in PROXIES]
    return direct + [call for line in through for call in _calls(line.setting, line, settings, environ)]


def _calls(setting: str, line: Line, settings: Settings, environ: Environment) -> Iterator[Call]:
    from sqlalchemy.exc import ArgumentError

    try:
        for at in line.named(settings, environ):
            yield Call(setting, at.host, at.port, at.inside, line.sent, line.when)
    except (ValueError, ArgumentError) as error:
        raise BadSetting(f"{setting} holds no address with a host.", "Write for example http://host:port.") from error


def notes(settings: Settings, made: Sequence[Call]) -> list[str]:
    """What to know beside the calls."""
    return [sentence for holds, sentence in NOTES if holds(settings, made)]
