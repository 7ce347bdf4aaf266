"""The application of `study pick`: one person picks held-out images by eye; every pick is on disk at once."""

from __future__ import annotations

import functools
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence, Set
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

from groundglass.errors import GroundglassError, ImageError, RecipeError
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

    @functools.cached_property
    def key(self) -> str:
        """A name of these candidates that no others have: browsers share cookies and images between the ports."""
        parts = [str(self.file.resolve()), *(f"{one.id} {one.sha256}" for one in self.among)]
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:12]

    @property
    def file(self) -> Path:
        return self.candidates.run.path / f"pick-{self.candidates.step}-{self.candidates.split}.yaml"

    def picked(self) -> list[str]:
        """The ids that were picked so far, best first; before the first pick, those that the recipe names.

        Raises RecipeError if the file cannot be read.
        """
        try:
            text = self.file.read_text(encoding="utf-8")
            ids = json.loads(text[text.index("pick: ") :].removeprefix("pick: "))
            if not isinstance(ids, list):
                raise ValueError
        except FileNotFoundError:
            return chosen(self.candidates, list(self.among))
        except (OSError, ValueError) as error:
            said = (isinstance(error, OSError) and error.strerror) or "it has no line pick: [...]"
            raise RecipeError(
                f"cannot read the picks in {self.file}: {said}", "mend or remove it, then start again"
            ) from error
        return self._in_order({str(one) for one in ids})

    def _in_order(self, ids: Set[str]) -> list[str]:
        """Those ids that are candidates, in the candidates' order."""
        return [one.id for one in self.among if one.id in ids]

    def change(self, pick: Set[str], drop: Set[str]) -> list[str]:
        """Pick some images and drop others; returns all that are picked, which are on disk then.

        Only the changes are sent, so that two tabs do not undo each other's picks.
        """
        with self.lock:
            before = self.picked()
            after = self._in_order((set(before) | pick) - drop)
            if after != before:
                step, split = self.candidates.step, self.candidates.split
                about = f"# For the split {split} of the step {step}, in place of its `pick`."
                write_text(f"{about}\n{line_of(after)}\n", self.file)
        return after


def line_of(ids: Sequence[str]) -> str:
    """The line for the recipe.

    >>> line_of(["a", "b"])
    'pick: ["a", "b"]'
    """
    return f"pick: {json.dumps(ids)}"


def picks_of(candidates: Candidates) -> Picks:
    """The picks of a split, with those of an earlier session. Raises as `Picks.picked`."""
    picks = Picks(candidates, listed(candidates))
    picks.picked()
    return picks


def create_pick_app(picks: Picks, settings: Settings | None = None) -> ASGIApp:
    """The application. Everything needs the cookie that the link of this start gives."""
    settings = settings or Settings()
    troubles = Troubles(settings.report, "report it as a bug of groundglass, with this line")

    def failed(request: Request, what: str, error: GroundglassError) -> Response:
        troubles.add("", what, error.message, error.hint)
        return refusal(request, Stop("unexpected", f"{what}: {error.message}"))

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
            except GroundglassError as error:
                return failed(request, "the picks cannot be read", error)

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
        except GroundglassError as error:
            return failed(request, "the picks cannot be saved", error)

    routes = [
        Route("/healthz", reads(lambda *_: reply({"ok": True}), True)),
        Route("/o/{token}", reads(_open, True)),
        Route("/static/{name}", reads(lambda _, request: static(None, request), True)),
        Route("/", reads(lambda *_: HTMLResponse(pick_page()))),
        Route("/api/pick", reads(_state), methods=["GET"]),
        Route("/api/pick", save, methods=["POST"]),
        Route("/small/{key}/{at:int}", reads(_small)),
        Route("/image/{key}/{at:int}", reads(_whole)),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _no_such_address})
    return Guards(app, settings, troubles)


PICKS_BODY = 1 << 20
"""The most bytes of a list of picks: 1,000 ids fit many times."""


def _check_cookie(picks: Picks, request: Request) -> None:
    if not hmac.compare_digest(request.cookies.get(_cookie(picks), "").encode(), picks.cookie.encode()):
        raise Stop("no_session", "open the link that `groundglass study pick` printed last")


def _cookie(picks: Picks) -> str:
    return f"groundglass_pick_{picks.key}"


def _open(picks: Picks, request: Request) -> Response:
    if not hmac.compare_digest(request.path_params["token"].encode(), picks.token.encode()):
        raise Stop("not_found")
    response = RedirectResponse("/", 303)
    response.set_cookie(_cookie(picks), picks.cookie, httponly=True, samesite="lax")
    return response


def _state(picks: Picks, _request: Request) -> Response:
    return reply(
        {
            "split": picks.candidates.split,
            "wanted": picks.candidates.wanted,
            "images": [{"id": one.id, "name": one.name} for one in picks.among],
            "picked": picks.picked(),
            "key": picks.key,
            "csrf": picks.csrf,
        }
    )


def _save(picks: Picks, sent: Mapping[str, Any]) -> Response:
    if set(sent) != {"pick", "drop"}:
        raise Stop("not_json", "'pick' and 'drop' must be lists of ids")
    return reply({"picked": picks.change(_ids(sent["pick"]), _ids(sent["drop"]))})


def _ids(sent: Any) -> set[str]:
    if not isinstance(sent, list) or not all(isinstance(one, str) for one in sent):
        raise Stop("not_json", "'pick' and 'drop' must be lists of ids")
    return set(sent)


def _at(picks: Picks, request: Request) -> ListedCandidate:
    at = request.path_params["at"]
    if request.path_params["key"] != picks.key or not 0 <= at < len(picks.among):
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
