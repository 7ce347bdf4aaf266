"""Replies: JSON, and refusals as JSON for programs or as a page for people."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from groundglass.studies.records import Refused
from groundglass.web.screen import message_page

STATUS: dict[str, int] = {
    "no_such_trial": 404, "answered": 409, "other_content": 409, "not_last": 409, "revoked": 403, "expired": 403,
    "unknown": 404, "not_a_rater": 403, "wrong": 422, "no_session": 401, "csrf": 403, "origin": 403, "host": 400,
    "not_the_owner": 403, "not_found": 404, "method": 405, "too_large": 413, "not_json": 415, "slow": 408,
    "too_many": 429, "image": 410, "database": 503, "unexpected": 500, "recipe": 422,
}  # fmt: skip
"""The status of every refusal, by its code."""
TITLES: dict[str, str] = {
    "revoked": "This link was withdrawn", "expired": "This link has expired", "unknown": "This link does not exist",
    "no_session": "Open your link again", "not_the_owner": "This page is for the owner of the study",
    "not_found": "There is nothing here", "too_many": "Too many requests", "unexpected": "Something went wrong",
    "database": "The study cannot be reached now",
}  # fmt: skip
SENTENCES: dict[str, str] = {
    "no_session": "this browser has not opened a link of the study, or did so long ago: open your link again",
    "csrf": "the page is out of date: load it again",
    "origin": "the request came from another site",
    "host": "this server does not answer under that name; if it should, start it with --url and that address",
    "not_the_owner": "this needs the owner's link, which `groundglass study serve` prints",
    "not_found": "there is no such page",
    "method": "this address does not take such a request",
    "too_large": "the request is too large",
    "not_json": "the request must be a JSON object, with Content-Type: application/json",
    "slow": "the request took too long to arrive",
    "too_many": "too many requests: wait a moment, then try again",
    "image": "this image cannot be read anymore; the owner of the study can see why",
    "database": "the database does not answer; nothing was recorded, try again",
    "unexpected": "something went wrong here; nothing was recorded, try again",
}


class Stop(Exception):
    """Ends a request with a refusal. ``headers`` are sent with it."""

    def __init__(self, code: str, sentence: str = "", **headers: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence or SENTENCES[code]
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def reply(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON that no browser takes for a page."""
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Response(text, status, headers, "application/json")


def refusal(request: Request, stop: Stop | Refused, status: int | None = None) -> Response:
    """A refusal: JSON below /api or for a program that asks for it, else a page."""
    code = stop.code
    sentence = stop.sentence if isinstance(stop, Stop) else stop.message
    status = status or STATUS[code]
    headers = stop.headers if isinstance(stop, Stop) else {}
    if wants_json(request):
        key = {"key": stop.key} if isinstance(stop, Refused) and stop.key else {}
        return reply({"error": sentence, "code": code, **key}, status, headers)
    page = message_page(TITLES.get(code, "This did not work"), f"{sentence[0].upper()}{sentence[1:]}.")
    return HTMLResponse(page, status, headers)


def wants_json(request: Request) -> bool:
    """Whether the reply is for a program."""
    accepted = request.headers.get("accept", "")
    if request.url.path.startswith("/api/") or request.method not in ("GET", "HEAD"):
        return True
    return "json" in accepted and "text/html" not in accepted
