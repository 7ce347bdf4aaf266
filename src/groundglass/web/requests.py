"""The session and the body of a request, and whether it comes from the application's own page."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from groundglass.studies.open_study import Study
from groundglass.studies.records import Refused, Session
from groundglass.studies.sessions import COOKIE_SECONDS
from groundglass.web.replies import Stop
from groundglass.web.settings import BODY, BODY_SECONDS, Settings

OWNER, RATER = "o", "r"
SAFE = ("GET", "HEAD")


def cookie_name(study: Study, role: str) -> str:
    """The name of a study's cookie. Browsers share cookies between the ports of a machine, so each has its own."""
    return f"groundglass_{role}_{short_id(study)}"


def short_id(study: Study) -> str:
    """A name of a study that no other study has; browsers keep cookies and unsent votes under it."""
    return hashlib.sha256(study.store.study.encode()).hexdigest()[:12]


def set_cookie(response: Response, study: Study, role: str, cookie: str, secure: bool) -> None:
    """Sign a browser in. Lax, so that a link in a mail works; no script can read it."""
    response.set_cookie(
        cookie_name(study, role), cookie, max_age=int(COOKIE_SECONDS), httponly=True, samesite="lax", secure=secure
    )  # fmt: skip


def session_of(
    request: Request, studies: Sequence[Study], role: str, fresh: bool = True
) -> tuple[Study, Session]:
    """The open session of a request, as a rater's or as the owner's; ``fresh`` as in `Store.session`.

    If a browser has opened several studies, the header X-CSRF-Token says which page asks; else it is the newest one.
    Raises Stop ``no_session``, ``not_the_owner`` or ``csrf``, Refused ``revoked``, ``expired`` or ``not_a_rater``.
    """
    found = sessions_of(request, studies, role, fresh)
    if not found:
        other = sessions_of(request, studies, OWNER if role == RATER else RATER)
        if other:
            raise Refused("not_a_rater") if role == RATER else Stop("not_the_owner")
        raise Stop("no_session")
    token = request.headers.get("x-csrf-token", "").encode()
    named = [one for one in found if hmac.compare_digest(one[1].csrf.encode(), token)]
    study, session = max(named or found, key=lambda one: (one[1].state == "open", one[1].created))
    if session.state != "open":
        raise Refused(session.state)
    if request.method not in SAFE and not named:
        raise Stop("csrf")
    return study, session


def sessions_of(
    request: Request, studies: Sequence[Study], role: str, fresh: bool = True
) -> list[tuple[Study, Session]]:
    """All sessions of a browser in one role."""
    found: list[tuple[Study, Session]] = []
    for study in studies:
        cookie = request.cookies.get(cookie_name(study, role))
        session = study.store.session(cookie, fresh) if cookie else None
        if session is not None and (session.rater is None) == (role == OWNER):
            found.append((study, session))
    return found


def check_origin(request: Request, settings: Settings) -> None:
    """A browser says from which site a request comes; only the application's own pages may change anything.

    Raises Stop ``origin``. Programs send no Origin; they have no cookies of other sites either.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Stop("origin")
    origin = request.headers.get("origin")
    if origin is None:
        return
    host = urlsplit(origin).netloc.lower() if origin.isascii() else ""
    own = {request.headers.get("host", "").lower(), settings.public} - {""}
    if host not in own:
        raise Stop("origin")


async def read_json(request: Request, most: int = BODY) -> Mapping[str, Any]:
    """The JSON object of a request's body. Raises Stop ``not_json``, ``too_large`` or ``slow``."""
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > most:
        raise Stop("too_large", connection="close")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Stop("not_json")
    whole = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                whole += part
                if len(whole) > most:
                    raise Stop("too_large", connection="close")
    except TimeoutError:
        raise Stop("slow", connection="close") from None
    except ClientDisconnect:
        raise Stop("slow") from None
    try:
        sent = json.loads(whole.decode(), parse_constant=_no_constant, object_pairs_hook=_no_key_twice)
    except (ValueError, RecursionError):
        raise Stop("not_json") from None
    if not isinstance(sent, dict):
        raise Stop("not_json")
    return sent


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice")
    return found
