"""Reads a server's refusal: its message, the wait that it asks for, and its cause (image, request or access)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from groundglass.calls.foreign import load_json
from groundglass.calls.protocol import Trouble

NOT_THE_IMAGES_OWN = re.compile(
    r"too (large|big|long|many|small)|exceed|context (length|window|size)|maximum|at most|reduce the"
    r"|resolution|dimension"
    r"|\bmodels?\b.*\b(exist|found|unknown|invalid|support|available|load)|(unknown|invalid|unsupported) model"
    r"|(image|vision|multimodal).{0,30}(not|n't) (supported|enabled)|mmproj|multipart",
    re.IGNORECASE | re.DOTALL,
)
"""Words about sizes, limits and models: another configuration solves these, another image does not."""
POLICY = re.compile(
    r"content.?(policy|filter|management|moderation)|responsible.?ai|data.?inspection", re.IGNORECASE
)
"""Names that servers use for refusals of an image's content."""
CONTENT = re.compile(
    r"safety|moderat(ed|ion)|inappropriate|nsfw|high.?risk|sensitive|explicit|sexual|violen(t|ce)|harmful|unsafe"
    r"|(can ?not|can't|unable to|won't|will not) (assist|help|answer|process|comply|fulfil|describe|analy)"
    r"|\brefus|prohibited.?content|usage (policy|policies|guideline)|violat\w* (our|the|usage)"
    r"|flagged|censor|illegal content|guardrail|\bblocked\b|敏感|不安全|违规",
    re.IGNORECASE,
)
"""Words of a refusal because of what an image shows."""
BILL = re.compile(r"insufficient.?(quota|balance|funds|credit)|billing|payment required", re.IGNORECASE)


@dataclass(frozen=True)
class Failure:
    """A server's error instead of an answer.

    status   the HTTP status, or the number in an error inside a reply of status 200
    message  for people
    words    the message and the names next to it: code, kind, parameter
    wait     seconds that the server asks to wait; None if it does not say
    within   whether it came inside a reply of status 200
    """

    status: int
    message: str
    words: str
    wait: float | None = None
    within: bool = False


def read_failure(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """The failure in a reply with an error status, whatever its body is.

    >>> read_failure(400, {}, b'{"error": {"message": "no", "code": "x"}}').words
    'no x'
    >>> read_failure(503, {"retry-after": "7"}, b"<html>Busy</html>")
    Failure(status=503, message='<html>Busy</html>', words='<html>Busy</html>', wait=7.0, within=False)
    """
    try:
        payload = load_json(body)
    except ValueError:
        payload = body.decode(errors="replace")
    message, words = _said(payload)
    return Failure(status, message, words, wait_asked(headers, payload))


def read_error_within(error: Any, headers: Mapping[str, str]) -> Failure:
    """The failure in an error inside a reply of status 200.

    >>> read_error_within({"message": "slow down", "code": "429"}, {}).status
    429
    """
    message, words = _said(error)
    code = error.get("code", error.get("status")) if isinstance(error, dict) else None
    try:
        status = int(str(code))
    except ValueError:
        # Some servers give a word instead of a number.
        status = 429 if re.search(r"rate.?limit|RESOURCE_EXHAUSTED|too many requests", words) else 0
    if not 400 <= status <= 599:
        invalid = re.search(r"invalid|bad.?request|INVALID_ARGUMENT", words, re.IGNORECASE)
        status = 400 if invalid or POLICY.search(words) else 500
    return Failure(status, message, words, wait_asked(headers, error), within=True)


def _said(payload: Any) -> tuple[str, str]:
    """The message, and all words that may show its cause."""
    if isinstance(payload, list):
        payload = payload[0] if payload else ""
    inner = payload.get("error", payload) if isinstance(payload, dict) else payload
    if not isinstance(inner, dict):
        text = str(inner)[:2000]
        return text, text
    message = inner.get("message") or inner.get("detail") or inner.get("msg") or payload.get("message") or ""
    text = (message if isinstance(message, str) else str(message))[:2000] or str(inner)[:500]
    names = [inner.get(name) for name in ("code", "type", "status", "param")]
    deeper = inner.get("innererror"), inner.get("metadata")
    beside = [str(one)[:500] for one in (*names, *deeper) if one]
    return text, " ".join([text, *beside])


def wait_asked(headers: Mapping[str, str], payload: Any) -> float | None:
    """Seconds that a server asks to wait: from `Retry-After`, or Google's `retryDelay`.

    >>> wait_asked({}, {"error": {"details": [{"retryDelay": "37.5s"}]}}), wait_asked({"retry-after-ms": "1500"}, "")
    (37.5, 1.5)
    """
    thousandths = seconds_of(headers.get("retry-after-ms"))
    if thousandths is not None:
        return thousandths / 1000
    stated = seconds_of(headers.get("retry-after"))
    return stated if stated is not None else _delay(payload)


def _delay(payload: Any) -> float | None:
    """The `retryDelay` of an error's details."""
    if isinstance(payload, list):
        payload = payload[0] if payload else None
    inner = payload.get("error", payload) if isinstance(payload, dict) else None
    details = inner.get("details") if isinstance(inner, dict) else None
    for one in details if isinstance(details, list) else ():
        delay = one.get("retryDelay") if isinstance(one, dict) else None
        if isinstance(delay, dict):
            delay = delay.get("seconds")
        seconds = seconds_of(str(delay).removesuffix("s")) if delay is not None else None
        if seconds is not None:
            return seconds
    return None


def seconds_of(header: str | None) -> float | None:
    """``Retry-After`` in seconds, also if it is a date; None if it is absent or neither.

    >>> seconds_of("1.5"), seconds_of("Fri, 31 Dec 1999 23:59:59 GMT"), seconds_of(None), seconds_of("nan")
    (1.5, 0.0, None, None)
    """
    try:
        seconds = float(header or "")
    except ValueError:
        return _until(header or "")
    return seconds if 0 <= seconds < float("inf") else None


def _until(date: str) -> float | None:
    try:
        then = parsedate_to_datetime(date)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())


def trouble_of(failure: Failure, where: str) -> Trouble:
    """The trouble that a failure means for a request, apart from refused settings.

    >>> trouble_of(Failure(503, "", ""), "http://localhost").again
    True
    >>> trouble_of(Failure(400, "blocked by our content filter", "blocked by our content filter"), "").reason
    'refused'
    """
    status, message, words = failure.status, failure.message, failure.words
    said = f"{where} says {status}: {message}"
    if POLICY.search(words) and status < 500:
        return Trouble("refused", message)
    # Inside a reply of status 200 these concern this call only: the server was reached and granted access.
    if failure.within and status in (401, 402, 403, 404):
        return Trouble("refused" if CONTENT.search(words) else "server_error", said)
    if status == 401 or (status == 400 and re.search(r"api.?key", words, re.IGNORECASE)):
        # The server's own text is left out: it may quote the key.
        return Trouble("no_access", f"{where} refuses access ({status})")
    if status == 403:
        if CONTENT.search(words):
            return Trouble("refused", message)
        return Trouble("no_access", f"{where} refuses access ({status})")
    if status in (402, 404) or BILL.search(words):
        return Trouble("no_access", said)
    if 300 <= status < 400:
        return Trouble(
            "no_access", f"{where} redirects to another address ({status}): give that address as base_url"
        )
    # These pass with time; every other 4xx would be refused again.
    if status in (408, 409, 425, 429) or status >= 500:
        return Trouble(
            "server_error", said, again=True, wait=failure.wait or None
        )  # "0" and a date gone by name no wait
    if CONTENT.search(words):
        return Trouble("refused", message)
    return Trouble("bad_request", said)


def is_the_images_own(detail: str) -> bool:
    """Whether the image may be the cause of a refused request, as far as the words show.

    >>> is_the_images_own("maximum context length is 4096 tokens"), is_the_images_own("cannot decode the image")
    (False, True)
    """
    return not NOT_THE_IMAGES_OWN.search(detail)
