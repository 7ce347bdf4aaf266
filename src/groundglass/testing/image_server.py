"""A server on this machine that makes images by the protocols of OpenAI and Google, with faults on demand.

It counts its calls and paid images, so that a ledger can be compared with it. Its images depend on the prompt and the
seed; they mean nothing. ``python -m groundglass.testing.image_server COMMAND …`` runs a command together with it and
replaces ``URL`` in the command's words by its address: a rehearsal that costs nothing.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any

from groundglass.image.encode import encode_png, thumbnail
from groundglass.random_streams import stream
from groundglass.testing.model_server import QuietServer

FAULTS = {
    "busy": "429 with Retry-After",
    "error": "500",
    "no_access": "401 with the key in the message",
    "slow": "an answer after `seconds`",
    "drip": "an answer that comes byte by byte, one every `seconds`",
    "cut": "the connection ends in the middle of the answer",
    "page": "an HTML page instead of JSON",
    "refusal": "the model refuses the prompt",
    "filtered": "400: the prompt is against the rules (OpenAI), or a filtered image (Google)",
    "text": "words instead of an image",
    "other_size": "an image of half the size",
    "same": "the same image for every prompt and seed",
    "wrong_type": "a JPEG file that is called a PNG",
    "not_an_image": "bytes of no image",
    "broken_base64": "letters that are not base64",
    "empty": "no image",
    "huge": "200 MB",
    "black": "an image of which every pixel is black",
    "half_file": "the first half of an image's file",
    "url": "the address of the image instead of its bytes",
    "slow_url": "an address that answers after `seconds`",
    "away_url": "an address that gives 503 while `away`",
    "bad_url": "the address of a file of this machine",
    "inner_url": "an address that only machines in a cloud can read",
    "lost_url": "an address that gives 404",
    "huge_url": "an address that gives 200 MB",
    "no_seed": "400: this model takes no seed",
    "no_response_format": "400: this model takes no response_format",
    "bad": "400 without a reason",
    "surrogates": "a revised prompt with unpaired surrogates",
}
PAID = frozenset(FAULTS) - {
    "busy",
    "error",
    "no_access",
    "page",
    "filtered",
    "no_seed",
    "no_response_format",
    "bad",
}
"""Faults after which the server has made an image, and charges for it."""
HUGE = 200 * 2**20


@dataclass(frozen=True)
class AskedImage:
    """A request as the server read it.

    number    0, 1, 2 … in the order of arrival
    seed      None if none was sent
    settings  all other settings of the request
    """

    number: int
    protocol: str
    model: str
    prompt: str
    seed: int | None
    settings: Mapping[str, Any]
    call: str
    key: str

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px; 64 x 64 if none was sent."""
        found = re.fullmatch(r"(\d+)x(\d+)", str(self.settings.get("size", "")))
        return (int(found[1]), int(found[2])) if found else (64, 64)


@dataclass(frozen=True)
class ServedImage:
    """A request, its fault, and its status; ``paid`` if it costs money."""

    asked: AskedImage
    fault: str
    status: int
    paid: bool


class ImageServer:
    """The server, running inside a ``with`` block.

    >>> with ImageServer() as server:
    ...     server.url.startswith("http://127.0.0.1:"), server.paid()
    (True, 0)
    """

    def __init__(
        self, misbehave: Callable[[AskedImage], str] = lambda _: "", seconds: float = 0.0, pause: str = "0.05"
    ) -> None:
        self.misbehave, self.seconds, self.pause = misbehave, seconds, pause
        self.served: list[ServedImage] = []
        self.files: dict[str, bytes] = {}
        self.away = True
        self.fetched: list[Mapping[str, str]] = []
        self.asked = 0
        self.lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"image_server": self})
        self._http = QuietServer(("127.0.0.1", 0), handler)
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

    def paid(self) -> int:
        """The number of images that cost money."""
        with self.lock:
            return sum(one.paid for one in self.served)

    def __enter__(self) -> ImageServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    image_server: ImageServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Give the image at an address that a reply named."""
        server = self.image_server
        with server.lock:
            server.fetched.append(dict(self.headers.items()))
            content = server.files.get(self.path)
        if self.path.startswith("/slow"):
            time.sleep(server.seconds)
        if self.path.startswith("/away") and server.away:
            self._send(503, b"later", "")
        elif self.path == "/huge":
            self._send(200, b"", "huge_url")
        else:
            self._send(404 if content is None else 200, content or b"no such file", "")

    def do_POST(self) -> None:
        """Make an image."""
        server = self.image_server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            number, server.asked = server.asked, server.asked + 1
        asked = _read(number, self.path, body, self.headers)
        fault = _fitting(server.misbehave(asked), asked)
        status, content = self._answer(asked, fault)
        with server.lock:
            server.served.append(ServedImage(asked, fault, status, not fault or fault in PAID))
        if fault == "slow":
            time.sleep(server.seconds)
        try:
            self._send(status, content, fault)
        # The client is gone.
        except OSError:
            self.close_connection = True

    def _answer(self, asked: AskedImage, fault: str) -> tuple[int, bytes]:
        if fault in FAILURES and not (fault == "filtered" and asked.protocol != "openai"):
            status, message = FAILURES[fault]
            error = {"message": message.format(key=asked.key), "code": status, "status": fault}
            return status, json.dumps({"error": error}).encode()
        if fault == "page":
            return 200, b"<html><body>Welcome</body></html>"
        image = image_for(asked, fault)
        address = ""
        if "url" in fault:
            path = f"/{fault.partition('_')[0]}{asked.number}.png"
            address = f"{self.image_server.root}{path}"
            self.image_server.files[path] = image if fault in ("url", "slow_url", "away_url") else b""
            other = {
                "bad_url": "file:///etc/hostname",
                "inner_url": "http://169.254.169.254/",
                "lost_url": f"{address}.gone",
            }
            address = {**other, "huge_url": f"{self.image_server.root}/huge"}.get(fault, address)
        make = {"openai": _as_openai, "imagen": _as_imagen, "gemini": _as_gemini}[asked.protocol]
        return 200, json.dumps(make(asked, fault, image, address)).encode()

    def _send(self, status: int, content: bytes, fault: str) -> None:
        huge = fault in ("huge", "huge_url")
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if fault == "page" else "application/json")
        self.send_header("Content-Length", str(HUGE if huge else len(content)))
        if fault == "busy":
            self.send_header("Retry-After", self.image_server.pause)
        self.end_headers()
        if huge:
            for _ in range(HUGE // 2**20):
                self.wfile.write(b"{" * 2**20)
        elif fault == "drip":
            for byte in content:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(self.image_server.seconds)
        else:
            self.wfile.write(content[: len(content) // 2] if fault == "cut" else content)
        self.close_connection = self.close_connection or fault == "cut"


FAILURES: Mapping[str, tuple[int, str]] = {
    "busy": (429, "too many requests"),
    "error": (500, "something broke"),
    "no_access": (401, "Incorrect API key provided: {key}"),
    "filtered": (400, "Your request was rejected as a result of our safety system. content_policy_violation"),
    "no_seed": (400, "Unknown parameter: 'seed'."),
    "no_response_format": (400, "Unknown parameter: 'response_format'."),
    "bad": (400, "Bad Request"),
}
"""fault → a status other than 200, and its message."""


def _fitting(fault: str, asked: AskedImage) -> str:
    """The fault, if the request can meet it: a setting that it does not have cannot be refused."""
    if fault == "no_seed":
        return fault if asked.seed is not None else ""
    if fault == "no_response_format":
        return fault if "response_format" in asked.settings else ""
    return fault


def image_for(asked: AskedImage, fault: str = "") -> bytes:
    """The image file for a request."""
    if fault == "not_an_image":
        return b"I am not an image, whatever my name says."
    width, height = asked.size
    if fault == "other_size":
        width, height = width // 2, height // 2
    names = () if fault == "same" else (asked.prompt, asked.seed if asked.seed is not None else asked.number)
    rgb = stream(0, "image", *names).integers(0, 1 if fault == "black" else 256, (height, width, 3), "uint8")
    if fault == "half_file":
        whole = encode_png(rgb)
        return whole[: len(whole) // 2]
    return thumbnail(rgb, max(width, height), 90) if fault == "wrong_type" else encode_png(rgb)


def _encoded(image: bytes, fault: str) -> str:
    if fault == "broken_base64":
        return "§§§ this is not base64 §§§"
    return "" if fault == "empty" else base64.b64encode(image).decode("ascii")


def _as_openai(asked: AskedImage, fault: str, image: bytes, address: str) -> dict[str, Any]:
    if fault in ("text", "refusal"):
        words = "I cannot help with that." if fault == "refusal" else "Here is a poem about a cat."
        return {"choices": [{"message": {"role": "assistant", "content": words}}]}
    revised = "\ud800 a cat" if fault == "surrogates" else f"{asked.prompt}, in detail"
    datum = {"url": address} if address else {"b64_json": _encoded(image, fault)}
    return {"created": 0, "data": [] if fault == "empty" else [{**datum, "revised_prompt": revised}]}


def _as_imagen(_asked: AskedImage, fault: str, image: bytes, _address: str) -> dict[str, Any]:
    if fault == "refusal":
        return {}
    if fault == "filtered":
        return {
            "predictions": [{"raiFilteredReason": "Unable to show this image: it may violate our policies."}]
        }
    if fault == "text":
        return {"predictions": [{"content": "a poem"}]}
    return {"predictions": [{"mimeType": "image/png", "bytesBase64Encoded": _encoded(image, fault)}]}


def _as_gemini(_asked: AskedImage, fault: str, image: bytes, _address: str) -> dict[str, Any]:
    if fault == "filtered":
        return {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
    if fault == "refusal":
        return {"candidates": [{"finishReason": "IMAGE_SAFETY", "index": 0}]}
    draft = {"thought": True, "inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    words = {"text": "Here it is."}
    whole = {"inlineData": {"mimeType": "image/png", "data": _encoded(image, fault)}}
    parts = [words] if fault in ("text", "empty") else [draft, words, whole]
    return {
        "candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}]
    }


def _read(number: int, path: str, body: Mapping[str, Any], headers: Any) -> AskedImage:
    call = headers.get("X-Client-Request-Id", "")
    model = path.rpartition("/")[2].partition(":")[0]
    key = headers.get("x-goog-api-key", "")
    if path.endswith(":predict"):
        settings = dict(body["parameters"])
        seed = settings.pop("seed", None)
        return AskedImage(number, "imagen", model, body["instances"][0]["prompt"], seed, settings, call, key)
    if path.endswith(":generateContent"):
        settings = dict(body["generationConfig"])
        seed = settings.pop("seed", None)
        prompt = body["contents"][0]["parts"][0]["text"]
        return AskedImage(number, "gemini", model, prompt, seed, settings, call, key)
    settings = {name: value for name, value in body.items() if name not in ("model", "prompt", "seed")}
    bearer = headers.get("Authorization", "").removeprefix("Bearer ")
    return AskedImage(
        number, "openai", body["model"], body["prompt"], body.get("seed"), settings, call, bearer
    )


def main() -> None:
    """Run the command in the arguments, with ``URL`` replaced, and exit with its status."""
    with ImageServer() as server:
        words = [word.replace("URL", server.url) for word in sys.argv[1:]]
        ended = subprocess.run(words, check=False)
    sys.exit(ended.returncode)


if __name__ == "__main__":
    main()
