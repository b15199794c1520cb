"""The chat page: Gradio components, their events, and how it gets into the running application.

`conversation.py` knows what happens, `render.py` how it looks; this file only joins them.
"""

from __future__ import annotations

import os

# Gradio reads these when it is imported.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"

import asyncio
import threading
from collections.abc import Iterator
from datetime import date
from typing import Any

import gradio as gr
from fastapi import FastAPI
from gradio.routes import App
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import Receive, Scope, Send

from assistant.api.state import State
from assistant.ask import MAX_QUESTION, Assistant
from assistant.language import say
from ui import render, theme
from ui.conversation import Exchanges, converse
from ui.languages import wished_language

AT_ONCE = 8
FORGET_AFTER = 4 * 3600
API_PATHS = ("/api/", "/v1/", "/read/")

Updates = dict[Any, Any]
"""New values by component, as Gradio's event functions return them."""


def mount(app: FastAPI, state: State, assistant: Assistant) -> None:
    """Put the chat page at / of the running application, in the place of its start page."""
    gr.mount_gradio_app(
        app,
        Page(assistant).blocks,
        path="/",
        theme=gr.themes.Base(font=theme.FONTS, font_mono=theme.MONO).set(**theme.VARIABLES),
        head=f"<style>{theme.CSS.read_text(encoding='utf-8')}</style>",
        favicon_path=str(theme.LOGO),
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=1,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
    )
    *routes, mounted = app.router.routes
    routes = [route for route in routes if not _is_start_page(route)]
    assert isinstance(mounted, Mount) and isinstance(mounted.app, App)  # noqa: S101 - what was just mounted
    app.router.routes = [*routes, _Rest(mounted.app, routes)]


def _is_start_page(route: BaseRoute) -> bool:
    return route.matches({"type": "http", "method": "GET", "path": "/", "headers": []})[0] is Match.FULL


class _Rest(Mount):
    """What no route of the API has a say in."""

    def __init__(self, page: App, others: list[BaseRoute]) -> None:
        super().__init__("/", app=_StartedLate(page))
        self._others = others

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Leave unknown paths and methods of the API to its own 404 and 405."""
        if scope["path"].startswith(API_PATHS) or any(r.matches(scope)[0] is Match.PARTIAL for r in self._others):
            return Match.NONE, {}
        return super().matches(scope)


class _StartedLate:
    """Runs Gradio's start-up events before its first request, in the event loop that serves it: the server's own start
    was over when the page was mounted."""

    def __init__(self, page: App) -> None:
        self._page = page
        self._once = asyncio.Lock()
        self._life: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        async with self._once:
            if self._life is None:
                started = asyncio.Event()
                self._life = asyncio.create_task(self._live(started))
                await started.wait()
        await self._page(scope, receive, send)

    async def _live(self, started: asyncio.Event) -> None:
        """From start-up until the loop that serves cancels its tasks."""
        try:
            async with self._page.router.lifespan_context(self._page):
                blocks = self._page.get_blocks()
                blocks.run_startup_events()  # type: ignore[no-untyped-call]
                await blocks.run_extra_startup_events()  # type: ignore[no-untyped-call]
                started.set()
                await asyncio.Event().wait()
        finally:
            started.set()


class Page:
    """The components of the page and what their events do."""

    def __init__(self, assistant: Assistant) -> None:
        self._assistant = assistant
        self._stops: dict[str, threading.Event] = {}
        with gr.Blocks(title=render.NAME, analytics_enabled=False, fill_width=True) as self.blocks:
            self._lay_out()
            self._connect()
        self.blocks.queue(default_concurrency_limit=AT_ONCE, api_open=False)

    def _lay_out(self) -> None:
        script = theme.SCRIPT.read_text(encoding="utf-8")
        self.language = gr.State("en", time_to_live=FORGET_AFTER)
        self.exchanges: gr.State = gr.State((), time_to_live=FORGET_AFTER)
        self.header = _html(render.header("en"), "header", script)
        with gr.Row(elem_id="layout"):
            with gr.Column(elem_id="main"):
                self.talk = _html(render.talk((), "en"), "talk", script)
                with gr.Column(elem_id="dock"), gr.Column(elem_id="composer"):
                    self.box = gr.Textbox(
                        label=say("Ask a question", "en"),
                        placeholder=say("Ask a question", "en"),
                        max_lines=8,
                        max_length=MAX_QUESTION,
                        container=False,
                        autofocus=True,
                        elem_id="question",
                    )
                    with gr.Row(elem_id="actions"):
                        self.new = gr.Button(say("New conversation", "en"), elem_id="new", visible=False)
                        self.ask = gr.Button(say("Ask", "en"), variant="primary", elem_id="ask")
                        self.stop = gr.Button(say("Stop", "en"), elem_id="stop", visible=False)
                self.footer = _html(render.footer("en"), "footer")
            with gr.Column(elem_id="side"):
                self.sources = _html(render.sources((), "en", _today()), "sources", script)

    def _connect(self) -> None:
        shown = [self.exchanges, self.talk, self.sources, self.box, self.ask, self.stop, self.new]
        words = [self.language, self.header, self.talk, self.sources, self.footer]
        words += [self.box, self.ask, self.stop, self.new]
        known = [self.exchanges, self.language]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        gr.on([self.ask.click, self.box.submit], self._ask, [self.box, *known], shown, **quiet)
        self.talk.click(self._ask_chosen, known, shown, **quiet)
        self.blocks.load(self._greet, None, words, **quiet).then(self._ask_linked, known, shown, **quiet)
        self.stop.click(self._stop, None, None, queue=False, **quiet)
        self.new.click(self._new, self.language, shown, queue=False, **quiet)
        self.header.select(self._speak, self.exchanges, words, queue=False, **quiet)

    def _greet(self, request: gr.Request) -> Updates:
        """A page has opened: its language is the browser's."""
        return self._words((), wished_language(str(request.headers.get("accept-language", ""))))

    def _speak(self, exchanges: Exchanges, chosen: gr.EventData) -> Updates:
        """Another page language was chosen."""
        return self._words(exchanges, str(chosen.language))

    def _ask(self, question: str, exchanges: Exchanges, language: str, request: gr.Request) -> Iterator[Updates]:
        if not question.strip():
            yield {self.box: gr.skip()}
            return
        stop = self._stops[str(request.session_hash)] = threading.Event()
        try:
            for conversation in converse(self._assistant, exchanges, question, language, stop):
                failed = conversation[-1].state == "failed"
                yield self._shown(conversation, language) | {self.box: question if failed else ""}
        finally:
            self._stops.pop(str(request.session_hash), None)

    def _ask_chosen(
        self, exchanges: Exchanges, language: str, chosen: gr.EventData, request: gr.Request
    ) -> Iterator[Updates]:
        """An example or a suggestion was clicked."""
        yield from self._ask(str(chosen.question), exchanges, language, request)

    def _ask_linked(self, exchanges: Exchanges, language: str, request: gr.Request) -> Iterator[Updates]:
        """A shared link brings its question along."""
        question = "" if exchanges else str(request.query_params.get("q", ""))
        yield from self._ask(question, exchanges, language, request)

    def _stop(self, request: gr.Request) -> None:
        if stop := self._stops.get(str(request.session_hash)):
            stop.set()

    def _new(self, language: str) -> Updates:
        return self._shown((), language) | {self.box: ""}

    def _shown(self, exchanges: Exchanges, language: str) -> Updates:
        running = bool(exchanges) and exchanges[-1].state == "running"
        return {
            self.exchanges: exchanges,
            self.talk: render.talk(exchanges, language),
            self.sources: render.sources(exchanges, language, _today()),
            self.ask: gr.update(visible=not running),
            self.stop: gr.update(visible=running),
            self.new: gr.update(visible=bool(exchanges) and not running),
        }

    def _words(self, exchanges: Exchanges, language: str) -> Updates:
        return {
            self.language: language,
            self.header: render.header(language),
            self.talk: render.talk(exchanges, language),
            self.sources: render.sources(exchanges, language, _today()),
            self.footer: render.footer(language),
            self.box: gr.Textbox(label=say("Ask a question", language), placeholder=say("Ask a question", language)),
            self.ask: say("Ask", language),
            self.stop: say("Stop", language),
            self.new: say("New conversation", language),
        }


def _html(value: str, name: str, script: str | None = None) -> gr.HTML:
    return gr.HTML(value, elem_id=name, js_on_load=script, apply_default_css=False, padding=False)


def _today() -> date:
    return date.today()
