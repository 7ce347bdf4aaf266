"""The application: its addresses, and how a request becomes a reply."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anyio
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from groundglass.errors import ImageError, RecipeError, UnreachableError
from groundglass.studies.open_study import Study
from groundglass.studies.records import Refused
from groundglass.web import board, rating
from groundglass.web.guards import Bucket, Guards
from groundglass.web.replies import Stop, refusal
from groundglass.web.requests import check_origin, read_json
from groundglass.web.service import Service
from groundglass.web.settings import (
    MISSES_A_SECOND,
    MISSES_AT_ONCE,
    VOTES_A_SECOND,
    VOTES_AT_ONCE,
    Settings,
)
from groundglass.web.troubles import Troubles

Reader = Callable[[Service, Request], Response]
Changer = Callable[[Service, Request, Mapping[str, Any]], Response]

READS: dict[str, Reader] = {
    "/healthz": rating.health,
    "/": rating.page,
    "/i/{token}": rating.open_link,
    "/o/{token}": board.open_link,
    "/static/{name}": rating.static,
    "/api/session": rating.session,
    "/api/next": rating.next_trials,
    "/board": board.page,
    "/api/board": board.state,
    "/board/export.{format}": board.export,
}
IMAGES: dict[str, Reader] = {"/image/{image}": rating.image}
CHANGES: dict[str, Changer] = {
    "/api/votes": rating.vote,
    "/api/undo": rating.undo,
    "/api/display": rating.display,
    "/api/board/invite": board.invite,
    "/api/board/revoke": board.revoke,
}
"""Every address, by what it needs: only these three kinds exist."""
THREADS, IMAGE_THREADS = 40, 4
"""Requests that are worked on at once. Images have few threads of their own: they never make a vote wait."""


def create_app(studies: Sequence[Study], settings: Settings | None = None) -> ASGIApp:
    """The application for studies that are open. It closes nothing: the caller does."""
    settings = settings or Settings()
    service = Service(
        tuple(studies),
        settings,
        Bucket(VOTES_A_SECOND, VOTES_AT_ONCE),
        Bucket(MISSES_A_SECOND, MISSES_AT_ONCE),
        Troubles(settings.report),
    )
    for study in studies:
        study.store.report = functools.partial(_lost, service, study.name)
    limits: dict[str, anyio.CapacityLimiter] = {}

    async def in_thread(work: Callable[[], Response], kind: str) -> Response:
        if kind not in limits:  # a limiter belongs to a running event loop
            limits[kind] = anyio.CapacityLimiter(IMAGE_THREADS if kind == "image" else THREADS)
        return await run_sync(work, limiter=limits[kind])

    def reads(read: Reader, kind: str) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            return await in_thread(
                functools.partial(_answer, request, functools.partial(read, service)), kind
            )

        return endpoint

    def changes(change: Changer) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                check_origin(request, service.settings)
                sent = await read_json(request)
            except Stop as stop:
                return refusal(request, stop)
            work = functools.partial(_answer, request, lambda asked: change(service, asked, sent))
            return await in_thread(work, "change")

        return endpoint

    routes = [
        *(Route(path, reads(read, "read"), methods=["GET"]) for path, read in READS.items()),
        *(Route(path, reads(read, "image"), methods=["GET"]) for path, read in IMAGES.items()),
        *(Route(path, changes(change), methods=["POST"]) for path, change in CHANGES.items()),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _no_such_address})
    app.router.redirect_slashes = False
    return Guards(app, service.settings, service.troubles)


def _lost(service: Service, study: str, error: UnreachableError) -> None:
    """The database of a study did not do what it was asked for."""
    service.troubles.add(study, "the database does not answer", error.message, error.hint)


def _answer(request: Request, work: Callable[[Request], Response]) -> Response:
    """The reply; what is refused on purpose becomes a refusal."""
    try:
        return work(request)
    except (Stop, Refused) as refused:
        return refusal(request, refused)
    except ImageError:
        return refusal(request, Stop("image"))
    except UnreachableError:
        return refusal(request, Stop("database", retry_after="2"))
    except RecipeError as error:
        return refusal(request, Stop("recipe", error.message))


def _no_such_address(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return refusal(request, Stop("method" if status == 405 else "not_found"), status)
