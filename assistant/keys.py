"""Keys of the API: who may do what; the commands `cluster-talks keys …`.

A key is random, so its SHA-256 alone is kept: whoever reads the library cannot use what is found there.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from assistant.errors import BadRequest, NotFound
from assistant.settings import load_settings
from assistant.terminal import Json, print_json

if TYPE_CHECKING:
    from sqlalchemy import Engine

PREFIX = "ct_"
ROLES = {  # what the holder of a role counts as
    "reader": ("reader",),
    "staff": ("reader", "staff"),
    "maintainer": ("reader", "staff", "maintainer"),
}
MAX_NAME = 100

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Make, list and revoke keys of the API.")
console = Console()


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key."""

    id: int
    name: str
    role: str
    created: str
    revoked: str | None

    def may(self, role: str) -> bool:
        """Whether it may do what this role may do."""
        return role in ROLES[self.role]


class Keys:
    """The keys that a library holds."""

    def __init__(self, engine: Engine) -> None:
        from assistant.library.tables import KEYS

        self._engine, self._table = engine, KEYS

    def create(self, name: str, role: str) -> tuple[Key, str]:
        """A new key and its secret, which is not kept. Raises BadRequest."""
        if role not in ROLES:
            raise BadRequest(f"There is no role {role!r}.", f"Use {', '.join(ROLES)}.")
        if not name.strip() or len(name) > MAX_NAME:
            raise BadRequest(
                "The name is empty or too long.", f"Name who uses the key, in up to {MAX_NAME} characters."
            )
        secret = PREFIX + secrets.token_urlsafe(32)
        values = {"name": name.strip(), "role": role, "created": _now()}
        with self._engine.begin() as db:
            row = db.execute(self._table.insert().values(digest=_digest(secret), **values))
            return Key(int(row.inserted_primary_key[0]), **values, revoked=None), secret  # type: ignore[index]

    def all(self) -> list[Key]:
        """Every key, also revoked ones, oldest first."""
        return self._read()

    def find(self, secret: str) -> Key | None:
        """The key with this secret, unless it is unknown or revoked."""
        found = self._read(self._table.c.digest == _digest(secret), self._table.c.revoked.is_(None))
        return found[0] if found else None

    def revoke(self, id_: int) -> Key:
        """Refuse a key from now on. Raises NotFound."""
        mine = self._table.c.id == id_
        with self._engine.begin() as db:
            db.execute(self._table.update().where(mine, self._table.c.revoked.is_(None)).values(revoked=_now()))
        if not (found := self._read(mine)):
            raise NotFound(f"There is no key {id_}.", "`cluster-talks keys list` lists them.")
        return found[0]

    def _read(self, *conditions: Any) -> list[Key]:  # noqa: ANN401
        columns = (self._table.c[name] for name in Key.__slots__)
        query = self._table.select().with_only_columns(*columns).where(*conditions).order_by(self._table.c.id)
        with self._engine.connect() as db:
            return [Key(**row) for row in db.execute(query).mappings()]


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who or what will use it.")],
    role: Annotated[str, typer.Option(help=", ".join(ROLES) + ".")] = "reader",
    as_json: Json = False,
) -> None:
    """Make a key and show it, once. Example: [bold]cluster-talks keys create Ana --role maintainer[/]."""
    with _keys() as keys:
        key, secret = keys.create(name, role)
    if as_json:
        print_json({**asdict(key), "key": secret})
        return
    console.print(f"Key {key.id}, {key.role}, for {key.name}:", markup=False, highlight=False)
    typer.echo(secret)
    console.print("Keep it now: it cannot be shown again.")


@app.command("list")
def show(as_json: Json = False) -> None:
    """List the keys, never what they are."""
    with _keys() as keys:
        listed = keys.all()
    if as_json:
        print_json([asdict(key) for key in listed])
        return
    table = Table("key", "name", "role", "created", "revoked")
    for key in listed:
        table.add_row(str(key.id), key.name, key.role, key.created, key.revoked or "")
    console.print(table)


@app.command()
def revoke(
    key: Annotated[int, typer.Argument(help="Number of the key, as `keys list` tells it.")], as_json: Json = False
) -> None:
    """Refuse a key from now on. Example: [bold]cluster-talks keys revoke 2[/]."""
    with _keys() as keys:
        revoked = keys.revoke(key)
    if as_json:
        print_json(asdict(revoked))
    else:
        console.print(f"Key {revoked.id} for {revoked.name} is refused from now on.", markup=False, highlight=False)


@contextmanager
def _keys() -> Iterator[Keys]:
    from assistant.library import Library

    settings = load_settings()
    settings.data.mkdir(parents=True, exist_ok=True)
    with closing(Library(settings.library_url)) as library:
        yield library.keys
