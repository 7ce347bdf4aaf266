"""The tables of a study for scores and exports, as Arrow tables."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, func, select

from groundglass.studies.schema import ITEMS, RATERS, SESSIONS, TRIALS, VOTES

TEXT, NUMBER, WHOLE = pa.string(), pa.float64(), pa.int64()
VOTE_COLUMNS = pa.schema(
    [
        ("vote_id", TEXT), ("trial_id", TEXT), ("rater", TEXT), ("session", WHOLE), ("order", WHOLE),
        ("kind", TEXT), ("item", TEXT), ("left", TEXT), ("right", TEXT), ("repeat_of", TEXT), ("damaged", TEXT),
        ("score", TEXT), ("reasons", pa.list_(TEXT)), ("comment", TEXT), ("assigned", NUMBER), ("received", NUMBER),
        ("t_shown", NUMBER), ("t_answer", NUMBER), ("dwell", NUMBER), ("flips", WHOLE), ("zoom_max", NUMBER),
        ("mode", TEXT), ("viewport", pa.list_(NUMBER)), ("dpr", NUMBER), ("display_scale", NUMBER),
        ("app_version", TEXT), ("flags", pa.list_(TEXT)), ("undone_by", TEXT),
    ]
)  # fmt: skip
"""``score`` is JSON: a number, {"dimension": number}, or "left", "right", "tie", "keep", "drop". ``rater`` is the
rater's name; item, left and right are ids of items. ``order`` is the trial's number among the rater's.
"""
ITEM_COLUMNS = pa.schema(
    [
        ("id", TEXT), ("place", WHOLE), ("row", TEXT), ("name", TEXT), ("arm", TEXT), ("content", TEXT),
        ("prompt", TEXT), ("locator", TEXT), ("region", TEXT), ("sha256", TEXT), ("width", WHOLE), ("height", WHOLE),
        ("role", TEXT), ("low", NUMBER), ("high", NUMBER),
    ]
)  # fmt: skip
RATER_COLUMNS = pa.schema(
    [
        ("rater", TEXT), ("created", NUMBER), ("expires", NUMBER), ("revoked", NUMBER), ("sessions", WHOLE),
        ("votes", WHOLE), ("last", NUMBER), ("state", TEXT),
    ]
)  # fmt: skip
"""``state`` is active, revoked, expired or not opened; ``votes`` are all that were not undone."""


def votes(connection: Connection, study: str) -> pa.Table:
    """One row for each vote, in the order in which they came: `VOTE_COLUMNS`."""
    v, t = VOTES.c, TRIALS.c
    asked = (
        select(
            v.id.label("vote_id"), v.trial.label("trial_id"), RATERS.c.name.label("rater"), v.session,
            t.place.label("order"), t.kind, t.item, t.left, t.right, t.of.label("repeat_of"), t.damaged, v.score,
            v.reasons, v.comment, t.assigned, v.received, v.t_shown, v.t_answer, v.dwell, v.flips, v.zoom_max,
            v.mode, v.viewport, v.dpr, v.display_scale, v.app_version, v.flags, v.undone_by,
        )
        .select_from(VOTES.join(TRIALS, v.trial == t.id).join(RATERS, v.rater == RATERS.c.id))
        .where(v.study == study)
        .order_by(v.received, RATERS.c.name, t.place, v.id)
    )  # fmt: skip
    rows = [
        {**row, "score": json.dumps(_plain(row["score"]))}
        for row in connection.execute(asked).mappings().all()
    ]
    return pa.Table.from_pylist(rows, VOTE_COLUMNS)


def _plain(score: Any) -> Any:
    """Whole numbers without a point: 4, not 4.0."""
    if isinstance(score, dict):
        return {name: _plain(value) for name, value in score.items()}
    return int(score) if isinstance(score, float) and score.is_integer() else score


def items(connection: Connection, study: str) -> pa.Table:
    """One row for each item: `ITEM_COLUMNS`."""
    asked = select(ITEMS).where(ITEMS.c.study == study).order_by(ITEMS.c.place)
    rows = [dict(row) for row in connection.execute(asked).mappings().all()]
    return pa.Table.from_pylist(rows, ITEM_COLUMNS)


def raters(connection: Connection, study: str, now: float) -> pa.Table:
    """One row for each rater, in the order of their invitations: `RATER_COLUMNS`."""
    opening = (
        select(SESSIONS.c.rater, func.count()).where(SESSIONS.c.study == study).group_by(SESSIONS.c.rater)
    )
    sessions = {rater: count for rater, count in connection.execute(opening)}  # noqa: C416
    voted = {
        rater: (count, last)
        for rater, count, last in connection.execute(
            select(VOTES.c.rater, func.count(), func.max(VOTES.c.received))
            .where((VOTES.c.study == study) & VOTES.c.undone_by.is_(None))
            .group_by(VOTES.c.rater)
        )
    }
    rows: list[dict[str, Any]] = []
    asked = select(RATERS).where(RATERS.c.study == study).order_by(RATERS.c.created, RATERS.c.name)
    for row in connection.execute(asked).mappings().all():
        count, last = voted.get(row["id"], (0, None))
        opened = sessions.get(row["id"], 0)
        state = "revoked" if row["revoked"] is not None else "active" if opened else "not opened"
        rows.append(
            {
                **row,
                "rater": row["name"],
                "sessions": opened,
                "votes": count,
                "last": last,
                "state": link_state(state, row["expires"], now),
            }
        )
    return pa.Table.from_pylist(rows, RATER_COLUMNS)


def link_state(state: str, expires: float | None, now: float) -> str:
    """The state of a rater's link at this moment, from an earlier one.

    >>> link_state("active", 5.0, 6.0), link_state("revoked", 5.0, 6.0), link_state("not opened", None, 6.0)
    ('expired', 'revoked', 'not opened')
    """
    return "expired" if state != "revoked" and expires is not None and expires <= now else state
