"""The parts of every call of a server: a request, a reply, the errors on the way, and keys that must not be shown."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, TypeVar

SECRETS: set[str] = set()
"""API keys that this process has read. They are masked in every text of a server before it is passed on."""


class Request(Protocol):
    """A request to a server: a dataclass with these fields.

    name         the kind of the request, for which the server's refusals of settings are remembered
    most_tokens  the longest answer, in tokens; 0 if the answer is not counted in tokens
    call         id of this call, sent as ``X-Client-Request-Id``
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def name(self) -> str: ...
    @property
    def most_tokens(self) -> int: ...
    @property
    def call(self) -> str: ...


class Reply(Protocol):
    """The answer to a request.

    tokens_in/out   None if the server does not count them
    refused         why the model refused to answer; "" if it answered
    """

    @property
    def tokens_in(self) -> int | None: ...
    @property
    def tokens_out(self) -> int | None: ...
    @property
    def refused(self) -> str: ...


Q = TypeVar("Q", bound=Request)
"""A kind of request."""
QContra = TypeVar("QContra", bound=Request, contravariant=True)
R = TypeVar("R", bound=Reply)
"""A kind of reply."""
RCo = TypeVar("RCo", bound=Reply, covariant=True)


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


class Client(Protocol[QContra, RCo]):
    """A model that can be asked, by several threads at once if ``concurrent``."""

    concurrent: bool

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user on how the model was asked, such as settings that its server refuses."""
        ...

    def ask(self, request: QContra) -> RCo:
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
