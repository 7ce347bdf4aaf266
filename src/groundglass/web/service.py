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
from groundglass.web.settings import Settings


@dataclass(frozen=True)
class Service:
    """The studies that are served, and the limits of changes (by session) and of unknown links (by address)."""

    studies: tuple[Study, ...]
    settings: Settings
    changes: Bucket
    misses: Bucket

    def rater(self, request: Request, fresh: bool = True) -> tuple[Study, Session]:
        """The study and the session of a rater; ``fresh`` as in `Store.session`. Raises Stop or Refused."""
        return self._limited(request, session_of(request, self.studies, RATER, fresh))

    def owner(self, request: Request) -> tuple[Study, Session]:
        """The study and the session of an owner. Raises Stop or Refused."""
        return self._limited(request, session_of(request, self.studies, OWNER))

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
        return self.settings.url.rstrip("/") or f"{request.url.scheme}://{request.headers['host']}"
