"""The requests to a multimodal model, its replies, and the errors on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

SECRETS: set[str] = set()
"""API keys that this process has read. They are masked in every text of a server before it is passed on."""


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


class Trouble(Exception):
    """A call without an answer.

    reason   ``timeout``, ``server_error``, ``refused``, ``bad_request`` or ``no_access``
    again    whether the same request may succeed later
    wait     seconds that the server asks to wait; None if it does not say
    charged  whether the call may cost money although nothing came back
    tokens   in and out, if the server counted some nevertheless
    within   whether it came inside a reply of status 200: then the server answers
    changed  whether the next request has another form, because the server refuses a setting of this one
    """

    def __init__(
        self,
        reason: str,
        detail: str,
        *,
        again: bool = False,
        wait: float | None = None,
        charged: bool = False,
        tokens: tuple[int | None, int | None] = (None, None),
        changed: bool = False,
    ) -> None:
        super().__init__(reason, without_secrets(detail))
        self.reason, self.detail = reason, without_secrets(detail)
        self.again, self.wait, self.charged = again, wait, charged
        self.tokens, self.changed, self.within = tokens, changed, False


class Client(Protocol):
    """A model that can be asked, by several threads at once if ``concurrent``."""

    concurrent: bool

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user on how the model was asked, such as settings that its server refuses."""
        ...

    def ask(self, request: Request) -> Reply:
        """The answer. Raises Trouble."""
        ...


def without_secrets(text: str) -> str:
    """A text that is safe to show and store: one short line, valid Unicode, without any API key.

    >>> SECRETS.add("sk-123456")
    >>> without_secrets("Incorrect key\\n sk-123456")
    'Incorrect key …'
    >>> SECRETS.discard("sk-123456")
    """
    return " ".join(_masked(text, 0).encode(errors="replace").decode().split())[:300]


_CONTROLS = dict.fromkeys(n for n in range(32) if chr(n) not in "\t\n\r")
SHORTEST = 8
"""Only keys of at least this length are masked in answers: a shorter one, such as `none`, may be an ordinary word."""


def masked(text: str) -> str:
    """An answer without any API key, in valid Unicode, without unpaired surrogates or control characters.

    >>> SECRETS.add("sk-123456")
    >>> masked("a sign that says sk-123456")
    'a sign that says …'
    >>> SECRETS.discard("sk-123456")
    """
    return _masked(text, SHORTEST).translate(_CONTROLS).encode(errors="replace").decode()


def _masked(text: str, shortest: int) -> str:
    # The longest first: a key may contain a shorter one.
    for secret in sorted(SECRETS, key=len, reverse=True):
        if len(secret) >= shortest:
            text = text.replace(secret, "…")
    return text
