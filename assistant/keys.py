"""Keys of the API: who may do what; the store, and the commands `cluster-talks keys …`.

A role tells what its holder may do, scopes restrict a key to parts of that: a new part is a line of SCOPES. What a key
looks like and what is kept of it: `assistant.keytext`. The date of its last use is kept, not from where it came.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from assistant import keytext
from assistant.errors import BadRequest, NotFound, Unauthorized
from assistant.settings import Settings, load_settings, make_data
from assistant.terminal import Json, open_console, print_json

if TYPE_CHECKING:
    from sqlalchemy import Engine

ROLES = {  # what the holder of a role counts as
    "reader": ("reader",),
    "staff": ("reader", "staff"),
    "maintainer": ("reader", "staff", "maintainer"),
}
SCOPES = {  # which requests a key is restricted to, as "METHOD path"
    "ask": ("POST /api/v1/ask*", "GET /api/v1/answers/*", "POST /api/v1/feedback"),
    "search": ("GET /api/v1/search", "GET /api/v1/sources*", "GET /read/*"),
    "insights": ("* /api/v1/insights*", "GET /api/v1/feedback*", "POST /api/v1/feedback/*", "DELETE /api/v1/answers/*"),
    "maintain": tuple(f"* /api/v1/{part}*" for part in ("documents", "ingest", "runs", "editions", "questions")),
    "openai": ("* /v1/*",),
    "mcp": ("* /mcp*",),
    "pages": ("GET /",),  # a session of the chat page, and of the staff pages where the role allows it
}
MAX_NAME = 100
YEAR = "365d"
REMEDY = "Send `Authorization: Bearer` and a key; `cluster-talks keys create NAME --role ROLE` makes one."

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="Make, list and revoke keys of the API.")
console = open_console()


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key. `expires`: the last day it is accepted; `used`: the last day it was; days are of UTC."""

    id: int
    name: str
    role: str
    created: str
    revoked: str | None
    handle: str | None
    expires: str | None
    used: str | None
    scopes: tuple[str, ...]

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        return self.expires is not None and self.expires < today().isoformat()

    @property
    def usable(self) -> bool:
        """Whether it is accepted today."""
        return not self.revoked and not self.expired

    def may(self, role: str) -> bool:
        """Whether it may do what this role may do."""
        return role in ROLES[self.role]

    def covers(self, request: str) -> bool:
        """Whether its scopes allow a request such as "POST /api/v1/ask"; no scopes allow all."""
        patterns = (pattern for scope in self.scopes for pattern in SCOPES.get(scope, ()))
        return not self.scopes or any(fnmatchcase(request, pattern) for pattern in patterns)

    def opens_pages(self) -> bool:
        """Whether a browser may get a session with it."""
        return self.covers("GET /")


def scope_of(request: str) -> str | None:
    """The scope that covers a request such as "POST /api/v1/ask"."""
    covering = (scope for scope, patterns in SCOPES.items() if any(fnmatchcase(request, p) for p in patterns))
    return next(covering, None)


class Keys:
    """The keys that a library holds."""

    def __init__(self, engine: Engine) -> None:
        from assistant.library.tables import KEYS

        self._engine, self._table = engine, KEYS
        self._right, self._wrong = keytext.Remembered(), keytext.Remembered()
        self._nothing = keytext.digest_of_nothing()

    def create(self, name: str, role: str, expires: str = YEAR, scopes: Sequence[str] = ()) -> tuple[Key, str]:
        """A new key and its text, which is not kept. `expires` as `last_day` reads it. Raises BadRequest."""
        _check(name, role, scopes)
        handle, text = keytext.new_text()
        key = Key(0, name.strip(), role, _now(), None, handle, last_day(expires), None, tuple(scopes))
        row = {**asdict(key), "digest": keytext.digest(text), "scopes": " ".join(scopes)}
        del row["id"]
        with self._engine.begin() as db:
            made = db.execute(self._table.insert().values(**row)).inserted_primary_key
        return replace(key, id=int(made[0])), text  # type: ignore[index]

    def all(self) -> list[Key]:
        """Every key, also those that are revoked or expired, oldest first."""
        return [key for key, _ in self._read()]

    def check(self, text: str) -> Key:
        """The key with this text. Raises Unauthorized, with a sentence why it is not accepted."""
        key = self._proven(text)
        if key is None or key.revoked:
            raise Unauthorized("The key is unknown or revoked.", REMEDY)
        if key.expired:
            raise Unauthorized(f"The key expired: {key.expires} was its last day.", "Ask for a new one.")
        self._note_use(key)
        return key

    def find(self, text: str) -> Key | None:
        """The key with this text, None unless it is accepted."""
        with suppress(Unauthorized):
            return self.check(text)
        return None

    def usable(self, id_: int) -> Key | None:
        """The key of this number, None unless it is accepted."""
        return next((key for key, _ in self._read(self._table.c.id == id_) if key.usable), None)

    def was_tried(self, text: str) -> bool:
        """Whether this text was hashed before, and for nothing: no key has its handle."""
        return (text, self._nothing) in self._wrong

    def is_stranger(self, text: str) -> bool:
        """Whether `check` would hash this text for nothing now."""
        handle = keytext.handle_of(text)
        return bool(handle) and not self.was_tried(text) and not self._read(self._table.c.handle == handle)

    def revoke(self, id_: int) -> Key:
        """Refuse a key from now on. Raises NotFound."""
        mine = self._table.c.id == id_
        with self._engine.begin() as db:
            db.execute(self._table.update().where(mine, self._table.c.revoked.is_(None)).values(revoked=_now()))
        if not (found := self._read(mine)):
            raise NotFound(f"There is no key {id_}.", "`cluster-talks keys list` lists them.")
        return found[0][0]

    def _proven(self, text: str) -> Key | None:
        """The key whose text this is. An unknown handle takes as long as a wrong secret."""
        if handle := keytext.handle_of(text):
            found = self._read(self._table.c.handle == handle)
        elif before := keytext.digest_before(text):
            return next((key for key, _ in self._read(self._table.c.digest == before)), None)
        else:
            return None
        key, kept = found[0] if found else (None, self._nothing)
        return key if self._is_right(text, kept) else None

    def _is_right(self, text: str, kept: str) -> bool:
        """Whether the digest is of this text; what was found once is not worked out again."""
        if (text, kept) in self._right or (text, kept) in self._wrong:
            return (text, kept) in self._right
        right = keytext.matches(text, kept)
        (self._right if right else self._wrong).add(text, kept)
        return right

    def _note_use(self, key: Key) -> None:
        """Keep the day of its use: one write a day. A database that cannot be written now refuses nobody."""
        from sqlalchemy.exc import SQLAlchemyError

        day = today().isoformat()
        if key.used != day:
            with suppress(SQLAlchemyError), self._engine.begin() as db:
                db.execute(self._table.update().where(self._table.c.id == key.id).values(used=day))

    def _read(self, *conditions: Any) -> list[tuple[Key, str]]:  # noqa: ANN401
        """Keys, each with what is kept of its text."""
        query = self._table.select().where(*conditions).order_by(self._table.c.id)
        with self._engine.connect() as db:
            return [_read_key(**row) for row in db.execute(query).mappings()]


def _read_key(digest: str, scopes: str | None, **values: Any) -> tuple[Key, str]:  # noqa: ANN401
    return Key(**values, scopes=tuple((scopes or "").split())), digest


def last_day(text: str) -> str | None:
    """The last day of a key by "90d" (days from today), "2027-01-31" or "never": an ISO date. Raises BadRequest."""
    if text == "never":
        return None
    try:
        day = today() + timedelta(days=int(text[:-1])) if text.endswith("d") else date.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"{text!r} is no time to expire.", "Write for example 90d, 2027-01-31 or never.") from error
    if day < today():
        raise BadRequest(f"{day} is over.", "Name today or a later day, in UTC.")
    return day.isoformat()


def today() -> date:
    """The day in UTC."""
    return datetime.now(UTC).date()


def _check(name: str, role: str, scopes: Sequence[str]) -> None:
    if role not in ROLES:
        raise BadRequest(f"There is no role {role!r}.", f"Use {', '.join(ROLES)}.")
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise BadRequest(f"There is no scope {unknown[0]!r}.", f"Use {', '.join(SCOPES)}, or none for all.")
    if not name.strip() or len(name) > MAX_NAME:
        raise BadRequest("The name is empty or too long.", f"Name who uses the key, in up to {MAX_NAME} characters.")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who or what will use it.")],
    role: Annotated[str, typer.Option(help=", ".join(ROLES) + ".")] = "reader",
    expires: Annotated[str, typer.Option(help="Days, a last day or never: 90d, 2027-01-31, never.")] = YEAR,
    scope: Annotated[list[str] | None, typer.Option(help=f"Restrict it to {', '.join(SCOPES)}; repeatable.")] = None,
    as_json: Json = False,
) -> None:
    """Make a key and show it, once. Example: [bold]cluster-talks keys create Ana --role maintainer[/]."""
    with open_keys(load_settings()) as keys:
        key, text = keys.create(name, role, expires, scope or ())
    if as_json:
        print_json({**asdict(key), "key": text})
        return
    until = f"until {key.expires}" if key.expires else "without an end"
    only = f", only to {', '.join(key.scopes)}" if key.scopes else ""
    console.print(f"Key {key.id}, {key.role}{only}, {until}, for {key.name}:", markup=False, highlight=False)
    typer.echo(text)
    console.print("Keep it now: it cannot be shown again.")


@app.command("list")
def show(as_json: Json = False) -> None:
    """List the keys, never what they are."""
    with open_keys(load_settings()) as keys:
        listed = keys.all()
    if as_json:
        print_json([{**asdict(key), "expired": key.expired} for key in listed])
        return
    table = Table("key", "handle", "name", "role", "created", "state", "used", box=SIMPLE, padding=(0, 1, 0, 0))
    for key in listed:
        role = ": ".join(filter(None, (key.role, ", ".join(key.scopes))))
        days = (key.created[:10], _state(key), key.used or "")
        table.add_row(str(key.id), key.handle or "", escape(key.name), role, *days)
    console.print(table)


def _state(key: Key) -> str:
    if key.revoked:
        return f"[red]revoked {key.revoked[:10]}[/]"
    if key.expired:
        return f"[red]expired {key.expires}[/]"
    return f"until {key.expires}" if key.expires else "never expires"


@app.command()
def revoke(
    key: Annotated[int, typer.Argument(help="Number of the key, as `keys list` tells it.")], as_json: Json = False
) -> None:
    """Refuse a key from now on. Example: [bold]cluster-talks keys revoke 2[/]."""
    with open_keys(load_settings()) as keys:
        revoked = keys.revoke(key)
    if as_json:
        print_json(asdict(revoked))
    else:
        console.print(f"Key {revoked.id} for {revoked.name} is refused from now on.", markup=False, highlight=False)


@contextmanager
def open_keys(settings: Settings) -> Iterator[Keys]:
    """The keys of a library, which is made where there is none yet."""
    from assistant.library import Library

    make_data(settings.data)
    with closing(Library(settings.library_url)) as library:
        yield library.keys
