"""The request for one image, and the reply: foreign data, of which only the bytes of an image are believed."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from groundglass.calls.protocol import masked, without_secrets
from groundglass.calls.refusals import CONTENT
from groundglass.generators.settings import Value

MOST_BYTES = 100 * 2**20
"""The largest reply: an image of 8192 x 8192 px as PNG in base64 stays below it."""


@dataclass(frozen=True)
class ImageRequest:
    """A request for one image.

    seed   None if the request has none
    image  the PNG file of the image to edit; empty if an image is made from the prompt alone
    """

    prompt: str
    seed: int | None = None
    settings: Mapping[str, Value] = field(default_factory=dict)
    name: str = "image"
    most_tokens: int = 0
    call: str = ""
    image: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class ImageReply:
    """A server's reply.

    content         the bytes that it calls an image
    url             the address of the image, if the reply has no bytes
    fault           (reason, detail) if it has no image, a word of `groundglass.errors.REASONS`
    revised_prompt  the prompt that the server used instead; "" if it does not say
    """

    content: bytes = b""
    url: str = ""
    fault: tuple[str, str] | None = None
    revised_prompt: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None

    @property
    def refused(self) -> str:
        """Why the server refused to make the image; "" if it did not."""
        return self.fault[1] if self.fault is not None and self.fault[0] == "refused" else ""


def image_of(encoded: str, revised: str = "") -> ImageReply:
    """The reply with an image in base64, with or without the head of a data URL.

    >>> image_of("aGVsbG8=").content, image_of("data:image/png;base64,aGVsbG8").content, image_of("a?").fault
    (b'hello', b'hello', ('no_image', 'its base64 is damaged'))
    """
    revised = masked(revised)
    text = encoded.partition(",")[2] if encoded.startswith("data:") else encoded
    text = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return ImageReply(fault=("no_image", "its base64 is damaged"), revised_prompt=revised)
    if not content:
        return ImageReply(fault=("no_image", "its image is empty"), revised_prompt=revised)
    return ImageReply(content, revised_prompt=revised)


def only_words(text: str, ended: str = "") -> ImageReply:
    """The reply without an image: a refusal if its words are one.

    >>> only_words("I can't help with that.").fault[0], only_words("A red cat.").fault
    ('refused', ('no_image', "it says 'A red cat.'"))
    """
    said = without_secrets(text)[:200]
    detail = (
        f"it says {said!r}" if said else f"it ended with {without_secrets(ended)[:40]!r}" if ended else "none"
    )
    return ImageReply(fault=("refused" if CONTENT.search(said) else "no_image", detail))
