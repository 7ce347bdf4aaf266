"""The state of a study for its owner: items, raters and agreement. The live board and `study status` show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from groundglass import __version__
from groundglass.studies.open_study import Study, left_out_notes
from groundglass.studies.rater_results import RaterResult
from groundglass.studies.results import score_study
from groundglass.studies.tables import link_state


def board_of(study: Study, now: float) -> dict[str, Any]:
    """How far a study is: its items, its raters and their agreement."""
    body = study.body
    results = score_study(body, study.store.items(), study.store.votes(), study.seed)
    judged = {rater.rater: asdict(rater) | {"flags": _flags(rater)} for rater in results.raters}
    nothing = {"votes": 0, "correlation": None, "repeat": None, "seconds": None, "left": None, "flags": {}}
    raters = [
        {
            **nothing,
            **judged.get(row["rater"], {}),
            "rater": row["rater"],
            "state": row["state"],
            "last": row["last"],
            "expires": row["expires"],
        }
        for row in study.store.raters().to_pylist()
    ]
    items = [
        {
            "item": item.item,
            "row": item.row,
            "name": item.name,
            "votes": item.votes,
            "score": item.score,
            "ci95": item.ci95,
        }
        for item in results.items
    ]
    return {
        "study": {"name": study.name, "protocol": body.protocol, "votes": body.votes, "stop": body.stop},
        "progress": {
            "items": len(items), "votes": results.votes, "wanted": results.wanted, "lacking": results.lacking,
            "raters": len(raters), "enough": results.enough,
        },
        "items": items,
        "raters": raters,
        "arms": [asdict(arm) for arm in results.arms],
        "agreement": dict(results.agreement),
        "notes": [*left_out_notes(study.left_out), *results.notes],
        "updated": now,
        "version": __version__,
    }  # fmt: skip


def _flags(rater: RaterResult) -> dict[str, int]:
    """The flags of a rater's votes, and how often they were wrong in training."""
    return {**rater.flags, **({"train_failed": rater.misled} if rater.misled else {})}


def as_of(board: Mapping[str, Any], now: float) -> dict[str, Any]:
    """A board that was made before, with the states of links at this moment: a link expires without any change.

    >>> as_of({"raters": [{"rater": "r01", "state": "active", "expires": 5.0}]}, 6.0)
    {'raters': [{'rater': 'r01', 'state': 'expired', 'expires': 5.0}]}
    """
    raters = [
        {**rater, "state": link_state(rater["state"], rater["expires"], now)} for rater in board["raters"]
    ]
    return {**board, "raters": raters}
