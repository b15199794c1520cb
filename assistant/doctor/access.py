"""Checks of ways in and out: the port, keys, Redis, the collector of traces."""

from __future__ import annotations

import socket
from contextlib import closing
from datetime import UTC, datetime, timedelta
from urllib.parse import SplitResult, urlsplit

from assistant.doctor.stores import open_library
from assistant.doctor.warned import Warned
from assistant.errors import BadSetting, NotReady
from assistant.exposure import check_keys
from assistant.keys import Key
from assistant.settings import Settings

PATIENCE = 2  # seconds
SOON = timedelta(days=14)
PORTS = {"http": 80, "https": 443}


def port(settings: Settings) -> str:
    """Whether the port is free, or whose it is."""
    at = f"{settings.host}:{settings.port}"
    if (owner := _owner(settings)) and _reached(owner):
        return f"a server of this folder runs at {owner}"
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            remedy = "Stop what listens there, or set CLUSTER_TALKS_HOST and CLUSTER_TALKS_PORT."
            raise Warned(f"{at} cannot be listened on: {error.strerror}.", remedy) from error
    return f"{at} is free"


def _owner(settings: Settings) -> str:
    """Where the owner of the data folder says that it listens. Its lock is left alone: a server may be starting."""
    from assistant.wiring import DataFolder

    return DataFolder(settings.data).owner().partition(" ")[2] if settings.data.is_dir() else ""


def _reached(address: str) -> bool:
    at = urlsplit(address)
    try:
        socket.create_connection((at.hostname or "", at.port or PORTS["http"]), PATIENCE).close()
    except OSError:
        return False
    return True


def keys(settings: Settings) -> str:
    """Whether somebody can maintain a server that others can reach, and which keys have ended or end soon."""
    try:
        with closing(open_library(settings)) as library:
            known = library.keys.all()
    except NotReady:
        known = []
    usable = [key for key in known if key.usable]
    check_keys(settings, known)
    if ended := [key for key in known if key.expired and not key.revoked]:
        renew = "Make new ones: cluster-talks keys create; then revoke these: cluster-talks keys revoke NUMBER."
        raise Warned(f"Expired: {_named(ended)}.", renew)
    soon = (datetime.now(UTC) + SOON).date().isoformat()
    if ending := [key for key in usable if key.expires and key.expires < soon]:
        raise Warned(f"Soon to expire: {_named(ending)}.", "Make new ones: cluster-talks keys create.")
    return f"{len(usable)} of {len(known)} are accepted"


def _named(keys: list[Key]) -> str:
    return ", ".join(f"{key.name} ({key.id}, {key.expires})" for key in keys)


def redis(settings: Settings) -> str:
    """Whether the Redis that counts requests answers."""
    if not settings.redis_url:
        return "none is set: each server counts requests by itself"
    from redis import Redis, RedisError

    address = urlsplit(settings.redis_url)
    try:
        with closing(
            Redis.from_url(settings.redis_url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
        ) as it:
            version = it.info("server")["redis_version"]
    except (RedisError, OSError, ValueError) as error:
        remedy = "Start it or correct CLUSTER_TALKS_REDIS_URL; until then each server counts requests by itself."
        raise Warned(f"Redis at {_host(address)} does not answer: {type(error).__name__}.", remedy) from error
    return f"Redis {version} at {_host(address)}"


def _host(address: SplitResult) -> str:
    """Without the password that an address may hold."""
    return f"{address.hostname or address.path}" + (f":{address.port}" if address.port else "")


def traces(settings: Settings) -> str:
    """Whether the collector of traces can be reached."""
    if not settings.otlp_endpoint:
        return "none are sent"
    address = urlsplit(settings.otlp_endpoint)
    if address.scheme not in PORTS or not address.hostname:
        raise BadSetting(
            "CLUSTER_TALKS_OTLP_ENDPOINT is no address of a collector.", "Write for example http://collector:4318"
        )
    at = (address.hostname, address.port or PORTS[address.scheme])
    try:
        socket.create_connection(at, PATIENCE).close()
    except OSError as error:
        raise Warned(f"No collector at {_host(address)}: {error}.", "Start it, or unset the address.") from error
    return f"sent to {_host(address)}"
