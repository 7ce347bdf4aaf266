"""A model behind a server, for every protocol: sends requests, handles refusals, reads replies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from groundglass.calls.concessions import Concessions, Forms, Setting
from groundglass.calls.foreign import DoubledKey
from groundglass.calls.protocol import Q, R, Trouble, without_secrets
from groundglass.calls.refusals import (
    POLICY,
    Failure,
    read_error_within,
    read_failure,
    trouble_of,
)
from groundglass.calls.reply_body import UNPAID, pieces_of
from groundglass.calls.wire import MOST_BYTES, Answered, Form, Wire

ABOUT_SETTINGS = (400, 404, 405, 415, 422, 500, 501)
"""Statuses with which servers refuse a setting."""


@dataclass(frozen=True)
class Dialect(Generic[Q, R]):
    """A protocol.

    settings   the settings that some servers refuse; the likeliest first
    used       used(request) -> the names of the settings in a request
    body       body(model, request, forms) -> the body to send: JSON, or a form
    error_of   error_of(payload) -> the error that a reply of status 200 holds, or None
    tokens_of  tokens_of(payload) -> tokens in and out
    read       read(payload, where) -> the answer; raises Trouble
    joined     joined(pieces) -> one reply from the pieces of a stream
    """

    settings: Sequence[Setting]
    used: Callable[[Q], Sequence[str]]
    body: Callable[[str, Q, Forms], dict[str, Any] | Form]
    error_of: Callable[[Any], Any]
    tokens_of: Callable[[Any], tuple[int | None, int | None]]
    read: Callable[[Any, str], R]
    joined: Callable[[Sequence[dict[str, Any]]], dict[str, Any]]


class Server(Generic[Q, R]):
    """A model at ``url``; ``where`` is the server's name in messages. Safe for threads."""

    concurrent = True

    def __init__(
        self,
        dialect: Dialect[Q, R],
        model: str,
        url: str,
        where: str,
        headers: Mapping[str, str],
        seconds: float,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self.model, self.where = model, where
        self._dialect, self._url = dialect, url
        self._wire = Wire(where, headers, seconds, most_bytes)
        self._concessions = Concessions(dialect.settings)

    @property
    def notes(self) -> tuple[str, ...]:
        """The settings that the server refuses, and the form in which each is sent instead."""
        return tuple(self._concessions.notes.values())

    def ask(self, request: Q) -> R:
        """The answer. Raises Trouble."""
        forms = self._concessions.forms(self._dialect.used(request))
        body = self._dialect.body(self.model, request, forms)
        answered = self._wire.post(self._url, {"X-Client-Request-Id": request.call}, body)
        if not 200 <= answered.status < 300:
            failure = read_failure(answered.status, answered.headers, answered.body)
            raise self._refusal(request, forms, failure)
        try:
            reply = self._reply(request, forms, answered)
        except RecursionError as error:
            what = f"{self.where} answers with JSON that is nested too deeply"
            raise Trouble("server_error", what, charged=True) from error
        self._concessions.accepted(request, forms)
        return reply

    def _reply(self, request: Q, forms: Forms, answered: Answered) -> R:
        """The answer in a reply with a success status."""
        payload = self._payload(answered)
        error = self._dialect.error_of(payload)
        if error:
            failure = read_error_within(error, answered.headers)
            raise self._refusal(request, forms, failure, self._dialect.tokens_of(payload))
        return self._dialect.read(payload, self.where)

    def _payload(self, answered: Answered) -> dict[str, Any]:
        """The JSON object of a reply. Only a body that no model wrote is requested again: others are paid for."""
        try:
            pieces = pieces_of(answered.body)
        except DoubledKey as error:
            raise Trouble("server_error", f"{self.where}: {error} in its reply", charged=True) from error
        except ValueError as error:
            said = without_secrets(answered.body.decode(errors="replace"))[:80]
            what = f"{self.where} does not answer with JSON: {said!r}"
            unpaid = answered.body.lstrip()[:1] in UNPAID
            raise Trouble("server_error", what, again=unpaid, charged=True) from error
        if not pieces:
            raise Trouble("server_error", f"{self.where} does not answer with a JSON object", charged=True)
        return pieces[0] if len(pieces) == 1 else self._dialect.joined(pieces)

    def _refusal(
        self,
        request: Q,
        forms: Forms,
        failure: Failure,
        tokens: tuple[int | None, int | None] = (None, None),
    ) -> Trouble:
        """The trouble that a failure means; a setting that the server refuses takes another form from now on."""
        trouble = trouble_of(failure, self.where)
        paid = any(tokens)
        trouble.tokens, trouble.charged, trouble.within = tokens, paid, failure.within
        # A call that cost tokens is not repeated: it would be paid twice.
        trouble.again = trouble.again and not paid
        if failure.status not in ABOUT_SETTINGS or POLICY.search(failure.words) or paid:
            return trouble
        searching = trouble.reason == "bad_request" and not failure.within
        if not self._concessions.refused(request, forms, failure, searching):
            return trouble
        changed = self._concessions.forms(list(forms)) != forms
        return Trouble("bad_request", trouble.detail, again=True, wait=0, changed=changed)
