"""The addresses of a study's owner: the live board, links for raters, and exports."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from groundglass.errors import UnreachableError
from groundglass.studies.board import as_of, board_of
from groundglass.studies.open_study import Study
from groundglass.studies.records import Refused
from groundglass.web.replies import Stop, reply
from groundglass.web.screen import board_page
from groundglass.web.service import Service

SECONDS = 5.0
"""The scores are computed again at most so often."""
MOST_INVITED = 500
LONGEST_DAYS = 3650
MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
_made: dict[str, tuple[float, int, dict[str, Any]]] = {}
_making = threading.Lock()


def open_link(service: Service, request: Request) -> Response:
    return service.open_link(request, "/board", lambda session: session.rater is None)


def page(service: Service, request: Request) -> Response:
    service.owner(request)
    return HTMLResponse(board_page())


def state(service: Service, request: Request) -> Response:
    """The board, with what failed lately. While the database is away, it is the last board and the reason."""
    try:
        study, who = service.owner(request)
        shown = {**_board(study), "late": False}
    except UnreachableError:
        study, who = service.owner(request, fresh=False)
        made = _made.get(study.store.study)
        if made is None:
            raise
        shown = {**made[2], "late": True}
    troubles = [one.plain() for one in service.troubles.of(study.name)]
    return reply({**shown, "troubles": troubles, "csrf": who.csrf})


def _board(study: Study) -> dict[str, Any]:
    """The board, computed again if there are new votes and the last one is a few seconds old."""
    with _making:
        turn, now = study.store.turn(), time.time()
        made = _made.get(study.store.study)
        if made is not None and (made[1] == turn or now - made[0] < SECONDS):
            return as_of(made[2], now)  # a link may have expired since
        board = board_of(study, now)
        _made[study.store.study] = (now, turn, board)
    return board


def invite(service: Service, request: Request, sent: Mapping[str, Any]) -> Response:
    study, _ = service.owner(request)
    for key in sent:
        if key not in ("raters", "days"):
            raise Refused("wrong", f"the key '{key[:40]}' is unknown", key[:40])
    count = _whole(sent, "raters", MOST_INVITED)
    expires = None
    if sent.get("days") is not None:
        expires = time.time() + 86400 * _whole(sent, "days", LONGEST_DAYS)
    base = service.base(request)
    made = study.store.invite(count, expires)
    _made.pop(study.store.study, None)  # the owner sees the new raters at once
    links = [{"rater": name, "link": f"{base}/i/{token}", "expires": expires} for name, token in made]
    return reply({"links": links})


def _whole(sent: Mapping[str, Any], key: str, most: int) -> int:
    value = sent.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise Refused("wrong", f"'{key}' must be a whole number from 1 to {most}", key)
    return value


def revoke(service: Service, request: Request, sent: Mapping[str, Any]) -> Response:
    study, _ = service.owner(request)
    name = sent.get("rater")
    if not isinstance(name, str) or set(sent) != {"rater"}:
        raise Refused("wrong", "'rater' must be the name of a rater, such as r07", "rater")
    study.store.revoke(name)
    _made.pop(study.store.study, None)
    return reply({"ok": True})


def export(service: Service, request: Request) -> Response:
    """The votes as a file. A link of the browser asks for it, so it is a plain GET."""
    study, _ = service.owner(request)
    format = request.path_params["format"]
    if format not in MEDIA:
        raise Stop("not_found")
    from groundglass.studies.export import export_votes

    headers = {"Content-Disposition": f'attachment; filename="{study.name}-votes.{format}"'}
    return Response(export_votes(study, format), headers=headers, media_type=MEDIA[format])
