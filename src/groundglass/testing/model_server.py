"""A server on this machine with the protocols of OpenAI and Gemini, and faults on demand.

It counts its calls and tokens, so that a ledger can be compared with it. Its answers have the right form and depend
only on the image's bytes; they mean nothing. ``python -m groundglass.testing.model_server COMMAND …`` runs a command
together with it and replaces ``URL`` in the command's words by its address: a rehearsal that costs nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from groundglass.libraries import simplejpeg
from groundglass.testing.local_server import LocalServer, Reply, run_command
from groundglass.testing.model_replies import Asked, levels_of, respond, said
from groundglass.testing.odd_replies import ODD

__all__ = ["FAULTS", "Asked", "Misbehave", "ModelServer", "Served", "levels_of", "respond", "said"]


@dataclass(frozen=True)
class Served:
    """A request and its outcome. A failure costs no tokens; an answer that comes too late costs its tokens."""

    asked: Asked
    fault: str
    status: int
    tokens_in: int = 0
    tokens_out: int = 0


Misbehave = Callable[[Asked], str]
"""The fault of a request: a word of `FAULTS`, or "" for none. Odd replies can be joined: ``think+no_usage``."""

FAULTS = {
    "busy": "429 with Retry-After",
    "error": "500",
    "no_access": "401 with the key in the message",
    "slow": "an answer after `seconds`",
    "drip": "an answer that comes byte by byte, one every `seconds`",
    "cut": "the connection ends in the middle of the answer",
    "page": "an HTML page instead of JSON",
    "refusal": "the model refuses",
    "filtered": "400: the content is against the rules",
    "malformed": "text that is not JSON",
    "wrong_schema": "JSON with other keys",
    "out_of_vocabulary": "a word that is not on the list",
    "no_probabilities": "400: this model gives none",
    "no_schema": "400: this model takes no schema",
    "no_grammar": "400 likewise, without naming the schema",
    "no_temperature": "400: this model takes none",
    "no_max_tokens": "400: this model takes `max_completion_tokens`",
    "no_system_role": "400: this model has no system role",
    "too_large": "400: the image is too large",
    "bad": "400 without a reason",
    "quotes_key": "a caption that quotes the key",
    "unsaid": "400 to a request with a temperature, without naming it",
    "must_think": "400: reasoning cannot be turned off",
    **{name: odd.meaning for name, odd in ODD.items()},
}


class ModelServer(LocalServer):
    """The server, running inside a ``with`` block.

    >>> with ModelServer() as server:
    ...     server.url.startswith("http://127.0.0.1:"), len(server.served)
    (True, 0)
    """

    def __init__(
        self, misbehave: Misbehave = lambda _: "", seconds: float = 0.0, pause: str = "0.05"
    ) -> None:
        super().__init__(seconds, pause)
        self.misbehave = misbehave
        self.served: list[Served] = []
        self.headers: list[Mapping[str, str]] = []

    def tokens(self) -> tuple[int, int]:
        """All tokens charged, in and out."""
        with self.lock:
            return sum(one.tokens_in for one in self.served), sum(one.tokens_out for one in self.served)

    def answer(self, number: int, path: str, body: Mapping[str, Any], headers: Any) -> Reply:
        """Answer a question."""
        read = _from_google if ":generateContent" in path else _from_openai
        asked = read(number, path, body, headers)
        fault = _fitting(self.misbehave(asked), asked)
        status, content, tokens = respond(asked, fault)
        with self.lock:
            self.headers.append(dict(headers.items()))
            self.served.append(Served(asked, fault, status, *tokens))
        return status, content, fault


REFUSED = {
    "no_temperature": "temperature",
    "unsaid": "temperature",
    "no_max_tokens": "max_tokens",
    "no_system_role": "system",
}
"""fault → the setting that a request must have to meet it."""


def _fitting(fault: str, asked: Asked) -> str:
    """The fault, if the request can meet it: a setting that it does not have cannot be refused."""
    if fault in REFUSED:
        return fault if REFUSED[fault] in asked.settings else ""
    if fault == "no_probabilities":
        return fault if asked.probabilities else ""
    if fault in ("no_schema", "no_grammar"):
        return fault if asked.schema is not None else ""
    if fault == "must_think":
        return "" if asked.thinking else fault
    return fault


def _from_openai(number: int, _path: str, body: Mapping[str, Any], headers: Any) -> Asked:
    turns = body["messages"]
    user = next(turn["content"] for turn in turns if turn["role"] == "user")
    address = next(part["image_url"]["url"] for part in user if part["type"] == "image_url")
    image = base64.b64decode(address.partition(",")[2])
    form = body.get("response_format", {}).get("json_schema", {})
    return Asked(
        number,
        "openai",
        body["model"],
        form.get("name", ""),
        next(part["text"] for part in user if part["type"] == "text"),
        image,
        *_size(image),
        form.get("schema"),
        bool(body.get("logprobs")),
        any(turn["role"] == "assistant" for turn in turns),
        headers.get("X-Client-Request-Id", ""),
        headers.get("Authorization", "").removeprefix("Bearer "),
        settings=frozenset(body) | {turn["role"] for turn in turns},
    )


def _from_google(number: int, path: str, body: Mapping[str, Any], headers: Any) -> Asked:
    parts = body["contents"][0]["parts"]
    image = base64.urlsafe_b64decode(
        next(part["inlineData"]["data"] for part in parts if "inlineData" in part)
    )
    settings = body.get("generationConfig", {})
    return Asked(
        number,
        "google",
        path.rpartition("/")[2].partition(":")[0],
        "",
        next(part["text"] for part in parts if "text" in part),
        image,
        *_size(image),
        settings.get("responseJsonSchema"),
        bool(settings.get("responseLogprobs")),
        len(body["contents"]) > 1,
        headers.get("X-Client-Request-Id", ""),
        headers.get("x-goog-api-key", ""),
        # thinkingBudget or thinking_budget: Google accepts both
        thinking=0 not in settings.get("thinkingConfig", {}).values(),
        settings=frozenset(settings) | ({"system"} if "systemInstruction" in body else set()),
    )


def _size(image: bytes) -> tuple[int, int]:
    height, width, *_ = simplejpeg.decode_jpeg_header(image)
    return int(width), int(height)


if __name__ == "__main__":
    run_command(ModelServer())
