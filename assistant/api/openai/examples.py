"""Examples of the API's document: a question, its answer, and the beginning and end of a stream."""

from __future__ import annotations

from typing import Any

from pydantic.config import JsonDict

from assistant.api.examples import ANSWER, QUESTION
from assistant.api.openai.questions import MODEL

_ASKED, _CITED = QUESTION["question"], ANSWER["citations"][0]
_SOURCE = f"1. [{_CITED['title']}]({_CITED['url']}) · {_CITED['anchor']['heading'][0]}"
_TEXT = f"{ANSWER['answer']}\n\n---\n\n**Quellen**\n\n{_SOURCE}"
_MARK = _TEXT.index("[1]")
_CITATION = {"start_index": _MARK, "end_index": _MARK + 3, "url": _CITED["url"], "title": _CITED["title"]}
_ID, _CREATED = ANSWER["id"], 1_767_225_600

CHAT: JsonDict = {"model": MODEL, "messages": [{"role": "user", "content": _ASKED}], "stream": False}
COMPLETION: dict[str, Any] = {
    "id": f"chatcmpl-{_ID}",
    "object": "chat.completion",
    "created": _CREATED,
    "model": MODEL,
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": _TEXT,
                "refusal": None,
                "annotations": [{"type": "url_citation", "url_citation": _CITATION}],
            },
            "finish_reason": "stop",
            "logprobs": None,
        }
    ],
    "usage": {"prompt_tokens": 9, "completion_tokens": 35, "total_tokens": 44},
    "cluster_talks": ANSWER,
}
CHUNKS = (
    'data: {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "The supplier …"}}]}\n\n'
    "data: [DONE]\n\n"
)

RESPONSE_IN: JsonDict = {"model": MODEL, "input": _ASKED, "stream": False}
RESPONSE: dict[str, Any] = {
    "id": f"resp_{_ID}",
    "object": "response",
    "created_at": _CREATED,
    "completed_at": _CREATED,
    "status": "completed",
    "model": MODEL,
    "output": [
        {
            "id": f"msg_{_ID}",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [
                {
                    "type": "output_text",
                    "text": _TEXT,
                    "annotations": [{"type": "url_citation", **_CITATION}],
                    "logprobs": [],
                }
            ],
        }
    ],
    "usage": {"input_tokens": 9, "output_tokens": 35, "total_tokens": 44},
    "cluster_talks": ANSWER,
}
EVENTS = (
    'event: response.output_text.delta\ndata: {"type": "response.output_text.delta", "sequence_number": 4, '
    '"item_id": "msg_5f0c…", "output_index": 0, "content_index": 0, "delta": "The supplier …", "logprobs": []}\n\n'
)


def answered(whole: dict[str, Any], streamed: str) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entry of an answer that comes whole or streamed."""
    stream = {"schema": {"type": "string"}, "example": streamed}
    content = {"application/json": {"example": whole}, "text/event-stream": stream}
    return {200: {"description": "The answer", "content": content}}
