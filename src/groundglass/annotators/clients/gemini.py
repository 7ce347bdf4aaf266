"""Asks a Gemini model through Google's ``generateContent``."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

from groundglass.annotators.clients import gemini_reply
from groundglass.annotators.clients.protocol import Request
from groundglass.calls.concessions import Forms, Setting
from groundglass.calls.server import Dialect, Server

HOME = "https://generativelanguage.googleapis.com"
TOP = 5
"""The number of alternatives to each token that are requested."""

SETTINGS = (
    Setting(
        "format",
        r"json.?(mode|schema)|response.?(mime|json|schema)|\bschema\b|structured",
        (("responseJsonSchema", ""), ("", "")),
    ),
    Setting("logprobs", r"log.?prob", (("responseLogprobs", ""), ("", "")), loyal=True),
    Setting("thinking", "thinking|budget", (("thinkingConfig", ""), ("", ""))),
    Setting(
        "system",
        r"system.?instruction|developer instruction|system.{0,20}(role|message|prompt)",
        (("systemInstruction", ""), ("the beginning of the question", "")),
    ),
    Setting("temperature", "temperature", (("temperature", ""), ("", ""))),
    Setting("length", r"max.?output.?tokens|max.?tokens", (("maxOutputTokens", ""), ("", ""))),
)
"""Settings that models refuse, the likeliest first. Reasoning costs as much as an answer, so it is off if possible."""


def google_server(model: str, base_url: str, key: str, seconds: float) -> Server:
    """A model of Google, or of a server with the same protocol; ``base_url`` "" is Google's own server."""
    root = (base_url or HOME).rstrip("/")
    name = model if "/" in model else f"models/{model}"
    dialect = Dialect(
        SETTINGS,
        used,
        body_of,
        gemini_reply.error_of,
        gemini_reply.tokens_of,
        gemini_reply.read_reply,
        gemini_reply.joined,
    )
    url = f"{root}/v1beta/{quote(name)}:generateContent"
    return Server(dialect, model, url, base_url or "Google", {"x-goog-api-key": key}, seconds)


def used(request: Request) -> list[str]:
    """The settings that a request has."""
    wanted = {"logprobs": request.probabilities, "format": request.schema is not None}
    named = [name for name, is_wanted in wanted.items() if is_wanted]
    return [*named, "thinking", "system", "temperature", "length"]


def body_of(_model: str, request: Request, forms: Forms) -> dict[str, Any]:
    """The body of the request."""
    settings: dict[str, Any] = {}
    if forms["temperature"] == 0:
        settings["temperature"] = 0
    if forms["length"] == 0:
        settings["maxOutputTokens"] = request.most_tokens
    if request.schema is not None and forms["format"] == 0:
        settings |= {"responseMimeType": "application/json", "responseJsonSchema": request.schema}
    if request.probabilities and forms["logprobs"] == 0:
        settings |= {"responseLogprobs": True, "logprobs": TOP}
    # A budget of 0 turns reasoning off.
    if forms["thinking"] == 0:
        settings["thinkingConfig"] = {"thinkingBudget": 0}
    own_turn = forms["system"] == 0
    body: dict[str, Any] = {"contents": _contents(request, own_turn), "generationConfig": settings}
    if own_turn:
        body["systemInstruction"] = {"parts": [{"text": request.instructions}]}
    return body


def _contents(request: Request, own_turn: bool) -> list[Any]:
    """The image, the question, and what was wrong with the first answer."""
    question = request.question if own_turn else f"{request.instructions}\n\n{request.question}"
    data = base64.b64encode(request.image).decode("ascii")
    image = {"inlineData": {"mimeType": "image/jpeg", "data": data}}
    turns: list[Any] = [{"role": "user", "parts": [image, {"text": question}]}]
    if request.faulty:
        answer, fault = request.faulty
        turns.append({"role": "model", "parts": [{"text": answer}]})
        turns.append({"role": "user", "parts": [{"text": fault}]})
    return turns
