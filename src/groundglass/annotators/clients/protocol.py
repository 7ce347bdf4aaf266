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
    reasoning       what the model thought before, where the server tells it apart
    ended           why the answer ended, in the server's word; "" where it does not say
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
        return any(word in self.ended.lower() for word in ("length", "max", "limit"))


class Trouble(Exception):
    """A call that brought no answer.

    reason   ``timeout``, ``server_error``, ``refused``, ``bad_request`` or ``no_access``
    again    whether the same request may succeed later
    wait     seconds that the server wants to be left alone; None where it does not say
    charged  whether the call may cost money although nothing came back
    tokens   in and out, where the server counted some all the same
    within   whether it came as a reply of status 200: the server answers
    changed  whether the request is sent in another form next time, because the server refuses a setting of it
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
    """Someone who can be asked; by several threads at once where ``concurrent`` says so."""

    concurrent: bool

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of how it was asked, such as settings that its server refuses."""
        ...

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
    return " ".join(_masked(text, 0).encode(errors="replace").decode().split())[:300]


_CONTROLS = dict.fromkeys(n for n in range(32) if chr(n) not in "\t\n\r")
SHORTEST = 8
"""Letters of a key that is masked in answers: a shorter one, such as `none`, is a word like others."""


def masked(text: str) -> str:
    """An answer without any key, and with letters that files can hold: no halves of letters, no control characters.

    >>> SECRETS.add("sk-123456")
    >>> masked("a sign that says sk-123456")
    'a sign that says …'
    >>> SECRETS.discard("sk-123456")
    """
    return _masked(text, SHORTEST).translate(_CONTROLS).encode(errors="replace").decode()


def _masked(text: str, shortest: int) -> str:
    for secret in sorted(SECRETS, key=len, reverse=True):
        if len(secret) >= shortest:
            text = text.replace(secret, "…")
    return text
