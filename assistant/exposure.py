"""Whether the server may start so: a start that would leave everything open, or shut everybody out, is refused.

Another rule is a line of `check_keys`.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

from assistant.errors import BadSetting
from assistant.keys import Key, open_keys
from assistant.settings import Settings

MAKE = "Make one: cluster-talks keys create NAME --role {role}"


def check_exposure(settings: Settings) -> None:
    """Raise BadSetting when others could reach a server that nobody can maintain, or nobody could use one at all."""
    if is_loopback(settings.host) and not settings.require_key:
        return
    with open_keys(settings) as keys:
        check_keys(settings, keys.all())


def check_keys(settings: Settings, keys: Iterable[Key]) -> None:
    """Raise BadSetting when a server would not start with these keys."""
    public, usable = not is_loopback(settings.host), [key for key in keys if key.usable]
    if public and not any(key.may("maintainer") for key in usable):
        raise BadSetting(
            f"The server would listen on {settings.host}, where others can reach it, and there is no maintainer's key.",
            MAKE.format(role="maintainer"),
        )
    if settings.require_key and not usable:
        raise BadSetting(
            "CLUSTER_TALKS_REQUIRE_KEY is on and no key is accepted, so nobody could ask.", MAKE.format(role="reader")
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
