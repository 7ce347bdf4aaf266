"""Asks any server with OpenAI's `/images/generations` for an image, or with its `/images/edits` for an edited one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from groundglass.calls.concessions import Forms, Setting
from groundglass.calls.foreign import Foreign, Listed, OrNone, Words
from groundglass.calls.server import Dialect, Server
from groundglass.calls.wire import Form
from groundglass.generators.image_reply import MOST_BYTES, ImageReply, ImageRequest, image_of, only_words
from groundglass.generators.settings import Value

HOME = "https://api.openai.com/v1"
RESPONSE_FORMAT = Setting("response_format", r"response.?format", (("response_format", ""), ("", "")))
SEED = Setting("seed", r"\bseed\b", (("seed", ""), ("", "")))
NAMES = {"guidance": "guidance_scale", "steps": "num_inference_steps"}
"""Settings whose words differ from the names that such servers give them."""


def openai_images(
    model: str, base_url: str, key: str, seconds: float, headers: Mapping[str, str], edits: bool = False
) -> Server[ImageRequest, ImageReply]:
    """An image model of a server. ``base_url`` usually ends in ``/v1``; ``key`` is sent as the bearer token.

    With ``edits`` every request has an image to edit.
    """
    dialect = Dialect[ImageRequest, ImageReply](
        (RESPONSE_FORMAT, SEED),
        used,
        form_of if edits else body_of,
        error_of,
        lambda _: (None, None),
        read_reply,
        lambda found: found[-1],
    )
    sent = {"Authorization": f"Bearer {key}", **headers}
    url = f"{base_url.rstrip('/')}/images/{'edits' if edits else 'generations'}"
    return Server(dialect, model, url, base_url, sent, seconds, MOST_BYTES)


def used(request: ImageRequest) -> list[str]:
    """The settings of a request that a server may refuse, and that are then left out."""
    return ["response_format"] if request.seed is None else ["response_format", "seed"]


def body_of(model: str, request: ImageRequest, forms: Forms) -> dict[str, Any]:
    """The body of the request.

    >>> body_of("m", ImageRequest("a cat", 7, {"size": "512x512"}), {"response_format": 1, "seed": 0})
    {'model': 'm', 'prompt': 'a cat', 'n': 1, 'size': '512x512', 'seed': 7}
    """
    body: dict[str, Any] = {"model": model, "prompt": request.prompt, "n": 1}
    body |= {NAMES.get(name, name): value for name, value in request.settings.items()}
    if forms["response_format"] == 0:
        body["response_format"] = "b64_json"
    if forms.get("seed") == 0:
        body["seed"] = request.seed
    return body


def form_of(model: str, request: ImageRequest, forms: Forms) -> Form:
    """The form of a request that edits an image.

    >>> form = form_of("m", ImageRequest("sharp", None, {"size": "auto"}, image=b"PNG"), {"response_format": 1})
    >>> form.fields, form.files
    ({'model': 'm', 'prompt': 'sharp', 'n': '1', 'size': 'auto'}, {'image': ('image.png', b'PNG', 'image/png')})
    """
    fields = {name: _text(value) for name, value in body_of(model, request, forms).items()}
    return Form(fields, {"image": ("image.png", request.image, "image/png")})


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class Datum(Foreign):
    """One image."""

    encoded: Annotated[Words, Field(validation_alias="b64_json")] = ""
    url: Words = ""
    revised: Annotated[Words, Field(validation_alias="revised_prompt")] = ""


class Message(Foreign):
    """The words of a server that answers as a chat."""

    content: Words = ""


class Choice(Foreign):
    """An answer of a chat."""

    message: Annotated[Message | None, OrNone] = None


class Generated(Foreign):
    """A complete reply."""

    data: Annotated[list[Annotated[Datum | None, OrNone]], Listed] = Field(default_factory=list)
    choices: Annotated[list[Annotated[Choice | None, OrNone]], Listed] = Field(default_factory=list)
    error: Any = None


def error_of(payload: Any) -> Any:
    """The error in a reply, None if there is none."""
    return Generated.model_validate(payload).error


def read_reply(payload: Any, where: str) -> ImageReply:  # noqa: ARG001
    """The image in a reply, or why it has none.

    >>> read_reply({"data": [{"b64_json": "aGVsbG8=", "revised_prompt": "a cat"}]}, "").revised_prompt
    'a cat'
    >>> read_reply({"data": []}, "").fault
    ('no_image', 'none')
    """
    found = Generated.model_validate(payload)
    first = next((one for one in found.data if one is not None and (one.encoded or one.url)), None)
    if first is None:
        said = [one.message.content for one in found.choices if one is not None and one.message is not None]
        return only_words(said[0] if said else "")
    if first.encoded or first.url.startswith("data:"):
        return image_of(first.encoded or first.url, first.revised)
    return ImageReply(url=first.url, revised_prompt=first.revised)
