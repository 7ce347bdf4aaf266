"""The trials of a rater: handed out, shown without a hint of what they check, and how many are left."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from itertools import pairwise
from math import ceil
from typing import Any

from sqlalchemy import Connection, insert, select

from groundglass.studies.assign import at_cap, left_for, next_trial
from groundglass.studies.handed_out import Draft
from groundglass.studies.links import refuse_closed
from groundglass.studies.progress import Change, Progress, RaterState, TrialState
from groundglass.studies.records import ItemRow, Refused, Session, Shown, Standing, Trial, TrialImage
from groundglass.studies.schema import TRIALS

REST = 3600.0
"""Seconds without an answer that end a sitting."""


def rater_of(progress: Progress, session: Session) -> RaterState:
    """The rater of a session.

    Raises Refused ``not_a_rater`` for the owner, ``revoked`` or ``expired`` if the rater's link no longer works.
    """
    rater = progress.raters.get(session.rater or "")
    if rater is None:
        raise Refused("not_a_rater")
    refuse_closed(rater.revoked, rater.expires, time.time())
    return rater


def next_draft(progress: Progress, rater: RaterState) -> Draft | None:
    """The trial that the rater would get next; None if there is none now, also after a sitting."""
    if rest_of(progress, rater, time.time()):
        return None
    return next_trial(progress.design, progress.tally, rater.history)


def hand_out(change: Change, rater: RaterState, wanted: int) -> None:
    """Hand out trials until the rater has so many open ones, or there are no more."""
    connection, progress = change
    rows: list[dict[str, Any]] = []
    progress.forget_old(time.time())
    while len(progress.open_trials(rater)) < wanted:
        draft = next_draft(progress, rater)
        if draft is None:
            break
        items = progress.design.items
        single = draft.right < 0
        row = {
            "id": secrets.token_hex(16), "study": progress.study, "rater": rater.id,
            "place": len(rater.trials) + 1, "kind": draft.kind,
            "item": items[draft.left].id if single else None,
            "left": None if single else items[draft.left].id,
            "right": None if single else items[draft.right].id,
            "of": rater.trials[draft.of - 1].id if draft.of is not None else None,
            "damaged": draft.damaged, "assigned": time.time(), "turn": progress.turn,
        }  # fmt: skip
        progress.apply_trial(row)
        rows.append(row)
    if rows:
        connection.execute(insert(TRIALS), rows)


def rest_of(progress: Progress, rater: RaterState, now: float) -> float:
    """Seconds until the rater may go on after a sitting; 0 if the sitting is not at its end.

    Open trials are part of the sitting that answers them, not of the one that left them open.
    """
    most = progress.design.sitting
    if most is None:
        return 0.0
    backwards = [now for _ in progress.open_trials(rater)] + list(reversed(rater.voted.values()))
    if len(backwards) < most:
        return 0.0
    pauses = [after - before for after, before in pairwise([now, *backwards[:most]])]
    return 0.0 if max(pauses) >= REST else backwards[0] + REST - now


def first_open(progress: Progress, rater: RaterState, wanted: int) -> list[Trial]:
    """The rater's first open trials, as they get them."""
    total = total_of(progress, rater)
    return [as_shown(progress, trial, total) for trial in progress.open_trials(rater)[:wanted]]


def as_shown(progress: Progress, trial: TrialState, total: int | None) -> Trial:
    """A trial as its rater gets it; ``total`` as in `total_of`."""
    draft, design = trial.draft, progress.design
    if draft.right < 0:
        layout, sides, places = "single", ("single",), (draft.left,)
    elif design.protocol == "pair_accept":
        layout, sides, places = "lq_hq", ("lq", "hq"), (draft.left, draft.right)
    else:
        layout, sides, places = "left_right", ("left", "right"), (draft.left, draft.right)
    images = tuple(
        TrialImage(side, f"{trial.id}{at}", design.items[place].width, design.items[place].height)
        for at, (side, place) in enumerate(zip(sides, places, strict=True))
    )
    prompt = design.items[draft.left].prompt
    return Trial(trial.id, layout, draft.kind == "train", trial.place, total, images, prompt)


def total_of(progress: Progress, rater: RaterState) -> int | None:
    """About how many trials the rater will have had in the end; None if that depends on the votes."""
    rest = left_for(progress.design, progress.tally, rater.history)
    return None if rest is None else len(rater.trials) + rest


def standing_of(progress: Progress, rater: RaterState) -> Standing:
    """How far a rater is."""
    why = minutes = None
    if not progress.open_trials(rater):
        if next_trial(progress.design, progress.tally, rater.history) is None:
            why = "cap" if at_cap(progress.design, rater.history) else "all_rated"
        elif rest := rest_of(progress, rater, time.time()):
            why, minutes = "sitting", ceil(rest / 60)
    return Standing(len(rater.voted), total_of(progress, rater), why, minutes)


def trial_row(connection: Connection, study: str, trial: str) -> Mapping[Any, Any] | None:
    """The row of a trial, which never changes; None if the study has no such trial."""
    mine = (TRIALS.c.id == trial) & (TRIALS.c.study == study)
    return connection.execute(select(TRIALS).where(mine)).mappings().first()


def image_number(image: str) -> tuple[str, int] | None:
    """The trial of an opaque id of an image, and the number of the image in it; None if it cannot be such an id."""
    return (image[:-1], int(image[-1])) if len(image) == 33 and image[-1] in "01" else None


def shown_in(trial: Mapping[Any, Any], number: int, items: Mapping[str, ItemRow]) -> Shown | None:
    """An image of a trial by its number, 0 or 1; None if the trial has only one."""
    if trial["item"] and number == 1:
        return None
    side = "single" if trial["item"] else ("left", "right")[number]
    return Shown(items[trial["item"] or trial[side]], trial["damaged"] == side)
