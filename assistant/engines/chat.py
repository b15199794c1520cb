"""A chat model behind an interface: any provider that LangChain's `init_chat_model` knows, or any server that speaks as
OpenAI's does (vLLM, llama.cpp, LM Studio) at CLUSTER_TALKS_MODEL_URL."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import aclosing
from functools import cache
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, cast

from assistant.engines.model import TICK, ModelFailed, Prompt, write_a_word
from assistant.errors import BadSetting
from assistant.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

RETRIES = 1  # with the provider's own back-off
NO_KEY = "none"  # sent to a server of one's own that wants no key
# How a provider is told the length of an answer, and what it does not take. Others: as OpenAI.
LENGTH: dict[str, Callable[[int], dict[str, Any]]] = {
    "ollama": lambda tokens: {"options": {"num_predict": tokens, "temperature": 0}},
    "google_genai": lambda tokens: {"max_output_tokens": tokens},
}
NOT_TAKEN = {"ollama": ("timeout", "max_retries", "api_key")}


class ChatModel:
    """`model` is "PROVIDER:MODEL". Raises BadSetting where the provider is unknown or its package is missing."""

    def __init__(self, model: str, settings: Settings) -> None:
        self.name = f"chat:{model}"
        self._provider = model.partition(":")[0]
        self._opened = _opened(model, _given(self._provider, settings))

    def write(self, prompt: Prompt) -> Iterator[str]:
        """As Model.write; closing the iterator closes the connection."""
        told: SimpleQueue[str | None] = SimpleQueue()
        over = threading.Event()
        writing = asyncio.run_coroutine_threadsafe(self._write(prompt, told, over), _loop())
        writing.add_done_callback(lambda _: told.put(None))
        try:
            while (piece := _next(told)) is not None:
                yield piece
            writing.result()
        except CancelledError as error:
            raise ModelFailed("It was stopped.") from error
        finally:
            over.set()
            writing.cancel()

    def tried(self) -> str:
        """As Model.tried."""
        return write_a_word(self)

    def close(self) -> None:
        """Nothing is held: connections are LangChain's."""

    async def _write(self, prompt: Prompt, told: SimpleQueue[str | None], over: threading.Event) -> None:
        from langsmith import tracing_context

        asked = [("system", prompt.system), ("human", prompt.user)]
        length = LENGTH[self._provider](prompt.tokens) if self._provider in LENGTH else {"max_tokens": prompt.tokens}
        try:
            with tracing_context(enabled=False):  # whatever the environment says, questions go to the model alone
                async with aclosing(cast(Any, self._opened.astream(asked, **length))) as pieces:
                    async for piece in pieces:
                        if over.is_set():  # LangChain waits for each piece in a way that can miss being cancelled
                            return
                        told.put(str(piece.text))
        except Exception as error:  # each provider has errors of its own, and some repeat what was asked
            status = getattr(error, "status_code", "")
            raise ModelFailed(f"{type(error).__name__} {status}".strip()) from None


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One for all models: LangChain shares its connections between them, and they belong to one loop."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="model", daemon=True).start()
    return loop


def _next(told: SimpleQueue[str | None]) -> str | None:
    try:
        return told.get(timeout=TICK)
    except Empty:
        return ""


def _given(provider: str, settings: Settings) -> Mapping[str, Any]:
    key = settings.model_key.get_secret_value() or (NO_KEY if settings.model_url else "")
    given: dict[str, Any] = {"temperature": 0, "timeout": settings.model_timeout, "max_retries": RETRIES}
    given |= {"base_url": settings.model_url} if settings.model_url else {}
    given |= {"api_key": key} if key else {}
    return {name: value for name, value in given.items() if name not in NOT_TAKEN.get(provider, ())}


def _opened(model: str, given: Mapping[str, Any]) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    provider, _, name = model.partition(":")
    if not provider or not name:
        raise BadSetting(f"The engine chat:{model} names no model.", "Write it as chat:PROVIDER:MODEL.")
    try:
        opened: BaseChatModel = init_chat_model(name, model_provider=provider, **given)
    except ImportError as error:
        package = f"langchain-{provider.replace('_', '-')}"
        raise BadSetting(f"The engine chat:{provider} needs a package.", f"pip install {package}") from error
    except Exception as error:  # each provider checks its settings in its own way
        remedy = "Set CLUSTER_TALKS_MODEL_KEY, and CLUSTER_TALKS_MODEL_URL for a server of your own."
        raise BadSetting(f"The engine chat:{model} cannot be opened: {str(error)[:200]}", remedy) from error
    return opened
