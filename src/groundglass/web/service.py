"""The parts that all requests share: the studies, the settings, and the limits of rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from groundglass.studies.open_study import Study
from groundglass.studies.records import Refused, Session
from groundglass.web.guards import Bucket
from groundglass.web.replies import Stop
from groundglass.web.requests import OWNER, RATER, session_of, set_cookie
from groundglass.web.settings import Settings, host_name
from groundglass.web.troubles import Troubles

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Service:
    """The studies that are served, and the limits of changes (by session) and of unknown links (by address)."""

    studies: tuple[Study, ...]
    settings: Settings
    changes: Bucket
    misses: Bucket
    troubles: Troubles

    def rater(self, request: Request, fresh: bool = True) -> tuple[Study, Session]:
        """The study and the session of a rater; ``fresh`` as in `Store.session`. Raises Stop or Refused."""
        return self._limited(request, session_of(request, self.studies, RATER, fresh))

    def owner(self, request: Request, fresh: bool = True) -> tuple[Study, Session]:
        """The study and the session of an owner; ``fresh`` as in `Store.session`. Raises Stop or Refused."""
        return self._limited(request, session_of(request, self.studies, OWNER, fresh))

    def _limited(self, request: Request, found: tuple[Study, Session]) -> tuple[Study, Session]:
        if request.method == "POST" and not self.changes.take(found[1].id):
            raise Stop("too_many", retry_after="1")
        return found

    def open_link(self, request: Request, goal: str, fits: Callable[[Session], bool]) -> Response:
        """Exchange the token of a link for a cookie, and go to a page whose address has no token."""
        if request.method == "HEAD":  # programs that look at links in mails open no session
            return RedirectResponse(goal, 303)
        address = request.client.host if request.client else ""
        token = request.path_params["token"]
        for study in self.studies:
            try:
                cookie, session = study.store.exchange(token)
            except Refused as refused:
                if refused.code != "unknown":
                    raise
                continue
            if not fits(session):
                continue
            response = RedirectResponse(goal, 303)
            set_cookie(
                response, study, OWNER if session.rater is None else RATER, cookie, self.settings.secure
            )
            return response
        if not self.misses.take(address):
            raise Stop("too_many", retry_after="60")
        raise Refused("unknown")

    def base(self, request: Request) -> str:
        """The address of the application, for links."""
        here = request.headers["host"]
        if self.settings.url:
            return self.settings.url.rstrip("/")
        if self.settings.reach and host_name(here) in LOOPBACK:
            return self.settings.reach
        return f"{request.url.scheme}://{here}"
