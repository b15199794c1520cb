"""The models: there is one, the assistant with the edition that it serves."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic.dataclasses import dataclass

from assistant.api.openai.errors import refusals
from assistant.api.openai.questions import MODEL, unknown_model
from assistant.api.state import Ready
from assistant.ask import Assistant

OWNER = "cluster-talks-assistant"

router = APIRouter(prefix="/v1", tags=["openai"])


@dataclass(frozen=True)
class ModelOut:
    """A model; `created` is when the edition was made that it answers from, in seconds since 1970."""

    id: str
    created: int
    object: Literal["model"] = "model"
    owned_by: str = OWNER


@dataclass(frozen=True)
class ModelsOut:
    """All of them."""

    data: list[ModelOut]
    object: Literal["list"] = "list"


@router.get("/models", responses=refusals(401, 503))
def models(assistant: Ready) -> ModelsOut:
    """The models that can be asked: one."""
    return ModelsOut([_model(assistant)])


@router.get("/models/{model}", responses=refusals(401, 404, 503))
def model(model: str, assistant: Ready) -> ModelOut:
    """One model."""
    if model != MODEL:
        raise unknown_model(model)
    return _model(assistant)


def _model(assistant: Assistant) -> ModelOut:
    return ModelOut(MODEL, int(datetime.fromisoformat(assistant.library.current().created).timestamp()))
