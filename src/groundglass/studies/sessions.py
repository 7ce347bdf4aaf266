"""The sessions of browsers: opened with the token of a link, and found by a cookie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update

from groundglass.studies.links import digest, new_token, refuse_closed
from groundglass.studies.records import Refused, Session
from groundglass.studies.schema import RATERS, SESSIONS, STUDIES

COOKIE_SECONDS = 90 * 24 * 3600.0
"""How long a browser stays signed in; the link makes a new session at any time."""


def opened_by(connection: Connection, study: str, token: str, now: float) -> tuple[str | None, str]:
    """The id and the name of the rater whose link has a token; the owner's id is None.

    Raises Refused ``unknown``, ``revoked`` or ``expired``.
    """
    hashed = digest(token)
    owner = (STUDIES.c.id == study) & (STUDIES.c.owner_hash == hashed)
    if connection.execute(select(STUDIES.c.id).where(owner)).first() is not None:
        return None, "owner"
    mine = (RATERS.c.study == study) & (RATERS.c.token_hash == hashed)
    rater = connection.execute(select(RATERS).where(mine)).mappings().first()
    if rater is None:
        raise Refused("unknown")
    refuse_closed(rater["revoked"], rater["expires"], now)
    return rater["id"], rater["name"]


def add_session(
    connection: Connection, study: str, rater: str | None, name: str, now: float
) -> tuple[str, Session]:
    """The cookie of a new session, and the session."""
    cookie, csrf = new_token(), new_token()
    same = SESSIONS.c.rater == rater if rater else SESSIONS.c.rater.is_(None)
    before = connection.execute(
        select(func.max(SESSIONS.c.number)).where((SESSIONS.c.study == study) & same)
    ).scalar()
    number = (before or 0) + 1
    row = {
        "id": digest(cookie), "study": study, "rater": rater, "csrf": csrf, "number": number,
        "created": now, "expires": now + COOKIE_SECONDS, "display": None,
    }  # fmt: skip
    connection.execute(insert(SESSIONS), row)
    return cookie, Session(digest(cookie), rater, name, csrf, number, now)


_BY_COOKIE = (
    select(
        SESSIONS.c.id, SESSIONS.c.rater, SESSIONS.c.csrf, SESSIONS.c.number, SESSIONS.c.created,
        SESSIONS.c.expires.label("session_expires"), RATERS.c.name, RATERS.c.expires, RATERS.c.revoked,
    )
    .select_from(SESSIONS.outerjoin(RATERS, SESSIONS.c.rater == RATERS.c.id))
    .where((SESSIONS.c.id == bindparam("cookie")) & (SESSIONS.c.study == bindparam("study_id")))
)  # fmt: skip


def session_row(connection: Connection, study: str, hashed: str) -> Mapping[Any, Any] | None:
    """The row of the session whose cookie has this hash, with its rater's link; None if there is none."""
    found = connection.execute(_BY_COOKIE, {"cookie": hashed, "study_id": study})
    return found.mappings().first()


def session_at(row: Mapping[Any, Any], now: float) -> Session:
    """The session of a row, with its state at this moment: a link expires without any change of its row."""
    state = "open"
    if row["revoked"] is not None:
        state = "revoked"
    elif row["session_expires"] <= now or (row["expires"] is not None and row["expires"] <= now):
        state = "expired"
    name = row["name"] or "owner"
    return Session(row["id"], row["rater"], name, row["csrf"], row["number"], row["created"], state)


def keep_display(connection: Connection, session: Session, display: Mapping[str, Any]) -> None:
    """Keep what a browser says of its display."""
    connection.execute(update(SESSIONS).where(SESSIONS.c.id == session.id).values(display=dict(display)))
