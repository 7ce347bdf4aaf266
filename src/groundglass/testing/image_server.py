"""A server on this machine that makes and edits images by the protocols of OpenAI and Google, with faults on demand.

It counts its calls and paid images, so that a ledger can be compared with it. Images that it makes depend on the prompt
and the seed, and mean nothing; an edited one is the image that was sent, twice as large.
``python -m groundglass.testing.image_server COMMAND …`` runs a command together with it and replaces ``URL`` in the
command's words by its address: a rehearsal that costs nothing.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from groundglass.image.encode import encode_png, thumbnail
from groundglass.image.frame import open_frame
from groundglass.image.header import read_header
from groundglass.image.resize import resize
from groundglass.random_streams import stream
from groundglass.testing.local_server import LocalServer, Reply, run_command

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
    "other_ratio": "an image of half the height",
    "near_ratio": "an image that is 1 % wider",
    "copy": "the image that was sent",
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


@dataclass(frozen=True)
class AskedImage:
    """A request as the server read it.

    number    0, 1, 2 … in the order of arrival
    seed      None if none was sent
    settings  all other settings of the request
    image     the file of the image to edit; empty if there is none
    """

    number: int
    protocol: str
    model: str
    prompt: str
    seed: int | None
    settings: Mapping[str, Any]
    call: str
    key: str
    image: bytes = field(default=b"", repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in px; if none was sent, twice those of the image to edit, or 64 x 64."""
        found = re.fullmatch(r"(\d+)x(\d+)", str(self.settings.get("size", "")))
        if found:
            return int(found[1]), int(found[2])
        if self.image:
            header = read_header(self.image)
            return 2 * header.width, 2 * header.height
        return 64, 64


@dataclass(frozen=True)
class ServedImage:
    """A request, its fault, and its status; ``paid`` if it costs money."""

    asked: AskedImage
    fault: str
    status: int
    paid: bool


class ImageServer(LocalServer):
    """The server, running inside a ``with`` block.

    >>> with ImageServer() as server:
    ...     server.url.startswith("http://127.0.0.1:"), server.paid()
    (True, 0)
    """

    def __init__(
        self, misbehave: Callable[[AskedImage], str] = lambda _: "", seconds: float = 0.0, pause: str = "0.05"
    ) -> None:
        super().__init__(seconds, pause)
        self.misbehave = misbehave
        self.served: list[ServedImage] = []
        self.files: dict[str, bytes] = {}
        self.away = True
        self.fetched: list[Mapping[str, str]] = []

    def paid(self) -> int:
        """The number of images that cost money."""
        with self.lock:
            return sum(one.paid for one in self.served)

    def file(self, path: str, headers: Any) -> Reply:
        """The image at an address that a reply named."""
        with self.lock:
            self.fetched.append(dict(headers.items()))
            content = self.files.get(path)
        if path.startswith("/away") and self.away:
            return 503, b"later", ""
        if path == "/huge":
            return 200, b"", "endless"
        fault = "slow" if path.startswith("/slow") else ""
        return (404, b"no such file", fault) if content is None else (200, content, fault)

    def answer(self, number: int, path: str, body: Mapping[str, Any], headers: Any) -> Reply:
        """Make an image."""
        asked = _read(number, path, body, headers)
        fault = _fitting(self.misbehave(asked), asked)
        status, content = self._made(asked, fault)
        with self.lock:
            self.served.append(ServedImage(asked, fault, status, not fault or fault in PAID))
        return status, content, "endless" if fault == "huge" else fault

    def _made(self, asked: AskedImage, fault: str) -> tuple[int, bytes]:
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
            address = f"{self.root}{path}"
            self.files[path] = image if fault in ("url", "slow_url", "away_url") else b""
            other = {
                "bad_url": "file:///etc/hostname",
                "inner_url": "http://169.254.169.254/",
                "lost_url": f"{address}.gone",
                "huge_url": f"{self.root}/huge",
            }
            address = other.get(fault, address)
        make = {"openai": _as_openai, "imagen": _as_imagen, "gemini": _as_gemini}[asked.protocol]
        return 200, json.dumps(make(asked, fault, image, address)).encode()


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
    if fault == "copy":
        return asked.image
    width, height = asked.size
    if fault == "other_size":
        width, height = width // 2, height // 2
    elif fault == "other_ratio":
        height //= 2
    elif fault == "near_ratio":
        width = round(width * 1.01)
    names = () if fault == "same" else (asked.prompt, asked.seed if asked.seed is not None else asked.number)
    rgb = stream(0, "image", *names).integers(0, 1 if fault == "black" else 256, (height, width, 3), "uint8")
    if asked.image and fault not in ("same", "black"):
        rgb = resize(open_frame(asked.image).rgb, width, height, "matlab_bicubic")
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
        words, *images = body["contents"][0]["parts"]
        image = base64.b64decode(images[0]["inlineData"]["data"]) if images else b""
        return AskedImage(number, "gemini", model, words["text"], seed, settings, call, key, image)
    others = ("model", "prompt", "seed", "image")
    settings = {name: value for name, value in body.items() if name not in others}
    bearer = headers.get("Authorization", "").removeprefix("Bearer ")
    return AskedImage(
        number,
        "openai",
        body["model"],
        body["prompt"],
        body.get("seed"),
        settings,
        call,
        bearer,
        body["image"] if path.endswith("/images/edits") else b"",
    )


if __name__ == "__main__":
    run_command(ImageServer())
