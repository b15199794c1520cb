"""The API of OpenAI, as far as an assistant that only quotes can speak it: models, chat completions, responses.

`questions` turns a request into a Question, `wording` an answer into text with marks and sources, `errors` every
problem document below /v1/ into OpenAI's shape. A route lives in the file of its subject; add its router to ROUTERS.
"""

from __future__ import annotations

from fastapi import FastAPI

from assistant.api.openai import chat, errors, models, responses

ROUTERS = (models.router, chat.router, responses.router)


def install(app: FastAPI) -> None:
    """Add the routes and what they refuse."""
    for router in ROUTERS:
        app.include_router(router)
    errors.install(app)
