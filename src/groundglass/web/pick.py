"""The application of `study pick`: one person picks held-out images by eye; every pick is on disk at once."""

from __future__ import annotations

import functools
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from groundglass.errors import ImageError, UnreachableError
from groundglass.files.atomic import write_text
from groundglass.image import encode
from groundglass.runs.pick_candidates import Candidates, ListedCandidate, chosen, listed
from groundglass.web.guards import Guards
from groundglass.web.rating import static
from groundglass.web.replies import Stop, refusal, reply
from groundglass.web.requests import check_origin, read_json
from groundglass.web.screen import pick_page
from groundglass.web.settings import Settings
from groundglass.web.troubles import Troubles

COOKIE = "groundglass_pick"
SMALL = 640
"""The longer side of an image in the grid, px."""
AT_ONCE = threading.Semaphore(2)
"""Images that are decoded at the same time."""


@dataclass
class Picks:
    """The candidates of one split, and the file that has what is picked."""

    candidates: Candidates
    among: Sequence[ListedCandidate]
    token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def file(self) -> Path:
        return self.candidates.run.path / f"pick-{self.candidates.step}-{self.candidates.split}.yaml"

    def picked(self) -> list[str]:
        """The ids that were picked so far, best first; before the first pick, those that the recipe names."""
        try:
            text = self.file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return chosen(self.candidates, list(self.among))
        return self.known(json.loads(text[text.index("pick: ") :].removeprefix("pick: ")))

    def known(self, ids: Sequence[str]) -> list[str]:
        """Those ids that are candidates, in the candidates' order."""
        wanted = set(ids)
        return [one.id for one in self.among if one.id in wanted]

    def line(self) -> str:
        """The line for the recipe."""
        return f"pick: {json.dumps(self.picked())}"

    def write(self, ids: Sequence[str]) -> None:
        """Keep what is picked; it is on disk when this returns."""
        about = f"# For the split {self.candidates.split} of the step {self.candidates.step}, in place of its `pick`."
        write_text(f"{about}\npick: {json.dumps(self.known(ids))}\n", self.file)


def picks_of(candidates: Candidates) -> Picks:
    """The picks of a split, with those of an earlier session."""
    return Picks(candidates, listed(candidates))


def create_pick_app(picks: Picks, settings: Settings | None = None) -> ASGIApp:
    """The application. Everything needs the cookie that the link of this start gives."""
    settings = settings or Settings()
    troubles = Troubles(settings.report)

    def reads(
        read: Callable[[Picks, Request], Response], open_to_all: bool = False
    ) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                if not open_to_all:
                    _check_cookie(picks, request)
                return await run_sync(functools.partial(read, picks, request))
            except Stop as stop:
                return refusal(request, stop)
            except ImageError as error:
                what = f"the image {_at(picks, request).name} cannot be shown"
                troubles.add("", what, str(error), "put the file back as it was, and load the page again")
                return refusal(request, Stop("image"))

        return endpoint

    async def save(request: Request) -> Response:
        try:
            _check_cookie(picks, request)
            check_origin(request, settings)
            if not hmac.compare_digest(request.headers.get("x-csrf-token", "").encode(), picks.csrf.encode()):
                raise Stop("csrf")
            return await run_sync(_save, picks, await read_json(request, PICKS_BODY))
        except Stop as stop:
            return refusal(request, stop)
        except UnreachableError as error:
            troubles.add("", "the picks cannot be saved", error.message, error.hint)
            return refusal(request, Stop("unexpected", "the picks cannot be saved: " + error.message))

    routes = [
        Route("/healthz", reads(lambda *_: reply({"ok": True}), True)),
        Route("/o/{token}", reads(_open, True)),
        Route("/static/{name}", reads(lambda _, request: static(None, request), True)),
        Route("/", reads(lambda *_: HTMLResponse(pick_page()))),
        Route("/api/pick", reads(_state), methods=["GET"]),
        Route("/api/pick", save, methods=["POST"]),
        Route("/small/{at:int}", reads(_small)),
        Route("/image/{at:int}", reads(_whole)),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _no_such_address})
    return Guards(app, settings, troubles)


PICKS_BODY = 1 << 20
"""The most bytes of a list of picks: 1,000 ids fit many times."""


def _check_cookie(picks: Picks, request: Request) -> None:
    if not hmac.compare_digest(request.cookies.get(COOKIE, "").encode(), picks.cookie.encode()):
        raise Stop("no_session", "open the link again that `groundglass study pick` prints")


def _open(picks: Picks, request: Request) -> Response:
    if not hmac.compare_digest(request.path_params["token"].encode(), picks.token.encode()):
        raise Stop("not_found")
    response = RedirectResponse("/", 303)
    response.set_cookie(COOKIE, picks.cookie, httponly=True, samesite="lax")
    return response


def _state(picks: Picks, _request: Request) -> Response:
    return reply(
        {
            "step": picks.candidates.step,
            "split": picks.candidates.split,
            "wanted": picks.candidates.wanted,
            "images": [{"id": one.id, "name": one.name} for one in picks.among],
            "picked": picks.picked(),
            "file": str(picks.file),
            "csrf": picks.csrf,
        }
    )


def _save(picks: Picks, sent: Mapping[str, Any]) -> Response:
    ids = sent.get("picked")
    if set(sent) != {"picked"} or not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise Stop("not_json", "'picked' must be a list of ids")
    with picks.lock:
        picks.write(ids)
        return reply({"ok": True, "line": picks.line()})


def _at(picks: Picks, request: Request) -> ListedCandidate:
    at = request.path_params["at"]
    if not 0 <= at < len(picks.among):
        raise Stop("not_found")
    return picks.among[at]


def _small(picks: Picks, request: Request) -> Response:
    with AT_ONCE:
        data = encode.thumbnail(_at(picks, request).pixels(), SMALL, 85)
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


def _whole(picks: Picks, request: Request) -> Response:
    """All pixels of an image, unchanged."""
    with AT_ONCE:
        data = encode.encode_png(_at(picks, request).pixels())
    return Response(data, media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})


def _no_such_address(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return refusal(request, Stop("method" if status == 405 else "not_found"), status)
