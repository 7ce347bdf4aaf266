"""A server on this machine that speaks the protocols of OpenAI and Gemini, and misbehaves when it is told to.

It counts its calls and tokens, so a ledger can be held against it; its answers are of the right form and follow from
the picture's bytes, and mean nothing. ``python -m groundglass.testing.model_server COMMAND …`` runs a command beside
it, with ``URL`` in the command's words replaced by its address: a rehearsal that costs nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from groundglass.libraries import simplejpeg

PATCH = 28
"""Side in px of what counts as one token of a picture."""
LEVELS = ("excellent", "good", "fair", "poor", "bad")


@dataclass(frozen=True)
class Asked:
    """A request as the server understood it.

    number    0, 1, 2 … in the order of arrival
    name      the question's: of its schema, or "" where none was sent
    call      ``X-Client-Request-Id``
    key       what was sent as the key
    thinking  whether the model may think first; False where it was told not to
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


@dataclass(frozen=True)
class Served:
    """A request and what became of it. No tokens are charged for what fails; an answer too late costs its tokens."""

    asked: Asked
    fault: str
    status: int
    tokens_in: int = 0
    tokens_out: int = 0


Misbehave = Callable[[Asked], str]
"""Which fault a request meets: a word of `FAULTS`, or "" for none."""

FAULTS = {
    "busy": "429 with Retry-After",
    "error": "500",
    "no_access": "401, and the key quoted",
    "slow": "an answer after `seconds`",
    "cut": "the connection ends in the middle of the answer",
    "page": "an HTML page instead of JSON",
    "refusal": "the model will not",
    "malformed": "text that is not JSON",
    "wrong_schema": "JSON with other keys",
    "out_of_vocabulary": "a word that is not on the list",
    "no_probabilities": "400: this model tells none",
    "no_schema": "400: this model takes no schema",
    "must_think": "400: this model cannot be told not to",
}


class ModelServer:
    """The server, at work inside a ``with`` block.

    >>> with ModelServer() as server:
    ...     server.url.startswith("http://127.0.0.1:"), len(server.served)
    (True, 0)
    """

    def __init__(
        self, misbehave: Misbehave = lambda _: "", seconds: float = 0.0, pause: str = "0.05"
    ) -> None:
        self.misbehave, self.seconds, self.pause = misbehave, seconds, pause
        self.served: list[Served] = []
        self.asked = 0
        self.lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"model_server": self})
        self._http = _Quiet(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def root(self) -> str:
        """The address that Google's protocol starts from."""
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def url(self) -> str:
        """The address that OpenAI's protocol starts from."""
        return f"{self.root}/v1"

    def tokens(self) -> tuple[int, int]:
        """All tokens charged, in and out."""
        with self.lock:
            return sum(one.tokens_in for one in self.served), sum(one.tokens_out for one in self.served)

    def __enter__(self) -> ModelServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Quiet(ThreadingHTTPServer):
    """A client that hangs up is no news here."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell of faults of our own only."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    model_server: ModelServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        server = self.model_server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            number, server.asked = server.asked, server.asked + 1
        read = _from_google if ":generateContent" in self.path else _from_openai
        asked = read(number, self.path, body, self.headers)
        fault = _fitting(server.misbehave(asked), asked)
        status, content, tokens = respond(asked, fault)
        with server.lock:
            server.served.append(Served(asked, fault, status, *tokens))
        if fault == "slow":
            time.sleep(server.seconds)
        try:
            self._send(status, content, fault)
        except OSError:  # whoever asked is gone
            self.close_connection = True

    def _send(self, status: int, content: bytes, fault: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if fault == "page" else "application/json")
        self.send_header("Content-Length", str(len(content)))
        if fault == "busy":
            self.send_header("Retry-After", self.model_server.pause)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if fault == "cut" else content)
        self.close_connection = self.close_connection or fault == "cut"


def _fitting(fault: str, asked: Asked) -> str:
    """A fault that a request can meet: what it does not ask for cannot be refused it."""
    if fault == "no_probabilities":
        return fault if asked.probabilities else ""
    if fault == "no_schema":
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
        len(turns) > 2,
        headers.get("X-Client-Request-Id", ""),
        headers.get("Authorization", "").removeprefix("Bearer "),
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
        0
        not in settings.get(
            "thinkingConfig", {}
        ).values(),  # thinkingBudget, or thinking_budget: both are known
    )


def _size(image: bytes) -> tuple[int, int]:
    height, width, *_ = simplejpeg.decode_jpeg_header(image)
    return int(width), int(height)


def respond(asked: Asked, fault: str) -> tuple[int, bytes, tuple[int, int]]:
    """Status, body and tokens of an answer."""
    if fault in ("busy", "error", "no_access", "no_probabilities", "no_schema", "must_think"):
        return _failed(asked, fault)
    if fault == "page":
        return 200, b"<html><body>Welcome</body></html>", (0, 0)
    text = said(asked, fault)
    patches = math.ceil(asked.width / PATCH) * math.ceil(asked.height / PATCH)
    tokens = len(asked.prompt) // 4 + patches, max(1, len(text) // 4)
    make = _as_google if asked.protocol == "google" else _as_openai
    return 200, json.dumps(make(asked, text, fault, *tokens)).encode(), tokens


def _failed(asked: Asked, fault: str) -> tuple[int, bytes, tuple[int, int]]:
    status, message, param = {
        "busy": (429, "too many requests", None),
        "error": (500, "something broke", None),
        "no_access": (401, f"Incorrect API key provided: {asked.key}", None),
        "no_probabilities": (400, "logprobs are not supported with this model", "logprobs"),
        "no_schema": (400, "response_format is not supported with this model", "response_format"),
        "must_think": (400, "Budget 0 is invalid. This model only works in thinking mode.", None),
    }[fault]
    content = {"error": {"message": message, "code": status, "status": fault, "param": param}}
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
    """The schema that the prompt ends with: all that a model sees whose server takes none."""
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
    return f"{name} of {asked.width} x {asked.height} px, {hashlib.sha256(asked.image).hexdigest()[:8]}"


def _chance(asked: Asked, name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode() + asked.image).digest()[:4], "big")


def levels_of(asked: Asked) -> list[tuple[str, float]]:
    """Two neighbouring levels and another word with their probabilities, the most probable first."""
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


def main() -> None:
    """Run the command that the arguments are, with ``URL`` replaced, and end as it ends."""
    with ModelServer() as server:
        words = [word.replace("URL", server.url) for word in sys.argv[1:]]
        ended = subprocess.run(words, check=False)
    sys.exit(ended.returncode)


if __name__ == "__main__":
    main()
