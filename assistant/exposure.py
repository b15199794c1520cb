"""Whether the server may start so: a start that would leave everything open, or shut everybody out, is refused.

Another rule is a line of `check_exposure`.
"""

from __future__ import annotations

from ipaddress import ip_address

from assistant.errors import BadSetting
from assistant.keys import open_keys
from assistant.settings import Settings

MAKE = "Make one: cluster-talks keys create NAME --role {role}"


def check_exposure(settings: Settings) -> None:
    """Raise BadSetting when others could reach a server that nobody can maintain, or nobody could use one at all."""
    public = not is_loopback(settings.host)
    if not (public or settings.require_key):
        return
    with open_keys(settings) as keys:
        usable = [key for key in keys.all() if key.usable]
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
