"""Asks any server with OpenAI's chat-completions protocol: OpenAI, vLLM, Ollama, llama.cpp …"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from groundglass.annotators.clients import openai_reply
from groundglass.annotators.clients.protocol import Request
from groundglass.calls.concessions import Forms, Setting
from groundglass.calls.server import Dialect, Server

HOME = "https://api.openai.com/v1"
TOP = (20, 5)
"""The number of alternatives to each token that are requested: the most that any server gives, and that some give."""

_ROLES = (
    r"system.{0,20}(role|message|prompt|instruction)|developer.{0,10}(role|message|instruction)"
    r"|(unknown|invalid|unsupported|unexpected) role|roles?.{0,40}(system|alternat|not supported)"
    r"|only user and assistant|chat.?template|jinja"
)
FORMAT = Setting(
    "format",
    r"response.?format|json.?(schema|mode|object)|grammar|guided|structured|\bschema\b",
    (("response_format", ""), ("", "")),
)
LOGPROBS = Setting(
    "logprobs",
    r"log.?prob",
    (
        ("logprobs", ""),
        (f"logprobs with {TOP[1]} alternatives", r"top.?logprobs.*\d|max.?logprobs"),
        ("", ""),
    ),
    loyal=True,
)
SYSTEM = Setting("system", _ROLES, (("the system message", ""), ("the beginning of the question", "")))
TEMPERATURE = Setting("temperature", "temperature", (("temperature", ""), ("", "")))
_TOKENS = r"max.?(completion.?|output.?|new.?)?tokens"


def settings(lengths: tuple[str, str]) -> tuple[Setting, ...]:
    """Settings that servers refuse, the likeliest first; ``lengths`` are the two names of the limit on an answer."""
    length = Setting("length", _TOKENS, ((lengths[0], ""), (lengths[1], ""), ("", "")))
    return FORMAT, LOGPROBS, SYSTEM, TEMPERATURE, length


def openai_server(
    model: str, base_url: str, key: str, seconds: float, headers: Mapping[str, str] | None = None
) -> Server:
    """A model of a server. ``base_url`` usually ends in ``/v1``; ``key`` is sent as the bearer token."""
    # OpenAI's own server uses the new name, most others the old one; a refusal switches to the other name.
    lengths = ("max_tokens", "max_completion_tokens")
    known = settings((lengths[1], lengths[0]) if base_url == HOME else lengths)

    def body(model: str, request: Request, forms: Forms) -> dict[str, Any]:
        return body_of(model, request, forms, known)

    dialect = Dialect(
        known,
        used,
        body,
        openai_reply.error_of,
        openai_reply.tokens_of,
        openai_reply.read_reply,
        openai_reply.joined,
    )
    sent = {"Authorization": f"Bearer {key}", **(headers or {})}
    return Server(dialect, model, f"{base_url.rstrip('/')}/chat/completions", base_url, sent, seconds)


def used(request: Request) -> list[str]:
    """The settings that a request has."""
    wanted = {"logprobs": request.probabilities, "format": request.schema is not None}
    return [*(name for name, is_wanted in wanted.items() if is_wanted), "system", "temperature", "length"]


def body_of(model: str, request: Request, forms: Forms, known: tuple[Setting, ...]) -> dict[str, Any]:
    """The body of the request."""
    length = known[-1].forms[forms["length"]][0]
    body: dict[str, Any] = {"model": model, "messages": messages(request, own_turn=forms["system"] == 0)}
    if forms["temperature"] == 0:
        body["temperature"] = 0
    if length:
        body[length] = request.most_tokens
    if request.probabilities and forms["logprobs"] < len(TOP):
        # The second form asks for fewer alternatives, because some servers allow only 5.
        body |= {"logprobs": True, "top_logprobs": TOP[forms["logprobs"]]}
    if request.schema is not None and forms["format"] == 0:
        schema = {"name": request.name, "schema": request.schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def messages(request: Request, own_turn: bool = True) -> list[Any]:
    """The conversation: instructions, the image, the question, and the fault of the first answer.

    Without ``own_turn`` the instructions come before the question, in the same message.
    """
    image = f"data:image/jpeg;base64,{base64.b64encode(request.image).decode('ascii')}"
    question = request.question if own_turn else f"{request.instructions}\n\n{request.question}"
    said = [
        {"type": "image_url", "image_url": {"url": image}},
        {"type": "text", "text": question},
    ]
    whole: list[Any] = [{"role": "system", "content": request.instructions}] if own_turn else []
    whole.append({"role": "user", "content": said})
    if request.faulty:
        answer, fault = request.faulty
        whole += [{"role": "assistant", "content": answer}, {"role": "user", "content": fault}]
    return whole
