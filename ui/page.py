"""The chat page: Gradio components, their events, and how it gets into the running application.

`conversation.py` knows what happens, `render.py` how it looks; this file only joins them.
"""

from __future__ import annotations

import os

# Gradio reads these when it is imported.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_OFFLINE"] = "1"

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any

import gradio as gr
from fastapi import FastAPI
from gradio.routes import App
from limits import parse
from starlette.routing import Mount

from assistant.api.limits import Window
from assistant.api.state import State
from assistant.ask import MAX_QUESTION, Assistant
from assistant.insights import note_missed
from assistant.language import say
from assistant.settings import Keeping
from ui import accessibility, connection, privacy, render, theme, tools
from ui.conversation import Exchanges, Focus, converse
from ui.export import export
from ui.focus import Held, chips, day_of, kinds_of, options
from ui.languages import known_language, wished_language
from ui.opinion import Opinion, rate
from ui.quiet import hush
from ui.routing import Rest, is_start_page
from ui.shelf import Shelf
from ui.staff.app import install as install_staff
from ui.turns import Turns

AT_ONCE = 8
RATINGS = parse("30/minute")  # of a client address
FORGET_AFTER = 4 * 3600

Updates = dict[Any, Any]
"""New values by component, as Gradio's event functions return them."""


def mount(app: FastAPI, state: State, assistant: Assistant) -> None:
    """Put the chat page at / of the running application, in the place of its start page."""
    hush()
    for leaflet in (accessibility, privacy):
        app.include_router(leaflet.router)
    install_staff(app, state)
    gr.mount_gradio_app(
        app,
        Page(assistant, state.keeping).blocks,
        path="/",
        theme=gr.themes.Base(font=theme.FONTS, font_mono=theme.MONO).set(**theme.VARIABLES),
        head=f"<style>{theme.CSS.read_text(encoding='utf-8')}</style><script>{connection.SCRIPT}</script>",
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
    routes = [route for route in routes if not is_start_page(route)]
    assert isinstance(mounted, Mount) and isinstance(mounted.app, App)  # noqa: S101 - what was just mounted
    app.router.routes = [*routes, Rest(mounted.app, routes)]


class Page:
    """The components of the page and what their events do."""

    def __init__(self, assistant: Assistant, keeping: Keeping) -> None:
        self._assistant, self._keeping = assistant, keeping
        self._shelf = Shelf(assistant.library)
        self._turns = Turns()
        self._ratings = Window(RATINGS)
        with gr.Blocks(title=render.NAME, analytics_enabled=False, fill_width=True) as self.blocks:
            self._lay_out()
            self._connect()
        self.blocks.queue(default_concurrency_limit=AT_ONCE, api_open=False)

    def _lay_out(self) -> None:
        script = theme.SCRIPT.read_text(encoding="utf-8")
        self.language = gr.State("en", time_to_live=FORGET_AFTER)
        self.exchanges: gr.State = gr.State((), time_to_live=FORGET_AFTER)
        self.held = gr.State(Held(), time_to_live=FORGET_AFTER)
        self.header = _html(render.header("en"), "header", script)
        with gr.Row(elem_id="layout"):
            with gr.Column(elem_id="main"):
                self.talk = _html(self._talk((), "en"), "talk", script)
                with gr.Column(elem_id="dock"), gr.Column(elem_id="composer"):
                    self.notice = _html(connection.notice("en"), "connection", connection.SHOW)
                    self.kept = gr.Textbox(elem_id="kept", visible="hidden")
                    self.chips = _html("", "chips", script)
                    self.box = gr.Textbox(
                        label=say("Ask a question", "en"),
                        placeholder=say("Ask a question", "en"),
                        max_lines=8,
                        max_length=MAX_QUESTION,
                        container=False,
                        elem_id="question",
                    )
                    with gr.Row(elem_id="actions"):
                        self.options = _html(options(self._shelf.kinds, "en"), "options", script)
                        self.save = _html("", "save", script)
                        self.new = gr.Button(say("New conversation", "en"), elem_id="new", visible=False)
                        self.ask = gr.Button(say("Ask", "en"), variant="primary", elem_id="ask")
                        self.stop = gr.Button(say("Stop", "en"), elem_id="stop", visible=False)
                self.footer = _html(render.footer("en"), "footer")
                self.file = _html("", "file", script)
            with gr.Column(elem_id="side"):
                self.sources = _html(render.sources((), "en", _today()), "sources", script)

    def _connect(self) -> None:
        shown = [self.exchanges, self.talk, self.sources, self.box, self.ask, self.stop, self.new, self.save]
        shown += [self.kept]
        words = [self.language, self.header, self.talk, self.sources, self.footer, self.options, self.chips, self.save]
        words += [self.notice, self.box, self.ask, self.stop, self.new]
        known = [self.exchanges, self.language, self.held]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        quick: dict[str, Any] = {**quiet, "queue": False}
        # "multiple": by default a question sent before the last answer has wholly ended is dropped without a word.
        asking: dict[str, Any] = {**quiet, "trigger_mode": "multiple"}
        gr.on([self.ask.click, self.box.submit], self._ask, [self.box, *known], shown, **asking)
        self.talk.click(self._ask_chosen, known, shown, **asking)
        self.blocks.load(self._greet, None, words, **quiet).then(self._ask_linked, known, shown, **quiet)
        self.stop.click(self._stop, None, None, **quick)
        restricted = [self.held, self.chips]
        resumed = [self.language, *shown, *restricted]
        self.notice.submit(self._resume, [self.exchanges, self.held, self.box], resumed, **quiet)
        self.new.click(self._new, [self.held, self.language], [*shown, *restricted], **quick)
        self.talk.clear(self._ask_anywhere, [self.held, self.language], restricted, trigger_mode="multiple", **quick)
        self.header.select(self._speak, [self.exchanges, self.held], words, trigger_mode="multiple", **quick)
        self.talk.submit(self._rate, [self.exchanges, self.language], [self.exchanges, self.talk], **quick)
        self.options.input(self._restrict, [self.held, self.language], restricted, trigger_mode="multiple", **quick)
        self.sources.select(
            self._ask_about, [self.held, self.language], restricted, trigger_mode="always_last", **quick
        )
        self.chips.clear(self._ask_all, [self.held, self.language], restricted, trigger_mode="multiple", **quick)
        self.save.download(self._export, [self.exchanges, self.language], self.file, **quick)

    def _greet(self, request: gr.Request) -> Updates:
        """A page has opened: its language is the browser's."""
        self._shelf.refresh()
        language = wished_language(str(request.headers.get("accept-language", "")))
        if language == "en":  # it is in English already, and a first question may be on its way
            return {self.language: language, self.options: options(self._shelf.kinds, language)}
        return self._words((), Held(), language)

    def _speak(self, exchanges: Exchanges, held: Held, chosen: gr.EventData) -> Updates:
        """Another page language was chosen."""
        return self._words(exchanges, held, known_language(str(chosen.language)))

    def _ask(
        self, question: str, exchanges: Exchanges, language: str, held: Held, request: gr.Request
    ) -> Iterator[Updates]:
        focus = held.focus
        if not question.strip():
            yield {self.box: gr.skip()}
            return
        self._shelf.refresh()
        note = partial(
            note_missed,
            self._assistant.library,
            client=_client(request),
            keeping=self._keeping,
            restricted=focus != Focus(),
            asked_after=bool(exchanges),
        )
        box: Any = ""  # emptied once: what is typed while an answer comes stays
        with self._turns.take(str(request.session_hash)) as stop:
            for conversation in converse(self._assistant, exchanges, question, language, stop, focus, note):
                failed = conversation[-1].state == "failed"
                yield self._shown(conversation, language) | {self.box: question if failed else box}
                box = gr.skip()

    def _ask_chosen(
        self, exchanges: Exchanges, language: str, held: Held, chosen: gr.EventData, request: gr.Request
    ) -> Iterator[Updates]:
        """An example or a suggestion was clicked."""
        yield from self._ask(str(chosen.question), exchanges, language, held, request)

    def _ask_linked(self, exchanges: Exchanges, language: str, held: Held, request: gr.Request) -> Iterator[Updates]:
        """A shared link brings its question along."""
        question = "" if exchanges else str(request.query_params.get("q", ""))
        yield from self._ask(question, exchanges, language, held, request)

    def _stop(self, request: gr.Request) -> None:
        self._turns.stop(str(request.session_hash))

    def _new(self, held: Held, language: str) -> Updates:
        return self._shown((), language) | self._ask_anywhere(held, language) | {self.box: ""}

    def _ask_anywhere(self, held: Held, language: str) -> Updates:
        """The next questions are restricted to nothing."""
        held.free()
        return self._restricted(held, language)

    def _rate(self, exchanges: Exchanges, language: str, given: gr.EventData, request: gr.Request) -> Updates:
        """An answer helped, or it did not."""
        index = int(given.exchange) - 1
        known = 0 <= index < len(exchanges) and not exchanges[index].rating
        if known and not self._ratings.hit(_client(request)):
            rated = rate(self._assistant.library, self._keeping, exchanges[index], Opinion.of(given), _client(request))
            exchanges = (*exchanges[:index], rated, *exchanges[index + 1 :])
        return {self.exchanges: exchanges, self.talk: self._talk(exchanges, language)}

    def _resume(self, exchanges: Exchanges, held: Held, box: str, handed: gr.EventData) -> Updates:
        """The connection is back: what this process does not know, the page hands back."""
        language = known_language(str(handed.language))
        known = exchanges or connection.read(str(handed.conversation))
        if known and not exchanges:
            held.free(known[-1].focus)
        unanswered = known[-1].question if known and known[-1].state == "running" else ""
        shown = self._shown(connection.broken_off(known), language) | self._restricted(held, language)
        lost: Any = unanswered if unanswered and not box else gr.skip()  # what is being typed stays
        return shown | {self.language: language, self.box: lost}

    def _restrict(self, held: Held, language: str, chosen: gr.EventData) -> Updates:
        """Other kinds or another day were chosen."""
        held.choose(float(str(chosen.choice)), kinds_of(chosen.kinds), day_of(chosen.as_of))
        return self._restricted(held, language)

    def _ask_about(self, held: Held, language: str, chosen: gr.EventData) -> Updates:
        """The next questions are about one source."""
        held.about((str(chosen.source), str(chosen.title)))
        return self._restricted(held, language)

    def _ask_all(self, held: Held, language: str) -> Updates:
        """The next questions are about every source again."""
        held.about(None)
        return self._restricted(held, language)

    def _restricted(self, held: Held, language: str) -> Updates:
        return {self.held: held, self.chips: chips(held, language)}

    def _export(self, exchanges: Exchanges, language: str, chosen: gr.EventData, request: gr.Request) -> str:
        """The conversation as a file, in markup: nothing of it is written to disk here."""
        address = str(request.base_url).rstrip("/")
        return tools.file(export(str(chosen.form), exchanges, language, address, _today()))

    def _talk(self, exchanges: Exchanges, language: str) -> str:
        return render.talk(exchanges, language, render.Look(self._shelf.glossary, self._keeping.on))

    def _shown(self, exchanges: Exchanges, language: str) -> Updates:
        running = bool(exchanges) and exchanges[-1].state == "running"
        return {
            self.exchanges: exchanges,
            self.talk: self._talk(exchanges, language),
            self.sources: render.sources(exchanges, language, _today()),
            self.kept: gr.skip() if running and exchanges[-1].sentences else connection.write(exchanges),
            self.save: "" if running else tools.save(exchanges, language),
            self.ask: gr.update(visible=not running),
            self.stop: gr.update(visible=running),
            self.new: gr.update(visible=bool(exchanges) and not running),
        }

    def _words(self, exchanges: Exchanges, held: Held, language: str) -> Updates:
        return {
            self.language: language,
            self.header: render.header(language),
            self.talk: self._talk(exchanges, language),
            self.sources: render.sources(exchanges, language, _today()),
            self.options: options(self._shelf.kinds, language),
            self.chips: chips(held, language),
            self.save: tools.save(exchanges, language),
            self.footer: render.footer(language),
            self.notice: connection.notice(language),
            self.box: gr.Textbox(label=say("Ask a question", language), placeholder=say("Ask a question", language)),
            self.ask: say("Ask", language),
            self.stop: say("Stop", language),
            self.new: say("New conversation", language),
        }


def _html(value: str, name: str, script: str | None = None) -> gr.HTML:
    return gr.HTML(value, elem_id=name, js_on_load=script, apply_default_css=False, padding=False)


def _client(request: gr.Request) -> str:
    return str(request.client.host) if request.client else ""


def _today() -> date:
    return date.today()
