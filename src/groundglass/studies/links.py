"""The links of a study: the owner's, and one for each rater. The database keeps only the hashes of their tokens."""

from __future__ import annotations

import hashlib
import secrets
import time

from sqlalchemy import Connection, func, insert, select, update

from groundglass.errors import RecipeError
from groundglass.studies.records import Refused
from groundglass.studies.schema import RATERS, STUDIES


def new_token() -> str:
    """128 random bits, as they appear in links and cookies."""
    return secrets.token_urlsafe(16)


def digest(token: str) -> str:
    """The form in which the database keeps a token: whoever reads the database cannot use it."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def replace_owner_token(connection: Connection, study: str) -> str:
    """A new token for the owner's link; the one before no longer works."""
    token = new_token()
    connection.execute(update(STUDIES).where(STUDIES.c.id == study).values(owner_hash=digest(token)))
    return token


def invite_raters(
    connection: Connection, study: str, turn: int, count: int, expires: float | None
) -> list[tuple[str, str]]:
    """Make raters, named on from the last one: (name, token) of each."""
    mine = RATERS.c.study == study
    there = connection.execute(select(func.count()).select_from(RATERS).where(mine)).scalar_one()
    made = [(f"r{number:02d}", new_token()) for number in range(there + 1, there + count + 1)]
    rows = [
        {
            "id": secrets.token_hex(16), "study": study, "name": name, "token_hash": digest(token),
            "created": time.time(), "expires": expires, "turn": turn,
        }
        for name, token in made
    ]  # fmt: skip
    if rows:
        connection.execute(insert(RATERS), rows)
    return made


def revoke_rater(connection: Connection, study: str, turn: int, name: str) -> None:
    """Withdraw a rater's link; the time of the first withdrawal stays. Raises RecipeError for an unknown name."""
    mine = (RATERS.c.study == study) & (RATERS.c.name == name)
    change = {"revoked": func.coalesce(RATERS.c.revoked, time.time()), "turn": turn}
    if not connection.execute(update(RATERS).where(mine).values(change)).rowcount:
        names = connection.execute(select(RATERS.c.name).where(RATERS.c.study == study)).scalars().all()
        raise RecipeError(
            f"there is no rater '{name}'", f"the raters are {', '.join(names) or 'not invited yet'}"
        )


def refuse_closed(revoked: float | None, expires: float | None, now: float) -> None:
    """Raises Refused ``revoked`` or ``expired`` if a link no longer works."""
    if revoked is not None:
        raise Refused("revoked")
    if expires is not None and expires <= now:
        raise Refused("expired")
