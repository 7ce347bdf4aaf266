"""The fake model's replies: answers that depend only on the image's bytes, in the form of either protocol."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from groundglass.testing.odd_replies import altered

PATCH = 28
"""Side in px of the patch of an image that counts as one token."""
LEVELS = ("excellent", "good", "fair", "poor", "bad")


@dataclass(frozen=True)
class Asked:
    """A request as the server read it.

    number    0, 1, 2 … in the order of arrival
    name      the question's name, from its schema; "" if none was sent
    call      ``X-Client-Request-Id``
    key       the API key that was sent
    thinking  whether the model may reason first; False if the request turns that off
    settings  the names of all settings: the request's own keys, and `system` for separate instructions
    """

    number: int
    protocol: str
    model: str
    name: str
    prompt: str
    image: bytes
    width: int
    height: int
    schema: Mapping[str, Any] | None
    probabilities: bool
    repair: bool
    call: str
    key: str
    thinking: bool = True
    settings: frozenset[str] = frozenset()


def respond(asked: Asked, fault: str) -> tuple[int, bytes, tuple[int, int]]:
    """Status, body and tokens of an answer."""
    if fault in FAILURES:
        return _failed(asked, fault)
    if fault == "page":
        return 200, b"<html><body>Welcome</body></html>", (0, 0)
    text = said(asked, fault)
    patches = math.ceil(asked.width / PATCH) * math.ceil(asked.height / PATCH)
    # About four letters per token, as in real tokenizers.
    tokens = len(asked.prompt) // 4 + patches, max(1, len(text) // 4)
    make = _as_google if asked.protocol == "google" else _as_openai
    reply = make(asked, text, fault, *tokens)
    odd = altered(reply, asked.protocol, fault)
    if isinstance(odd, bytes):
        return 200, odd, tokens
    return 200, json.dumps(odd).encode(), (0, 0) if "error" in odd else tokens


FAILURES: Mapping[str, tuple[int, str, str | None]] = {
    "busy": (429, "too many requests", None),
    "error": (500, "something broke", None),
    "no_access": (401, "Incorrect API key provided: {key}", None),
    "filtered": (400, "The response was filtered by our content management policy.", None),
    "no_probabilities": (400, "logprobs are not supported with this model", "logprobs"),
    "no_schema": (400, "response_format is not supported with this model", "response_format"),
    "no_grammar": (400, "failed to parse grammar", None),
    "no_temperature": (
        400,
        "Unsupported value: 'temperature' does not support 0 with this model.",
        "temperature",
    ),
    "no_max_tokens": (400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", None),
    "no_system_role": (400, "System role not supported", None),
    "too_large": (400, "the image is too large", None),
    "bad": (400, "Bad Request", None),
    "unsaid": (400, "Bad Request", None),
    "must_think": (400, "Budget 0 is invalid. This model only works in thinking mode.", None),
}
"""fault → a status other than 200, its message, and the parameter that it names."""


def _failed(asked: Asked, fault: str) -> tuple[int, bytes, tuple[int, int]]:
    status, message, param = FAILURES[fault]
    said = message.format(key=asked.key)
    content = {"error": {"message": said, "code": status, "status": fault, "param": param}}
    return status, json.dumps(content).encode(), (0, 0)


def said(asked: Asked, fault: str) -> str:
    """The text of an answer."""
    if fault == "malformed":
        return "I think that it is rather nice."
    if fault == "wrong_schema":
        return json.dumps({"thoughts": "none"})
    schema = asked.schema or _schema_in(asked.prompt)
    if schema is None:
        return levels_of(asked)[0][0]
    return json.dumps({name: _value(asked, name, part, fault) for name, part in schema["properties"].items()})


def _schema_in(prompt: str) -> dict[str, Any] | None:
    """The schema at the end of the prompt, which a model sees even if its server takes no schema."""
    _, found, schema = prompt.rpartition("schema: ")
    return json.loads(schema) if found else None


def _value(asked: Asked, name: str, part: Mapping[str, Any], fault: str) -> Any:
    chance = _chance(asked, name)
    if "enum" in part:
        return "something else" if fault == "out_of_vocabulary" else part["enum"][chance % len(part["enum"])]
    if part["type"] == "array":
        return [f"reason {chance % 7}"]
    if part["type"] == "boolean":
        return chance % 2 == 0
    if part["type"] == "number":
        return 1 + chance % 41 / 10
    if fault == "quotes_key":
        return f"a sign that says {asked.key}"
    return f"{name} of {asked.width} x {asked.height} px, {hashlib.sha256(asked.image).hexdigest()[:8]}"


def _chance(asked: Asked, name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode() + asked.image).digest()[:4], "big")


def levels_of(asked: Asked) -> list[tuple[str, float]]:
    """Two neighbouring levels and another word, with their probabilities, the most probable first."""
    place = _chance(asked, "level") % 4
    return [(LEVELS[place], 0.6), (f" {LEVELS[place + 1].title()}", 0.3), ("The", 0.1)]


def _as_openai(asked: Asked, text: str, fault: str, tokens_in: int, tokens_out: int) -> dict[str, Any]:
    refusal = "I cannot help with that." if fault == "refusal" else None
    message = {"role": "assistant", "content": None if refusal else text, "refusal": refusal}
    choice: dict[str, Any] = {"index": 0, "finish_reason": "stop", "message": message}
    if asked.probabilities:
        levels = [("The", 1.0)] if fault == "malformed" else levels_of(asked)
        top = [{"token": token, "logprob": math.log(p), "bytes": None} for token, p in levels]
        choice["logprobs"] = {"content": [{**top[0], "top_logprobs": top}], "refusal": None}
    usage = {
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
    }
    head = {"id": f"chatcmpl-{asked.number}", "object": "chat.completion", "created": 0, "model": asked.model}
    return {**head, "choices": [choice], "usage": usage}


def _as_google(asked: Asked, text: str, fault: str, tokens_in: int, tokens_out: int) -> dict[str, Any]:
    thoughts = tokens_out // 2 if asked.thinking else 0
    usage = {
        "promptTokenCount": tokens_in,
        "candidatesTokenCount": tokens_out - thoughts,
        "thoughtsTokenCount": thoughts,
    }
    if fault == "refusal":
        return {"candidates": [{"finishReason": "SAFETY", "index": 0}], "usageMetadata": usage}
    content = {"role": "model", "parts": [{"text": text}]}
    candidate: dict[str, Any] = {"content": content, "finishReason": "STOP", "index": 0}
    if asked.probabilities:
        top = [{"token": token, "logProbability": math.log(p)} for token, p in levels_of(asked)]
        candidate["logprobsResult"] = {"topCandidates": [{"candidates": top}], "chosenCandidates": top[:1]}
    return {"candidates": [candidate], "usageMetadata": usage}
