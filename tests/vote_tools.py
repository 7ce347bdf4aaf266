"""Raters who vote through the store of a study, without a browser."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from groundglass.studies.open_study import Study
from groundglass.studies.records import Trial, Vote


def vote_all(study: Study, raters: int, answer: Callable[[str, Trial, dict[str, Any]], Any]) -> int:
    """Let raters answer all their trials; ``answer`` gets the rater, the trial, and the rows of the items by side.

    Returns the number of votes.
    """
    store, votes = study.store, 0
    items = {item["id"]: item for item in store.items().to_pylist()}
    for name, token in store.invite(raters):
        _, session = store.exchange(token)
        while trials := store.next(session):
            trial = trials[0]
            shown = {image.side: store.image(session, image.id) for image in trial.images}
            rows = {side: items[found.item.id] | {"damaged": found.damaged} for side, found in shown.items()}
            store.vote(session, Vote(str(uuid.uuid4()), trial.id, answer(name, trial, rows)))
            votes += 1
    return votes
