"""The engines of several servers: PostgreSQL, Chroma and Redis, real ones that can be stopped and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

SOON = 30  # seconds in which a server starts
SORTED = ("--locale-provider", "icu", "--icu-locale", "en")  # as people sort: not as SQLite does
DEBIAN = Path("/usr/lib/postgresql")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@dataclass
class Engine:
    """A server on a port of its own that keeps what it has in a folder.

    `user`: who runs it, for one that root may not; `ready`: ends well once it serves, for one that listens before.
    """

    command: Sequence[str]
    port: int
    folder: Path
    user: str | None = None
    end: signal.Signals = signal.SIGTERM
    ready: Sequence[str] = ()

    def start(self) -> None:
        log = (self.folder / "log").open("ab")
        self._process = subprocess.Popen(self.command, cwd=self.folder, user=self.user, stdout=log, stderr=log)
        log.close()
        deadline = time.monotonic() + SOON
        while not self._serves():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        self._process.send_signal(self.end)
        self._process.wait(SOON)

    @contextmanager
    def away(self, seconds: float) -> Iterator[None]:
        """Stopped for so long at least, and started again."""
        self.stop()
        try:
            time.sleep(seconds)
            yield
        finally:
            self.start()

    def _serves(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return not self.ready or subprocess.run(self.ready, capture_output=True, check=False).returncode == 0


@dataclass(frozen=True)
class Engines:
    """What several servers share."""

    postgres: Engine
    chroma: Engine
    redis: Engine

    def settings(self, database: str) -> dict[str, str]:
        """Settings of a server that uses them; `database` is made where it is not there."""
        return {
            "CLUSTER_TALKS_DATABASE_URL": make_database(self.postgres, database),
            "CLUSTER_TALKS_CHROMA_URL": f"http://127.0.0.1:{self.chroma.port}",
            "CLUSTER_TALKS_REDIS_URL": f"redis://127.0.0.1:{self.redis.port}/0",
        }


@contextmanager
def started_engines() -> Iterator[Engines]:
    """All three, in a folder that is removed."""
    redis = shutil.which("redis-server") or missing("redis-server")
    with started_postgres() as postgres, _folder() as folder, ExitStack() as stack:
        chroma, redis_ = _chroma(_made(folder / "chroma")), _redis(redis, _made(folder / "redis"))
        for engine in (chroma, redis_):
            engine.start()
            stack.callback(engine.stop)
        yield Engines(postgres, chroma, redis_)


@contextmanager
def started_postgres() -> Iterator[Engine]:
    """A new PostgreSQL, in a folder that is removed."""
    programs = find_postgres()
    with _folder() as folder:
        engine = _postgres(programs, _made(folder / "postgres"))
        engine.start()
        try:
            yield engine
        finally:
            engine.stop()


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that others may enter, as they may not pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="cluster-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_database(postgres: Engine, name: str) -> str:
    """Address of a database of this name."""
    address = f"postgresql://cluster@127.0.0.1:{postgres.port}"
    server = create_engine(f"{address}/postgres", isolation_level="AUTOCOMMIT")
    with server.connect() as db:
        if not db.scalar(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}):
            db.execute(text(f'CREATE DATABASE "{name}"'))
    server.dispose()
    return f"{address}/{name}"


def find_postgres() -> Path:
    """The folder of PostgreSQL's programs, the newest."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else sorted(DEBIAN.glob("*/bin"), key=_version)
    return folders[-1] if folders else Path(missing("postgresql"))


def missing(package: str) -> str:
    """Skip where the package cannot be installed; where it could have been, that is a failure."""
    said = f"{package} is not installed: apt-get install {package}; `make test` does it where it runs as root"
    if os.getuid() == 0:
        pytest.fail(said)
    pytest.skip(said)


def _version(programs: Path) -> float:
    return float(programs.parent.name)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _postgres(programs: Path, folder: Path) -> Engine:
    """A new PostgreSQL; it refuses to run as root, so Debian's user of it does."""
    user = "postgres" if os.getuid() == 0 else None
    if user:
        os.chown(folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    data, port = folder / "data", free_port()
    made = [str(programs / "initdb"), "-D", str(data), "-U", "cluster", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run([*made, *SORTED], cwd=folder, user=user, capture_output=True, check=True)
    command = [str(programs / "postgres"), "-D", str(data), "-p", str(port), "-k", str(folder), "-c", "fsync=off"]
    ready = [str(programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)]  # it listens while it still recovers
    return Engine(command, port, folder, user, signal.SIGINT, ready)  # SIGINT: ends at once, whoever is connected


def _chroma(folder: Path) -> Engine:
    program = shutil.which("chroma", path=str(Path(sys.executable).parent)) or "chroma"
    port = free_port()
    return Engine([program, "run", "--path", str(folder), "--port", str(port), "--host", "127.0.0.1"], port, folder)


def _redis(program: str, folder: Path) -> Engine:
    port = free_port()
    return Engine([program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)], port, folder)
