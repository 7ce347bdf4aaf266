"""The questions to a multimodal model, and its answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from groundglass.calls import protocol


@dataclass(frozen=True)
class Request:
    """One question about one image.

    instructions   the system message, the same for every question
    question       the question itself; it is sent after the image, so that servers can reuse the encoded image
    image          the image as a JPEG file
    name           name of the question: letters, digits and underscores
    schema         JSON schema of the answer; None if any text is valid
    probabilities  whether the probabilities of the answer's tokens are wanted
    most_tokens    the longest answer, in tokens
    faulty         an invalid answer and its fault: then this request is the one attempt to repair it
    call           id of this call, sent as ``X-Client-Request-Id``
    """

    instructions: str
    question: str
    image: bytes
    name: str
    schema: Mapping[str, Any] | None = None
    probabilities: bool = False
    most_tokens: int = 400
    faulty: tuple[str, str] | None = None
    call: str = ""


Position = Mapping[str, float]
"""The alternatives at one place of an answer: token → natural logarithm of its probability."""


@dataclass(frozen=True)
class Reply:
    """A model's answer.

    tokens_in/out   None if the server does not count them
    positions       the alternatives to its first tokens; empty if the server does not give them
    refused         why the model refused to answer; "" if it answered
    reasoning       the model's reasoning, if the server returns it separately
    ended           why the answer ended, in the server's word; "" if it does not say
    """

    text: str
    tokens_in: int | None = None
    tokens_out: int | None = None
    positions: tuple[Position, ...] = ()
    refused: str = ""
    reasoning: str = ""
    ended: str = ""

    @property
    def cut(self) -> bool:
        """Whether the answer was cut off by the limit on its length.

        >>> Reply("", ended="MAX_TOKENS").cut, Reply("", ended="stop").cut
        (True, False)
        """
        # Servers have several words for it, such as length and MAX_TOKENS.
        return any(word in self.ended.lower() for word in ("length", "max", "limit"))


Client = protocol.Client[Request, Reply]
"""A multimodal model that can be asked."""
