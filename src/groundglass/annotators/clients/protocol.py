"""What is asked of a multimodal model, what it answers, and what can go wrong on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

SECRETS: set[str] = set()
"""Keys that this process has read. No text of a server is passed on with one of them in it."""


@dataclass(frozen=True)
class Request:
    """One question about one picture.

    instructions   what holds for every question (the system message)
    question       the question itself; it stands behind the picture, so that servers can reuse what they made of it
    image          the picture as a JPEG file
    name           of the question: letters, digits and underscores
    schema         JSON schema of the answer; None where any text will do
    probabilities  whether the probabilities of the answer's tokens are wanted
    most_tokens    the longest answer, in tokens
    faulty         an answer that was no answer, and what was wrong with it: then this is the one attempt to repair it
    call           what this call is known by, sent along as ``X-Client-Request-Id``
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
"""What the model could have said at one place of its answer: token → natural logarithm of its probability."""


@dataclass(frozen=True)
class Reply:
    """A model's answer.

    tokens_in/out   None where the server does not count them
    positions       what else it could have said at its first tokens; empty where the server does not tell
    refused         why it will not answer; "" where it did
    """

    text: str
    tokens_in: int | None = None
    tokens_out: int | None = None
    positions: tuple[Position, ...] = ()
    refused: str = ""


class Trouble(Exception):
    """A call that brought no answer.

    reason   ``timeout``, ``server_error``, ``refused``, ``bad_request`` or ``no_access``
    again    whether the same request may succeed later
    wait     seconds that the server wants to be left alone; None where it does not say
    charged  whether the call may cost money although nothing came back
    """

    def __init__(
        self,
        reason: str,
        detail: str,
        *,
        again: bool = False,
        wait: float | None = None,
        charged: bool = False,
    ) -> None:
        super().__init__(reason, without_secrets(detail))
        self.reason, self.detail = reason, without_secrets(detail)
        self.again, self.wait, self.charged = again, wait, charged


class Client(Protocol):
    """Someone who can be asked; by several threads at once where ``concurrent`` says so."""

    concurrent: bool

    def ask(self, request: Request) -> Reply:
        """The answer. Raises Trouble."""
        ...


def without_secrets(text: str) -> str:
    """A text that may be shown and stored: on one line, not long, of letters that files can hold, without any key.

    >>> SECRETS.add("sk-123456")
    >>> without_secrets("Incorrect key\\n sk-123456")
    'Incorrect key …'
    >>> SECRETS.discard("sk-123456")
    """
    for secret in SECRETS:
        text = text.replace(secret, "…")
    return " ".join(text.encode(errors="replace").decode().split())[:300]


def seconds_of(header: str | None) -> float | None:
    """``Retry-After`` in seconds; None where it is absent or a date.

    >>> seconds_of("1.5"), seconds_of("Fri, 31 Dec 1999 23:59:59 GMT"), seconds_of(None), seconds_of("nan")
    (1.5, None, None, None)
    """
    try:
        seconds = float(header or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def trouble_of_status(status: int, detail: str, wait: float | None, where: str) -> Trouble:
    """What an HTTP status means for who asked.

    >>> trouble_of_status(503, "", None, "http://localhost").again
    True
    """
    if status in (401, 403):  # the server's own text may quote the key
        return Trouble("no_access", f"{where} refuses access ({status})")
    if status in (402, 404):
        return Trouble("no_access", f"{where} says {status}: {detail}")
    if status in (408, 409, 425, 429) or status >= 500:
        return Trouble("server_error", f"{where} says {status}: {detail}", again=True, wait=wait)
    return Trouble("bad_request", f"{where} says {status}: {detail}")
