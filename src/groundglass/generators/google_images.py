"""Asks a model of Google for an image: Imagen through ``predict``, Gemini through ``generateContent``.

Gemini also edits an image.
"""

from __future__ import annotations

import base64
import re
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field

from groundglass.calls.concessions import Forms, Setting
from groundglass.calls.foreign import Foreign, Listed, OrNone, Words
from groundglass.calls.server import Dialect, Server
from groundglass.generators.image_reply import (
    MOST_BYTES,
    ImageReply,
    ImageRequest,
    image_of,
    only_words,
)

HOME = "https://generativelanguage.googleapis.com"
SEED = Setting("seed", r"\bseed\b", (("seed", ""), ("", "")))
OF_IMAGES = ("aspectRatio", "imageSize")
"""Settings of Gemini that belong to its image, not to its words."""
HARMFUL = re.compile(r"SAFETY|PROHIBITED|BLOCK|SPII|RECITATION")
"""Reasons of ending that are refusals."""


def is_imagen(model: str) -> bool:
    """Whether a model is asked through ``predict``.

    >>> is_imagen("imagen-4.0-generate-001"), is_imagen("gemini-2.5-flash-image")
    (True, False)
    """
    return model.rpartition("/")[2].startswith("imagen")


def google_images(model: str, base_url: str, key: str, seconds: float) -> Server[ImageRequest, ImageReply]:
    """An image model of Google, or of a server with the same protocol; ``base_url`` "" is Google's own server."""
    root = (base_url or HOME).rstrip("/")
    name = model if "/" in model else f"models/{model}"
    imagen = is_imagen(model)
    dialect = Dialect[ImageRequest, ImageReply](
        (SEED,),
        lambda request: [] if request.seed is None else ["seed"],
        predict_body if imagen else content_body,
        error_of,
        lambda _: (None, None),
        read_prediction if imagen else read_content,
        _joined,
    )
    url = f"{root}/v1beta/{quote(name)}:{'predict' if imagen else 'generateContent'}"
    return Server(dialect, model, url, base_url or "Google", {"x-goog-api-key": key}, seconds, MOST_BYTES)


def predict_body(_model: str, request: ImageRequest, forms: Forms) -> dict[str, Any]:
    """The body of a request to Imagen.

    >>> predict_body("", ImageRequest("a cat", 7, {"aspect_ratio": "1:1", "guidance": 5.0}), {"seed": 1})["parameters"]
    {'sampleCount': 1, 'aspectRatio': '1:1', 'guidanceScale': 5.0}
    """
    parameters: dict[str, Any] = {"sampleCount": 1, **_named(request)}
    if forms["seed"] == 0:
        parameters["seed"] = request.seed
    return {"instances": [{"prompt": request.prompt}], "parameters": parameters}


def content_body(_model: str, request: ImageRequest, forms: Forms) -> dict[str, Any]:
    """The body of a request to Gemini; an image to edit follows the prompt.

    >>> content_body("", ImageRequest("sharp", image=b"PNG"), {})["contents"][0]["parts"][1]
    {'inlineData': {'mimeType': 'image/png', 'data': 'UE5H'}}
    """
    settings = _named(request)
    image = {name: settings.pop(name) for name in OF_IMAGES if name in settings}
    config: dict[str, Any] = {"responseModalities": ["TEXT", "IMAGE"], **settings}
    if image:
        config["imageConfig"] = image
    if forms.get("seed") == 0:
        config["seed"] = request.seed
    parts: list[dict[str, Any]] = [{"text": request.prompt}]
    if request.image:
        data = base64.b64encode(request.image).decode("ascii")
        parts.append({"inlineData": {"mimeType": "image/png", "data": data}})
    return {"contents": [{"role": "user", "parts": parts}], "generationConfig": config}


def _named(request: ImageRequest) -> dict[str, Any]:
    """The settings under Google's names: ``aspect_ratio`` is ``aspectRatio``."""
    names = {"guidance": "guidance_scale"}
    return {
        re.sub(r"_(\w)", lambda found: found[1].upper(), names.get(name, name)): value
        for name, value in request.settings.items()
    }


class Prediction(Foreign):
    """One image of Imagen, or the reason why it was filtered."""

    encoded: Annotated[Words, Field(validation_alias="bytesBase64Encoded")] = ""
    filtered: Annotated[Words, Field(validation_alias="raiFilteredReason")] = ""
    prompt: Words = ""


class Predicted(Foreign):
    """A reply of Imagen."""

    predictions: Annotated[list[Annotated[Prediction | None, OrNone]], Listed] = Field(default_factory=list)
    error: Any = None


class Inline(Foreign):
    """Data in base64."""

    data: Words = ""


class Part(Foreign):
    """A part of Gemini's answer: words, or an image; a draft of its reasoning if ``thought``."""

    text: Words = ""
    thought: Any = None
    inline: Annotated[Inline | None, OrNone, Field(validation_alias="inlineData")] = None


class Content(Foreign):
    """The content of Gemini's answer."""

    parts: Annotated[list[Annotated[Part | None, OrNone]], Listed] = Field(default_factory=list)


class Candidate(Foreign):
    """One answer."""

    content: Annotated[Content | None, OrNone] = None
    ended: Annotated[Words, Field(validation_alias="finishReason")] = ""


class Feedback(Foreign):
    """The reason why a prompt did not reach the model."""

    blocked: Annotated[Words, Field(validation_alias="blockReason")] = ""


class Answered(Foreign):
    """A reply of Gemini."""

    candidates: Annotated[list[Annotated[Candidate | None, OrNone]], Listed] = Field(default_factory=list)
    feedback: Annotated[Feedback | None, OrNone, Field(validation_alias="promptFeedback")] = None
    error: Any = None


def error_of(payload: Any) -> Any:
    """The error in a reply, None if there is none."""
    return Answered.model_validate(payload).error


def read_prediction(payload: Any, where: str) -> ImageReply:  # noqa: ARG001
    """The image in a reply of Imagen; a reply without any means that all were filtered.

    >>> read_prediction({"predictions": [{"raiFilteredReason": "unsafe"}]}, "").fault
    ('refused', 'unsafe')
    """
    found = [one for one in Predicted.model_validate(payload).predictions if one is not None]
    image = next((one for one in found if one.encoded), None)
    if image is not None:
        return image_of(image.encoded, image.prompt)
    filtered = next((one.filtered for one in found if one.filtered), "")
    if filtered or not found:
        return ImageReply(fault=("refused", filtered or "it filtered every image, and gives no reason"))
    return only_words("")


def read_content(payload: Any, where: str) -> ImageReply:  # noqa: ARG001
    """The image in a reply of Gemini, or why it has none.

    >>> read_content({"candidates": [{"finishReason": "IMAGE_SAFETY"}]}, "").fault
    ('refused', 'IMAGE_SAFETY')
    """
    found = Answered.model_validate(payload)
    blocked = found.feedback.blocked if found.feedback else ""
    first = next((one for one in found.candidates if one is not None), None) or Candidate()
    parts = [
        one for one in (first.content.parts if first.content else []) if one is not None and not one.thought
    ]
    image = next((one.inline.data for one in parts if one.inline is not None and one.inline.data), None)
    if image is not None:
        return image_of(image)
    if blocked or HARMFUL.search(first.ended):
        return ImageReply(fault=("refused", blocked or first.ended))
    return only_words(" ".join(one.text for one in parts), first.ended)


def _joined(pieces: Any) -> dict[str, Any]:
    """The piece of a stream that has an image, else the last one."""
    return next((one for one in pieces if read_content(one, "").content), pieces[-1])
