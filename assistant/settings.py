"""Every setting, and the only place that reads the environment.

Names have the prefix CLUSTER_TALKS_; `.env` in the working folder counts too. An unknown name stops the start, because
a misspelt setting that is silently ignored is worse than none. `cluster-talks settings` prints what is in force.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from assistant.errors import BadSetting

PREFIX = "CLUSTER_TALKS_"
SHIPPED = "vectors.npz"  # in the corpus folder: the vectors that come with it (assistant.shipped)


@dataclass(frozen=True, slots=True)
class Keeping:
    """Whether refused and down-voted questions are kept, for how many days, and from how many people on a theme of them
    shows. A down-vote with its comment shows to staff at once. `answers`: for how many days answers are kept, without
    their questions; 0: none."""

    on: bool = True
    people: int = 3
    days: int = 90
    answers: int = 30


KEEPING = Keeping()


class Settings(BaseSettings):
    """What can be set; the field name in capitals after the prefix is the variable."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True)

    data: Path = Field(Path("data"), description="folder of the library, the vectors and the indexes")
    corpus: Path = Field(Path("corpus"), description="folder of the documents to ingest")
    questions: Path | None = Field(
        None, description="questions a new edition is asked first; default: questions.jsonl in the corpus folder"
    )
    publish_margin: float = Field(
        0.02, ge=0, le=1, description="share of right answers that a new edition may lose and still be published"
    )
    fetch_private: bool = Field(False, description="fetch also from addresses of private networks and this machine")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=1, le=65535, description="port to listen on")
    embedder: str = Field("bundled-e5", description="bundled-e5, or sentence-transformers:NAME_OR_FOLDER")
    reader: str = Field("bundled", description="bundled, none, or cross-encoder:NAME_OR_FOLDER")
    engine: str = Field(
        "quotes",
        description="how answers are worded: quotes, chat:PROVIDER:MODEL, or local:FILE.gguf; what a model "
        "writes is checked against the documents",
    )
    model_url: str = Field("", description="server of the engine chat:, if not the provider's: http://host:port/v1")
    model_key: SecretStr = Field(SecretStr(""), description="key for it; empty: the provider's own variable")
    model_sha256: str = Field("", description="SHA-256 that the file of the engine local: must have; empty: any")
    model_timeout: float = Field(30, gt=0, le=600, description="seconds that a model may take; then quotes are shown")
    model_at_once: int = Field(4, ge=1, le=1000, description="answers that a model writes at the same time")
    model_tokens_a_day: int = Field(
        0, ge=0, description="tokens a model may read and write a day, as estimated by each server process; 0: any"
    )
    contact: str = Field("https://www.clustercollaboration.eu", description="where a refusal sends people")
    database_url: str = Field("", description="library database, SQLAlchemy address; empty: SQLite in the data folder")
    chroma_url: str = Field("", description="Chroma server, http://host:port; empty: embedded in the data folder")
    redis_url: str = Field(
        "", description="Redis where several servers count requests, redis://host:6379/0; empty: each counts by itself"
    )
    require_key: bool = Field(False, description="answer nobody without a key; false: reading is open")
    key: SecretStr = Field(SecretStr(""), description="key that the commands send to a running server, if it wants one")
    rate_limit: str = Field("6000/minute", description="questions and searches a key or address may send; or off")
    trusted_proxies: str = Field(
        "127.0.0.1", description="addresses or networks, with commas, whose X-Forwarded headers are believed"
    )
    insights: bool = Field(True, description="keep refused and down-voted questions, without personal data")
    insights_people: int = Field(
        3, ge=1, description="people from whom on staff see a theme of questions; feedback they see at once"
    )
    keep_days: int = Field(90, ge=1, le=3650, description="days that these questions and feedback are kept")
    keep_answers: int = Field(
        30,
        ge=0,
        le=3650,
        description="days that answers given over the API are kept, without their questions, whatever INSIGHTS says; "
        "the newest 100,000 at most; 0: none are",
    )
    log_format: Literal["auto", "text", "json"] = Field(
        "auto", description="form of log lines: text, json, or auto: text on a terminal, json elsewhere"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least serious lines logged")
    metrics: Literal["local", "open", "off"] = Field(
        "local", description="who may read /metrics: local is this machine and private networks"
    )
    otlp_endpoint: str = Field(
        default_factory=lambda: os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
        description="OpenTelemetry collector that gets traces by HTTP, http://host:4318; empty: none are made",
    )
    grace: float = Field(20, ge=0, le=600, description="seconds that answers may still take when the server stops")
    device: str = Field("cpu", description="device of sentence-transformers models")
    threads: int = Field(1, ge=1, le=64, description="threads of one question's embedding and of its reading")

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        for part in filter(None, map(str.strip, value.split(","))):
            ip_network(part)
        return value

    @property
    def asked(self) -> Path:
        """The file of the questions that a new edition is asked."""
        return self.questions or self.corpus / "questions.jsonl"

    @property
    def keeping(self) -> Keeping:
        """What is kept of questions and feedback."""
        return Keeping(self.insights, self.insights_people, self.keep_days, self.keep_answers)

    @property
    def library_url(self) -> str:
        """SQLAlchemy address of the library database."""
        return self.database_url or f"sqlite:///{self.data / 'library.db'}"


def make_data(folder: Path) -> None:
    """Make the data folder where there is none yet, for its owner only. Raises BadSetting."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BadSetting(
            f"The data folder {folder} cannot be made: {error.strerror}.", f"Set {PREFIX}DATA to another one."
        ) from error


def folder_bytes(folder: Path) -> int:
    """The bytes of all files in a folder, while others may remove some."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # removed meanwhile
                total += (Path(root) / name).lstat().st_size
    return total


def load_settings(**given: object) -> Settings:
    """Settings from `given` over the environment over `.env` over the defaults.

    Raises BadSetting for an unknown name or a bad value.
    """
    names = {name.upper() for name in (*os.environ, *dotenv_values(".env"))}
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    if unknown := sorted(name for name in names - known if name.startswith(PREFIX)):
        raise BadSetting(f"Unknown setting: {', '.join(unknown)}.", "`cluster-talks settings` lists those that exist.")
    try:
        return Settings.model_validate({**Settings().model_dump(), **given}) if given else Settings()
    except ValidationError as error:
        problem = error.errors()[0]
        name = PREFIX + str(problem["loc"][0]).upper()
        raise BadSetting(f"{name}={problem['input']!r}: {problem['msg']}.", "Correct it or remove it.") from error
